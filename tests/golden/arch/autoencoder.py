"""Fully connected autoencoders: ReLU after every hidden layer; the answer is minus the distance to centres, which are at
0 before they are fitted."""
import torch
from torch import nn


class Decoder(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        for i, pair in enumerate(zip(sizes, sizes[1:])):
            self.add_module(f"layer{i}", nn.Linear(*pair))


class Net(nn.Module):
    def __init__(self, sizes, classes):
        super().__init__()
        self.classes = classes
        self.stage = nn.ModuleDict({str(i): nn.Linear(*pair) for i, pair in enumerate(zip(sizes, sizes[1:]))})
        self.last = Decoder(sizes[::-1])

    @staticmethod
    def through(layers, x):
        layers = list(layers)
        for layer in layers[:-1]:
            x = layer(x).relu()
        return layers[-1](x)

    def embedding(self, x):
        return self.through(self.stage.values(), x.flatten(1))

    def forward(self, x):
        return -self.embedding(x).norm(dim=1, keepdim=True).expand(-1, self.classes)

    def loss(self, x):
        return ((self.through(self.last.children(), self.embedding(x)) - x.flatten(1)) ** 2).mean()


def build(arch, shape, classes):
    return Net([shape[0] * shape[1] * shape[2], *arch["widths"], arch["embedding"]], classes)
