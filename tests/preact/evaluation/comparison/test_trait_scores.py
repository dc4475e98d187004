"""From verdicts to figures: means of batches, leakage, what is missing and what it could change."""

import math
from pathlib import Path
from typing import Literal

import pytest

from oceanchat.errors import EvaluationError
from oceanchat.traits import CODES, Trait
from preact.evaluation.comparison.trait_scores import (
    ScoredInterview,
    answer_lengths,
    batch_states,
    by_key,
    leakage,
    load_scored,
    refusals,
    repeats,
    require_comparable,
    runs,
    shift,
)
from preact.evaluation.interview.interviewing import hold_interview
from preact.evaluation.judge.judging import judge_interview
from preact.evaluation.judge.verdicts import Judgement, Mode
from tests.preact.evaluation.stand_ins import Parrot, Reader, small_inventory


async def scored(
    folder: Path,
    system: Parrot,
    judge: Reader,
    *,
    items: int = 2,
    scope: Literal["own", "all"] = "own",
    mode: Mode = "batch",
    repeats: int = 1,
) -> ScoredInterview:
    interview = await hold_interview(system, small_inventory(items), folder, scope=scope, runs=2)
    return ScoredInterview(interview, await judge_interview(interview, judge, mode=mode, repeats=repeats))


def with_judgements(entry: ScoredInterview, change: dict[str, tuple[float | None, str]]) -> ScoredInterview:
    """The same, with other verdicts for some trait-levels."""
    judgements = tuple(
        j.model_copy(update=dict(zip(("score", "state"), change[j.trait_level], strict=True)))
        if j.trait_level in change
        else j
        for j in entry.judging.judgements
    )
    return entry._replace(judging=entry.judging._replace(judgements=judgements))


async def test_a_trait_score_is_the_mean_of_its_batches_in_each_run(tmp_path: Path) -> None:
    entry = await scored(tmp_path / "a", Parrot(), Reader(), items=9)
    changed = [
        j.model_copy(update={"score": float(1 + j.number)}) if j.trait_level == "O+" and j.run == 1 else j
        for j in entry.judging.judgements
    ]
    by_run = runs(entry.judging._replace(judgements=tuple(changed)))
    assert [run["O+"] for run in by_run] == [5.0, 2.0]
    assert entry.row().mean("Overall") == 4.0


async def test_a_missing_score_is_left_out_or_called_the_middle_or_the_worst(tmp_path: Path) -> None:
    whole = await scored(tmp_path / "a", Parrot(), Reader())
    entry = with_judgements(whole, {"O+": (None, "unreadable"), "N-": (None, "refused")})
    assert "O+" not in runs(entry.judging)[0] and math.isnan(entry.row().mean("Overall"))
    assert runs(entry.judging, "midpoint")[0]["O+"] == 3.0
    assert runs(entry.judging, "worst")[0]["O+"] == 1.0 and runs(entry.judging, "worst")[0]["N-"] == 5.0
    states = batch_states(entry.judging)
    assert states["O+"] == {"unreadable": 2} and states["N-"] == {"refused": 2}


async def test_leakage_is_ten_by_five_where_every_item_was_asked(tmp_path: Path) -> None:
    entry = await scored(tmp_path / "a", Parrot(), Reader(), scope="all")
    matrix = leakage(entry.judging)
    assert list(matrix) == list(CODES)
    assert matrix["E-"] == {Trait.O: 3.0, Trait.C: 3.0, Trait.E: 1.0, Trait.A: 3.0, Trait.N: 3.0}


async def test_own_traits_alone_leave_the_rest_of_the_matrix_blank(tmp_path: Path) -> None:
    matrix = leakage((await scored(tmp_path / "a", Parrot(), Reader())).judging)
    assert matrix["E-"][Trait.E] == 1.0 and math.isnan(matrix["E-"][Trait.O])


async def test_a_backbone_alone_has_an_overall_of_zero_and_others_shift_from_it(tmp_path: Path) -> None:
    plain = await scored(tmp_path / "a", Parrot(conditioned=False), Reader())
    own = await scored(tmp_path / "b", Parrot(), Reader())
    assert plain.row().mean("Overall") == 0.0
    assert shift(own, plain)["O+"] == 2.0 and shift(own, plain)["O-"] == -2.0


async def test_single_answers_split_by_key_count_toward_the_level_asked_for(tmp_path: Path) -> None:
    entry = await scored(tmp_path / "a", Parrot(), Reader(), items=3, mode="item")
    expression = by_key(entry)
    assert {mark: len(items) for mark, items in expression.items()} == {False: 10, True: 5}
    assert {score for items in expression.values() for scores in items for score in scores} == {2.0}


async def test_a_second_opinion_of_the_same_judge_is_paired_with_its_first(tmp_path: Path) -> None:
    entry = await scored(tmp_path / "a", Parrot(), Reader(), repeats=2)
    pairs = repeats(entry.judging)
    assert len(pairs) == 20 and all(first == second for first, second in pairs)
    assert repeats((await scored(tmp_path / "b", Parrot(), Reader())).judging) == []


async def test_answers_are_counted_by_state_and_measured_in_words(tmp_path: Path) -> None:
    entry = await scored(tmp_path / "a", Parrot(says="As an AI language model I cannot"), Reader())
    assert (
        refusals(entry.interview)["O+"]["speaks as machine"]
        == refusals(entry.interview)["O+"]["answered"]
        == 4
    )
    assert answer_lengths(entry.interview)["O+"] == 7.0


async def test_a_judge_is_chosen_by_name_where_there_are_several(tmp_path: Path) -> None:
    entry = await scored(tmp_path / "a", Parrot(), Reader("first"))
    assert load_scored(tmp_path / "a", None).judging.header.judge == "first"
    await judge_interview(entry.interview, Reader("second"))
    with pytest.raises(
        EvaluationError, match=r"several judgings; choose .* first \(batch\), second \(batch\)"
    ):
        load_scored(tmp_path / "a", None)
    assert load_scored(tmp_path / "a", "second").judging.header.judge == "second"
    with pytest.raises(EvaluationError, match="no judge 'third'"):
        load_scored(tmp_path / "a", "third")


async def test_a_classifier_may_be_named_by_the_path_of_its_release(tmp_path: Path) -> None:
    interview = await hold_interview(Parrot(), small_inventory(), tmp_path / "a", runs=1)
    await judge_interview(interview, Reader("classifier:ocean-chat-1.0"))
    named = load_scored(tmp_path / "a", "classifier:releases/ocean-chat-1.0/")
    assert named.judging.header.judge == "classifier:ocean-chat-1.0"
    with pytest.raises(EvaluationError, match=r"no judge 'classifier:releases/ocean-chat-2\.0'"):
        load_scored(tmp_path / "a", "classifier:releases/ocean-chat-2.0")


async def test_an_interview_that_was_not_judged_says_what_to_do(tmp_path: Path) -> None:
    await hold_interview(Parrot(), small_inventory(), tmp_path / "a", runs=1)
    with pytest.raises(EvaluationError, match="preact judge"):
        load_scored(tmp_path / "a", None)


async def test_other_inventories_and_other_judges_are_not_compared(tmp_path: Path) -> None:
    entry = await scored(tmp_path / "a", Parrot(), Reader("x"))
    other_items = await scored(tmp_path / "b", Parrot("B"), Reader("x"), items=3)
    other_judge = await scored(tmp_path / "c", Parrot("C"), Reader("y"))
    require_comparable([entry, entry])
    with pytest.raises(EvaluationError, match=r"inventory file \(sha256\)"):
        require_comparable([entry, other_items])
    with pytest.raises(EvaluationError, match=r"differ in their judge .'x' and 'y'."):
        require_comparable([entry, other_judge])


@pytest.mark.parametrize(
    ("score", "wrong"), [(5.5, "less than or equal to 5"), (float("nan"), "finite number")]
)
def test_a_judgement_cannot_hold_a_score_outside_the_scale(score: float, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        Judgement(
            trait_level="O+", run=0, trait=Trait.O, number=0, repeat=0, items=(), score=score, state="scored",
            reply="", attempts=1,
        )  # fmt: skip
