"""Imported dialogues: stored once, gated like our own, checked where a checker is named."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from oceanchat.pipeline.importing import (
    BadLines,
    ImportConfig,
    ImportReport,
    import_dialogues,
    prepare_import,
)
from oceanchat.pipeline.results import passed_statistics
from oceanchat.progress import Silence
from oceanchat.records import Dialogue
from oceanchat.store.database import Store
from oceanchat.store.imports import read_imported


def turns(*texts: str) -> list[dict[str, str]]:
    return [{"role": ("questioner", "discloser")[n % 2], "text": text} for n, text in enumerate(texts)]


ANXIOUS = turns(
    "How did the week go for you?",
    "I lay awake and worried about the exam, and I was scared all the way there.",
    "What was on your mind then?",
    "That I'd fail and panic. My hands shook and I felt sick with fear.",
    "And now that it's over?",
    "I keep worrying what they think of me; I'm so nervous I can't eat.",
)
CALM = turns(
    "How did the move go?",
    "Fine. The van broke down, so we sat in the grass and waited without any fuss.",
    "Did that upset the day?",
    "No, I stayed calm. It'll sort itself out, it always does.",
    "And the broken lamp?",
    "It's only a lamp. I swept it up, shrugged and slept well.",
)


def write(path: Path, *rows: dict[str, Any] | str) -> Path:
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


def imported(store: Store) -> Sequence[Dialogue]:
    with store.reading() as connection:
        return read_imported(connection)


async def bring(store: Store, file: Path, **options: Any) -> ImportReport:
    config = ImportConfig(file=file, **options)
    return await import_dialogues(config, prepare_import(config), store, Silence())


N_HIGH = {"trait": "N", "level": "high", "author": "a", "turns": ANXIOUS}
N_LOW = {"trait": "N", "level": "low", "author": "b", "turns": CALM}


async def test_dialogues_are_gated_and_wait_for_a_checker(store: Store, tmp_path: Path) -> None:
    named = {**N_LOW, "turns": [*CALM[:5], {"role": "discloser", "text": "That's my low neuroticism."}]}
    report = await bring(store, write(tmp_path / "f.jsonl", N_HIGH, N_LOW, named))
    assert (report.read, report.new, report.problems) == (3, 3, ())
    assert [d.state for d in imported(store)] == ["unchecked", "unchecked", "gate:named"]
    assert report.states == {"gate:named": 1, "unchecked": 2}
    assert [row.trait_level for row in passed_statistics(store).table_six] == ["N+", "N-", "Avg"]


async def test_importing_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    file = write(tmp_path / "f.jsonl", N_HIGH, N_LOW)
    await bring(store, file)
    before = imported(store)
    assert (await bring(store, file)).new == 0
    assert imported(store) == before
    assert (await bring(store, write(tmp_path / "g.jsonl", N_LOW, {**N_LOW, "level": "high"}))).new == 1


async def test_a_near_duplicate_of_an_earlier_one_is_closed_out(store: Store, tmp_path: Path) -> None:
    twin = {**N_HIGH, "turns": [*ANXIOUS[:5], {"role": "discloser", "text": ANXIOUS[5]["text"] + " At all."}]}
    await bring(store, write(tmp_path / "f.jsonl", N_HIGH, twin))
    assert [d.state for d in imported(store)] == ["unchecked", "gate:near-duplicate"]


async def test_words_of_the_seed_topic_count_as_copied(store: Store, tmp_path: Path) -> None:
    await bring(store, write(tmp_path / "f.jsonl", {**N_LOW, "seed": "So " + CALM[3]["text"]}))
    assert imported(store)[0].state == "gate:copied"


async def test_bad_lines_are_named_and_nothing_is_imported(store: Store, tmp_path: Path) -> None:
    file = write(tmp_path / "f.jsonl", N_HIGH, "{", {**N_LOW, "trait": "X"})
    with pytest.raises(BadLines, match=r"2 of 3 lines .* the first is line 2: not valid JSON") as caught:
        await bring(store, file)
    assert [problem.line for problem in caught.value.problems] == [2, 3]
    assert imported(store) == []
    report = await bring(store, file, skip_bad=True)
    assert (report.new, [problem.line for problem in report.problems]) == (1, [2, 3])


async def test_a_named_checker_gives_every_gated_dialogue_a_verdict(store: Store, tmp_path: Path) -> None:
    file = write(tmp_path / "f.jsonl", N_HIGH, N_LOW, {**N_HIGH, "level": "low", "author": "c"})
    await bring(store, file, checker="scripted")
    checked = imported(store)
    assert all(d.verdict is not None and d.verdict.checker == "scripted" for d in checked)
    assert checked[0].state == "passed"
    assert checked[2].state == "wrong-level"
    assert checked[0].provenance.checker == "scripted"
    await bring(store, file)
    assert imported(store) == checked
