"""Fully connected networks: ReLU after every hidden layer."""
from torch import nn


class Net(nn.Module):
    def __init__(self, widths, classes):
        super().__init__()
        self.stage = nn.ModuleDict({str(i): nn.Linear(*pair) for i, pair in enumerate(zip(widths, widths[1:]))})
        self.last = nn.Linear(widths[-1], classes)

    def forward(self, x):
        x = x.flatten(1)
        for layer in self.stage.values():
            x = layer(x).relu()
        return self.last(x)


def build(arch, shape, classes):
    return Net([shape[0] * shape[1] * shape[2], *arch["widths"]], classes)
