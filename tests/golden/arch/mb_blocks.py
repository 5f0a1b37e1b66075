"""Inverted bottlenecks of EfficientNet (Tan and Le 2019) and their fused form (EfficientNetV2, 2021)."""
import torch
from torch import nn


class ConvNorm(nn.Module):
    def __init__(self, inside, out, kernel, stride=1, groups=1, eps=1e-5, momentum=0.1):
        super().__init__()
        self.conv = nn.Conv2d(inside, out, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=eps, momentum=momentum)

    def forward(self, x):
        return self.bn(self.conv(x))


class Excite(nn.Module):
    def __init__(self, channels, squeezed):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x):
        s = self.fc1(x.mean((2, 3), keepdim=True))
        s = self.fc2(s * torch.sigmoid(s))
        return x / (1 + torch.exp(-s))


class Plain(nn.Module):
    def __init__(self, inside, out, expand, kernel, stride, norm):
        super().__init__()
        wide = inside * expand
        self.widen = expand != 1
        if self.widen:
            self.expand = ConvNorm(inside, wide, 1, **norm)
        self.depthwise = ConvNorm(wide, wide, kernel, stride, wide, **norm)
        self.excite = Excite(wide, max(1, inside // 4))
        self.project = ConvNorm(wide, out, 1, **norm)
        self.skip = stride == 1 and inside == out

    def forward(self, x):
        y = nn.functional.silu(self.expand(x)) if self.widen else x
        y = self.project(self.excite(nn.functional.silu(self.depthwise(y))))
        return x + y if self.skip else y


class Fused(nn.Module):
    def __init__(self, inside, out, expand, kernel, stride, norm):
        super().__init__()
        self.widen = expand != 1
        self.expand = ConvNorm(inside, inside * expand if self.widen else out, kernel, stride, **norm)
        if self.widen:
            self.project = ConvNorm(inside * expand, out, 1, **norm)
        self.skip = stride == 1 and inside == out

    def forward(self, x):
        y = nn.functional.silu(self.expand(x))
        if self.widen:
            y = self.project(y)
        return x + y if self.skip else y


class Last(nn.Module):
    def __init__(self, inside, head, classes, norm):
        super().__init__()
        self.conv = ConvNorm(inside, head, 1, **norm)
        self.linear = nn.Linear(head, classes)

    def forward(self, x):
        return self.linear(nn.functional.silu(self.conv(x)).mean((2, 3)))


def eights(channels):
    """The multiple of 8 nearest to `channels` (a half goes up), the next one if that loses over a tenth."""
    near = max(8, int((channels + 4) // 8) * 8)
    return near + 8 if near < 0.9 * channels else near


class Net(nn.Module):
    """rows: (kind, expand, kernel, stride, channels) of each group; blocks: how many in each."""

    def __init__(self, channels, classes, stem, rows, blocks, width, norm):
        super().__init__()
        inside = eights(stem * width)
        stages = {"stem": ConvNorm(channels, inside, 3, 2, **norm)}
        for (kind, expand, kernel, stride, out), count in zip(rows, blocks):
            out = eights(out * width)
            for i in range(count):
                stages[str(len(stages) - 1)] = kind(inside, out, expand, kernel, 1 if i else stride, norm)
                inside = out
        self.stage = nn.ModuleDict(stages)
        self.last = Last(inside, eights(1280 * width), classes, norm)

    def forward(self, x):
        for name, stage in self.stage.items():
            x = nn.functional.silu(stage(x)) if name == "stem" else stage(x)
        return self.last(x)
