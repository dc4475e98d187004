"""Checks begin while dialogues are still being written, and go by canonical order."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from oceanchat.corpus.essays import open_corpus
from oceanchat.corpus.ingest import ingest_corpus
from oceanchat.errors import BuildStopped
from oceanchat.models import open_build_models
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.making import DialogueMaker, MadeDialogue
from oceanchat.pipeline.stages import Stages
from oceanchat.pipeline.synthesis import WrittenDialogue
from oceanchat.progress import Silence
from oceanchat.prompts import open_prompts
from oceanchat.records import Dialogue, SeedTopic, Turn
from oceanchat.store.corpora import all_sentences
from oceanchat.store.database import Store
from oceanchat.traits import Level, Trait, TraitLevel

CONFIG = BuildConfig(trait_levels=(TraitLevel(Trait.O, Level.HIGH),), dialogues_per_check=2)


class SlowWriter:
    """Writes a dialogue about a seed topic when it is told to, some of them without a question."""

    def __init__(self, slow: int | None = None, dull: tuple[int, ...] = ()) -> None:
        self.slow, self.dull = slow, dull
        self.go_on = asyncio.Event()

    async def write(self, seed: SeedTopic) -> WrittenDialogue:
        if seed.order == self.slow:
            await self.go_on.wait()
        end = "." if seed.order in self.dull else "?"
        turns = [
            Turn(role=role, text=f"{word}{seed.order} " * 9 + end)
            for word in ("pots", "pans", "cups")
            for role in ("questioner", "discloser")
        ]
        return WrittenDialogue("written", tuple(turns))


class Notes:
    """A checker that notes what was checked together, by number."""

    def __init__(self, error: Exception | None = None) -> None:
        self.checked: list[list[int]] = []
        self.error = error

    async def validate_together(self, dialogues: Sequence[Dialogue]) -> list[Dialogue]:
        if self.error is not None:
            raise self.error
        self.checked.append([dialogue.order for dialogue in dialogues])
        return [dialogue.model_copy(update={"state": "passed"}) for dialogue in dialogues]


class FixedStages(Stages):
    """Stages with that writer and checker."""

    def writer(self) -> Any:
        return WRITERS[-1]

    def checker(self) -> Any:
        return CHECKERS[-1]


WRITERS: list[SlowWriter] = []
CHECKERS: list[Notes] = []


async def make(
    store: Store,
    writer: SlowWriter,
    checker: Notes,
    count: int = 6,
    answer_words: tuple[int, ...] = (),
    at_once: int | None = None,
) -> list[str]:
    """The states of dialogues about so many seed topics."""
    WRITERS.append(writer)
    CHECKERS.append(checker)
    corpus = ingest_corpus(open_corpus(None), store, Silence())
    with store.reading() as connection:
        first = next(iter(all_sentences(connection)))
    seeds = [
        SeedTopic(
            id=str(number), order=number, sentence_id=first.id, essay_id=first.essay_id, author="a",
            trait=Trait.O, level=Level.HIGH, facet="ideas", strength=3, text=f"topic {number}",
            answer_words=answer_words,
        )
        for number in range(count)
    ]  # fmt: skip
    names = {"labeler": "scripted", "writer": "scripted", "checker": "scripted"}
    async with open_build_models(CONFIG.calls, store.engine, None, **names) as models:
        maker = DialogueMaker(FixedStages(CONFIG, open_prompts(), models), store, corpus, Silence(), at_once)
        results: list[MadeDialogue] = []
        await maker.make(seeds, results.append)
    assert [seed.order for seed, _ in results] == list(range(count))
    return ["none" if dialogue is None else dialogue.state for _, dialogue in results]


async def test_dialogues_are_checked_while_later_ones_are_written(store: Store) -> None:
    writer, checker = SlowWriter(slow=5), Notes()
    making = asyncio.create_task(make(store, writer, checker))
    async with asyncio.timeout(60):
        while len(checker.checked) < 2:
            await asyncio.sleep(0.01)
    writer.go_on.set()
    assert await making == ["passed"] * 6
    assert checker.checked == [[0, 1], [2, 3], [4, 5]]


async def test_what_shares_a_check_goes_by_order_and_not_by_time(store: Store) -> None:
    writer, checker = SlowWriter(slow=0, dull=(2,)), Notes()
    making = asyncio.create_task(make(store, writer, checker))
    await asyncio.sleep(0.2)
    assert checker.checked == []
    writer.go_on.set()
    assert await making == ["passed", "passed", "gate:opening", "passed", "passed", "passed"]
    assert checker.checked == [[0, 1], [3, 4], [5]]


@pytest.mark.parametrize("at_once", [1, 2, 5])
async def test_what_shares_a_check_does_not_depend_on_how_many_are_written_at_once(
    store: Store, at_once: int
) -> None:
    checker = Notes()
    states = await make(store, SlowWriter(dull=(1, 2)), checker, 7, at_once=at_once)
    assert states == ["passed", "gate:opening", "gate:opening", *["passed"] * 4]
    assert checker.checked == [[0, 3], [4, 5], [6]]


async def test_answers_that_ignore_the_length_asked_for_are_rejected_by_name(store: Store) -> None:
    """The writer's answers have ten words each."""
    assert await make(store, SlowWriter(), Notes(), 2, (10, 12, 11)) == ["passed"] * 2
    assert await make(store, SlowWriter(), Notes(), 2, (30, 28, 32)) == ["gate:answer-length"] * 2


async def test_an_error_is_raised_as_itself(store: Store) -> None:
    with pytest.raises(BuildStopped, match="the cap"):
        await make(store, SlowWriter(), Notes(BuildStopped("the cap")))
