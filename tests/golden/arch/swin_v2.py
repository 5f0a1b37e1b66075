"""Swin transformers V2 (Liu et al. 2022): sections 3.1 to 3.3, windows and shifts as in the first version."""
import math

import torch
from torch import nn
from torch.nn import functional as f


class Norm(nn.LayerNorm):
    """Over the channels of [B, C, H, W]."""

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class Stem(nn.Module):
    def __init__(self, channels, patch, width):
        super().__init__()
        self.patches = nn.Conv2d(channels, width, patch, patch)
        self.norm = Norm(width)

    def forward(self, x):
        return self.norm(self.patches(x))


class Merge(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)
        self.norm = Norm(2 * width)

    def forward(self, x):
        x = f.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2))
        four = torch.cat([x[..., row::2, column::2] for column in (0, 1) for row in (0, 1)], 1)
        return self.norm(f.conv2d(four, self.reduction.weight[:, :, None, None]))


class Attention(nn.Module):
    """Over all pairs of the map's places, those of different windows left out."""

    def __init__(self, width, heads, window, shift):
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.position1 = nn.Linear(2, 512)
        self.position2 = nn.Linear(512, heads, bias=False)
        self.scale = nn.Parameter(torch.full((heads, 1, 1), math.log(10)))

    def along(self, size):
        """Of each row (or column): its window, its number in the window, whether it came round the edge."""
        whole = -(-size // self.window) * self.window
        shift = self.shift if whole > self.window else 0
        place = torch.arange(whole)
        moved = (place - shift) % whole
        return moved // self.window, moved % self.window, place < shift

    def forward(self, x):
        batch, width, height, breadth = x.shape
        rows, columns = self.along(height), self.along(breadth)
        tall, broad = len(rows[0]), len(columns[0])
        of_row = torch.arange(tall).repeat_interleave(broad)
        of_column = torch.arange(broad).repeat(tall)
        window = rows[0][of_row] * broad + columns[0][of_column]
        round_edge = 2 * rows[2][of_row].int() + columns[2][of_column].int()
        away = torch.stack([part[1][index][:, None] - part[1][index][None] for part, index in
                            ((rows, of_row), (columns, of_column))], -1).to(x.dtype)
        away = away * 8 / (self.window - 1)
        away = torch.sign(away) * torch.log2(1 + away.abs()) / math.log2(8)
        bias = 16 * torch.sigmoid(self.position2(self.position1(away).relu())).movedim(-1, 0)

        tokens = f.pad(x, (0, broad - breadth, 0, tall - height)).flatten(2).mT
        q, k, v = (tokens @ part.T for part in self.qkv.weight.chunk(3))
        q, v = q + self.qkv.bias[:width], v + self.qkv.bias[2 * width:]
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (q, k, v))
        cosine = f.normalize(q, dim=-1) @ f.normalize(k, dim=-1).mT
        logits = cosine * self.scale.clamp(max=math.log(100)).exp() + bias
        logits = logits - 100 * (round_edge[:, None] != round_edge[None]).to(x.dtype)
        logits = logits.masked_fill(window[:, None] != window[None], -math.inf)
        answer = (logits.softmax(-1) @ v).transpose(1, 2).flatten(2)
        return self.out(answer).mT.reshape(batch, width, tall, broad)[:, :, :height, :breadth]


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x):
        return self.down(f.gelu(self.up(x.movedim(1, -1)))).movedim(-1, 1)


class Block(nn.Module):
    def __init__(self, width, heads, window, shift, merge):
        super().__init__()
        if merge:
            self.merge = Merge(width // 2)
        self.attention = Attention(width, heads, window, shift)
        self.norm1 = Norm(width)
        self.mlp = Mlp(width)
        self.norm2 = Norm(width)

    def forward(self, x):
        if hasattr(self, "merge"):
            x = self.merge(x)
        x = x + self.norm1(self.attention(x))
        return x + self.norm2(self.mlp(x))


class Classifier(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        self.norm = Norm(width)
        self.linear = nn.Linear(width, classes)

    def forward(self, x):
        return self.linear(self.norm(x).mean((2, 3)))


class Net(nn.Module):
    def __init__(self, stem, blocks, last):
        super().__init__()
        self.stage = nn.ModuleDict({"stem": stem, **{str(i): block for i, block in enumerate(blocks)}})
        self.last = last

    def forward(self, x):
        for stage in self.stage.values():
            x = stage(x)
        return self.last(x)


def build(arch, shape, classes):
    width, window = arch["width"], arch["window"]
    blocks = []
    for group, (depth, heads) in enumerate(zip(arch["depths"], arch["heads"])):
        for i in range(depth):
            blocks.append(Block(width * 2**group, heads, window, window // 2 * (i % 2), group > 0 and i == 0))
    last = Classifier(width * 2 ** (len(arch["depths"]) - 1), classes)
    return Net(Stem(shape[0], arch["patch"], width), blocks, last)
