"""Attention over dialogues packed in one row.

For backbones that use torch's own attention. Each dialogue attends to itself alone, or also to a first part
that all of them share; nothing is padded. FlashAttention reads the same arguments by itself, but for the
shared part. It knows nothing of dialogues beyond where each begins.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention.bias import causal_lower_right
from transformers import AttentionInterface

NAME = "preact_packed"
"""How transformers knows this attention; it has no mask, because a row says where each dialogue begins."""


def packed_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    cu_seq_lens_q: Tensor | None = None,
    shared_prefix: bool = False,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Causal attention within each of S dialogues: query (1, H, T, d) to (1, T, H, d).

    `cu_seq_lens_q` (S + 1) says where each begins; with `shared_prefix` the first is what all others go on
    from. Raises ValueError without them: a packed model is for packed rows only.
    """
    if cu_seq_lens_q is None:
        raise ValueError("this model is set to packed rows; give it cu_seq_lens_q and max_length_q")
    lengths = cu_seq_lens_q.diff().tolist()
    repeats = query.shape[1] // key.shape[1]
    if repeats > 1:
        key, value = key.repeat_interleave(repeats, dim=1), value.repeat_interleave(repeats, dim=1)
    # Under autocast the rotated queries and keys come in float32, the values do not; CPUs are faster so.
    on_cpu = query.device.type == "cpu"
    dtype = query.dtype if on_cpu else value.dtype
    query, key, value = query.to(dtype), key.to(dtype), value.to(dtype)
    parts = zip(*(torch.split(t, lengths, dim=2) for t in (query, key, value)), strict=True)
    chance = dropout if module.training else 0.0
    with torch.autocast("cpu", enabled=False) if on_cpu else nullcontext():
        outputs = _attend(parts, shared_prefix, chance, scaling)
    return torch.cat(outputs, dim=2).transpose(1, 2), None


def _attend(
    parts: Iterable[tuple[Tensor, Tensor, Tensor]], shared_prefix: bool, dropout: float, scale: float | None
) -> list[Tensor]:
    outputs: list[Tensor] = []
    first: tuple[Tensor, Tensor] | None = None
    for q, k, v in parts:
        bias = None
        if first is not None:
            k, v = torch.cat([first[0], k], dim=2), torch.cat([first[1], v], dim=2)
            bias = causal_lower_right(q.shape[2], k.shape[2])
        elif shared_prefix:
            first = (k, v)
        outputs.append(
            nn.functional.scaled_dot_product_attention(
                q, k, v, attn_mask=bias, dropout_p=dropout, is_causal=bias is None, scale=scale
            )
        )
    return outputs


AttentionInterface.register(NAME, packed_attention)


def use_packed_rows(model: Any, packed: bool) -> bool:
    """Set a backbone that uses torch's attention to packed rows, or back; others are left as they are.

    Whether it may now be given rows with a shared first part.
    """
    current = model.config._attn_implementation
    if packed and current == "sdpa":
        model.set_attn_implementation(NAME)
    elif not packed and current == NAME:
        model.set_attn_implementation("sdpa")
    shares: bool = model.config._attn_implementation == NAME
    return shares


@contextmanager
def packed_rows(model: Any, packed: bool) -> Iterator[bool]:
    """`use_packed_rows` for a while."""
    before = model.config._attn_implementation == NAME
    try:
        yield use_packed_rows(model, packed)
    finally:
        use_packed_rows(model, before)
