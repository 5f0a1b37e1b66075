"""The network of every case: a residual backbone of depth 8, width 2, and the heads and methods on its exits.

A Net looks its parameters up by full name and makes those that it lacks by formula, so that one dictionary of values
is a state of the whole network: a step of an optimiser is another dictionary.
"""
import torch
import torch.nn.functional as F

import store

CLASSES = 5
HEADS = ["stem", "0", "1"]  # the stages that have heads, in order; the last exit is the backbone's own classifier
K = len(HEADS) + 1
WIDTH = 2


class Net:
    def __init__(self, values=None, training=True, stop=torch.Tensor.detach):
        self.values = {} if values is None else values
        self.training = training  # batch norm by batch statistics; else by mean 0 and variance 1
        self.stop = stop  # what the definitions call detach

    def get(self, name, *shape):
        if name not in self.values:
            self.values[name] = store.parameter(name, shape)
        return self.values[name]

    # Layers

    def linear(self, name, x, out):
        return x @ self.get(name + ".weight", out, x.shape[1]).T + self.get(name + ".bias", out)

    def conv(self, name, x, out, kernel, stride=1, padding=0, bias=False):
        weight = self.get(name + ".weight", out, x.shape[1], kernel, kernel)
        return F.conv2d(x, weight, self.get(name + ".bias", out) if bias else None, stride, padding)

    def batch_norm(self, name, x):
        if self.training:
            mean = x.mean((0, 2, 3), keepdim=True)
            variance = ((x - mean) ** 2).mean((0, 2, 3), keepdim=True)
        else:
            mean, variance = 0.0, torch.ones((), dtype=torch.float64)
        scale = self.get(name + ".weight", x.shape[1]).reshape(1, -1, 1, 1)
        shift = self.get(name + ".bias", x.shape[1]).reshape(1, -1, 1, 1)
        return (x - mean) / (variance + 1e-5).sqrt() * scale + shift

    def layer_norm(self, name, x):
        mean = x.mean(1, keepdim=True)
        variance = ((x - mean) ** 2).mean(1, keepdim=True)
        normal = (x - mean) / (variance + 1e-5).sqrt()
        return normal * self.get(name + ".weight", x.shape[1]) + self.get(name + ".bias", x.shape[1])

    def pool(self, name, x, side=4):
        """Mixed pooling, flattened."""
        share = self.get(name + ".share")
        mixed = share * F.adaptive_max_pool2d(x, side) + (1 - share) * F.adaptive_avg_pool2d(x, side)
        return mixed.flatten(1)

    # Backbone

    def block(self, name, x, out, stride):
        y = torch.relu(self.batch_norm(name + ".bn1", self.conv(name + ".conv1", x, out, 3, stride, 1)))
        y = self.batch_norm(name + ".bn2", self.conv(name + ".conv2", y, out, 3, 1, 1))
        if stride != 1 or x.shape[1] != out:
            x = self.batch_norm(name + ".shortcut_bn", self.conv(name + ".shortcut", x, out, 1, stride))
        return torch.relu(y + x)

    def stages(self):
        """The blocks between exits: K functions from features to features."""
        def stem(x):
            return torch.relu(self.batch_norm("stage.stem.bn1", self.conv("stage.stem.conv1", x, WIDTH, 3, 1, 1)))
        return [stem, lambda x: self.block("stage.0", x, WIDTH, 1), lambda x: self.block("stage.1", x, 2 * WIDTH, 2),
                lambda x: self.block("stage.2", x, 4 * WIDTH, 2)]

    def features(self, x):
        """What the heads read, and the logits of the last exit."""
        found = []
        for stage in self.stages():
            x = stage(x)
            found.append(x)
        return found[:-1], self.last(x)

    def last(self, x):
        return self.linear("last", x.mean((2, 3)), CLASSES)

    # Heads. `name` ends in a dot or is empty.

    def pooled_head(self, name, x, out=CLASSES):
        return self.linear(name + "linear", self.pool(name + "pool", x), out)

    def average_head(self, name, x, out=CLASSES):
        return self.linear(name + "linear", x.mean((2, 3)), out)

    def conv_head(self, name, x, layers, out=CLASSES):
        c = x.shape[1]
        convs = {1: [(c // 2, 2)],
                 2: [(c, 2), (c // 2, 1)],
                 3: [(c, 2), (c, 1), (c // 2, 1)],
                 4: [(c // 2, 1), (c // 2, 1), (c // 2, 2), (c // 4, 1)],
                 5: [(c // 2, 1)] * 5}[layers]
        for n, (channels, stride) in enumerate(convs, 1):
            x = self.conv(f"{name}conv{n}", torch.relu(x), channels, 3, stride, bias=True)
        return self.pooled_head(name, x, out)

    def token_head(self, name, x, layers, hidden=6, out=CLASSES):
        x = x[:, 0]
        for n in range(1, layers):
            x = F.gelu(self.linear(f"{name}hidden{n}", x, hidden))
        return self.linear(name + "linear", x, out)

    def msdnet_head(self, name, x, width=6, out=CLASSES):
        for conv in (f"{name}features.conv1", f"{name}features.conv2"):
            x = torch.relu(self.batch_norm(conv + ".bn", self.conv(conv + ".conv", x, width, 3, 2, 1)))
        return self.linear(name + "linear", x.mean((2, 3)), out)

    # Methods: logits of the K exits

    def sdn(self, x):
        found, last = self.features(x)
        return [self.pooled_head(f"head.{s}.", f) for s, f in zip(HEADS, found)] + [last]

    def branchynet(self, x):
        found, last = self.features(x)
        return [self.conv_head(f"head.{s}.", f, 1) for s, f in zip(HEADS, found)] + [last]

    def sdn_detached(self, x):
        """The heads read features that carry no gradient."""
        found, last = self.features(x)
        return [self.pooled_head(f"head.{s}.", self.stop(f)) for s, f in zip(HEADS, found)] + [last]

    def sdn_equilibrium(self, x):
        """At the junction after exit k the gradient of the deeper path is scaled by (K-k)/(K-k+1), the head's by
        1/(K-k+1)."""
        logits = []
        for k, (stage, s) in enumerate(zip(self.stages(), HEADS + ["last"]), 1):
            x = stage(x)
            if s == "last":
                return logits + [self.last(x)]
            logits.append(self.pooled_head(f"head.{s}.", ScaleGradient.apply(x, 1 / (K - k + 1))))
            x = ScaleGradient.apply(x, (K - k) / (K - k + 1))

    def gpf(self, x, d=7):
        """Also the imitation loss."""
        found, last = self.features(x)
        H = len(HEADS)
        states = [torch.relu(self.pooled_head(f"head.{s}.", f, d)) for s, f in zip(HEADS, found)]
        value_weight = self.get("extra.value_weight", H, d, CLASSES)
        value_bias = self.get("extra.value_bias", H, CLASSES)
        gate_weight = self.get("extra.gate_weight", H, d, CLASSES)
        gate_bias = self.get("extra.gate_bias", H, CLASSES)
        logits, imitation = [], 0.0
        for i in range(H):
            sequence = [self.stop(states[j]) for j in range(i)] + [states[i]]
            for j in range(i + 1, H):
                sequence.append(torch.relu(self.linear(f"extra.imitator_{HEADS[j]}", states[i], d)))
            if i + 1 < H:
                distances = [1 - cosine(sequence[j], self.stop(states[j])) for j in range(i + 1, H)]
                imitation = imitation + torch.stack(distances).mean() / (H - 1)
            values = [sequence[j] @ value_weight[j] + value_bias[j] for j in range(H)]
            past = sum(values[:i + 1])
            future = sum(values[i + 1:], torch.zeros_like(past))
            gate = sum(sequence[j] @ gate_weight[j] + gate_bias[j] for j in range(i + 1)) / (i + 1)
            b = torch.sigmoid(self.linear("extra.mix", torch.relu(gate), CLASSES))
            logits.append(b * past + (1 - b) * future)
        return logits + [last], imitation

    def ztw(self, x):
        found, last = self.features(x)
        logits = []
        for s, f in zip(HEADS, found):
            read = self.pool(f"head.{s}.head.pool", f)
            if logits:
                read = torch.cat([read, self.layer_norm(f"head.{s}.norm", self.stop(logits[-1]))], 1)
            logits.append(self.linear(f"head.{s}.head.linear", read, CLASSES))
        return logits + [last]

    def ztw_ensembles(self, x, kind):
        cascade = self.ztw(x)
        logits = []
        for k, s in enumerate(HEADS, 1):
            w, b = self.get(f"extra.{s}.weight", k), self.get(f"extra.{s}.bias", CLASSES)
            if kind == "geometric":
                logits.append(sum(w[j].exp() * cascade[j].log_softmax(1) for j in range(k)) / k + b)
            else:
                p = sum(w[j].exp() * cascade[j].softmax(1) for j in range(k)) + b.exp()
                logits.append((p / p.sum(1, keepdim=True) + 1e-30).log())
        return logits + cascade[-1:]

    def l2w_weights(self, losses, strength=0.3, hidden=9):
        """Weights of the losses [B, K], their gradient with the parameters extra.*"""
        h = torch.relu(self.linear("extra.hidden1", self.stop(losses), hidden))
        out = torch.tanh(self.linear("extra.out", h, losses.shape[1]))
        return 1 + strength * (out - out.mean())


class ScaleGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.factor, None


def cosine(a, b):
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))


# Losses

def cross_entropies(logits, y):
    """[B, K]"""
    return torch.stack([-z.log_softmax(1)[torch.arange(len(y)), y] for z in logits], 1)


def mean_loss(logits, y):
    return cross_entropies(logits, y).mean()


def weighted_loss(logits, y, weights):
    weights = torch.tensor(weights, dtype=torch.float64)
    return (cross_entropies(logits, y).mean(0) * weights / weights.sum()).sum()


def distill(logits, pairs):
    """Mean over pairs (student, teacher) of the soft-label cross-entropy."""
    each = [-(logits[t].detach().softmax(1) * logits[s].log_softmax(1)).sum(1).mean() for s, t in pairs]
    return torch.stack(each).mean()
