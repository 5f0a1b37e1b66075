"""Writes names, shapes and types of the tensors of torchvision's and timm's models.

Usage: python3 make.py; needs torch 2.14.1, torchvision 0.29.1 and timm 1.0.31; run by hand. Reads models.json and
writes tensors.json.gz: by library and model, "name": [type, size...]. Nothing is downloaded, no weights are drawn.
"""
import gzip
import json
import pathlib

import timm
import torch
import torchvision

HERE = pathlib.Path(__file__).parent
MAKE = {"torchvision": torchvision.models.get_model, "timm": timm.create_model}
TYPE = {torch.float32: "F32", torch.int64: "I64"}


def listed(library, model):
    with torch.device("meta"):
        tensors = MAKE[library](model).state_dict()
    return {name: [TYPE[value.dtype], *value.shape] for name, value in tensors.items()}


if __name__ == "__main__":
    asked = json.loads((HERE / "models.json").read_text())
    made = {library: {each["model"]: listed(library, each["model"]) for each in models}
            for library, models in asked.items()}
    text = json.dumps(made, separators=(",", ":"))
    (HERE / "tensors.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
