"""The classifier judge: taught by a release's training split, and honest about words it does not know."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from oceanchat.errors import EvaluationError
from oceanchat.prompts import Message
from oceanchat.traits import TRAIT_LEVELS, Level, Trait
from preact.dialogues.release import TrainingDialogue, TrainingRelease, read_release
from preact.evaluation.judge.classifier_judge import STRENGTHS, ClassifierJudge
from preact.evaluation.judge.verdicts import Pair


@pytest.fixture(scope="module")
def judge(release: Path) -> ClassifierJudge:
    return ClassifierJudge(read_release(str(release)))


NEUTRAL = [f"word{letter}" for letter in "abcdefghijklmnop"]


def made_release(sign: bool) -> TrainingRelease:
    """Twelve authors a trait-level; high answers are three times as long, and `sign` adds a word a level."""
    dialogues = []
    for trait_level in TRAIT_LEVELS:
        high = trait_level.level is Level.HIGH
        for number in range(12):
            drawn = random.Random(f"{trait_level.code} {number}")
            words = [drawn.choice(NEUTRAL) for _ in range(30 if high else 10)]
            if sign:
                words[drawn.randrange(10)] = "bright" if high else "dim"
            messages = (Message("user", "And?"), Message("assistant", " ".join(words)))
            name = f"{trait_level.code}-{number}"
            dialogues.append(TrainingDialogue(name, trait_level, messages, "train", "", f"author {number}"))
    return TrainingRelease("drawn", "drawn", "f" * 64, False, tuple(dialogues), ("train",) * len(dialogues))


async def rated(judge: ClassifierJudge, answer: str) -> float:
    verdict = await judge.rate(Trait.E, [Pair("?", answer)], "batch", 0)
    assert verdict.score is not None
    return verdict.score


async def test_it_tells_high_from_low_on_words_it_was_taught() -> None:
    judge = ClassifierJudge(made_release(sign=True))
    assert await rated(judge, "worda bright wordb") > 4 and await rated(judge, "worda dim wordb") < 2


async def test_length_teaches_it_nothing_and_moves_it_nowhere() -> None:
    judge = ClassifierJudge(made_release(sign=False))
    taught = judge.provenance("item")["classifiers"]["E"]
    assert taught["words"] == 10 and taught["answers"] == 24 and taught["strength"] in STRENGTHS
    short, long = " ".join(NEUTRAL[:10]), " ".join(NEUTRAL * 3)
    assert await rated(judge, long) == await rated(judge, short)


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
    without = replace(whole, dialogues=few, splits=tuple(dialogue.split for dialogue in few))
    with pytest.raises(EvaluationError, match="found 0 training dialogues of low Extraversion"):
        ClassifierJudge(without)
