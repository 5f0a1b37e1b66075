"""Multi-scale dense networks (Huang et al. 2018): features of several scales side by side, all densely connected."""
import math

import torch
from torch import nn

PRESETS = {
    "anytime": dict(blocks=7, base=4, step=2, step_mode="even", channels=16, growth=6, growth_factors=[1, 2, 4],
                    stem="3x3", classifier=128),
    "budgeted": dict(blocks=5, base=1, step=1, step_mode="lin_grow", channels=16, growth=6, growth_factors=[1, 2, 4],
                     stem="3x3", classifier=128),
    "imagenet": dict(blocks=5, base=4, step=4, step_mode="even", channels=32, growth=16, growth_factors=[1, 2, 4, 4],
                     stem="7x7-pool", classifier=0),
}


class Unit(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inside, out, kernel, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inside, out, kernel, stride, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(out)

    def forward(self, x):
        return self.bn(self.conv(x)).relu()


def bottleneck(inside, out, factor, stride):
    middle = min(inside, factor * out)
    return nn.ModuleDict({"reduce": Unit(inside, middle, 1), "conv": Unit(middle, out, 3, stride)})


def through(pair, x):
    return pair["conv"](pair["reduce"](x))


class Layer(nn.Module):
    """Takes and gives {scale: features}; `kept`: the scales it gives."""

    def __init__(self, opt, before, kept, width, reduced):
        super().__init__()
        f, b, g = opt["growth_factors"], opt["bottleneck_factors"], opt["growth"]
        self.kept = kept
        for s in kept:
            unit = nn.Module()
            # The finest scale has a finer one to draw from only when that one is dropped here.
            draws = s - 1 in before
            new = g * f[s] // 2 if draws else g * f[s]
            if draws:
                unit.down = bottleneck(f[s - 1] * width, new, b[s - 1], 2)
            unit.same = bottleneck(f[s] * width, new, b[s], 1)
            if reduced:
                unit.reduce = Unit(f[s] * (width + g), f[s] * reduced, 1)
            setattr(self, f"scale{s}", unit)

    def forward(self, x):
        made = {}
        for s in self.kept:
            unit = getattr(self, f"scale{s}")
            parts = [x[s]]
            if hasattr(unit, "down"):
                parts.append(through(unit.down, x[s - 1]))
            parts.append(through(unit.same, x[s]))
            made[s] = torch.cat(parts, 1)
            if hasattr(unit, "reduce"):
                made[s] = unit.reduce(made[s])
        return made


class Stem(nn.Module):
    def __init__(self, channels, opt):
        super().__init__()
        self.pooled = opt["stem"] == "7x7-pool"
        self.count = len(opt["growth_factors"])
        for s, f in enumerate(opt["growth_factors"]):
            out = opt["channels"] * f
            kernel, stride = ((7, 2) if self.pooled else (3, 1)) if s == 0 else (3, 2)
            setattr(self, f"scale{s}", Unit(channels, out, kernel, stride))
            channels = out

    def forward(self, x):
        made = {}
        for s in range(self.count):
            x = getattr(self, f"scale{s}")(x)
            if s == 0 and self.pooled:
                x = nn.functional.max_pool2d(x, 3, 2, 1)
            made[s] = x
        return made


class Last(nn.Module):
    def __init__(self, inside, width, classes):
        super().__init__()
        self.features = nn.ModuleDict({"conv1": Unit(inside, width, 3, 2), "conv2": Unit(width, width, 3, 2)})
        self.linear = nn.Linear(width, classes)

    def forward(self, x):
        return self.linear(self.features["conv2"](self.features["conv1"](x)).mean((2, 3)))


class Net(nn.Module):
    def __init__(self, channels, opt, classes):
        super().__init__()
        scales, g = len(opt["growth_factors"]), opt["growth"]
        lin = opt["step_mode"] == "lin_grow"
        sizes = [opt["base"]] + [opt["step"] * i + 1 if lin else opt["step"] for i in range(1, opt["blocks"])]
        n, width, depth = sum(sizes), opt["channels"], 0
        self.stage = nn.ModuleDict({"stem": Stem(channels, opt)})
        for number, size in enumerate(sizes):
            block = nn.ModuleDict()
            for i in range(size):
                depth += 1
                if opt["prune"] == "max":
                    interval = math.ceil(n / scales)
                    count = [scales - max(0, depth - 2) // interval, scales - (depth - 1) // interval]
                    reduce = count[0] > count[1]
                else:
                    count = [min(scales, n - depth + 2), min(scales, n - depth + 1)]
                    reduce = depth in (n // 3, 2 * n // 3)
                reduced = math.floor(opt["reduction"] * (width + g)) if reduce else 0
                before, kept = (range(scales - c, scales) for c in count)
                block[f"layer{i}"] = Layer(opt, before, kept, width, reduced)
                width = reduced or width + g
            self.stage[str(number)] = block
        features = width * opt["growth_factors"][-1]
        self.last = Last(features, opt["classifier"] or features, classes)
        self.coarsest = scales - 1

    def forward(self, x):
        x = self.stage["stem"](x)
        for name, block in self.stage.items():
            for layer in block.values() if name != "stem" else []:
                x = layer(x)
        return self.last(x[self.coarsest])


def build(arch, shape, classes):
    opt = {**PRESETS[arch.get("preset", "anytime")], "prune": "max", "reduction": 0.5, **arch}
    opt.setdefault("bottleneck_factors", opt["growth_factors"])
    return Net(shape[0], opt, classes)
