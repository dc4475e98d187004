"""Read the questions that open rated conversations.

A file is CSV with the columns trait, level and question, in any order; further columns are left alone. Two
hundred questions of our own are bundled, 20 for each trait-level: everyday openers to which somebody can show
the trait-level by what they do, and which name none.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from oceanchat.errors import InputError
from oceanchat.traits import TRAIT_LEVELS, TraitLevel

BUNDLED = "bundled"
"""The source that stands for the questions in the package."""
MAX_CHARACTERS = 500
"""Characters a question may have."""
_COLUMNS = ("trait", "level", "question")


@dataclass(frozen=True)
class StartingQuestion:
    """A question that opens a conversation about one trait-level."""

    id: str
    """Such as 'o-high-07': the trait-level's name and its place among the questions of that trait-level."""
    trait_level: TraitLevel
    text: str


def load_questions(source: str | Path) -> tuple[StartingQuestion, ...]:
    """The questions of a CSV file, or those in the package for 'bundled'; trait-levels in paper order.

    Raises InputError, in one line, where the file cannot be read, is not CSV, lacks or doubles a column, has
    no question at all, or has a row with an unknown trait-level, no question, too long a one, or one twice.
    """
    if source == BUNDLED:
        text = resources.files("oceanchat.annotation").joinpath("questions.csv").read_text("utf-8")
        return _questions(text, BUNDLED)
    try:
        return _questions(Path(source).read_text(encoding="utf-8-sig"), str(source))
    except FileNotFoundError:
        raise InputError(
            f"question file '{source}' does not exist; name a CSV file, or '{BUNDLED}' for ours"
        ) from None
    except OSError as error:
        raise InputError(f"question file '{source}' cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # not UTF-8, or a path that no file can have
        if isinstance(error, UnicodeDecodeError):
            raise InputError(f"question file '{source}' is not UTF-8 text; save it as CSV UTF-8") from None
        raise InputError(f"question file {str(source)!r} is not a path; name a CSV file") from None


def _questions(text: str, file: str) -> tuple[StartingQuestion, ...]:
    by_level: dict[TraitLevel, list[str]] = {trait_level: [] for trait_level in TRAIT_LEVELS}
    lines: dict[str, int] = {}
    for line, trait_level, question in _rows(text, file):
        folded = " ".join(question.casefold().split())
        if folded in lines:
            raise InputError(
                f"question file '{file}' line {line} repeats the question of line {lines[folded]},"
                f" '{_short(question)}'; ask each once"
            )
        lines[folded] = line
        by_level[trait_level].append(question)
    if not lines:
        raise InputError(f"question file '{file}' has no question; write one a row below its header")
    return tuple(
        StartingQuestion(f"{trait_level.name}-{number:02d}", trait_level, question)
        for trait_level, questions in by_level.items()
        for number, question in enumerate(questions, 1)
    )


def _rows(text: str, file: str) -> Iterator[tuple[int, TraitLevel, str]]:
    """Line, trait-level and question of every row that is not blank."""
    records = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = [name.strip().lower() for name in next(records, [])]
        _check_names(names, file)
        for record in records:
            cells = [" ".join(cell.split()) for cell in record]
            if any(cells):
                yield (
                    records.line_num,
                    *_row(cells, names, f"question file '{file}' line {records.line_num}"),
                )
    except csv.Error as error:
        raise InputError(
            f"question file '{file}' line {records.line_num} is not valid CSV: {error}"
        ) from None


def _row(cells: Sequence[str], names: Sequence[str], where: str) -> tuple[TraitLevel, str]:
    if len(cells) != len(names):
        raise InputError(
            f"{where} has {len(cells)} fields, the header {len(names)}; put a question that holds a comma in"
            " quotes"
        )
    row = dict(zip(names, cells, strict=True))
    trait_level = TraitLevel.of_columns(where, row["trait"], row["level"])
    question = row["question"]
    if not question:
        raise InputError(f"{where} has no question; write one or remove the row")
    if len(question) > MAX_CHARACTERS:
        raise InputError(
            f"{where} has a question of {len(question)} characters, over {MAX_CHARACTERS}; shorten it"
        )
    return trait_level, question


def _check_names(names: Sequence[str], file: str) -> None:
    for name in _COLUMNS:
        count = names.count(name)
        if count != 1:
            problem = f"lacks the column '{name}'" if not count else f"has the column '{name}' {count} times"
            raise InputError(
                f"question file '{file}' {problem} (it has: {', '.join(names) or 'nothing'}); it needs"
                f" {', '.join(_COLUMNS)}, with commas between"
            )


def _short(question: str) -> str:
    return question if len(question) <= 60 else f"{question[:59]}…"
