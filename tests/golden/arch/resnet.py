"""Residual networks (He et al. 2016; CIFAR type: their section 4.2, with projections)."""
from torch import nn


class Stem(nn.Module):
    def __init__(self, channels, width, kind):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, *{"3": (3, 1, 1), "7": (7, 2, 3)}[kind[0]], bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(3, 2, 1) if kind.endswith("pool") else nn.Identity()

    def forward(self, x):
        return self.pool(self.bn1(self.conv1(x)).relu())


class Basic(nn.Module):
    def __init__(self, inside, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inside, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.project = stride != 1 or inside != out
        if self.project:
            self.shortcut = nn.Conv2d(inside, out, 1, stride, bias=False)
            self.shortcut_bn = nn.BatchNorm2d(out)

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + (self.shortcut_bn(self.shortcut(x)) if self.project else x)).relu()


class Bottleneck(nn.Module):
    def __init__(self, inside, inner, out, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inside, inner, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv2, self.bn2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = nn.Conv2d(inner, out, 1, bias=False), nn.BatchNorm2d(out)
        self.project = stride != 1 or inside != out
        if self.project:
            self.shortcut = nn.Conv2d(inside, out, 1, stride, bias=False)
            self.shortcut_bn = nn.BatchNorm2d(out)

    def forward(self, x):
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)).relu()
        y = self.bn3(self.conv3(y))
        return (y + (self.shortcut_bn(self.shortcut(x)) if self.project else x)).relu()


class Net(nn.Module):
    def __init__(self, stages, last):
        super().__init__()
        self.stage = nn.ModuleDict(stages)
        self.last = last

    def forward(self, x):
        for stage in self.stage.values():
            x = stage(x)
        return self.last(x.mean((2, 3)))


GROUPS = {18: "2222", 34: "3463", 50: "3463", 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


def build(arch, shape, classes):
    depth = arch["depth"]
    if arch.get("type") == "imagenet":
        width, groups = arch.get("width", 64), [int(n) for n in GROUPS[depth]]
    else:
        width, groups = arch.get("width", 16), 3 * [(depth - 2) // 6]
    deep = arch.get("type") == "imagenet" and depth > 34
    stages = {"stem": Stem(shape[0], width, arch.get("stem", "3x3"))}
    inside = width
    for group, blocks in enumerate(groups):
        for block in range(blocks):
            out, stride = width * 2**group, 2 if group and block == 0 else 1
            if deep:
                made = Bottleneck(inside, out * arch.get("inner", 1), 4 * out, stride)
            else:
                made = Basic(inside, out, stride)
            stages[str(len(stages) - 1)] = made
            inside = 4 * out if deep else out
    return Net(stages, nn.Linear(inside, classes))
