"""Count the tokens that a provider bills.

Endpoints report them in several ways: reasoning inside or beside the completion, cached tokens under three
names, whole numbers as floats. Knows nothing of prices.
"""

from typing import Any, NamedTuple


class TokenCounts(NamedTuple):
    """The tokens of one call; None where the reply does not say."""

    prompt: int | None = None
    completion: int | None = None
    """All output: what was written and what was thought before it."""
    cached: int | None = None
    """The part of the prompt that came from the provider's cache."""


def count_tokens(usage: Any) -> TokenCounts:
    """The counts in the `usage` of a reply, whatever it holds.

    The output is the larger of the completion and what the total leaves beside the prompt: some endpoints
    count reasoning in the completion, others in the total alone.
    """
    usage = usage if isinstance(usage, dict) else {}
    prompt = _first(usage, "prompt_tokens", "input_tokens")
    completion = _first(usage, "completion_tokens", "output_tokens")
    total = _first(usage, "total_tokens")
    if total is not None:
        if prompt is None and completion is not None:
            prompt = max(0, total - completion)
        elif prompt is not None:
            completion = max(completion or 0, total - prompt)
    elif completion is not None:
        reasoning = _detail(usage, "completion_tokens_details", "output_tokens_details", "reasoning_tokens")
        if reasoning is not None and reasoning > completion:  # so it cannot be a part of it
            completion += reasoning
    return TokenCounts(prompt, completion, _cached(usage, prompt))


def _cached(usage: dict[str, Any], prompt: int | None) -> int | None:
    cached = _detail(usage, "prompt_tokens_details", "input_tokens_details", "cached_tokens")
    if cached is None:
        cached = _first(usage, "prompt_cache_hit_tokens", "cached_tokens")
    return None if cached is None or prompt is None else min(cached, prompt)


def _detail(usage: dict[str, Any], name: str, other_name: str, what: str) -> int | None:
    details = usage.get(name) or usage.get(other_name)
    return _first(details, what) if isinstance(details, dict) else None


def _first(counts: dict[str, Any], *names: str) -> int | None:
    return next((count for name in names if (count := _count(counts.get(name))) is not None), None)


def _count(value: Any) -> int | None:
    """A token count as the store can hold it; anything else counts as unknown."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        return None
    return value
