"""MobileNetV3 (Howard et al. 2019, tables 1 and 2), from the tables' rows."""
from torch import nn

TABLES = {
    # kernel, expansion size, output, squeeze-and-excite, non-linearity, stride
    "large": """3 16 16 . RE 1; 3 64 24 . RE 2; 3 72 24 . RE 1; 5 72 40 SE RE 2; 5 120 40 SE RE 1; 5 120 40 SE RE 1;
                3 240 80 . HS 2; 3 200 80 . HS 1; 3 184 80 . HS 1; 3 184 80 . HS 1; 3 480 112 SE HS 1; 3 672 112 SE HS 1;
                5 672 160 SE HS 2; 5 960 160 SE HS 1; 5 960 160 SE HS 1""",
    "small": """3 16 16 SE RE 2; 3 72 24 . RE 2; 3 88 24 . RE 1; 5 96 40 SE HS 2; 5 240 40 SE HS 1; 5 240 40 SE HS 1;
                5 120 48 SE HS 1; 5 144 48 SE HS 1; 5 288 96 SE HS 2; 5 576 96 SE HS 1; 5 576 96 SE HS 1""",
}


def eights(value):
    nearest = max(8, 8 * int((value + 4) // 8))
    return nearest if nearest >= 0.9 * value else nearest + 8


def hard_swish(x):
    return x * (x + 3).clamp(0, 6) / 6


class ConvNorm(nn.Module):
    def __init__(self, inside, out, kernel, stride, groups, act):
        super().__init__()
        self.conv = nn.Conv2d(inside, out, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=0.001, momentum=0.01)
        self.act = act

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


class Squeeze(nn.Module):
    def __init__(self, width):
        super().__init__()
        small = eights(width // 4)
        self.fc1, self.fc2 = nn.Conv2d(width, small, 1), nn.Conv2d(small, width, 1)

    def forward(self, x):
        gate = self.fc2(self.fc1(x.mean((2, 3), keepdim=True)).relu())
        return x * ((gate + 3).clamp(0, 6) / 6)


class Block(nn.Module):
    def __init__(self, inside, kernel, wide, out, squeeze, act, stride):
        super().__init__()
        act = {"RE": nn.functional.relu, "HS": hard_swish}[act]
        parts = {}
        if wide != inside:
            parts["expand"] = ConvNorm(inside, wide, 1, 1, 1, act)
        parts["depthwise"] = ConvNorm(wide, wide, kernel, stride, wide, act)
        if squeeze == "SE":
            parts["se"] = Squeeze(wide)
        parts["project"] = ConvNorm(wide, out, 1, 1, 1, lambda y: y)
        for name, part in parts.items():
            self.add_module(name, part)
        self.order, self.skip = list(parts.values()), stride == 1 and inside == out

    def forward(self, x):
        y = x
        for part in self.order:
            y = part(y)
        return x + y if self.skip else y


class Last(nn.Module):
    def __init__(self, inside, hidden, classes):
        super().__init__()
        self.conv = ConvNorm(inside, 6 * inside, 1, 1, 1, hard_swish)
        self.hidden = nn.Linear(6 * inside, hidden)
        self.linear = nn.Linear(hidden, classes)

    def forward(self, x):
        return self.linear(hard_swish(self.hidden(self.conv(x).mean((2, 3)))))


class Net(nn.Module):
    def __init__(self, arch, channels, classes):
        super().__init__()
        size, factor = arch.get("size", "large"), arch.get("width", 1)
        inside = eights(16 * factor)
        self.stage = nn.ModuleDict({"stem": ConvNorm(channels, inside, 3, arch.get("stem_stride", 2), 1, hard_swish)})
        rows = [row.split() for row in TABLES[size].split(";")]
        for i, (kernel, wide, out, squeeze, act, stride) in enumerate(rows[: arch.get("blocks", 99)]):
            wide, out = eights(int(wide) * factor), eights(int(out) * factor)
            self.stage[str(i)] = Block(inside, int(kernel), wide, out, squeeze, act, int(stride))
            inside = out
        self.last = Last(inside, eights({"large": 1280, "small": 1024}[size] * factor), classes)

    def forward(self, x):
        for stage in self.stage.values():
            x = stage(x)
        return self.last(x)


def build(arch, shape, classes):
    return Net(arch, shape[0], classes)
