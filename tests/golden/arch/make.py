"""Writes the golden file of each case of the architectures: what a second implementation answers.

Usage: python3 make.py [FAMILY...]; needs torch; run by hand. Reads the "goldens" of <family>.json, builds the network
of <family>.py (independent code: from the papers' definitions, nothing shared with the program) and writes
<case>.safetensors: logits in eval mode, in training mode, and in eval mode after one step of SGD, in double precision.

A family's module has build(arch, shape, classes) -> torch.nn.Module whose parameters are named as in the program:
stage.<name>.*, last.*. Weights and inputs are not stored: both sides compute them by the formulas below.
"""
import importlib
import json
import math
import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "methods"))
from store import write  # the writer of all goldens

ROWS, RATE = 4, 0.01


def wave(shape, own=0.0):
    """A tensor whose flat element i is sin(1.3 i + 0.02 i^2 + own)."""
    flat = [math.sin(1.3 * i + 0.02 * i * i + own) for i in range(math.prod(shape))]
    return torch.tensor(flat, dtype=torch.float64).reshape(shape)


def parameter(name, shape):
    """Weights of layers about as large as an initialiser makes them, scales of norms about 1, all else about 0."""
    made = wave(shape, 0.11 * sum(name.encode()))
    if len(shape) >= 2:
        return made * math.sqrt(2 * shape[0] / math.prod(shape))
    return 1 + 0.1 * made if name.endswith("weight") else 0.1 * made


def answers(family, case):
    net = importlib.import_module(family).build(case["arch"], case["shape"], case["classes"]).double()
    with torch.no_grad():
        for name, value in net.named_parameters():
            value.copy_(parameter(name, value.shape))
    x = wave([ROWS, *case["shape"]])
    y = torch.tensor([(3 * r + 1) % case["classes"] for r in range(ROWS)])
    made = {}
    net.eval()
    made["eval"] = net(x)
    net.train()
    made["train"] = net(x)
    own = getattr(net, "loss", None)  # of a network that learns without labels, from its input
    (own(x) if own else torch.nn.functional.cross_entropy(made["train"], y)).backward()
    with torch.no_grad():
        for value in net.parameters():
            value -= RATE * value.grad
    net.eval()
    made["after"] = net(x)
    made["parameters"] = torch.tensor([sum(value.numel() for value in net.parameters())], dtype=torch.float64)
    return made


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    for file in sorted(HERE.glob("*.json")):
        if sys.argv[1:] and file.stem not in sys.argv[1:]:
            continue
        for case in json.loads(file.read_text())["goldens"]:
            write(HERE / f"{case['name']}.safetensors", answers(file.stem, case))
            print(case["name"])
