"""ConvNeXt (Liu et al. 2022)."""
import torch
from torch import nn


class ChannelNorm(nn.Module):
    """Over the channels of each position of a map."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        x = x - x.mean(1, keepdim=True)
        x = x / (x.square().mean(1, keepdim=True) + 1e-6).sqrt()
        return x * self.weight[:, None, None] + self.bias[:, None, None]


class Pointwise(nn.Module):
    """A linear layer at each position of a map."""

    def __init__(self, inside, out):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(out, inside))
        self.bias = nn.Parameter(torch.zeros(out))

    def forward(self, x):
        return nn.functional.conv2d(x, self.weight[:, :, None, None], self.bias)


class Stem(nn.Module):
    def __init__(self, channels, width, patch):
        super().__init__()
        self.conv = nn.Conv2d(channels, width, patch, patch)
        self.norm = ChannelNorm(width)

    def forward(self, x):
        return self.norm(self.conv(x))


class Block(nn.Module):
    def __init__(self, inside, out):
        super().__init__()
        self.halve = inside != out
        if self.halve:
            self.down_norm = ChannelNorm(inside)
            self.down = nn.Conv2d(inside, out, 2, 2)
        self.depthwise = nn.Conv2d(out, out, 7, padding=3, groups=out)
        self.norm = ChannelNorm(out)
        self.expand = Pointwise(out, 4 * out)
        self.project = Pointwise(4 * out, out)
        self.scale = nn.Parameter(torch.full((out, 1, 1), 1e-6))

    def forward(self, x):
        if self.halve:
            x = self.down(self.down_norm(x))
        return x + self.scale * self.project(nn.functional.gelu(self.expand(self.norm(self.depthwise(x)))))


class Last(nn.Module):
    def __init__(self, inside, classes):
        super().__init__()
        self.norm = ChannelNorm(inside)
        self.linear = nn.Linear(inside, classes)

    def forward(self, x):
        return self.linear(self.norm(x.mean((2, 3), keepdim=True)).flatten(1))


class Net(nn.Module):
    def __init__(self, channels, blocks, width, patch, classes):
        super().__init__()
        self.stage = nn.ModuleDict({"stem": Stem(channels, width, patch)})
        inside = width
        for group, count in enumerate(blocks):
            out = width * 2 ** group
            for _ in range(count):
                self.stage[str(len(self.stage) - 1)] = Block(inside, out)
                inside = out
        self.last = Last(inside, classes)

    def forward(self, x):
        for stage in self.stage.values():
            x = stage(x)
        return self.last(x)


def build(arch, shape, classes):
    return Net(shape[0], arch.get("blocks", [3, 3, 9, 3]), arch.get("width", 96), arch.get("patch", 4), classes)
