"""Interviews: what is asked, what is kept, and that a stopped one goes on where it was."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from oceanchat.errors import BuildStopped, EvaluationError
from oceanchat.traits import CODES
from preact.evaluation.interview.interviewing import (
    InterviewAnswer,
    completeness,
    hold_interview,
    plan_questions,
    read_interview,
)
from preact.evaluation.interview.inventories import Inventory, InventoryItem, bfi_keys
from preact.evaluation.transcripts import folder_lock
from tests.preact.evaluation.stand_ins import Parrot, small_inventory

BFI = Inventory(
    "bfi44", tuple(InventoryItem(i, trait, back, f"{i}?") for i, (trait, back) in bfi_keys().items()), ""
)


async def test_every_trait_level_answers_its_own_items_in_every_run(tmp_path: Path) -> None:
    interview = await hold_interview(Parrot(), small_inventory(), tmp_path / "a", runs=2)
    assert Counter(answer.trait_level for answer in interview.answers) == dict.fromkeys(CODES, 4)
    assert all(answer.item[0] == answer.trait_level[0] for answer in interview.answers)
    assert {answer.answer for answer in interview.answers if answer.trait_level == "N-"} == {
        "N- run 0",
        "N- run 1",
    }
    assert completeness(interview) == (40, 40)


def test_bfi44_needs_88_answers_a_run_for_own_traits_and_440_for_all() -> None:
    assert len(plan_questions(BFI, True, "own", 1)) == 88
    assert len(plan_questions(BFI, True, "all", 1)) == 440
    assert len(plan_questions(BFI, False, "own", 1)) == 44


async def test_a_backbone_alone_answers_every_item_as_it_is(tmp_path: Path) -> None:
    interview = await hold_interview(Parrot(conditioned=False), small_inventory(), tmp_path / "a", runs=1)
    assert {answer.trait_level for answer in interview.answers} == {"none"} and len(interview.answers) == 10
    assert interview.answers[0].answer == "as I am run 0"


async def test_a_stopped_interview_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    first = Parrot(stop_after=8)
    with pytest.raises(BuildStopped):
        await hold_interview(first, small_inventory(), tmp_path / "a", runs=1)
    second = Parrot()
    interview = await hold_interview(second, small_inventory(), tmp_path / "a", runs=1)
    assert len(first.asked) == 9 and len(second.asked) == 11
    assert Counter(first.asked + second.asked) == Counter(set(first.asked + second.asked))
    assert completeness(interview) == (20, 20)


async def test_a_line_torn_by_a_kill_is_cut_off_and_asked_again(tmp_path: Path) -> None:
    await hold_interview(Parrot(), small_inventory(), tmp_path / "a", runs=1)
    file = tmp_path / "a" / "answers.jsonl"
    file.write_bytes(file.read_bytes()[:-30])
    again = Parrot()
    interview = await hold_interview(again, small_inventory(), tmp_path / "a", runs=1)
    assert len(again.asked) == 1 and completeness(interview) == (20, 20)


async def test_more_runs_are_added_to_the_runs_there_are(tmp_path: Path) -> None:
    await hold_interview(Parrot(), small_inventory(), tmp_path / "a", runs=1)
    more = Parrot()
    interview = await hold_interview(more, small_inventory(), tmp_path / "a", runs=3)
    assert {question.run for question in more.asked} == {1, 2} and interview.header.runs == 3


async def test_another_inventory_or_system_in_the_same_folder_is_refused_by_name(tmp_path: Path) -> None:
    await hold_interview(Parrot(), small_inventory(), tmp_path / "a", runs=1)
    with pytest.raises(EvaluationError, match="its inventory_sha256 is"):
        await hold_interview(Parrot(), small_inventory(3), tmp_path / "a", runs=1)
    with pytest.raises(EvaluationError, match="its model is 'Parrot', now it is 'Other'"):
        await hold_interview(Parrot("Other"), small_inventory(), tmp_path / "a", runs=1)


async def test_an_empty_answer_is_a_state_of_its_own(tmp_path: Path) -> None:
    interview = await hold_interview(Parrot(says=" \n"), small_inventory(), tmp_path / "a", runs=1)
    assert {answer.state for answer in interview.answers} == {"empty"}


async def test_two_processes_cannot_fill_one_folder(tmp_path: Path) -> None:
    with folder_lock(tmp_path / "a"), pytest.raises(EvaluationError, match="in use by another process"):
        await hold_interview(Parrot(), small_inventory(), tmp_path / "a", runs=1)


def test_a_folder_without_an_interview_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="preact interview"):
        read_interview(tmp_path)


def test_a_damaged_line_in_the_middle_is_reported_by_its_number(tmp_path: Path) -> None:
    asyncio.run(hold_interview(Parrot(), small_inventory(), tmp_path / "a", runs=1))
    file = tmp_path / "a" / "answers.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([lines[0], "{broken\n", *lines[2:]]))
    with pytest.raises(EvaluationError, match="line 2"):
        read_interview(tmp_path / "a")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("As an AI language model, I have no parties.", True),
        ("I don't have feelings.", True),
        ("I love parties.", False),
    ],
)
def test_stepping_out_of_the_part_is_noticed_and_left_in_place(text: str, expected: bool) -> None:
    answer = InterviewAnswer(trait_level="O+", run=0, item="1", question="?", answer=text, state="answered")
    assert answer.speaks_as_machine is expected and answer.answer == text
