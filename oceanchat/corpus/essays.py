"""Open a corpus of essays, from any source.

Essays are read again each time they are iterated over and never held, so memory does not grow with the
corpus. Junk rows are skipped and counted by reason. Knows nothing of sentences.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Literal

from oceanchat.corpus.columns import BY_NAME, ColumnChoice, Columns, survey
from oceanchat.corpus.readers import rows_of
from oceanchat.corpus.rows import BadRow, Row, refuse
from oceanchat.records import Essay, storable

Junk = Literal[
    "unparseable", "no-text", "empty", "error-cell", "too-short", "undecodable", "wrong-label", "repeated"
]
"""Why a row is not an essay: `error-cell` is what a failed formula leaves, such as `Err:000`."""

MIN_WORDS = 10
"""Words below which a text is not an essay."""

BUNDLED = "bundled essays"
_UNKNOWN_LICENSE = "not stated; check the corpus's terms before sharing any of its text"

_ERROR_CELL = re.compile(r"\s*(?:Err:\d+|#(?:REF|VALUE|NAME|N/A|DIV/0|NULL|NUM)[!?]?)\s*")


class Essays:
    """The essays of a source, read again by every iteration."""

    def __init__(self, source: str, choice: ColumnChoice, columns: Columns) -> None:
        self._source = source
        self._choice = choice
        self._columns = columns

    def __iter__(self) -> Iterator[Essay]:
        return (row for row in _read(self._source, self._choice, self._columns) if isinstance(row, Essay))


@dataclass(frozen=True)
class Corpus:
    """A corpus that was read through once."""

    name: str
    """File or folder name, Hub id, or 'bundled essays'."""
    essays: Essays
    """Iterate as often as needed; each iteration reads the source again."""
    count: int
    """Essays in it."""
    junk: Counter[Junk]
    """Rows skipped, by reason."""
    fingerprint: str
    """SHA-256 (hex) over ids, authors, labels and texts in order, whatever file they came from."""
    shareable: bool
    """Whether its sentences may be published as they are."""
    license: str
    """SPDX name, or a note that it is not known."""
    author_column: str
    """Empty where no column names the authors: then each text counts as an author of its own."""
    notes: tuple[str, ...]
    """What a user should know about how the columns were read, a line each."""


def open_corpus(source: str | None = None, choice: ColumnChoice = BY_NAME) -> Corpus:
    """The corpus at a path, of the Hub dataset OWNER/NAME, or the bundled one.

    Raises CorpusError when it cannot be read, lacks a column of `choice` or holds no essay, and HubError from
    the Hub.
    """
    if source == "":
        refuse(source, "is not a path; leave it out for the bundled essays")
    location = source or str(resources.files("oceanchat.corpus") / "essays.jsonl")
    columns = survey(rows_of(location, choice.is_header, choice.missing), choice)
    columns.check(location, choice)
    junk: Counter[Junk] = Counter()
    bad: BadRow | None = None
    digest = hashlib.sha256()
    count = 0
    for row in _read(location, choice, columns):
        if isinstance(row, Essay):
            count += 1
            digest.update(_canonical(row))
        elif isinstance(row, BadRow):
            bad = bad or row
            junk["unparseable"] += 1
        else:
            junk[row] += 1
    if not count:
        refuse(location, _why_empty(junk, bad, columns))
    return Corpus(
        name=location.rstrip("/") if source else BUNDLED,
        essays=Essays(location, choice, columns),
        count=count,
        junk=junk,
        fingerprint=digest.hexdigest(),
        shareable=source is None,
        license=_UNKNOWN_LICENSE if source else "CC0-1.0",
        author_column=next(iter(columns.authors), ""),
        notes=(*columns.notes, *_bad_rows_noted(junk, bad)),
    )


def _why_empty(junk: Counter[Junk], bad: BadRow | None, columns: Columns) -> str:
    reasons = ", ".join(f"{number} {reason}" for reason, number in junk.items()) or "it has no rows"
    first = f"; the first {bad}" if bad else ""
    ways = [f"give essays of {MIN_WORDS} or more words under 'text'"]
    if junk["no-text"] or junk["too-short"]:
        ways.append(f"or name their column with --text-column (its columns: {columns.listed or 'none'})")
    if junk["wrong-label"]:
        ways.append("label with high and low, or use --label-columns none")
    return f"holds no essay ({reasons}{first}); {', '.join(ways)}"


def _bad_rows_noted(junk: Counter[Junk], bad: BadRow | None) -> list[str]:
    if bad is None:
        return []
    return [f"rows that cannot be parsed and are left out: {junk['unparseable']:,}, the first {bad}"]


def _read(source: str, choice: ColumnChoice, columns: Columns) -> Iterator[Essay | Junk | BadRow]:
    """An essay or the reason why there is none, for each row."""
    ids: set[str] = set()
    texts: set[bytes] = set()
    for number, row in enumerate(rows_of(source, choice.is_header, choice.missing), start=1):
        yield row if isinstance(row, BadRow) else _essay(row, columns, number, ids, texts)


def _essay(row: Row, columns: Columns, number: int, ids: set[str], texts: set[bytes]) -> Essay | Junk:
    text = columns.text(row)
    if not isinstance(text, str):
        return "no-text"
    if junk := _junk(text):
        return junk
    try:
        labels = columns.levels(row)
    except ValueError:
        return "wrong-label"
    digest = hashlib.sha256(" ".join(text.split()).encode("utf-8", "replace")).digest()[:16]
    if digest in texts:
        return "repeated"
    texts.add(digest)
    name = columns.id(row) or f"row-{number}"
    author = columns.author(row) or name
    if name in ids:
        name = f"{name}#{number}"
    ids.add(name)
    return Essay(id=name, author=author, text=storable(text), labels=labels)


def _junk(text: str) -> Junk | None:
    if not text.strip():
        return "empty"
    if _ERROR_CELL.fullmatch(text):
        return "error-cell"
    lost = sum(text.count(char) for char in "\ufffd\x00") + len(re.findall(r"[\x80-\x9f\ud800-\udfff]", text))
    if lost > len(text) // 20:
        return "undecodable"
    return "too-short" if len(text.split()) < MIN_WORDS else None


def _canonical(essay: Essay) -> bytes:
    labels = {trait.value: level.value for trait, level in sorted(essay.labels.items())}
    return json.dumps([essay.id, essay.author, essay.text, labels]).encode() + b"\n"
