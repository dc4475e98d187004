"""Judging stored interviews: what a judge is shown, what is kept, and that repeats are real repeats."""

from collections import Counter
from pathlib import Path

import pytest

from oceanchat.errors import BuildStopped, EvaluationError
from preact.evaluation.interview.interviewing import Interview, hold_interview, read_interview
from preact.evaluation.judge.judging import all_judgings, judge_interview, judging_folder, read_judging
from tests.preact.evaluation.stand_ins import Parrot, Reader, small_inventory


@pytest.fixture
async def interview(tmp_path: Path) -> Interview:
    return await hold_interview(Parrot(), small_inventory(), tmp_path / "a", runs=2)


async def test_scores_and_states_are_kept_for_every_batch_and_every_control(interview: Interview) -> None:
    judged = await judge_interview(interview, Reader())
    assert len(judged.judgements) == 20 and len(judged.controls) == 55
    high = {j.score for j in judged.judgements if j.trait_level.endswith("+")}
    assert high == {5.0} and {j.state for j in judged.judgements} == {"scored"}


async def test_a_judge_never_sees_system_run_or_trait_level(interview: Interview) -> None:
    reader = Reader()
    await judge_interview(interview, reader)
    questions = {pair.question for _, pairs, _ in reader.seen for pair in pairs}
    assert not any("stand-in" in text or "Parrot" in text or "run" in text for text in questions)
    assert all(len(shown) == 2 for _, pairs, _ in reader.seen for shown in pairs)


async def test_each_run_and_each_repeat_is_a_sample_of_its_own(interview: Interview) -> None:
    reader = Reader()
    await judge_interview(interview, reader, repeats=2)
    samples = Counter(sample for _, pairs, sample in reader.seen if "run" in pairs[0].answer)
    assert samples == {0: 10, 1: 10, 1000: 10, 1001: 10}


async def test_a_stopped_judging_goes_on_and_asks_nothing_twice(interview: Interview) -> None:
    first = Reader(stop_after=7)
    with pytest.raises(BuildStopped):
        await judge_interview(interview, first)
    second = Reader()
    judged = await judge_interview(interview, second)
    assert len(first.seen) == 7 and len(second.seen) == 68
    assert len({j.key for j in judged.judgements}) == len(judged.judgements) == 20


async def test_judging_again_asks_nothing(interview: Interview) -> None:
    await judge_interview(interview, Reader())
    again = Reader()
    await judge_interview(interview, again)
    assert again.seen == []


async def test_other_judges_and_modes_keep_to_their_own_folders(interview: Interview) -> None:
    await judge_interview(interview, Reader("openai/gpt 4"))
    await judge_interview(interview, Reader("other"), mode="item")
    assert [j.header.judge for j in all_judgings(interview.folder)] == ["openai/gpt 4", "other"]
    assert judging_folder(interview.folder, "openai/gpt 4", "batch").name == "openai-gpt-4.batch"
    assert len(read_judging(judging_folder(interview.folder, "other", "item")).judgements) == 40


async def test_the_same_judge_under_other_settings_is_refused_by_what_differs(interview: Interview) -> None:
    await judge_interview(interview, Reader())
    with pytest.raises(EvaluationError, match=r"its provenance.shift was '[^']*', now it is '0.5'"):
        await judge_interview(interview, Reader(shift=0.5))


async def test_an_unfinished_interview_is_not_judged(tmp_path: Path) -> None:
    with pytest.raises(BuildStopped):
        await hold_interview(Parrot(stop_after=8), small_inventory(), tmp_path / "b", runs=1)
    with pytest.raises(EvaluationError, match="9 of 20 answers"):
        await judge_interview(read_interview(tmp_path / "b"), Reader())


async def test_a_batch_without_any_answer_is_a_state_and_is_not_put_to_the_judge(tmp_path: Path) -> None:
    silent = await hold_interview(Parrot(says=""), small_inventory(), tmp_path / "b", runs=1)
    reader = Reader()
    judged = await judge_interview(silent, reader)
    assert {(j.score, j.state) for j in judged.judgements} == {(None, "no-answers")}
    assert len(reader.seen) == 55
