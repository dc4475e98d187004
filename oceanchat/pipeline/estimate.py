"""What a build will still cost: its pilot read from the store, the forecast for what is missing.

The pilot is whatever the ledger already holds of the same models, or a few dialogues really built. Nothing
asked for a pilot is lost: the build that follows replays it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from oceanchat.llm.forecast import Moments, Pilot, Span, TaskForecast, add_up, forecast
from oceanchat.llm.prices import PriceTable, load_prices
from oceanchat.llm.settings import SCRIPTED
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.seed_topics import BLOCK, CHOSEN_PER_BLOCK
from oceanchat.store import builds as build_rows
from oceanchat.store import ledger as ledger_rows
from oceanchat.store.database import Store


@dataclass(frozen=True)
class Outlook:
    """What a build still takes."""

    config: BuildConfig
    missing: int
    """Passed dialogues still to be made."""
    pilot_dialogues: int
    """Passed dialogues the forecast rests on; 0: there was no pilot."""
    tasks: tuple[TaskForecast, ...]
    price_date: str

    @property
    def total(self) -> TaskForecast:
        """All tasks together."""
        return add_up(self.tasks)

    def as_json(self) -> dict[str, Any]:
        """For `--json`; a figure without an upper end has null there."""
        told: dict[str, Any] = {
            "missing": self.missing,
            "pilot_dialogues": self.pilot_dialogues,
            "batch": self.config.calls.batch,
            "price_date": self.price_date,
            "tasks": [task.as_json() for task in self.tasks],
            "total": self.total.as_json(),
        }
        return {name: _finite(value) for name, value in told.items()}


def _finite(value: Any) -> Any:
    """The same with null for what JSON has no word for."""
    if isinstance(value, Mapping):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def outlook(config: BuildConfig, store: Store) -> Outlook:
    """The forecast for what `config` asks for beyond what `store` holds. Raises ConfigError."""
    prices = load_prices(config.calls.prices)
    with store.reading() as connection:
        passed = {code: _passed(connection, code) for code in _built_alike(connection, config)}
        wanted = [level.code for level in config.trait_levels]
        missing = sum(max(0, config.count - passed.get(code, 0)) for code in wanted)
        tasks = [_forecast_task(connection, config, task, passed, missing, prices) for task in config.tasks]
    return Outlook(config, missing, sum(passed.values()), tuple(tasks), prices.date)


def _built_alike(connection: Connection, config: BuildConfig) -> list[str]:
    """Trait-levels whose latest build used the same models in the same mode."""
    same = ("labeler", "writer", "checker", "mode", "check", "exchanges", "sentences_per_call", "endpoint")
    now = config.saved()
    return [
        build.trait_level
        for build in build_rows.stored_builds(connection)
        if all(build.config.get(name) == now.get(name) for name in same)
    ]


def _passed(connection: Connection, code: str) -> int:
    return build_rows.state_counts(connection, code).get("dialogues", {}).get("passed", 0)


def _model_for(config: BuildConfig, task: str) -> str:
    if task == config.label_task:
        return config.labeler
    return config.checker if task == "check" else config.writer


def _forecast_task(
    connection: Connection,
    config: BuildConfig,
    task: str,
    passed: Mapping[str, int],
    missing: int,
    prices: PriceTable,
) -> TaskForecast:
    model = _model_for(config, task)
    endpoint = SCRIPTED if model == SCRIPTED else config.calls.endpoint
    figures = ledger_rows.pilot_figures(connection, endpoint, model, task)
    rows = [row for row in figures if row["about"] in passed]
    dialogues = sum(passed[code] for code in {row["about"] for row in rows})
    if not dialogues:
        return TaskForecast(task, model, _at_least(config, task, missing), None, None)
    pilot = Pilot(
        task,
        model,
        endpoint,
        sum(row["calls"] for row in rows),
        dialogues,
        _moments(rows, "prompt"),
        _moments(rows, "completion"),
    )
    return forecast(pilot, missing, prices, config.calls.batch and model != SCRIPTED)


def _moments(rows: Sequence[Mapping[str, Any]], name: str) -> Moments:
    told = [row for row in rows if row["told"]]
    return Moments(
        sum(row["told"] for row in told),
        float(sum(row[name] for row in told)),
        float(sum(row[f"{name}_squares"] for row in told)),
    )


def _at_least(config: BuildConfig, task: str, missing: int) -> Span:
    """Without a pilot only the least is known: every candidate fits and every dialogue passes."""
    least = {
        config.label_task: math.ceil(missing / CHOSEN_PER_BLOCK) * BLOCK / config.sentences_per_call,
        "question": missing * config.exchanges,
        "disclose": missing * config.exchanges,
    }.get(task, missing)
    return Span(math.nan, math.ceil(least), math.inf)
