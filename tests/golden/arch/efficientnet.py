"""EfficientNet-B0 (Tan and Le 2019, table 1)."""
from mb_blocks import Net, Plain

ROWS = [(Plain, 1, 3, 1, 16), (Plain, 6, 3, 2, 24), (Plain, 6, 5, 2, 40), (Plain, 6, 3, 2, 80), (Plain, 6, 5, 1, 112),
        (Plain, 6, 5, 2, 192), (Plain, 6, 3, 1, 320)]


def build(arch, shape, classes):
    return Net(shape[0], classes, 32, ROWS, arch.get("blocks", [1, 2, 2, 3, 3, 4, 1]), arch.get("width", 1), {})
