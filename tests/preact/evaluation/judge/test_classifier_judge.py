"""The classifier judge: taught by a release's training split, and honest about words it does not know."""

import statistics
from pathlib import Path

import pytest

from oceanchat.errors import EvaluationError
from oceanchat.traits import TRAITS, Trait
from preact.dialogues.release import TrainingRelease, read_release
from preact.evaluation.judge.classifier_judge import ClassifierJudge
from preact.evaluation.judge.verdicts import Pair


@pytest.fixture(scope="module")
def judge(release: Path) -> ClassifierJudge:
    return ClassifierJudge(read_release(str(release)))


async def test_it_tells_high_from_low_on_words_it_was_taught(judge: ClassifierJudge, release: Path) -> None:
    gaps = []
    for trait in TRAITS:
        scores = {"high": [], "low": []}  # type: dict[str, list[float]]
        for dialogue in read_release(str(release)).split("train"):
            if dialogue.trait_level.trait is trait:
                verdict = await judge.rate(trait, [Pair("?", dialogue.messages[1].content)], "batch", 0)
                assert verdict.score is not None
                scores[dialogue.trait_level.level.value].append(verdict.score)
        gaps.append(statistics.fmean(scores["high"]) - statistics.fmean(scores["low"]))
    assert min(gaps) > 2


async def test_words_it_has_never_seen_give_no_ground(judge: ClassifierJudge) -> None:
    for answer in ("", "xqzt grmpf vlkh"):
        assert await judge.rate(Trait.O, [Pair("Do you imagine things?", answer)], "batch", 0) == (
            None, "no-ground", "none of the words occur in the training split", 1,
        )  # fmt: skip


async def test_another_sample_is_the_same_opinion(judge: ClassifierJudge) -> None:
    pairs = [Pair("?", "I forget appointments and put things off.")]
    assert await judge.rate(Trait.C, pairs, "batch", 0) == await judge.rate(Trait.C, pairs, "batch", 7)


def test_its_name_and_provenance_name_its_release(judge: ClassifierJudge, release: Path) -> None:
    assert judge.name == "classifier:ocean-chat-0.0-test"
    assert judge.provenance("batch")["release_fingerprint"] == read_release(str(release)).fingerprint


def test_a_release_that_lacks_a_level_is_refused(release: Path) -> None:
    whole = read_release(str(release))
    few = tuple(d for d in whole.dialogues if d.trait_level.code != "E-")
    with pytest.raises(EvaluationError, match="found 0 training dialogues of low Extraversion"):
        ClassifierJudge(TrainingRelease(whole.name, whole.source, whole.fingerprint, whole.scripted, few))
