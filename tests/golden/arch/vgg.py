"""VGG (Simonyan and Zisserman 2015, table 1: A, B, D, E) with BatchNorm after each convolution."""
from torch import nn

TABLE = {
    11: "1 M 2 M 4 4 M 8 8 M 8 8 M",
    13: "1 1 M 2 2 M 4 4 M 8 8 M 8 8 M",
    16: "1 1 M 2 2 M 4 4 4 M 8 8 8 M 8 8 8 M",
    19: "1 1 M 2 2 M 4 4 4 4 M 8 8 8 8 M 8 8 8 8 M",
}


class Conv(nn.Module):
    def __init__(self, inside, out):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(inside, out, 3, padding=1), nn.BatchNorm2d(out)

    def forward(self, x):
        return self.bn(self.conv(x)).relu()


class Net(nn.Module):
    def __init__(self, arch, shape, classes):
        super().__init__()
        self.stage, self.pooled = nn.ModuleDict(), set()
        inside, side = shape[0], shape[1] * shape[2] // 1024  # for sizes that are multiples of 32
        for word in TABLE[arch["depth"]].split():
            if word == "M":
                self.pooled.add(str(len(self.stage) - 1))
                continue
            out = int(word) * arch["width"]
            self.stage[str(len(self.stage))] = Conv(inside, out)
            inside = out
        units = [inside * side, *arch["hidden"]]
        self.last = nn.ModuleDict({f"hidden{i}": nn.Linear(*pair) for i, pair in enumerate(zip(units, units[1:]))})
        self.last["linear"] = nn.Linear(units[-1], classes)

    def forward(self, x):
        for name, stage in self.stage.items():
            x = stage(x)
            if name in self.pooled:
                x = nn.functional.max_pool2d(x, 2)
        x = x.flatten(1)
        for name, layer in self.last.items():
            x = layer(x) if name == "linear" else layer(x).relu()
        return x


def build(arch, shape, classes):
    return Net(arch, shape, classes)
