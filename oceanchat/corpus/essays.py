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
from typing import Any, Literal

from oceanchat.corpus.readers import TEXT_COLUMNS, Row, refuse, rows_of
from oceanchat.records import Essay, storable
from oceanchat.traits import TRAITS, Level, Trait

Junk = Literal[
    "unparseable", "no-text", "empty", "error-cell", "too-short", "undecodable", "wrong-label", "repeated"
]
"""Why a row is no essay: `error-cell` is what a spreadsheet leaves of a failed formula, such as `Err:000`."""

MIN_WORDS = 10
"""Words below which a text is no essay."""

BUNDLED = "bundled essays"
_UNKNOWN_LICENSE = "not stated; check the corpus's terms before sharing any of its text"

_AUTHOR_COLUMNS = ("author", "authid", "author_id", "user", "user_id", "id")
_ID_COLUMNS = ("id", "authid", "author", "author_id", "user", "user_id")
_LEVELS = dict.fromkeys(("y", "yes", "high", "1", "1.0", "true", "+"), Level.HIGH) | dict.fromkeys(
    ("n", "no", "low", "0", "0.0", "false", "-"), Level.LOW
)
_UNLABELED = ("", "none", "null", "nan", "na")
_ERROR_CELL = re.compile(r"\s*(?:Err:\d+|#(?:REF|VALUE|NAME|N/A|DIV/0|NULL|NUM)[!?]?)\s*")


class Essays:
    """The essays of a source, read again by every iteration."""

    def __init__(self, source: str) -> None:
        self._source = source

    def __iter__(self) -> Iterator[Essay]:
        return (row for row in _read(self._source) if isinstance(row, Essay))


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


def open_corpus(source: str | None = None) -> Corpus:
    """The corpus at a path, of the Hub dataset OWNER/NAME, or the bundled one.

    Raises CorpusError when it cannot be read or holds no essay, and HubError from the Hub.
    """
    if source == "":
        refuse(source, "is no path; leave it out for the bundled essays")
    location = source or str(resources.files("oceanchat.corpus") / "essays.jsonl")
    junk: Counter[Junk] = Counter()
    digest = hashlib.sha256()
    count = 0
    for row in _read(location):
        if isinstance(row, Essay):
            count += 1
            digest.update(_canonical(row))
        else:
            junk[row] += 1
    if not count:
        reasons = ", ".join(f"{number} {reason}" for reason, number in junk.items()) or "it has no rows"
        refuse(location, f"holds no essay ({reasons}); give essays of {MIN_WORDS} or more words under 'text'")
    return Corpus(
        name=location.rstrip("/") if source else BUNDLED,
        essays=Essays(location),
        count=count,
        junk=junk,
        fingerprint=digest.hexdigest(),
        shareable=source is None,
        license=_UNKNOWN_LICENSE if source else "CC0-1.0",
    )


def _read(source: str) -> Iterator[Essay | Junk]:
    """An essay or the reason why there is none, for each row."""
    ids: set[str] = set()
    texts: set[bytes] = set()
    for number, row in enumerate(rows_of(source), start=1):
        yield _essay(row, number, ids, texts)


def _essay(row: Row, number: int, ids: set[str], texts: set[bytes]) -> Essay | Junk:
    if not row:
        return "unparseable"
    text = _first(row, TEXT_COLUMNS)
    if not isinstance(text, str):
        return "no-text"
    if junk := _junk(text):
        return junk
    labels = _labels(row)
    if labels is None:
        return "wrong-label"
    digest = hashlib.sha256(" ".join(text.split()).encode("utf-8", "replace")).digest()[:16]
    if digest in texts:
        return "repeated"
    texts.add(digest)
    name = _name(row, _ID_COLUMNS) or f"row-{number}"
    author = _name(row, _AUTHOR_COLUMNS) or name
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


def _labels(row: Row) -> dict[Trait, Level] | None:
    """The author's trait levels, or None when a label column holds something else."""
    nested = row.get("labels")
    given = dict(row)
    if isinstance(nested, dict):
        given |= {str(name).strip().casefold(): value for name, value in nested.items()}
    labels: dict[Trait, Level] = {}
    for trait in TRAITS:
        value = _first(given, _LABEL_COLUMNS[trait])
        word = "" if value is None else str(value).strip().casefold()
        if word in _UNLABELED:
            continue
        if word not in _LEVELS:
            return None
        labels[trait] = _LEVELS[word]
    return labels


_SHORT = {Trait.O: "opn", Trait.C: "con", Trait.E: "ext", Trait.A: "agr", Trait.N: "neu"}
_LABEL_COLUMNS = {
    trait: (f"c{short}", short, trait.value.casefold(), trait.label.casefold())
    for trait, short in _SHORT.items()
}


def _first(row: Row, columns: tuple[str, ...]) -> Any:
    return next((row[column] for column in columns if row.get(column) is not None), None)


def _name(row: Row, columns: tuple[str, ...]) -> str:
    """The first of the columns that holds a short name or number."""
    for column in columns:
        value = row.get(column)
        if isinstance(value, str | int) and not isinstance(value, bool) and (name := str(value).strip()):
            return storable(name)[:200]
    return ""


def _canonical(essay: Essay) -> bytes:
    labels = {trait.value: level.value for trait, level in sorted(essay.labels.items())}
    return json.dumps([essay.id, essay.author, essay.text, labels]).encode() + b"\n"
