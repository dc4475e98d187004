"""Log-probabilities of a prompt's own tokens.

What a model expects at each position of a prompt, apart from any answer: the rows are read in a pass of their
own, in parts of bounded memory. It knows models; it knows nothing of requests or HTTP.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch.nn.functional import log_softmax

from preact.serving.batch import BatchRow

_LARGEST = 2**27
"""Logits of one pass at most: half a gigabyte in float32."""


class PromptToken(NamedTuple):
    """A token of a prompt, as the model expects it there."""

    id: int
    logprob: float
    """Nats."""
    rank: int
    """1 for the likeliest token of the vocabulary."""
    likeliest: tuple[tuple[int, float], ...]
    """The likeliest tokens and their log-probabilities, as many as the row asks for."""


def prompt_scores(model: Any, rows: Sequence[BatchRow]) -> list[tuple[PromptToken | None, ...]]:
    """For each row its prompt's tokens; None for the first, which nothing precedes."""
    vocabulary = model.config.get_text_config().vocab_size
    scores: dict[int, tuple[PromptToken | None, ...]] = {}
    for part in _parts([len(row.prompt) for row in rows], vocabulary):
        chosen = [rows[index] for index in part]
        scores |= dict(zip(part, _read(model, chosen), strict=True))
    return [scores[index] for index in range(len(rows))]


def _parts(lengths: Sequence[int], vocabulary: int) -> Iterator[list[int]]:
    """Indices of prompts that are read together, the shorter ones first."""
    part: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if part and (len(part) + 1) * lengths[index] * vocabulary > _LARGEST:
            yield part
            part = []
        part.append(index)
    if part:
        yield part


def _read(model: Any, rows: Sequence[BatchRow]) -> list[tuple[PromptToken | None, ...]]:
    width = max(len(row.prompt) for row in rows)
    device = model.device
    # Padded on the right: what stands behind a prompt is never looked at.
    ids = torch.tensor([[*r.prompt] + [0] * (width - len(r.prompt)) for r in rows], device=device)
    mask = torch.tensor([[1] * len(r.prompt) + [0] * (width - len(r.prompt)) for r in rows], device=device)
    weights = [row.weights for row in rows if row.weights is not None]
    arguments = {"expert_weights": torch.stack(weights)} if weights else {}
    with torch.inference_mode():
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False, **arguments).logits
        return [_tokens(logits[n], row) for n, row in enumerate(rows)]


def _tokens(logits: torch.Tensor, row: BatchRow) -> tuple[PromptToken | None, ...]:
    following = torch.tensor(row.prompt[1:], device=logits.device, dtype=torch.long)[:, None]
    logprobs = log_softmax(logits[: len(row.prompt) - 1].float(), -1)
    own = logprobs.gather(1, following)
    ranks = (logprobs > own).sum(1) + 1
    top = logprobs.topk(row.prompt_logprobs or 0)
    return (
        None,
        *(
            PromptToken(token, logprob, rank, tuple(zip(others, values, strict=True)))
            for token, logprob, rank, others, values in zip(
                row.prompt[1:],
                own[:, 0].tolist(),
                ranks.tolist(),
                top.indices.tolist(),
                top.values.tolist(),
                strict=True,
            )
        ),
    )
