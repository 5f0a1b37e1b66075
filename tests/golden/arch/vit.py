"""Vision transformers (Dosovitskiy et al. 2021, section 3.1 and appendix)."""
import torch
from torch import nn
from torch.nn import functional as f

EPS = 1e-6


class Stem(nn.Module):
    def __init__(self, shape, patch, width):
        super().__init__()
        channels, height, breadth = shape
        self.patches = nn.Conv2d(channels, width, patch, patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, 1 + height * breadth // patch**2, width))

    def forward(self, x):
        # A patch by the formula of a linear map of its pixels, row by row.
        side = self.patches.kernel_size[0]
        pixels = f.unfold(x, side, stride=side).mT
        tokens = pixels @ self.patches.weight.flatten(1).T + self.patches.bias
        return torch.cat([self.class_token.repeat(len(x), 1, 1), tokens], 1) + self.positions


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x):
        y = self.up(x)
        return self.down(y * 0.5 * (1 + torch.erf(y / 2**0.5)))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, EPS)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width, EPS)
        self.mlp = Mlp(width)

    def forward(self, x):
        q, k, v = self.qkv(self.norm1(x)).chunk(3, -1)
        answers = []
        for qh, kh, vh in zip(*(part.chunk(self.heads, -1) for part in (q, k, v))):
            answers.append((qh @ kh.mT / qh.shape[-1] ** 0.5).softmax(-1) @ vh)
        x = x + self.out(torch.cat(answers, -1))
        return x + self.mlp(self.norm2(x))


class Classifier(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        self.norm = nn.LayerNorm(width, EPS)
        self.linear = nn.Linear(width, classes)

    def forward(self, x):
        return self.linear(self.norm(x)[:, 0])


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
    width = arch["width"]
    return Net(Stem(shape, arch.get("patch", 4), width), [Block(width, arch["heads"]) for _ in range(arch["layers"])],
               Classifier(width, classes))
