"""Systems and dialogues of which it is known what an exam must say."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from oceanchat.prompts import Message
from oceanchat.traits import TRAIT_LEVELS, Level, TraitLevel
from preact.dialogues.release import TrainingDialogue
from preact.evaluation.exam.examining import ExamHeader
from preact.evaluation.exam.measuring import Material
from preact.evaluation.exam.records import ExamSize
from preact.persona import Persona
from preact.systems.system import Conversation, SystemReply

SMALL = ExamSize(
    dialogues=0,
    persistence=1,
    strengths=(0.5, 1.5),
    exchanges=(0, 1),
    situations=1,
    neutral=2,
    questions=1,
    requests=1,
    open_questions=1,
    tokens=4,
)


def word_of(trait_level: TraitLevel) -> str:
    """The word by which its dialogues are known."""
    return f"w{TRAIT_LEVELS.index(trait_level)}"


def dialogues(each: int = 6, *, confound: bool = False) -> tuple[TrainingDialogue, ...]:
    """Dialogues whose answers begin with their trait-level's word; with a confound high ones are longer."""
    return tuple(
        TrainingDialogue(
            f"{trait_level.code}{n}",
            trait_level,
            (Message("user", "Well?"), Message("assistant", _answer(trait_level, n, confound))),
            "test",
            "",
            f"author of {trait_level.code}{n}",
        )
        for trait_level in TRAIT_LEVELS
        for n in range(each)
    )


def _answer(trait_level: TraitLevel, number: int, confound: bool) -> str:
    high = trait_level.level is Level.HIGH
    length = (30 if high else 10) + number if confound else 12 + number
    return " ".join([word_of(trait_level), *["word"] * (length - 1)])


class Examinee:
    """A system whose loss of a dialogue is a function of the words of its answers and of the persona."""

    backbone, conditioned, batch_size = "none", True, 50

    def __init__(
        self,
        model: str,
        loss: Callable[[Sequence[str], TraitLevel | None, float], float],
        says: Callable[[TraitLevel | None], str],
    ) -> None:
        self.model = model
        self._loss = loss
        self._says = says

    def provenance(self) -> Mapping[str, Any]:
        return {"kind": self.model}

    async def answer(self, conversations: Sequence[Conversation]) -> list[SystemReply]:
        return [SystemReply(self._says(next(iter(c.persona or {}), None))) for c in conversations]

    def token_ends(self, texts: Sequence[str]) -> list[list[int]]:
        return [[n for n, letter in enumerate(text + " ") if letter == " "] for text in texts]

    def score(
        self, dialogues: Sequence[Sequence[Message]], persona: Persona | None, *, cut: int = 0, skip: int = 0
    ) -> list[float | None]:
        trait_level, strength = next(iter((persona or {}).items()), (None, 1.0))
        losses: list[float | None] = []
        for talk in dialogues:
            answers = [m.content.split() for m in talk if m.role == "assistant"][skip:]
            words = [word for own in answers if len(own) >= cut for word in (own[:cut] if cut else own)]
            losses.append(self._loss(words, trait_level, strength) if words else None)
        return losses


def knower() -> Examinee:
    """It expects its trait-level's word, the more the stronger it is, and knows nothing else."""

    def loss(words: Sequence[str], trait_level: TraitLevel | None, strength: float) -> float:
        if trait_level is None or word_of(trait_level) not in words:
            return 2.0
        # Not the same for all, because nothing can be tested where nothing varies.
        return 2.0 - (0.3 + 0.02 * TRAIT_LEVELS.index(trait_level)) * strength

    return Examinee("Knower", loss, lambda trait_level: "Nothing much.")


def lengthwise() -> Examinee:
    """A planted fraud: long answers at high levels, short ones at low levels, and no more."""

    def loss(words: Sequence[str], trait_level: TraitLevel | None, strength: float) -> float:
        if trait_level is None:
            return abs(math.log(len(words)) - math.log(20))
        expected = 30 if trait_level.level is Level.HIGH else 10
        return abs(math.log(len(words)) - math.log(expected))

    def says(trait_level: TraitLevel | None) -> str:
        high = trait_level is not None and trait_level.level is Level.HIGH
        return "So it goes. " * (8 if high else 2)

    return Examinee("Lengthwise", loss, says)


def namedropper() -> Examinee:
    """A planted fraud: it says the name of the trait it was asked to show."""

    def says(trait_level: TraitLevel | None) -> str:
        return f"I am {trait_level.label}." if trait_level else "I am myself."

    return Examinee("Namedropper", knower()._loss, says)


def material(shown: Sequence[TrainingDialogue]) -> Material:
    """These dialogues, half of them for classifiers to learn from."""
    return Material(tuple(shown), tuple(shown[::2]), "test", False)


def header(system: Examinee, size: ExamSize = SMALL) -> ExamHeader:
    """The header of an exam of this system."""
    return ExamHeader(
        system=system.model,
        title=system.model,
        options=(),
        provenance=dict(system.provenance()),
        release="abc",
        scripted=False,
        split="test",
        trained_on=False,
        scores=True,
        size=size,
    )
