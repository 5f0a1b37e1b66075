"""Wide residual networks: pre-activation blocks, every convolution with a bias, the stride in the second one."""
from torch import nn


class Stem(nn.Module):
    def __init__(self, channels, out, kind):
        super().__init__()
        self.conv = nn.Conv2d(channels, out, 3, 1, 1) if kind == "3x3" else nn.Conv2d(channels, out, 7, 2, 3)
        self.pool = nn.MaxPool2d(3, 2, 1) if kind == "7x7-pool" else nn.Identity()

    def forward(self, x):
        return self.pool(self.conv(x))


class Block(nn.Module):
    def __init__(self, inside, out, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inside), nn.Conv2d(inside, out, 3, padding=1)
        self.bn2, self.conv2 = nn.BatchNorm2d(out), nn.Conv2d(out, out, 3, stride, padding=1)
        if (inside, stride) != (out, 1):
            self.shortcut = nn.Conv2d(inside, out, 1, stride)

    def forward(self, x):
        y = self.conv2(self.bn2(self.conv1(self.bn1(x).relu())).relu())
        return y + (self.shortcut(x) if hasattr(self, "shortcut") else x)


class Last(nn.Module):
    def __init__(self, inside, classes):
        super().__init__()
        self.bn, self.linear = nn.BatchNorm2d(inside, momentum=0.9), nn.Linear(inside, classes)

    def forward(self, x):
        return self.linear(self.bn(x).relu().mean((2, 3)))


class Net(nn.Module):
    def __init__(self, arch, channels, classes):
        super().__init__()
        inside, blocks = arch.get("base", 16), (arch["depth"] - 4) // 6
        self.stage = nn.ModuleDict({"stem": Stem(channels, inside, arch.get("stem", "3x3"))})
        for group in range(3):
            out = arch.get("base", 16) * arch["width"] * 2**group
            for block in range(blocks):
                self.stage[str(group * blocks + block)] = Block(inside, out, 2 if group > 0 and block == 0 else 1)
                inside = out
        self.last = Last(inside, classes)

    def forward(self, x):
        for stage in self.stage.values():
            x = stage(x)
        return self.last(x)


def build(arch, shape, classes):
    return Net(arch, shape[0], classes)
