"""Attention over dialogues packed in one row.

For backbones whose attention is torch's own and plainly causal. Each dialogue attends to itself alone, or
also to a first part that all of them share; nothing is padded. Other backbones keep their attention, for
which transformers masks packed rows or FlashAttention reads the same arguments; `check_packing` tries it. It
knows nothing of dialogues beyond where each begins.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention.bias import causal_lower_right
from transformers import AttentionInterface

from oceanchat.errors import TrainingError

TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.1}
"""Largest difference allowed by `check_packing`. Dialogues that read each other are over 0.5 apart in a real
model; right ones 1e-6 in float32, 0.02 in bfloat16."""

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
    """Set a backbone of plain causal attention to packed rows, or back; others are left as they are.

    Whether it may now be given rows with a shared first part.
    """
    current = model.config._attn_implementation
    if packed and current == "sdpa" and not looks_back_less(model):
        model.set_attn_implementation(NAME)
    elif not packed and current == NAME:
        model.set_attn_implementation("sdpa")
    shares: bool = model.config._attn_implementation == NAME
    return shares


def looks_back_less(model: Any) -> bool:
    """Whether some layer attends to less than all earlier tokens, as with sliding windows."""
    config = model.config.get_text_config()
    layers = getattr(config, "layer_types", None)
    if layers:
        return any(layer != "full_attention" for layer in layers)
    return bool(getattr(config, "sliding_window", None)) and getattr(config, "use_sliding_window", True)


def check_packing(model: Any, rows: Sequence[Sequence[int]], pad_id: int) -> float:
    """The largest difference of logits, packed against padded, as a share of the largest logit.

    `rows` are the token ids of a few dialogues, a model set to packed rows is set back. Raises TrainingError
    when the backbone does not keep packed dialogues apart.
    """
    device, parts = model.device, [torch.tensor(row) for row in rows]
    padded = nn.utils.rnn.pad_sequence(parts, batch_first=True, padding_value=pad_id)
    lengths = torch.tensor([len(row) for row in rows])
    mask = torch.arange(padded.shape[1]) < lengths.unsqueeze(1)
    starts = nn.functional.pad(lengths.cumsum(0), (1, 0)).to(device, torch.int32)
    positions = torch.cat([torch.arange(len(row)) for row in rows]).unsqueeze(0)
    row = {"input_ids": torch.cat(parts).unsqueeze(0), "position_ids": positions}
    row |= {"cu_seq_lens_q": starts, "cu_seq_lens_k": starts}
    # Not inference_mode, whose tensors a sharded backbone could not use in the next step.
    with torch.no_grad():
        with packed_rows(model, False):
            alone = model(
                input_ids=padded.to(device), attention_mask=mask.long().to(device), use_cache=False
            ).logits
        with packed_rows(model, True):
            longest = {"max_length_q": int(lengths.max()), "max_length_k": int(lengths.max())}
            packed = model(**{k: v.to(device) for k, v in row.items()}, **longest, use_cache=False).logits
    expected = alone[mask.to(device)].float()
    difference = float((packed[0].float() - expected).abs().max() / expected.abs().max().clamp_min(1))
    if not difference <= TOLERANCE.get(model.dtype, TOLERANCE[torch.bfloat16]):
        raise TrainingError(
            "--packing does not fit this backbone: two dialogues in one row read each other (logits differ"
            f" by {difference:.1%}); leave --packing out, or write --no-packing"
        )
    return difference


@contextmanager
def packed_rows(model: Any, packed: bool) -> Iterator[bool]:
    """`use_packed_rows` for a while."""
    before = model.config._attn_implementation == NAME
    try:
        yield use_packed_rows(model, packed)
    finally:
        use_packed_rows(model, before)
