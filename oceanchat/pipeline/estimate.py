"""Estimate a build's remaining calls, tokens and cost.

The pilot is what the ledger already holds of the same models, or a few dialogues really built, which the
build that follows replays. For each task it gives the calls that one passed dialogue needed (with Wilson's
interval of the yield) and the mean tokens of a call (with a normal interval). The ends of an estimate
multiply the ends of both, so its intervals are wide rather than narrow. Without a pilot it is rough.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection

from oceanchat.errors import PromptError
from oceanchat.llm.prices import PriceTable, load_prices
from oceanchat.llm.settings import SCRIPTED
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.filling import AS_IN_THE_PILOT, Filling
from oceanchat.pipeline.pilot import read_fillings, read_level
from oceanchat.pipeline.ranges import NO_USAGE, Range, TaskEstimate, add_up
from oceanchat.pipeline.rehearsal import rehearse
from oceanchat.pipeline.rough_estimate import rough_task
from oceanchat.pipeline.seed_topics import BLOCK, CHOSEN_PER_BLOCK
from oceanchat.pipeline.unsaid_lengths import fit_lengths
from oceanchat.prompts import open_prompts
from oceanchat.statistics.intervals import wilson
from oceanchat.store import builds as build_rows
from oceanchat.store import ledger_sums
from oceanchat.store.database import Store

Z = 1.96
"""Standard errors either side of a mean in a 95 % interval."""


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
    cached: float = 0.0
    """Mean prompt tokens of a call that came from the provider's cache."""
    filling: Filling = AS_IN_THE_PILOT
    """How much fuller the calls of the build become."""


def calls_needed(pilot: PilotUsage, dialogues: int) -> Range:
    """Calls of the pilot's task that `dialogues` more passed dialogues take."""
    passed, calls = pilot.dialogues, pilot.calls
    if not passed or not calls:
        return Range(math.nan, float(dialogues), math.inf)
    if passed <= calls:
        share = _share(passed, calls)
        needed = Range(dialogues / share.value, dialogues / share.high, dialogues / share.low)
    else:  # Several dialogues per call: the calls are the rarer event.
        needed = _share(calls, passed).scaled(dialogues)
    filling = pilot.filling
    return Range(needed.value * filling.calls, needed.low * filling.fewest, needed.high * filling.most)


def _share(successes: int, total: int) -> Range:
    """Wilson's interval of a share that is not 0."""
    share = wilson(successes, total)
    return Range(successes / total, share.low or 0.0, share.high or 1.0)


def sentences_needed(labeled: int, passed: int, count: int, filling: Filling = AS_IN_THE_PILOT) -> Range:
    """Sentences that `count` dialogues take in all, where `labeled` ones led to `passed` dialogues and could
    have led to more by their `filling`."""
    if passed >= count:
        return Range(*[float(labeled)] * 3)
    if not passed:
        return Range(math.nan, float(max(labeled, count)), math.inf)
    share = _share(passed, labeled)
    value, low = count / share.value * filling.calls, count / share.high * filling.fewest
    return Range(max(labeled, value), max(labeled, low), count / share.low)


def estimate_task(pilot: PilotUsage, dialogues: int, prices: PriceTable, batch: bool) -> TaskEstimate:
    """What `dialogues` more passed dialogues will take of the pilot's task."""
    calls = calls_needed(pilot, dialogues)
    price = prices.price(pilot.endpoint, pilot.model, batch)
    counted = pilot.prompt.number > 0 and pilot.completion.number > 0
    prompt = pilot.prompt.mean.scaled(pilot.filling.prompt)
    completion = pilot.completion.mean.scaled(pilot.filling.completion)
    tokens = calls.times(prompt.plus(completion)) if counted else None
    usd: Range | None = None
    if price is not None and (counted or price.input == price.output == 0):
        per_call = prompt.scaled(_per_token(price.input)).plus(completion.scaled(_per_token(price.output)))
        if price.cached is not None:
            less = pilot.cached * _per_token(price.input - price.cached)
            per_call = Range(*(max(0.0, end - less) for end in per_call))
        usd = calls.times(per_call) if counted else NO_USAGE
    return TaskEstimate(pilot.task, pilot.model, calls, tokens, usd)


def _per_token(price: Decimal) -> float:
    return float(price) / 1e6


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
    rough: bool = False
    """Whether it rests on a rehearsal and assumptions instead of a pilot."""
    scarcest: Range | None = None
    """Sentences that the corpus must hold for the trait-level that finds the fewest; None without a pilot."""
    checks: Filling = AS_IN_THE_PILOT
    """How full the pilot's check calls were, and the build's become."""
    labels: Filling = AS_IN_THE_PILOT
    """How many of the topics in what it labeled the pilot took."""

    @property
    def total(self) -> TaskEstimate:
        """All tasks together."""
        return add_up(self.tasks)

    def as_json(self) -> dict[str, Any]:
        """For `--json`; a figure without an upper end has null there."""
        figures: dict[str, Any] = {
            "missing": self.missing,
            "pilot_dialogues": self.pilot_dialogues,
            "rough": self.rough,
            "batch": self.config.calls.batch,
            "price_date": self.price_date,
            "tasks": [task.as_json() for task in self.tasks],
            "total": self.total.as_json(),
        }
        return {name: finite(value) for name, value in figures.items()}


def finite(value: Any) -> Any:
    """The same with null for what JSON cannot express."""
    if isinstance(value, Mapping):
        return {name: finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def estimate_build(config: BuildConfig, store: Store) -> BuildEstimate:
    """What `config` asks for beyond what `store` holds. Raises ConfigError."""
    config = _fitted(config)
    prices = load_prices(config.calls.prices)
    with store.reading() as connection:
        passed = {code: _passed(connection, config, code) for code in _built_alike(connection, config)}
        wanted = [level.code for level in config.trait_levels]
        missing = sum(max(0, config.count - passed.get(code, 0)) for code in wanted)
        check_calls = _known_calls(connection, config, "check", tuple(passed))
        fillings = read_fillings(connection, config, tuple(passed), check_calls)
        pilots = [_pilot(connection, config, task, passed, fillings) for task in config.tasks]
        known = {task: _known_calls(connection, config, task, wanted) for task in config.tasks}
        scarcest = _scarcest(connection, config, [code for code in wanted if code in passed])
    batch = config.calls.batch
    tasks = [
        estimate_task(pilot, missing, prices, batch and pilot.model != SCRIPTED) for pilot in pilots if pilot
    ]
    if tasks:
        forecast = BuildEstimate(config, missing, sum(passed.values()), tuple(tasks), prices.date)
        return replace(
            forecast,
            scarcest=scarcest,
            checks=fillings.get("check", AS_IN_THE_PILOT),
            labels=fillings.get(config.label_task, AS_IN_THE_PILOT),
        )
    return BuildEstimate(
        config, missing, 0, _without_pilot(config, missing, known, prices), prices.date, True
    )


def _fitted(config: BuildConfig) -> BuildConfig:
    """The config with the lengths that its prompts can ask for; as it is where they cannot be read."""
    try:
        return fit_lengths(config, open_prompts(config.prompts))[0]
    except PromptError:
        return config


def _without_pilot(
    config: BuildConfig, missing: int, known: Mapping[str, int], prices: PriceTable
) -> tuple[TaskEstimate, ...]:
    """From a rehearsal and assumptions, or, where nothing could be rehearsed, the least it can take."""
    sizes = rehearse(config)
    tasks = []
    for task in config.tasks:
        model = model_for(config, task)
        if task in sizes:
            price = prices.price(endpoint_of(config, model), model, config.calls.batch and model != SCRIPTED)
            tasks.append(rough_task(task, model, sizes[task], missing, price, known[task]))
        elif not sizes and task in config.usual_tasks:
            tasks.append(TaskEstimate(task, model, _lower_bound(config, task, missing), None, None))
    return tuple(tasks)


def _built_alike(connection: Connection, config: BuildConfig) -> list[str]:
    """Trait-levels whose latest build used the same models in the same mode."""
    shape = (
        "mode",
        "check",
        "exchanges",
        "answer_words",
        "min_strength",
        "sentences_per_call",
        "dialogues_per_check",
    )
    same = ("labeler", "writer", "checker", *shape)
    now = config.saved()
    return [
        build.trait_level
        for build in build_rows.stored_builds(connection, config.build_name)
        if all(build.config.get(name) == now.get(name) for name in same)
    ]


def _passed(connection: Connection, config: BuildConfig, code: str) -> int:
    return build_rows.state_counts(connection, code, config.build_name).get("dialogues", {}).get("passed", 0)


def _scarcest(connection: Connection, config: BuildConfig, codes: Sequence[str]) -> Range | None:
    """What the corpus must hold: each trait-level looks through all of it, so the neediest one decides."""
    needs = []
    for code in codes:
        level = read_level(connection, config, code)
        if level.labeled >= max(level.passed, 1):
            needs.append(sentences_needed(level.labeled, level.passed, config.count, level.labels_filling))
    if not needs:
        return None
    values, lows, highs = zip(*needs, strict=True)
    return Range(math.nan if any(map(math.isnan, values)) else max(values), max(lows), max(highs))


def model_for(config: BuildConfig, task: str) -> str:
    """The model that a task is asked of."""
    if task in ("label", "label_many"):
        return config.labeler
    return config.checker if task == "check" else config.writer


def endpoint_of(config: BuildConfig, model: str) -> str:
    """Where a model of the build is."""
    return SCRIPTED if model == SCRIPTED else config.calls.endpoint


def _known_calls(connection: Connection, config: BuildConfig, task: str, codes: Collection[str]) -> int:
    """Calls of a task, about these trait-levels, that the ledger can answer."""
    rows = ledger_sums.pilot_sums(connection, model_for(config, task), task)
    return sum(row["calls"] for row in rows if row["trait_level"] in codes)


def _pilot(
    connection: Connection,
    config: BuildConfig,
    task: str,
    passed: Mapping[str, int],
    fillings: Mapping[str, Filling],
) -> PilotUsage | None:
    """What the ledger says of a task, None where no dialogue has passed with its help."""
    model = model_for(config, task)
    figures = ledger_sums.pilot_sums(connection, model, task)
    rows = [row for row in figures if row["trait_level"] in passed]
    dialogues = sum(passed[code] for code in {row["trait_level"] for row in rows})
    if not dialogues:
        return None
    counted = sum(row["counted"] for row in rows)
    return PilotUsage(
        task,
        model,
        endpoint_of(config, model),
        sum(row["calls"] for row in rows),
        dialogues,
        _moments(rows, "prompt"),
        _moments(rows, "completion"),
        sum(row["cached"] or 0 for row in rows) / counted if counted else 0.0,
        fillings.get(task, AS_IN_THE_PILOT),
    )


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
        "label": math.ceil(missing / CHOSEN_PER_BLOCK) * BLOCK,
        "label_many": math.ceil(missing / CHOSEN_PER_BLOCK) * BLOCK / config.sentences_per_call,
        "check": missing / config.dialogues_per_check,
        "question": missing * config.exchanges,
        "disclose": missing * config.exchanges,
    }.get(task, missing)
    return Range(math.nan, math.ceil(fewest_calls), math.inf)
