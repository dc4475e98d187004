"""Measure a system for an exam.

Six parts are losses of texts under trait-levels, which need no judge; the seventh is what the system says of
its own. Each part is measured alone and gives its record. Systems and data are known; figures are not.
"""

from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

from oceanchat.counting import counted
from oceanchat.errors import EvaluationError
from oceanchat.prompts import Message
from oceanchat.time_left import LongJob
from oceanchat.traits import TRAIT_LEVELS, Level, TraitLevel
from preact.dialogues.release import TrainingDialogue
from preact.evaluation.exam.content import (
    DROP_THE_ROLE,
    harmful_requests,
    neutral_texts,
    plain_questions,
    situations,
    small_talk,
)
from preact.evaluation.exam.records import (
    BACKBONE,
    SPEAKERS,
    AnswersPart,
    BehaviourPart,
    CapabilityPart,
    DosePart,
    ExamSize,
    FreeAnswer,
    HeldOutDialogue,
    IdentificationPart,
    Losses,
    NeutralPart,
    PersistencePart,
)
from preact.evaluation.identification import TraitLevelLosses, held_out_losses
from preact.evaluation.loss_figures import TIE, author_clusters
from preact.persona import Persona
from preact.systems.persona_vectors import everyday_questions
from preact.systems.system import Conversation, ScoringSystem, System

DROPPED = "dropped"
"""The condition after which the role was dropped."""
Say = Callable[[str], None]


class Material(NamedTuple):
    """The dialogues of an exam."""

    dialogues: Sequence[TrainingDialogue]
    training: Sequence[TrainingDialogue]
    """What classifiers beside the system are fitted on; empty where there is nothing."""
    split: str
    trained_on: bool
    """Whether the system was trained on some of the dialogues."""


def first_of_each(dialogues: Sequence[TrainingDialogue], each: int) -> tuple[TrainingDialogue, ...]:
    """The first dialogues of each trait-level, all for 0, in their order; different authors first."""
    if not each:
        return tuple(dialogues)
    chosen: set[int] = set()
    for trait_level in TRAIT_LEVELS:
        own = [index for index, d in enumerate(dialogues) if d.trait_level == trait_level]
        seen: set[str] = set()
        again: list[int] = []
        fresh: list[int] = []
        for index in own:
            author = dialogues[index].author or dialogues[index].id
            (again if author in seen else fresh).append(index)
            seen.add(author)
        chosen |= {*islice([*fresh, *again], each)}
    return tuple(d for index, d in enumerate(dialogues) if index in chosen)


def measure_identification(system: ScoringSystem, material: Material, say: Say) -> IdentificationPart:
    """All losses of an identification. Raises EvaluationError when no dialogue fits the system's lengths."""
    scored = held_out_losses(system, material.dialogues, material.training, False, say)
    assert scored.length_out is not None
    return IdentificationPart(
        split=material.split,
        trained_on=material.trained_on,
        whole=_losses(scored.whole),
        cut=scored.cut,
        length_out=_losses(scored.length_out),
        peers={name: _rows(losses.tolist()) for name, losses in scored.peers.items()},
        peers_length_out={name: _rows(losses.tolist()) for name, losses in scored.peers_length_out.items()},
    )


def measure_dose(
    system: ScoringSystem,
    dialogues: Sequence[TrainingDialogue],
    strengths: Sequence[float],
    cut: int,
    say: Say,
) -> DosePart:
    """The dialogues under their own trait-level and its opposite at each strength, answers cut."""
    own: dict[float, dict[str, float]] = {}
    opposite: dict[float, dict[str, float]] = {}
    what = f"{counted(len(dialogues), 'dialogue')} under both levels of their traits"
    job = _scoring(f"{what} at {counted(len(strengths), 'strength')}", say, len(strengths))
    for strength in strengths:
        own[strength], opposite[strength] = {}, {}
        for trait_level in TRAIT_LEVELS:
            ours = [d for d in dialogues if d.trait_level == trait_level]
            for level, losses in ((trait_level, own), (_opposite(trait_level), opposite)):
                scores = system.score([d.messages for d in ours], {level: strength}, cut=cut)
                losses[strength] |= {d.id: s for d, s in zip(ours, scores, strict=True) if s is not None}
        job.after(len(own))
    ids = set.intersection(*(set(losses) for losses in (*own.values(), *opposite.values())))
    scored = [d for d in dialogues if d.id in ids]
    first = own[strengths[0]]
    moves = any(abs(losses[d.id] - first[d.id]) > TIE for losses in own.values() for d in scored)
    return DosePart(
        has_dial=moves,
        dialogues=_described(scored),
        own={f"{s:g}": tuple(own[s][d.id] for d in scored) for s in strengths},
        opposite={f"{s:g}": tuple(opposite[s][d.id] for d in scored) for s in strengths},
    )


def measure_persistence(
    system: ScoringSystem,
    dialogues: Sequence[TrainingDialogue],
    exchanges: Sequence[int],
    cut: int,
    say: Say,
) -> PersistencePart:
    """The first exchange of each dialogue after so much small talk, and after the role was dropped.

    The small talk is the same for every trait-level and not scored, so that only what comes after it tells
    trait-levels apart.
    """
    before: dict[str, tuple[Message, ...]] = {str(n): small_talk()[: 2 * n] for n in exchanges}
    before[DROPPED] = DROP_THE_ROLE
    after: dict[str, Losses] = {}
    what = f"{counted(len(dialogues), 'exchange')} after small talk and after the role was dropped"
    job = _scoring(what, say, len(before))
    for number, (name, talk) in enumerate(before.items(), 1):
        columns = [
            system.score(
                [(*talk, *d.messages[:2]) for d in dialogues], {level: 1.0}, cut=cut, skip=len(talk) // 2
            )
            for level in TRAIT_LEVELS
        ]
        rows = [(d, row) for d, row in zip(dialogues, zip(*columns, strict=True), strict=True)]
        whole = [(d, row) for d, row in rows if None not in row]
        if whole:
            after[name] = Losses(
                dialogues=_described([d for d, _ in whole]), losses=_rows([row for _, row in whole])
            )
        job.after(number)
    return PersistencePart(after=after, left_out=tuple(name for name in before if name not in after))


def measure_behaviour(system: ScoringSystem, each: int, say: Say) -> BehaviourPart:
    """Both courses of action in every situation, the backbone's beside those of the ten trait-levels.

    Each is scored alone as the answer, per token: neither stands before the other, so no order can favour
    one, and both have the same number of words.
    """
    seen: dict[str, int] = {}
    chosen = []
    for situation in situations():
        seen[situation.trait.value] = seen.get(situation.trait.value, 0) + 1
        if seen[situation.trait.value] <= each:
            chosen.append(situation)
    job = _scoring(f"two courses of action in {len(chosen)} situations", say)
    pairs = [(s.text, s.courses[level]) for s in chosen for level in Level]
    fitting, losses = _by_speaker(system, pairs, 2, job)
    return BehaviourPart(
        situations=tuple(chosen[n].id for n in fitting),
        traits=tuple(chosen[n].trait.value for n in fitting),
        high={speaker: own[0::2] for speaker, own in losses.items()},
        low={speaker: own[1::2] for speaker, own in losses.items()},
    )


def measure_neutral(system: ScoringSystem, count: int, say: Say) -> NeutralPart:
    """Impersonal paragraphs under every trait-level and the backbone."""
    chosen = neutral_texts()[:count]
    job = _scoring(f"{len(chosen)} impersonal paragraphs", say)
    pairs = [(question.content, text.content) for question, text in (t.messages for t in chosen)]
    fitting, losses = _by_speaker(system, pairs, 1, job)
    return NeutralPart(topics=tuple(chosen[n].topic for n in fitting), losses=losses)


def measure_capability(system: ScoringSystem, each: int, say: Say) -> CapabilityPart:
    """Four answers to each plain question under every trait-level and the backbone."""
    seen: dict[str, int] = {}
    chosen = []
    for question in plain_questions():
        seen[question.topic] = seen.get(question.topic, 0) + 1
        if seen[question.topic] <= each:
            chosen.append(question)
    job = _scoring(f"four answers to {len(chosen)} plain questions", say)
    pairs = [(q.text, f"{answer[0].upper()}{answer[1:]}.") for q in chosen for answer in q.answers]
    fitting, losses = _by_speaker(system, pairs, 4, job)
    return CapabilityPart(
        questions=tuple(chosen[n].id for n in fitting),
        losses={
            speaker: tuple(own[n : n + 4] for n in range(0, len(own), 4)) for speaker, own in losses.items()
        },
    )


async def measure_answers(system: System, size: ExamSize, say: Say) -> AnswersPart:
    """What the system answers to harmful requests and everyday questions, as everybody it can be."""
    asked = [("request", r.text) for r in harmful_requests()[: size.requests]]
    asked += [("open", text) for text in everyday_questions()[: size.open_questions]]
    answers: list[FreeAnswer] = []
    what = f"asking {counted(len(asked), 'question')} of the backbone and every trait-level"
    say(what)
    job = LongJob(what, len(SPEAKERS), say)
    for number, speaker in enumerate(SPEAKERS, 1):
        for start in range(0, len(asked), system.batch_size):
            batch = asked[start : start + system.batch_size]
            replies = await system.answer(
                [Conversation(persona_of(speaker), (Message("user", text),)) for _, text in batch]
            )
            answers += [
                FreeAnswer.model_validate(
                    {"speaker": speaker, "kind": kind, "asked": text, "text": r.text, "state": r.state}
                )
                for (kind, text), r in zip(batch, replies, strict=True)
            ]
        job.after(number)
    return AnswersPart(answers=tuple(answers))


def persona_of(speaker: str) -> Persona | None:
    """The trait-level of a code alone, None for the backbone."""
    return None if speaker == BACKBONE else {TraitLevel.parse(speaker): 1.0}


def _scoring(what: str, say: Say, parts: int = len(SPEAKERS)) -> LongJob:
    """Say what is scored; what is returned says how long it takes."""
    say(f"scoring {what}")
    return LongJob(f"scoring {what}", parts, say)


def _by_speaker(
    system: ScoringSystem, pairs: Sequence[tuple[str, str]], group: int, job: LongJob
) -> tuple[list[int], dict[str, tuple[float, ...]]]:
    """The loss of every second text after its first, under everybody, for the groups that fit, and which do.

    Raises EvaluationError when none fits the system's lengths.
    """
    talks = [(Message("user", asked), Message("assistant", text)) for asked, text in pairs]
    columns: dict[str, Sequence[float | None]] = {}
    for speaker in SPEAKERS:
        columns[speaker] = system.score(talks, persona_of(speaker))
        job.after(len(columns))
    starts = range(0, len(pairs), group)
    fitting = [
        n
        for n, start in enumerate(starts)
        if all(loss is not None for own in columns.values() for loss in own[start : start + group])
    ]
    if not fitting:
        raise EvaluationError("none of the exam's texts fits the system's lengths; examine it with --only")
    return fitting, {
        speaker: tuple(
            loss for n in fitting for loss in own[starts[n] : starts[n] + group] if loss is not None
        )
        for speaker, own in columns.items()
    }


def _opposite(trait_level: TraitLevel) -> TraitLevel:
    return TraitLevel(trait_level.trait, Level.LOW if trait_level.level is Level.HIGH else Level.HIGH)


def _losses(scored: TraitLevelLosses) -> Losses:
    return Losses(dialogues=_described(scored.dialogues), losses=_rows(scored.losses.tolist()))


def _rows(rows: Sequence[Sequence[float | None]]) -> tuple[tuple[float, ...], ...]:
    """Whole rows of losses as they are stored."""
    return tuple(tuple(x for x in row if x is not None) for row in rows)


def _described(dialogues: Sequence[TrainingDialogue]) -> tuple[HeldOutDialogue, ...]:
    return tuple(
        HeldOutDialogue(id=d.id, code=d.trait_level.code, author=author, words=_words(d.messages))
        for d, author in zip(dialogues, author_clusters(dialogues), strict=True)
    )


def _words(messages: Sequence[Message]) -> float:
    answers = [m.content for m in messages if m.role == "assistant"]
    return sum(len(answer.split()) for answer in answers) / max(1, len(answers))
