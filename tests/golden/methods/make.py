"""Writes the golden files of the early-exit methods: logits, losses and gradients of a second implementation.

Usage: python3 make.py; needs torch and numpy; run by hand. Writes <case>.safetensors beside itself.

It follows the definitions alone and shares no code with the program. Weights and inputs are not stored: both sides
compute them by the formulas of store.py. Every gradient is first compared with central differences
(gradient equilibrium: with its definition; an optimiser's step: with torch's).
"""
import math
import pathlib

import torch

import net as nets
import store
from net import HEADS, K, Net

ROWS = 6
Y = store.targets(ROWS)


# Maps of 2x2 px are pooled to 4x4, one pixel a cell: its maximum is its average, whatever the share.
NO_GRADIENT = ["branchynet head.1.pool.share"]


def image_inputs():
    return store.inputs(ROWS, 1, 12, 12)


# Cases: net -> logits of the K exits, loss

def sdn(net):
    logits = net.sdn(image_inputs())
    return logits, nets.mean_loss(logits, Y)


def branchynet(net):
    logits = net.branchynet(image_inputs())
    return logits, nets.weighted_loss(logits, Y, [0.5, 0.5, 0.5, 1.0])


def gpf(net):
    logits, imitation = net.gpf(image_inputs())
    return logits, nets.weighted_loss(logits, Y, [1.0, 2.0, 3.0, 4.0]) + imitation


def ztw(net):
    logits = net.ztw(image_inputs())
    return logits, nets.mean_loss(logits, Y)


def ztw_ensembles(kind):
    def case(net):
        logits = net.ztw_ensembles(image_inputs(), kind)
        return logits, nets.mean_loss(logits, Y)
    return case


def l2w(net):
    logits = net.sdn(image_inputs())
    losses = nets.cross_entropies(logits, Y)
    return logits, (net.stop(net.l2w_weights(losses)) * losses).mean()


def equilibrium(net):
    logits = net.sdn_equilibrium(image_inputs())
    return logits, nets.cross_entropies(logits, Y).mean(0).sum()


def detached(net):
    logits = net.sdn_detached(image_inputs())
    return logits, nets.mean_loss(logits, Y)


DISTILLED = {"distill_last": [(k, K - 1) for k in range(K - 1)],
             "distill_next": [(k, k + 1) for k in range(K - 1)],
             "distill_later": [(i, j) for j in range(K) for i in range(j)]}


# Gradients

def gradients(case, training, learned):
    """Logits, loss and the gradient of every parameter that `learned` picks by name."""
    net = Net(training=training)
    case(net)  # makes the parameters
    names = sorted(name for name in net.values if learned(name))
    for name in names:
        net.values[name].requires_grad_()
    logits, loss = case(net)
    return logits, loss, dict(zip(names, torch.autograd.grad(loss, [net.values[name] for name in names]))), net.values


class Replay:
    """A detach that answers what it was given in its first pass: central differences must not see through it."""

    def __init__(self):
        self.seen, self.at = [], None

    def __call__(self, x):
        if self.at is None:
            self.seen.append(x.detach())
            return self.seen[-1]
        self.at += 1
        return self.seen[self.at - 1]


def check_gradients(title, case, training, values, found):
    """Along one direction for each parameter."""
    replay = Replay()
    with torch.no_grad():
        case(Net(values, training, replay))
        for name, gradient in found.items():
            if gradient.abs().max() == 0 and f"{title} {name}" not in NO_GRADIENT:
                raise SystemExit(f"{title}: the gradient of {name} is 0 throughout")
            direction = store.filled(gradient.shape, lambda i: math.cos(1.7 * i + 0.3))
            sides = []
            for step in (1e-6, -1e-6):
                replay.at = 0
                sides.append(case(Net(values | {name: values[name] + step * direction}, training, replay))[1])
            close(f"{title} {name}", (gradient * direction).sum(), (sides[0] - sides[1]) / 2e-6, 1e-7)


def close(title, a, b, tolerance):
    if not torch.allclose(a, b, rtol=tolerance, atol=tolerance):
        raise SystemExit(f"{title}: {a} is not {b}")


def named(logits, loss, found):
    tensors = {f"logits.{k}": z for k, z in enumerate(logits)} | {"loss": loss}
    return tensors | {f"grad.{name}": g for name, g in found.items()}


def plain_case(title, case, training=True, learned=lambda name: True):
    logits, loss, found, values = gradients(case, training, learned)
    check_gradients(title, case, training, values, found)
    return named(logits, loss, found)


# The meta step of L2W

def moment(name, shape):
    return store.filled(shape, lambda i: 0.01 * math.cos(0.3 * i + 0.11 * store.byte_sum(name)))


def second_moment(name, shape):
    return store.filled(shape, lambda i: 1e-3 * (1.5 + math.sin(0.3 * i + 0.11 * store.byte_sum(name))))


def sgd_step(name, p, g):
    return p - 0.1 * g


def momentum_step(name, p, g):
    return p - 0.1 * (0.9 * moment(name, p.shape) + g + 5e-4 * p)


def nesterov_step(name, p, g):
    g = g + 5e-4 * p
    return p - 0.1 * (g + 0.9 * (0.9 * moment(name, p.shape) + g))


def adamw_step(name, p, g, steps=5):
    m = 0.9 * moment(name, p.shape) + 0.1 * g
    v = 0.999 * second_moment(name, p.shape) + 0.001 * g * g
    p = p * (1 - 0.01 * 0.05)
    return p - 0.01 * (m / (1 - 0.9 ** steps)) / ((v / (1 - 0.999 ** steps)).sqrt() + 1e-8)


OPTIMISERS = {
    "sgd": (sgd_step, lambda ps: torch.optim.SGD(ps, lr=0.1)),
    "momentum": (momentum_step, lambda ps: torch.optim.SGD(ps, lr=0.1, momentum=0.9, weight_decay=5e-4)),
    "nesterov": (nesterov_step, lambda ps: torch.optim.SGD(ps, lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)),
    "adamw": (adamw_step, lambda ps: torch.optim.AdamW(ps, lr=0.01, weight_decay=0.05)),
}


def meta_loss(values, weights, step, p=15):
    """Halves: rows 0-2 train the clone by one step, rows 3-5 judge it, each row at one exit."""
    x = image_inputs()
    losses = nets.cross_entropies(Net(values).sdn(x[:3]), Y[:3])
    grads = torch.autograd.grad((weights * losses).mean(), list(values.values()), create_graph=True)
    stepped = {name: step(name, value, g) for (name, value), g in zip(values.items(), grads)}
    logits = Net(stepped).sdn(x[3:])
    y = Y[3:]
    q = [(p / 20) ** k for k in range(1, K + 1)]
    left, each = list(range(len(y))), []
    for k in range(K):
        count = math.floor(len(y) * q[k] / sum(q)) if k < K - 1 else len(left)
        confidence = logits[k].softmax(1).max(1).values.tolist()
        taken = sorted(left, key=lambda row: -confidence[row])[:count]
        left = [row for row in left if row not in taken]
        if taken:
            each.append(nets.cross_entropies([logits[k][taken]], y[taken]).mean())
    return torch.stack(each).mean(), grads, stepped


def meta_tensors():
    values = {}
    Net(values).sdn(image_inputs())
    for value in values.values():
        value.requires_grad_()
    tensors = {}
    for title, (step, make) in OPTIMISERS.items():
        weights = store.filled((3, K), lambda i: 1 + 0.1 * math.sin(0.7 * i)).requires_grad_()
        loss, grads, stepped = meta_loss(values, weights, step)
        gradient = torch.autograd.grad(loss, weights)[0]
        check_step(title, values, grads, stepped, make)
        for i in range(weights.numel()):
            sides = []
            for h in (1e-5, -1e-5):
                moved = weights.detach().clone()
                moved.view(-1)[i] += h
                sides.append(meta_loss(values, moved, step)[0])
            close(f"meta {title} {i}", gradient.view(-1)[i], (sides[0] - sides[1]) / 2e-5, 1e-7)
        tensors |= {f"meta_loss.{title}": loss, f"meta_gradient.{title}": gradient}
    return tensors


def check_step(title, values, grads, stepped, make):
    """The step against torch's own optimiser."""
    copies = {name: value.detach().clone().requires_grad_() for name, value in values.items()}
    optimiser = make(list(copies.values()))
    for (name, copy), g in zip(copies.items(), grads):
        copy.grad = g.detach()
        if title in ("momentum", "nesterov"):
            optimiser.state[copy] = {"momentum_buffer": moment(name, copy.shape)}
        if title == "adamw":
            optimiser.state[copy] = {"step": torch.tensor(4.0), "exp_avg": moment(name, copy.shape),
                                     "exp_avg_sq": second_moment(name, copy.shape)}
    optimiser.step()
    for name, copy in copies.items():
        close(f"step {title} {name}", stepped[name].detach(), copy.detach(), 1e-13)


# The other files

def shaping():
    tensors = equilibrium_tensors()
    logits = sdn(Net())[0]
    for title, pairs in DISTILLED.items():
        tensors[f"loss.{title}"] = nets.distill(logits, pairs)
    found, values = gradients(detached, True, lambda name: not name.startswith("head."))[2:]
    check_gradients("detached", detached, True, values, found)
    return tensors | {f"grad_detached.{name}": g for name, g in found.items()}


def equilibrium_tensors():
    """Gradient equilibrium, and its definition: block n has 1/(K-n+1) of the gradient of the plain sum, the heads and
    the classifier have all of it."""
    logits, loss, found, _ = gradients(equilibrium, True, lambda name: True)
    plain = gradients(sdn, True, lambda name: True)[2]
    for name, gradient in found.items():
        part = name.split(".")
        exits = K - (HEADS + ["2"]).index(part[1]) if part[0] == "stage" else 1
        close(f"equilibrium {name}", gradient, K * plain[name] / exits, 1e-12)
    return named(logits, loss, found)


def heads():
    maps, tokens = store.inputs(ROWS, 4, 12, 12), store.inputs(ROWS, 5, 8)
    tensors = {f"out.conv{n}": Net().conv_head("", maps, n) for n in range(1, 6)}
    tensors |= {f"out.token{n}": Net().token_head("", tokens, n) for n in range(1, 4)}
    tensors["out.msdnet"] = Net().msdnet_head("", maps)
    return tensors | {"out.pooled": Net().pooled_head("", maps), "out.average": Net().average_head("", maps)}


def main():
    torch.set_num_threads(1)

    def not_extra(name):
        return not name.startswith("extra.")

    def extra(name):
        return name.startswith("extra.")

    files = {
        "sdn": plain_case("sdn", sdn),
        "branchynet": plain_case("branchynet", branchynet),
        "gpf": plain_case("gpf", gpf),
        "ztw": plain_case("ztw", ztw),
        "ztw_geometric": plain_case("ztw_geometric", ztw_ensembles("geometric"), training=False, learned=extra),
        "ztw_arithmetic": plain_case("ztw_arithmetic", ztw_ensembles("arithmetic"), training=False, learned=extra),
        "l2w": plain_case("l2w", l2w, learned=not_extra) | meta_tensors(),
        "heads": heads(),
        "shaping": shaping(),
    }
    for title, tensors in files.items():
        store.write(pathlib.Path(__file__).parent / f"{title}.safetensors", tensors)


if __name__ == "__main__":
    main()
