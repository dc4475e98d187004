"""What a build takes at any size: the store's rows to the row, and the tables of docs/scale.md.

`python -m tests.oceanchat.pipeline.test_growth` rewrites those tables.
"""

import asyncio
import functools
import re
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import func, select

from oceanchat.llm.settings import CallSettings
from oceanchat.pipeline.build import build, prepare
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.estimate import BuildEstimate, estimate_build
from oceanchat.pipeline.filling import AS_IN_THE_PILOT
from oceanchat.pipeline.growth import GB, LIMITS, REQUESTS_A_MINUTE, Growth, growth, reached
from oceanchat.pipeline.rehearsal import rehearse
from oceanchat.progress import Silence
from oceanchat.store.database import existing_or_empty, open_store
from oceanchat.store.schema import metadata
from oceanchat.traits import TRAIT_LEVELS

PAGE = Path(__file__).parents[3] / "docs" / "scale.md"
SIZES = [10**power for power in range(4, 9)]
MODELS = ("gpt-4o-mini", "gpt-3.5-turbo-1106", "gpt-4-0613")
AS_IN_PAPER = {"sentences_per_call": 1, "dialogues_per_check": 1}
MARKS = ("<!-- {} -->", "<!-- end of {} -->")


@functools.cache
def sizes_of_calls(sentences: int, dialogues: int) -> Any:
    """A rehearsal at the defaults but for these numbers a call."""
    options = {"sentences_per_call": sentences, "dialogues_per_check": dialogues}
    return rehearse(BuildConfig(trait_levels=TRAIT_LEVELS, **options))


def estimated(model: str = MODELS[0], calls: dict[str, Any] | None = None, **options: Any) -> BuildEstimate:
    """A rough estimate of 10,000 dialogues, into an empty store."""
    roles = dict.fromkeys(("labeler", "writer", "checker"), model)
    settings = CallSettings.model_validate(calls or {})
    config = BuildConfig(trait_levels=TRAIT_LEVELS, count=1000, calls=settings, **roles, **options)
    sizes = sizes_of_calls(config.sentences_per_call, config.dialogues_per_check)
    # Each estimate rehearses; the models and rates that differ here are none that a rehearsal looks at.
    with (
        existing_or_empty("no-such-store.db") as store,
        mock.patch("oceanchat.pipeline.estimate.rehearse", lambda config: sizes),
    ):
        return estimate_build(config, store)


def table(options: dict[str, Any]) -> str:
    """What five sizes take, a column each."""
    by_model = {model: estimated(model, **options) for model in MODELS}
    first = [growth(by_model[MODELS[0]], size) for size in SIZES]
    lines: list[tuple[str, list[float]]] = [
        ("calls", [at.calls.value for at in first]),
        ("tokens", [at.tokens.value for at in first if at.tokens]),
    ]
    for model, estimate in by_model.items():
        costs = [growth(estimate, size).usd for size in SIZES]
        lines.append((f"US dollars, {model}", [cost.value for cost in costs if cost]))
    for rate in (500, 5_000, 30_000):
        hours = [at.hours.value * REQUESTS_A_MINUTE / rate for at in first]
        lines.append((f"hours at {rate:,} requests a minute", hours))
    lines += [
        ("sentences in the corpus", [at.sentences.value for at in first]),
        ("rows in the store", [at.rows.value for at in first]),
        ("GB of store", [at.store_bytes.value / GB for at in first]),
        ("GB of release", [at.release_bytes / GB for at in first]),
        ("CPU hours of the process that builds", [at.driver_hours for at in first]),
        ("GB of memory of that process", [at.driver_bytes / GB for at in first]),
    ]
    rows = [f"| {name} | {' | '.join(map(shown, figures))} |" for name, figures in lines]
    return "\n".join(
        [f"| dialogues | {' | '.join(f'{size:,}' for size in SIZES)} |", "|---|" + "---|" * 5, *rows]
    )


def shown(figure: float) -> str:
    """A figure with two digits."""
    if not figure:
        return "0"
    two = float(f"{figure:.2g}")
    for size, unit in ((1e12, " T"), (1e9, " G"), (1e6, " M")):
        if two >= size:
            return f"{two / size:,.3g}{unit}"
    return f"{two:,.0f}" if two >= 10 else f"{two:g}"


def limits() -> str:
    """What gives way, from the smallest size on."""
    size = growth(estimated())
    lines = [
        f"| {shown(limit.dialogues(size))} | {limit.what} | {limit.then} |"
        for limit in sorted(LIMITS, key=lambda limit: limit.dialogues(size))
    ]
    return "\n".join(["| from dialogues | it takes more than | what to do then |", "|---|---|---|", *lines])


def tables() -> dict[str, str]:
    """The tables of the page by name."""
    return {"defaults": table({}), "as in the paper": table(AS_IN_PAPER), "limits": limits()}


def written(page: str, name: str) -> str:
    """The table of that name on the page."""
    start, end = (mark.format(name) for mark in MARKS)
    return page.partition(start)[2].partition(end)[0].strip()


def test_the_page_prints_what_the_function_gives() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name, content in tables().items():
        assert written(page, name) == content, f"run `python -m {__name__}`"


@pytest.mark.parametrize("options", [{}, AS_IN_PAPER], ids=["defaults", "paper"])
def test_the_rows_of_a_store_are_those_of_a_real_build(options: dict[str, Any], tmp_path: Path) -> None:
    config = BuildConfig(trait_levels=TRAIT_LEVELS[:1], count=12, **options)
    store = open_store(tmp_path / "store.db")
    asyncio.run(build(prepare(config), store, Silence()))
    names = ("candidates", "seeds", "dialogues", "ledger_calls")
    with store.reading() as connection:
        rows = [
            connection.execute(select(func.count()).select_from(metadata.tables[n])).scalar_one()
            for n in names
        ]
    # From here on the estimate rests on that build, and its own number is what another one takes whose calls
    # are as full as that one's.
    filled = "oceanchat.pipeline.pilot.{}_filling"
    with (
        mock.patch(filled.format("checks"), lambda *args: AS_IN_THE_PILOT),
        mock.patch(filled.format("labels"), lambda *args: AS_IN_THE_PILOT),
    ):
        size = growth(estimate_build(config.model_copy(update={"count": 24}), store))
    store.close()
    assert size.dialogues == 12
    # The corpus must hold those of the first twelve too.
    assert size.corpus_sentences.value == pytest.approx(2 * size.sentences.value, rel=0.35)
    assert size.rows.value - size.sentences.value == pytest.approx(sum(rows), rel=0.03)


def test_figures_grow_in_proportion_and_the_smallest_limit_comes_first() -> None:
    estimate = estimated()
    one, ten = (growth(estimate, size) for size in (10**6, 10**7))
    assert ten.calls.value == pytest.approx(10 * one.calls.value)
    assert ten.store_bytes.high == pytest.approx(10 * one.store_bytes.high)
    assert reached(growth(estimate, 1000)) == ()
    sizes = [limit.dialogues(ten) for limit in reached(ten)]
    assert sizes == sorted(sizes) and len(reached(one)) < len(sizes)
    for limit in reached(ten):
        assert limit.amount(growth(estimate, limit.dialogues(ten))) == pytest.approx(limit.most, rel=1e-3)


def test_hours_go_by_the_slower_of_two_rates() -> None:
    hours = [growth(estimated(calls=rates)).hours for rates in ({"rpm": 60}, {"rpm": 60, "tpm": 1000})]
    assert hours[0].value == pytest.approx(growth(estimated()).calls.value / 3600)
    assert hours[1].value > hours[0].value


def test_what_is_unknown_stays_unknown() -> None:
    estimate = estimated("my-own")
    size: Growth = growth(estimate)
    assert size.usd is None and size.tokens is not None
    assert size.as_json()["usd"] is None and size.as_json()["reached"] == []
    assert growth(BuildEstimate(estimate.config, 0, 0, (), "today")).rows.value == 0


def rewrite() -> None:
    """Put the tables into the page."""
    page = PAGE.read_text(encoding="utf-8")
    for name, content in tables().items():
        start, end = (re.escape(mark.format(name)) for mark in MARKS)
        page = re.sub(
            f"({start}).*?({end})", lambda m, c=content: f"{m[1]}\n\n{c}\n\n{m[2]}", page, flags=re.S
        )
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    rewrite()
