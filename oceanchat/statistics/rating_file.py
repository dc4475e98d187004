"""Read the ratings of models in conversation.

The columns are those of `oceanchat export ratings`, in any order; the file is CSV, Excel or Parquet. A score
may be missing, and no other may be there than those of its scale: nothing is rounded or guessed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from oceanchat.counting import counted
from oceanchat.errors import InputError
from oceanchat.statistics.text_table import MISSING, TableForm, read_text_table
from oceanchat.traits import TraitLevel

SCALES: Mapping[str, tuple[int, ...]] = {
    "alignment": (0, 1),
    "naturalness": (1, 2, 3, 4, 5),
    "coherence": (1, 2, 3, 4, 5),
}
"""Criterion -> the points of its scale in order (the paper's Table 14)."""
_NEEDED = ("system", "trait", "level", "unit", "question_id", "conversation_id", "annotator", *SCALES)
_FORM = TableForm("rating file", _NEEDED, f"it needs {', '.join(_NEEDED)}, as `oceanchat export ratings` has")
Unit = Literal["shared", "live"]
UNITS: tuple[Unit, ...] = ("shared", "live")


class ModelRating(NamedTuple):
    """One annotator's scores for one system's answers to one starting question and what followed."""

    system: str
    trait_level: TraitLevel
    question: str
    """Its id."""
    conversation: str
    annotator: str
    scores: Mapping[str, int]
    """Criterion -> score; a missing one is not there."""


class EvaluationRatings(NamedTuple):
    """The ratings of one evaluation, and what a reader should know about them."""

    evaluation: str
    """Its number, '' where the file tells none."""
    unit: Unit
    """shared: annotators rated the same conversations. live: each held an own one."""
    ratings: tuple[ModelRating, ...]
    remarks: tuple[str, ...]
    """What is missing or was left out; one line each."""


def read_rating_file(path: Path, evaluation: int | None = None) -> EvaluationRatings:
    """The ratings of a file; of several evaluations those of the given number, or of the newest.

    Raises InputError, in one line, where the file cannot be read, lacks a column, has a row that cannot be
    meant, or has no rating, and ConfigError where its format needs a package that is not installed.
    """
    frame = read_text_table(path, _FORM)
    rows = [
        (f"{frame.index.name} {number}", dict(zip(frame.columns, values, strict=True)))
        for number, values in zip(frame.index, frame.itertuples(index=False, name=None), strict=True)
    ]
    return ratings_of(rows, f"rating file '{path}'", evaluation)


def ratings_of(
    rows: Sequence[tuple[str, Mapping[str, str]]], source: str, evaluation: int | None = None
) -> EvaluationRatings:
    """The ratings of rows of text, each with its position in the source, such as 'line 7'.

    Raises InputError as `read_rating_file` does.
    """
    number, others = _choose([row.get("evaluation", "") for _, row in rows], source, evaluation)
    own = [(position, row) for position, row in rows if row.get("evaluation", "") == number]
    ratings = [_rating(f"{source} {position}", row) for position, row in own]
    unit = _unit(own, source)
    _check_once([position for position, _ in own], ratings, source)
    _check_conversations(ratings, source, unit)
    if not any(rating.scores for rating in ratings):
        raise InputError(f"{source} has no score ({counted(len(own), 'row')}); rate some conversations first")
    missing = Counter(name for rating in ratings for name in SCALES if name not in rating.scores)
    remarks = [f"{missing[name]} of {counted(len(ratings), 'score')} of {name} missing" for name in missing]
    remarks += [f"evaluation {number}; also there: {', '.join(others)}; see --sample"] if others else []
    return EvaluationRatings(number, unit, tuple(ratings), tuple(remarks))


def _unit(rows: Sequence[tuple[str, Mapping[str, str]]], source: str) -> Unit:
    """The unit of an evaluation, which is the same in every row."""
    first = rows[0][1]["unit"].lower()
    for position, row in rows:
        unit = row["unit"].lower()
        if unit not in UNITS:
            raise InputError(f"{source} {position} has the unit '{row['unit']}'; write shared or live")
        if unit != first:
            raise InputError(
                f"{source} {position} has the unit '{row['unit']}', rows before it '{first}'; an evaluation"
                " has one"
            )
    return "shared" if first == "shared" else "live"


def _check_once(positions: Sequence[str], ratings: Sequence[ModelRating], source: str) -> None:
    """Raise InputError where an annotator rated a system on a question twice."""
    seen: dict[tuple[str, str, str], str] = {}
    for position, rating in zip(positions, ratings, strict=True):
        first = seen.setdefault((rating.system, rating.question, rating.annotator), position)
        if first != position:
            raise InputError(
                f"{source} has two ratings of system '{rating.system}' on question '{rating.question}' by"
                f" annotator '{rating.annotator}' ({first} and {position}); keep one"
            )


def _choose(numbers: list[str], source: str, wanted: int | None) -> tuple[str, list[str]]:
    """The evaluation to report and the other ones."""
    known = sorted(set(numbers), key=lambda number: (number.isdecimal(), number.zfill(20)))
    if not known:
        raise InputError(f"{source} has no rating (0 rows); rate some conversations first")
    chosen = known[-1] if wanted is None else str(wanted)
    if chosen not in known:
        raise InputError(f"{source} has no evaluation {wanted}; it has: {', '.join(known)}")
    return chosen, [f"evaluation {number or 'without a number'}" for number in known if number != chosen]


def _rating(where: str, row: Mapping[str, str]) -> ModelRating:
    for name in ("system", "question_id", "conversation_id", "annotator"):
        if not row[name]:
            raise InputError(f"{where} has no {name}; fill it in or remove the row")
    trait_level = TraitLevel.of_columns(where, row["trait"], row["level"])
    return ModelRating(
        row["system"],
        trait_level,
        row["question_id"],
        row["conversation_id"],
        row["annotator"],
        dict(_scores(where, row)),
    )


def _scores(where: str, row: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    for name, scale in SCALES.items():
        if row[name].lower() in MISSING:
            continue
        score = {text: point for point in scale for text in (str(point), f"{point}.0")}.get(row[name])
        if score is None:
            points = " or ".join(map(str, scale)) if len(scale) == 2 else f"{scale[0]} to {scale[-1]}, whole"
            raise InputError(f"{where} has {name} '{row[name]}'; write {points}, or leave it empty")
        yield name, score


def _check_conversations(ratings: Iterable[ModelRating], source: str, unit: Unit) -> None:
    """Raise InputError where a question has two trait-levels, or conversations do not fit the unit."""
    levels: dict[str, TraitLevel] = {}
    shared: dict[tuple[str, str], str] = {}
    owners: dict[str, tuple[str, ...]] = {}
    for rating in ratings:
        if levels.setdefault(rating.question, rating.trait_level) != rating.trait_level:
            raise InputError(
                f"{source} has question '{rating.question}' under {levels[rating.question].code} and"
                f" {rating.trait_level.code}; a question belongs to one trait-level"
            )
        cell = (rating.system, rating.question)
        first = shared.setdefault(cell, rating.conversation)
        if unit == "shared" and first != rating.conversation:
            raise InputError(
                f"{source} has conversations '{first}' and '{rating.conversation}' of system"
                f" '{rating.system}' on question '{rating.question}', and its unit is shared; if each"
                " annotator held an own one, write live"
            )
        owner = cell if unit == "shared" else (*cell, rating.annotator)
        if owners.setdefault(rating.conversation, owner) != owner:
            of_two = "systems or questions" if unit == "shared" else "systems, questions or annotators"
            raise InputError(
                f"{source} has conversation '{rating.conversation}' under two {of_two}, and its unit is"
                f" {unit}; give each conversation an id of its own"
            )
