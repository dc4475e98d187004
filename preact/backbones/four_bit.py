"""What linear layers in 4 bits hold.

bitsandbytes packs the weights of a layer into one column, several in each number of it, and keeps beside it
what they are scaled by. This module knows such layers by their type's name, as bitsandbytes need not be
installed; it knows nothing of how they multiply.
"""

import math
from collections.abc import Iterator
from typing import Any

from torch import nn

BLOCK, SECOND_BLOCK = 64, 256
"""Weights scaled together, and scales of them that are scaled together (double quantization)."""
_TABLES = 4 * (16 + 256 + 1)
"""Bytes of the two tables of numbers and the offset of a layer."""


def layers_in_4_bits(model: nn.Module) -> Iterator[Any]:
    """The linear layers whose weights are, or are to be, in 4 bits."""
    return (m for m in model.modules() if isinstance(m, nn.Linear) and type(m).__name__ == "Linear4bit")


def weights_of(layer: Any) -> int:
    """How many weights its packed ones stand for."""
    return int(layer.in_features * layer.out_features)


def packed_length(layer: Any) -> int:
    """Numbers of its storage's type that hold them, two weights a byte."""
    in_a_number: int = 2 * layer.quant_storage.itemsize
    return math.ceil(weights_of(layer) / in_a_number)


def bytes_beside(model: nn.Module) -> int:
    """Bytes that layers in 4 bits take beside their packed weights; 0 where there are none.

    What all of them are scaled by, and the weights of the largest, which are unpacked while it multiplies.
    """
    layers = list(layers_in_4_bits(model))
    unpacked = (weights_of(layer) * layer.compute_dtype.itemsize for layer in layers)
    return sum(map(bytes_of_scales, layers)) + max(unpacked, default=0)


def bytes_of_scales(layer: Any) -> int:
    """Bytes of what its weights are scaled by: one for a block, and a float32 for a block of those."""
    blocks = math.ceil(weights_of(layer) / BLOCK)
    return blocks + 4 * math.ceil(blocks / SECOND_BLOCK) + _TABLES
