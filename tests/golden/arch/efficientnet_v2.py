"""EfficientNetV2 (Tan and Le 2021, table 4, and the M of their code)."""
from mb_blocks import Fused, Net, Plain

ROWS = {
    "s": [(Fused, 1, 3, 1, 24), (Fused, 4, 3, 2, 48), (Fused, 4, 3, 2, 64), (Plain, 4, 3, 2, 128), (Plain, 6, 3, 1, 160),
          (Plain, 6, 3, 2, 256)],
    "m": [(Fused, 1, 3, 1, 24), (Fused, 4, 3, 2, 48), (Fused, 4, 3, 2, 80), (Plain, 4, 3, 2, 160), (Plain, 6, 3, 1, 176),
          (Plain, 6, 3, 2, 304), (Plain, 6, 3, 1, 512)],
}
BLOCKS = {"s": [2, 4, 4, 6, 9, 15], "m": [3, 5, 5, 7, 14, 18, 5]}


def build(arch, shape, classes):
    size = arch.get("size", "s")
    return Net(shape[0], classes, 24, ROWS[size], arch.get("blocks", BLOCKS[size]), arch.get("width", 1),
               {"eps": 1e-3, "momentum": 0.01})
