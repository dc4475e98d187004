"""Estimate a build's remaining calls, tokens and cost.

The pilot is what the ledger already holds of the same models, or a few dialogues really built, which the
build that follows replays. For each task it gives the calls that one passed dialogue needed (with Wilson's
interval of the yield) and the mean tokens of a call (with a normal interval). The ends of an estimate
multiply the ends of both, so its intervals are wide rather than narrow.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection

from oceanchat.llm.prices import PriceTable, load_prices
from oceanchat.llm.settings import SCRIPTED
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.seed_topics import BLOCK, CHOSEN_PER_BLOCK
from oceanchat.statistics.intervals import wilson
from oceanchat.store import builds as build_rows
from oceanchat.store import ledger_sums
from oceanchat.store.database import Store

Z = 1.96
"""Standard errors either side of a mean in a 95 % interval."""


class Range(NamedTuple):
    """A figure with the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def times(self, other: "Range") -> "Range":
        """The product, end by end."""
        return Range(self.value * other.value, self.low * other.low, self.high * other.high)

    def plus(self, other: "Range") -> "Range":
        """The sum, end by end."""
        return Range(self.value + other.value, self.low + other.low, self.high + other.high)

    def scaled(self, factor: float) -> "Range":
        """Every end times `factor`."""
        return Range(self.value * factor, self.low * factor, self.high * factor)


NO_USAGE = Range(0.0, 0.0, 0.0)


class Moments(NamedTuple):
    """Count, sum and sum of squares of some token counts."""

    number: int
    total: float
    squares: float

    @property
    def mean(self) -> Range:
        """The mean with its 95 % interval; of a single value the interval goes from 0 to double."""
        if self.number == 0:
            return NO_USAGE
        mean = self.total / self.number
        if self.number == 1:
            return Range(mean, 0.0, 2 * mean)
        variance = max(0.0, (self.squares - self.number * mean * mean) / (self.number - 1))
        margin = Z * math.sqrt(variance / self.number)
        return Range(mean, max(0.0, mean - margin), mean + margin)


class PilotUsage(NamedTuple):
    """The calls and tokens that one task took in the pilot."""

    task: str
    model: str
    endpoint: str
    calls: int
    dialogues: int
    """Passed dialogues these calls ended in."""
    prompt: Moments
    completion: Moments


class TaskEstimate(NamedTuple):
    """The calls, tokens and US dollars that one task will still take."""

    task: str
    model: str
    calls: Range
    tokens: Range | None
    """Prompt and completion together; None where the replies to the pilot had no token counts."""
    usd: Range | None
    """None where the cost is unknown."""

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        ranges = {"calls": self.calls, "tokens": self.tokens, "usd": self.usd}
        figures = {name: None if figure is None else figure._asdict() for name, figure in ranges.items()}
        return {"task": self.task, "model": self.model, **figures}


def calls_needed(pilot: PilotUsage, dialogues: int) -> Range:
    """Calls of the pilot's task that `dialogues` more passed dialogues take."""
    passed, calls = pilot.dialogues, pilot.calls
    if not passed or not calls:
        return Range(math.nan, float(dialogues), math.inf)
    if passed <= calls:
        share = _share(passed, calls)
        return Range(dialogues / share.value, dialogues / share.high, dialogues / share.low)
    # Several dialogues per call: the calls are the rarer event.
    return _share(calls, passed).scaled(dialogues)


def _share(successes: int, total: int) -> Range:
    """Wilson's interval of a share that is not 0."""
    share = wilson(successes, total)
    return Range(successes / total, share.low or 0.0, share.high or 1.0)


def estimate_task(pilot: PilotUsage, dialogues: int, prices: PriceTable, batch: bool) -> TaskEstimate:
    """What `dialogues` more passed dialogues will take of the pilot's task."""
    calls = calls_needed(pilot, dialogues)
    price = prices.price(pilot.endpoint, pilot.model, batch)
    counted = pilot.prompt.number > 0 and pilot.completion.number > 0
    prompt, completion = pilot.prompt.mean, pilot.completion.mean
    tokens = calls.times(prompt.plus(completion)) if counted else None
    usd: Range | None = None
    if price is not None and (counted or price.input == price.output == 0):
        per_call = prompt.scaled(_per_token(price.input)).plus(completion.scaled(_per_token(price.output)))
        usd = calls.times(per_call) if counted else NO_USAGE
    return TaskEstimate(pilot.task, pilot.model, calls, tokens, usd)


def _per_token(price: Decimal) -> float:
    return float(price) / 1e6


def add_up(tasks: Sequence[TaskEstimate]) -> TaskEstimate:
    """All tasks together; a sum with an unknown part is unknown."""
    calls, tokens, usd = NO_USAGE, NO_USAGE, NO_USAGE
    for task in tasks:
        calls = calls.plus(task.calls)
        tokens = tokens.plus(task.tokens or NO_USAGE)
        usd = usd.plus(task.usd or NO_USAGE)
    all_tokens = None if any(task.tokens is None for task in tasks) else tokens
    return TaskEstimate(
        "all", "", calls, all_tokens, None if any(task.usd is None for task in tasks) else usd
    )


@dataclass(frozen=True)
class BuildEstimate:
    """What a build will still take."""

    config: BuildConfig
    missing: int
    """Passed dialogues that are still missing."""
    pilot_dialogues: int
    """Passed dialogues the estimate rests on; 0: there was no pilot."""
    tasks: tuple[TaskEstimate, ...]
    price_date: str

    @property
    def total(self) -> TaskEstimate:
        """All tasks together."""
        return add_up(self.tasks)

    def as_json(self) -> dict[str, Any]:
        """For `--json`; a figure without an upper end has null there."""
        figures: dict[str, Any] = {
            "missing": self.missing,
            "pilot_dialogues": self.pilot_dialogues,
            "batch": self.config.calls.batch,
            "price_date": self.price_date,
            "tasks": [task.as_json() for task in self.tasks],
            "total": self.total.as_json(),
        }
        return {name: _finite(value) for name, value in figures.items()}


def _finite(value: Any) -> Any:
    """The same with null for what JSON cannot express."""
    if isinstance(value, Mapping):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def estimate_build(config: BuildConfig, store: Store) -> BuildEstimate:
    """What `config` asks for beyond what `store` holds. Raises ConfigError."""
    prices = load_prices(config.calls.prices)
    with store.reading() as connection:
        passed = {code: _passed(connection, config, code) for code in _built_alike(connection, config)}
        wanted = [level.code for level in config.trait_levels]
        missing = sum(max(0, config.count - passed.get(code, 0)) for code in wanted)
        tasks = [_estimate_stored(connection, config, task, passed, missing, prices) for task in config.tasks]
    return BuildEstimate(config, missing, sum(passed.values()), tuple(tasks), prices.date)


def _built_alike(connection: Connection, config: BuildConfig) -> list[str]:
    """Trait-levels whose latest build used the same models in the same mode."""
    same = ("labeler", "writer", "checker", "mode", "check", "exchanges", "sentences_per_call")
    now = config.saved()
    return [
        build.trait_level
        for build in build_rows.stored_builds(connection, config.build_name)
        if all(build.config.get(name) == now.get(name) for name in same)
    ]


def _passed(connection: Connection, config: BuildConfig, code: str) -> int:
    return build_rows.state_counts(connection, code, config.build_name).get("dialogues", {}).get("passed", 0)


def _model_for(config: BuildConfig, task: str) -> str:
    if task == config.label_task:
        return config.labeler
    return config.checker if task == "check" else config.writer


def _estimate_stored(
    connection: Connection,
    config: BuildConfig,
    task: str,
    passed: Mapping[str, int],
    missing: int,
    prices: PriceTable,
) -> TaskEstimate:
    model = _model_for(config, task)
    endpoint = SCRIPTED if model == SCRIPTED else config.calls.endpoint
    figures = ledger_sums.pilot_sums(connection, model, task)
    rows = [row for row in figures if row["trait_level"] in passed]
    dialogues = sum(passed[code] for code in {row["trait_level"] for row in rows})
    if not dialogues:
        return TaskEstimate(task, model, _lower_bound(config, task, missing), None, None)
    pilot = PilotUsage(
        task,
        model,
        endpoint,
        sum(row["calls"] for row in rows),
        dialogues,
        _moments(rows, "prompt"),
        _moments(rows, "completion"),
    )
    return estimate_task(pilot, missing, prices, config.calls.batch and model != SCRIPTED)


def _moments(rows: Sequence[Mapping[str, Any]], name: str) -> Moments:
    counted = [row for row in rows if row["counted"]]
    return Moments(
        sum(row["counted"] for row in counted),
        float(sum(row[name] for row in counted)),
        float(sum(row[f"{name}_squares"] for row in counted)),
    )


def _lower_bound(config: BuildConfig, task: str, missing: int) -> Range:
    """Without a pilot only a lower bound is known: every candidate fits and every dialogue passes."""
    fewest_calls = {
        config.label_task: math.ceil(missing / CHOSEN_PER_BLOCK) * BLOCK / config.sentences_per_call,
        "question": missing * config.exchanges,
        "disclose": missing * config.exchanges,
    }.get(task, missing)
    return Range(math.nan, math.ceil(fewest_calls), math.inf)
