"""Residual networks (He et al. 2016; CIFAR type: their section 4.2, with projections)."""
from torch import nn


class Stem(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)

    def forward(self, x):
        return self.bn1(self.conv1(x)).relu()


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


class Net(nn.Module):
    def __init__(self, stages, last):
        super().__init__()
        self.stage = nn.ModuleDict(stages)
        self.last = last

    def forward(self, x):
        for stage in self.stage.values():
            x = stage(x)
        return self.last(x.mean((2, 3)))


def build(arch, shape, classes):
    width, blocks = arch.get("width", 16), (arch["depth"] - 2) // 6
    stages = {"stem": Stem(shape[0], width)}
    inside = width
    for block in range(3 * blocks):
        out = width * 2 ** (block // blocks)
        stages[str(block)] = Basic(inside, out, 2 if block and block % blocks == 0 else 1)
        inside = out
    return Net(stages, nn.Linear(inside, classes))
