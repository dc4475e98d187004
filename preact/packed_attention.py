"""Attention over dialogues packed in one row, for backbones that use torch's own attention.

The dialogues are laid side by side as a padded batch for the attention alone, where torch has a fast causal
kernel; everything else in the model runs on the packed row without any padding. FlashAttention reads the same
arguments by itself. It knows nothing of dialogues beyond where each begins.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

NAME = "preact_packed"
"""How transformers knows this attention; it has no mask, since dialogues are told apart by where they begin.
"""


def packed_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    cu_seq_lens_q: Tensor | None = None,
    max_length_q: int = 0,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Causal attention within each of S dialogues: query (1, H, T, d) to (1, T, H, d).

    `cu_seq_lens_q` (S + 1) says where each begins, `max_length_q` how long the longest is. Raises ValueError
    without them: a packed model is for packed rows only.
    """
    if cu_seq_lens_q is None:
        raise ValueError("this model is set to packed rows; give it cu_seq_lens_q and max_length_q")
    starts, ends = cu_seq_lens_q[:-1].long().unsqueeze(1), cu_seq_lens_q[1:].long().unsqueeze(1)
    places = starts + torch.arange(max_length_q, device=query.device)
    inside = places < ends
    # Places beyond a dialogue's end hold any token: causal attention never looks ahead, and nobody reads
    # them.
    flat = torch.where(inside, places, starts).flatten()
    repeats = query.shape[1] // key.shape[1]
    q, k, v = (_unpacked(t, flat, len(starts)) for t in (query, key, value))
    if repeats > 1:
        k, v = k.repeat_interleave(repeats, dim=1), v.repeat_interleave(repeats, dim=1)
    out = nn.functional.scaled_dot_product_attention(
        q, k, v, dropout_p=dropout if module.training else 0.0, is_causal=True, scale=scaling
    )
    return out.transpose(1, 2).flatten(0, 1)[inside.flatten()].unsqueeze(0), None


def _unpacked(packed: Tensor, places: Tensor, rows: int) -> Tensor:
    """(1, H, T, d) to (S, H, L, d)."""
    heads, _, size = packed.shape[1:]
    return packed[0][:, places].view(heads, rows, -1, size).transpose(0, 1)


AttentionInterface.register(NAME, packed_attention)


def use_packed_rows(model: Any, packed: bool) -> None:
    """Set a backbone that uses torch's attention to packed rows, or back; others are left as they are."""
    current = model.config._attn_implementation
    if packed and current == "sdpa":
        model.set_attn_implementation(NAME)
    elif not packed and current == NAME:
        model.set_attn_implementation("sdpa")
