"""Conversations that generate together, token by token.

Rows of unlike length, persona, sampling and seed share one key-value cache, padded on the left. Rows join
and leave between two steps. Each row draws from a random generator of its own, so that what it says depends
on its seed and not on its company. It knows models; it knows nothing of requests, threads or HTTP.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import log_softmax, pad
from transformers import DynamicCache, TemperatureLogitsWarper, TopPLogitsWarper
from transformers.cache_utils import DynamicLayer

from preact.systems.system import Sampling


class Drawn(NamedTuple):
    """One token of an answer."""

    id: int
    logprob: float
    """Its log-probability before temperature and top-p, nats."""
    likeliest: tuple[tuple[int, float], ...] = ()
    """The likeliest tokens and theirs, as many as the row asks for."""


@dataclass(eq=False)
class BatchRow:
    """One conversation in a batch."""

    prompt: Sequence[int]
    """Token ids, at least one."""
    weights: Tensor | None
    """Its expert weights (N,); None without experts."""
    sampling: Sampling
    seed: int
    top_logprobs: int | None = None
    """How many of the likeliest tokens to report at each step; None reports no log-probabilities."""
    prompt_logprobs: int | None = None
    """How many of the likeliest tokens to report at each position of the prompt; None reports none."""
    generator: torch.Generator | None = field(default=None, init=False)


class Batch:
    """The rows of one lane and their cache."""

    def __init__(self, model: Any) -> None:
        self._model = model
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        self._takes = set(inspect.signature(base.forward).parameters)
        self.rows: list[BatchRow] = []
        self._cache: Any = None
        self._mask = torch.zeros(0, 0, dtype=torch.long)
        self._logits = torch.zeros(0, 0)

    @property
    def open(self) -> bool:
        """Whether rows may join: into an empty batch always, else where all layers keep every token."""
        return not self.rows or all(type(layer) is DynamicLayer for layer in self._cache.layers)

    def join(self, rows: Sequence[BatchRow]) -> None:
        """Read the prompts of new rows and let them go on with the others from the next step."""
        width = max(len(row.prompt) for row in rows)
        device = self._model.device
        ids = torch.tensor([[0] * (width - len(r.prompt)) + [*r.prompt] for r in rows], device=device)
        lengths = [len(row.prompt) for row in rows]
        mask = torch.tensor([[0] * (width - n) + [1] * n for n in lengths], device=device)
        for row in rows:
            row.generator = torch.Generator(device).manual_seed(row.seed)
        cache = DynamicCache(config=self._config())
        logits = self._forward(ids, mask, cache, rows)
        if not self.rows:
            self.rows, self._cache, self._mask, self._logits = list(rows), cache, mask, logits
            return
        wide = max(self._mask.shape[1], width)
        for old, new in zip(self._cache.layers, cache.layers, strict=True):
            old.keys = torch.cat([_left(old.keys, wide), _left(new.keys, wide)])
            old.values = torch.cat([_left(old.values, wide), _left(new.values, wide)])
        self._mask = torch.cat([_left(m[..., None], wide)[..., 0] for m in (self._mask, mask)])
        self._logits = torch.cat([self._logits, logits])
        self.rows += rows

    def draw(self) -> list[Drawn]:
        """The next token of every row; `leave` and `advance` decide what becomes of it."""
        tokens = torch.empty(len(self.rows), dtype=torch.long, device=self._logits.device)
        kinds: dict[Sampling, list[int]] = {}
        for index, row in enumerate(self.rows):
            kinds.setdefault(row.sampling._replace(max_tokens=0), []).append(index)
        for sampling, indices in kinds.items():
            logits = self._logits[indices]
            if sampling.temperature == 0:
                tokens[indices] = logits.argmax(-1)
                continue
            shares = _warped(logits, sampling).softmax(-1)
            for share, index in zip(shares, indices, strict=True):
                generator = self.rows[index].generator
                tokens[index] = torch.multinomial(share[None], 1, generator=generator)[0, 0]
        return self._reported(tokens)

    def _reported(self, tokens: Tensor) -> list[Drawn]:
        ids = tokens.tolist()
        if all(row.top_logprobs is None for row in self.rows):
            return [Drawn(token, 0.0) for token in ids]
        logprobs = log_softmax(self._logits, -1)
        own = logprobs.gather(1, tokens[:, None])[:, 0].tolist()
        drawn = []
        for index, row in enumerate(self.rows):
            likeliest = logprobs[index].topk(row.top_logprobs or 0)
            pairs = zip(likeliest.indices.tolist(), likeliest.values.tolist(), strict=True)
            drawn.append(Drawn(ids[index], own[index], tuple(pairs)))
        return drawn

    def leave(self, staying: Sequence[int]) -> None:
        """Go on with these rows alone, by index, in order."""
        if len(staying) == len(self.rows):
            return
        self.rows = [self.rows[index] for index in staying]
        if not staying:
            self._cache = None
            return
        chosen = torch.tensor(staying, device=self._mask.device)
        self._cache.batch_select_indices(chosen)
        self._mask, self._logits = self._mask[chosen], self._logits[chosen]
        if self.open:
            empty = int(self._mask.any(0).int().argmax())
            self._mask = self._mask[:, empty:]
            for layer in self._cache.layers:
                layer.keys, layer.values = layer.keys[..., empty:, :], layer.values[..., empty:, :]

    def advance(self, tokens: Sequence[int]) -> None:
        """Let every row read the token that it has drawn."""
        ids = torch.tensor(tokens, device=self._mask.device)[:, None]
        self._mask = torch.cat([self._mask, torch.ones_like(self._mask[:, :1])], 1)
        self._logits = self._forward(ids, self._mask, self._cache, self.rows)

    def _config(self) -> Any:
        return self._model.config

    def _forward(self, ids: Tensor, mask: Tensor, cache: Any, rows: Sequence[BatchRow]) -> Tensor:
        """The logits of each row's next token, B x V in float32; the cache grows by `ids`."""
        arguments: dict[str, Any] = {}
        if "position_ids" in self._takes:
            positions = (mask.cumsum(1) - 1).clamp(min=0)
            arguments["position_ids"] = positions[:, -ids.shape[1] :]
        if "logits_to_keep" in self._takes:
            arguments["logits_to_keep"] = 1
        weights = [row.weights for row in rows if row.weights is not None]
        if weights:
            arguments["expert_weights"] = torch.stack(weights)
        with torch.inference_mode():
            output = self._model(
                input_ids=ids, attention_mask=mask, past_key_values=cache, use_cache=True, **arguments
            )
            logits: Tensor = output.logits[:, -1].float()
        return logits


def _left(states: Tensor, width: int) -> Tensor:
    """The states (..., T, D) with zeros in front, so that T is `width`."""
    return pad(states, (0, 0, width - states.shape[-2], 0))


def _warped(logits: Tensor, sampling: Sampling) -> Tensor:
    """The logits as transformers' own generation changes them before it draws."""
    ids = torch.zeros(len(logits), 1, dtype=torch.long, device=logits.device)
    if sampling.temperature != 1.0:
        logits = TemperatureLogitsWarper(sampling.temperature)(ids, logits)
    if sampling.top_p < 1.0:
        logits = TopPLogitsWarper(sampling.top_p)(ids, logits)
    return logits
