"""Find the columns of a provider's export.

Each provider names them in its own way and changes the names now and then: known names come first, then the
words that a name holds. Knows nothing of what the figures are compared with.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime

FIGURES = ("calls", "prompt_tokens", "cached_tokens", "completion_tokens", "usd")
"""The figures of an export that the ledger knows too."""
_KNOWN = {
    "model": (
        *("model", "model_name", "model_version", "model_permaslug", "model_id", "snapshot_id"),
        *("deployment", "line_item"),
    ),
    "calls": ("num_model_requests", "n_requests", "requests", "num_requests", "request_count", "calls"),
    "prompt_tokens": (
        *("input_tokens", "prompt_tokens", "tokens_prompt", "n_context_tokens_total"),
        *("usage_input_tokens", "native_tokens_prompt"),
    ),
    "cached_tokens": (
        *("input_cached_tokens", "cached_tokens", "tokens_cached", "n_cached_context_tokens_total"),
        *("cache_read_input_tokens", "cached_input_tokens", "native_tokens_cached"),
    ),
    "completion_tokens": (
        *("output_tokens", "completion_tokens", "tokens_completion", "n_generated_tokens_total"),
        *("usage_output_tokens", "native_tokens_completion"),
    ),
    "usd": ("amount_value", "cost_usd", "cost_total", "total_cost", "cost", "amount_usd", "usd", "spend"),
    "currency": ("amount_currency", "currency", "billing_currency"),
    "request": ("generation_id", "request_id"),
    "date": (
        *("date", "day", "start_time_iso", "start_time", "created_at", "timestamp", "usage_date_utc"),
        *("usage_date", "utc_date", "time"),
    ),
}
_IDS = frozenset({"id", "ids", "key", "name", "type", "reason", "limit", "price", "rate", "per", "unit"})
_HOLDS: dict[str, tuple[frozenset[str], ...]] = {
    "model": (frozenset({"model", "engine", "sku"}),),
    "calls": (frozenset({"requests", "request", "calls", "queries", "invocations"}),),
    "prompt_tokens": (frozenset({"input", "prompt", "context"}), frozenset({"tokens", "token"})),
    "cached_tokens": (frozenset({"cached", "cache"}), frozenset({"tokens", "token"})),
    "completion_tokens": (
        frozenset({"output", "completion", "completions", "generated", "response"}),
        frozenset({"tokens", "token"}),
    ),
    "usd": (frozenset({"cost", "costs", "spend", "spent", "charge", "charged", "charges", "amount", "usd"}),),
    "currency": (frozenset({"currency"}),),
    "date": (frozenset({"date", "day", "timestamp"}),),
}
_OTHER_MEDIA = frozenset({"audio", "image", "images", "video", "search", "embedding", "embeddings"})
_CACHE = frozenset({"cache", "cached", "caching"})
_ENDS = frozenset({"end", "ended", "expires", "due", "updated"})


def columns_of(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The file's columns for each thing of interest: one of FIGURES, 'model', 'currency', 'request', 'date'.

    Several where a figure is their sum, as where input that was cached stands in columns of its own.
    """
    words = {name: _words(name) for name in names if name}
    columns: dict[str, tuple[str, ...]] = {}
    for thing, known in _KNOWN.items():
        there = {"_".join(of): name for name, of in reversed(words.items())}
        exact = [there[name] for name in known if name in there]
        like = exact or [name for name, of in words.items() if _may_be(thing, frozenset(of))]
        if like:
            columns[thing] = (like[0],)
    return columns | _parts_of_the_prompt(words)


def _may_be(thing: str, words: frozenset[str]) -> bool:
    if thing not in _HOLDS or not all(words & group for group in _HOLDS[thing]):
        return False
    if thing == "date":
        return not words & _ENDS
    if thing == "prompt_tokens" and words & _CACHE and not words & {"no", "uncached"}:
        return False
    if thing in FIGURES and words & (_IDS | _OTHER_MEDIA):
        return False
    return not (thing == "cached_tokens" and words & {"no", "write", "creation", "miss", "output"})


def _parts_of_the_prompt(words: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """The columns that add up to the prompt, where one of them is the part that no cache had to do with."""
    tokens = {name: frozenset(of) for name, of in words.items() if {"tokens", "token"} & {*of}}
    without = [name for name, of in tokens.items() if "input" in of and {"no", "cache"} <= of]
    if not without:
        return {}
    with_cache = [name for name, of in tokens.items() if of & _CACHE and not of & {"no", "output"}]
    return {"prompt_tokens": (*without, *with_cache)}


def _words(name: str) -> list[str]:
    """The words of a column's name, however they are joined."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return re.findall(r"[a-z0-9]+", apart.lower())


def day_of(cell: str) -> date | None:
    """The day (UTC) that a cell names: ISO 8601, or seconds or milliseconds since 1970; None for others."""
    text = cell.strip()
    try:
        if re.fullmatch(r"\d{9,13}(\.\d+)?", text):
            seconds = float(text)
            return datetime.fromtimestamp(seconds / (1000 if seconds > 1e11 else 1), UTC).date()
        moment = datetime.fromisoformat(re.sub(r" ?UTC$", "Z", text))
        return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError, OSError):
        return None
