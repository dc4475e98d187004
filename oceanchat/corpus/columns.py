"""Know what the columns of a corpus hold.

Text, author, id and labels go by many names; those that a user names come first. A corpus is surveyed once
before it is read, because only a whole column tells on which scale its numbers are.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from oceanchat.corpus.readers import FILE_STEM
from oceanchat.corpus.rows import BadRow, Row, column_name, refuse, squeezed
from oceanchat.corpus.scales import NumberRange, ReadColumn, number_in, read_columns, scale_notes, word_of
from oceanchat.errors import ConfigError
from oceanchat.records import storable
from oceanchat.traits import TRAITS, Level, Trait, traits_named

_TEXT_NAMES = (
    *(
        "text",
        "essay",
        "essaytext",
        "rawtext",
        "statement",
        "utterance",
        "review",
        "fulltext",
        "body",
        "content",
        "selftext",
        "message",
        "post",
        "posts",
    ),
    *(
        "comment",
        "comments",
        "document",
        "writing",
        "story",
        "entry",
        "status",
        "response",
        "answer",
        "texts",
    ),
)
"""Names of the column of texts, without spaces and underscores; the first that is there counts."""
_ID_NAMES = ("id", "essayid", "textid", "docid", "documentid", "postid", "commentid", "rowid", "uuid")
_FIRST_AUTHORS = ("author", "authid", "authorid", "user", "userid")
_AUTHOR = re.compile(
    r"(?:id|the|essay|text|post|comment|tweet|reddit|twitter|facebook|anon(?:ym\w*?)?|orig(?:inal)?|hashed|unique"
    r"|study|test|research|mturk|amazon|source)?"
    r"(?:author|auth|auteur|autor|verfasser|writer|user|participant|participante?|part|ppt?|respondent|responder"
    r"|subj|subject(?=.)|student|speaker|person|poster|blogger|reviewer|commenter|contributor|sender|worker"
    r"|prolific|interviewee|volunteer|employee|patient|proband|teilnehmer|screen|account|handle|login"
    r"|nick|member|individual|p(?=id)|u(?=id))s?"
    r"(?:id|ids|name|no|nr|num|number|code|key|hash|handle|uuid|guid|pid|ref|s)*"
)
_NOT_AUTHORS = re.compile(r"parts?(?:no|nr|num|number)?|pps?|pt|screens?")

_SHORT = {Trait.O: "opn", Trait.C: "con", Trait.E: "ext", Trait.A: "agr", Trait.N: "neu"}
_LABEL = {
    Trait.O: "o|ope|opn|openn|openness|opennesstoexperiences?|opentoexperiences?",
    Trait.C: "c|con|consc|conscientious|conscientiousness",
    Trait.E: "e|ext|extrav|extravert|extraverted|extraversion|extroversion|extrovert",
    Trait.A: "a|agr|agreeable|agreeableness",
    Trait.N: "n|neu|neur|neuro|neurotic|neuroticism",
}
_LABELS = {
    trait: re.compile(
        r"(?:c(?=\w{3}$)|s(?=\w{3}$)|big5|bigfive|bfi2?s?|ffm|ipip|neo|trait|labels?|scores?|z|self|pct)?"
        rf"(?:{names})"
        r"(?:scores?|class|labels?|levels?|means?|avg|zscores?|percentiles?|pct|percent|binary|bin|raw|tscores?)*"
    )
    for trait, names in _LABEL.items()
}


class ColumnChoice(NamedTuple):
    """The columns a user named."""

    text: str = ""
    author: str = ""
    labels: Mapping[Trait, str] | None = None
    """None: those that are known by their names."""

    def is_header(self, cells: Sequence[object]) -> bool:
        """Whether cells name the column of texts."""
        names = {squeezed(column_name(cell)) for cell in cells}
        return squeezed(self.text) in names if self.text else not names.isdisjoint(_TEXT_NAMES)

    @property
    def missing(self) -> str:
        """What a table without a column of texts lacks; `{named}` are the columns it has."""
        name = self.text.replace("{", "{{").replace("}", "}}") or "TEXT"
        return f"'{name}' (its columns: {{named}}); name the column with the essays: --text-column NAME"


BY_NAME = ColumnChoice()
"""No column was named: all are known by their names."""


def parse_label_columns(text: str | None) -> Mapping[Trait, str] | None:
    """Read 'O=open_score,N=neuro', a list of columns that name their traits, or 'none'.

    Raises ConfigError for what is neither.
    """
    if text is None:
        return None
    labels: dict[Trait, str] = {}
    for part in filter(None, map(str.strip, text.split(","))) if text.strip().casefold() != "none" else ():
        name, equals, column = part.partition("=")
        traits = traits_named(name.strip()) if equals else _traits_of(name)
        if len(traits) != 1 or (equals and not column.strip()):
            raise ConfigError(
                f"--label-columns '{part[:60]}' names no trait and column; write O=COLUMN,C=COLUMN or none"
            )
        labels[traits[0]] = (column if equals else name).strip()
    return labels


def _traits_of(name: str) -> tuple[Trait, ...]:
    return tuple(trait for trait in TRAITS if _LABELS[trait].fullmatch(squeezed(name)))


def _author_rank(name: str) -> int | None:
    """How likely a column names authors, 0 first; None for others."""
    squashed = squeezed(name)
    if squashed in _FIRST_AUTHORS:
        return _FIRST_AUTHORS.index(squashed)
    known = _AUTHOR.fullmatch(squashed) and not _NOT_AUTHORS.fullmatch(squashed)
    return len(_FIRST_AUTHORS) if known else None


@dataclass(frozen=True)
class Columns:
    """Which columns of a corpus hold what."""

    texts: tuple[str, ...]
    authors: tuple[str, ...]
    """Empty where no column names authors."""
    ids: tuple[str, ...]
    labels: Mapping[Trait, tuple[str, ...]]
    scales: Mapping[str, ReadColumn]
    """Label column -> how it is read."""
    notes: tuple[str, ...]
    """What a user should know about how the columns were read, a line each."""

    names: tuple[str, ...]
    """All columns in order."""

    def check(self, source: str, choice: ColumnChoice) -> None:
        """Raise CorpusError when a column of the choice is not there."""
        if not self.names:
            return
        wanted = [
            ("--text-column", choice.text, self.texts),
            ("--author-column", choice.author, self.authors),
        ]
        for trait, column in (choice.labels or {}).items():
            wanted.append(("--label-columns", column, self.labels[trait]))
        for flag, name, columns in wanted:
            if name and not columns:
                refuse(source, f"has no column '{name[:60]}' for {flag} (its columns: {self.listed})")

    @property
    def listed(self) -> str:
        """The names of the columns on one short line."""
        return ", ".join(name for name in self.names if name != FILE_STEM)[:120]

    def text(self, row: Row) -> Any:
        """What stands where the essay's text should."""
        return _first(row, self.texts)[1]

    def author(self, row: Row) -> str:
        """The author's name; empty where the row gives none."""
        return _name(row, (*self.authors, FILE_STEM))

    def id(self, row: Row) -> str:
        """The essay's own name; empty where the row gives none."""
        return _name(row, (*self.ids, *self.authors))

    def levels(self, row: Row) -> dict[Trait, Level]:
        """The author's trait levels. Raises ValueError when a label column holds something else."""
        given = _with_nested(row)
        levels: dict[Trait, Level] = {}
        for trait in TRAITS:
            column, value = _first(given, self.labels[trait])
            level = self.scales.get(column, ReadColumn(None)).level(word_of(value))
            if level is not None:
                levels[trait] = level
        return levels


@dataclass
class _Survey:
    """What one reading of all rows shows."""

    choice: ColumnChoice
    names: dict[str, None] = field(default_factory=dict)
    """All columns in order."""
    nested: dict[str, None] = field(default_factory=dict)
    """Names within the column `labels`."""
    numbers: dict[str, NumberRange] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    repeated_id: bool = False
    _by_names: dict[tuple[str, ...], Mapping[Trait, tuple[str, ...]]] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Take one row into account."""
        if not self.names.keys() >= row.keys():
            self.names.update(dict.fromkeys(row))
        given = _with_nested(row)
        if len(given) > len(row) or isinstance(row.get("labels"), dict):
            self.nested.update(dict.fromkeys(given))
        for columns in self._label_columns(given).values():
            column, value = _first(given, columns)
            number = number_in(word_of(value))
            if number is not None:
                self.numbers.setdefault(column, NumberRange()).add(number)
        if not self.repeated_id and (name := _name(row, ("id",))):
            self.repeated_id = name in self.ids
            self.ids.add(name)

    def _label_columns(self, given: Row) -> Mapping[Trait, tuple[str, ...]]:
        key = tuple(given)
        if key not in self._by_names:
            self._by_names[key] = label_columns(given, self.choice)
        return self._by_names[key]


def label_columns(names: Iterable[str], choice: ColumnChoice) -> Mapping[Trait, tuple[str, ...]]:
    """The columns that may hold the label of each trait, best first."""
    every = list(names)
    if choice.labels is not None:
        wanted = {trait: squeezed(column) for trait, column in choice.labels.items()}
        return {trait: tuple(n for n in every if squeezed(n) == wanted.get(trait)) for trait in TRAITS}
    columns = {}
    for trait in TRAITS:
        known = [name for name in every if _LABELS[trait].fullmatch(squeezed(name))]
        first = (f"c{_SHORT[trait]}", _SHORT[trait], trait.value.casefold(), trait.label.casefold())
        rank = {name: number for number, name in enumerate(first)}
        columns[trait] = tuple(sorted(known, key=lambda name: rank.get(squeezed(name), len(rank))))
    return columns


def survey(rows: Iterable[Row | BadRow], choice: ColumnChoice) -> Columns:
    """What the columns of these rows hold."""
    seen = _Survey(choice)
    for row in rows:
        if not isinstance(row, BadRow):
            seen.add(row)
    names = list(seen.names)
    texts = _named(names, choice.text) if choice.text else _by_rank(names, _TEXT_NAMES)
    authors = _authors(names, choice, seen.repeated_id)
    labels = label_columns([*names, *(name for name in seen.nested if name not in seen.names)], choice)
    used = list(dict.fromkeys(column for columns in labels.values() for column in columns))
    ranges = [seen.numbers.get(column, NumberRange()) for column in used]
    scales = dict(zip(used, read_columns(ranges), strict=True))
    read = {column: (numbers, scales[column]) for column, numbers in zip(used, ranges, strict=True)}
    notes = [*_column_notes(names, () if choice.text else texts, authors), *scale_notes(read)]
    ids = tuple(name for name in _by_rank(names, _ID_NAMES) if name not in authors)
    return Columns(texts, authors, ids, labels, scales, tuple(notes), tuple(names))


def _authors(names: Sequence[str], choice: ColumnChoice, repeated_id: bool) -> tuple[str, ...]:
    if choice.author:
        return _named(names, choice.author)
    ranks = {name: rank for name in names if (rank := _author_rank(name)) is not None}
    authors = tuple(sorted(ranks, key=lambda name: ranks[name]))
    # An id that comes again is its author's.
    return authors or (("id",) if repeated_id else ())


def _column_notes(names: Sequence[str], texts: Sequence[str], authors: Sequence[str]) -> list[str]:
    notes = []
    if texts and squeezed(texts[0]) not in ("text", "essay"):
        notes.append(f"essays are read from the column '{texts[0][:40]}'; name another with --text-column")
    if not authors and names:
        listed = ", ".join(name for name in names if name != FILE_STEM)[:80]
        notes.append(
            f"no column names the authors (its columns: {listed}), so each text counts as an author of its"
            " own and no split by author can be promised; name the column with --author-column"
        )
    return notes


def _named(names: Sequence[str], wanted: str) -> tuple[str, ...]:
    return tuple(name for name in names if squeezed(name) == squeezed(column_name(wanted)))


def _by_rank(names: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    ranks = {name: known.index(squeezed(name)) for name in names if squeezed(name) in known}
    return tuple(sorted(ranks, key=lambda name: ranks[name]))


def _with_nested(row: Row) -> Row:
    nested = row.get("labels")
    if not isinstance(nested, dict):
        return row
    return {**row, **{column_name(name): value for name, value in nested.items()}}


def _first(row: Row, columns: Sequence[str]) -> tuple[str, Any]:
    """The first of the columns that holds anything, and what it holds."""
    for column in columns:
        value = row.get(column)
        if value is not None:
            return column, value
    return "", None


def _name(row: Row, columns: Sequence[str]) -> str:
    """The first of the columns that holds a short name or a whole number."""
    for column in columns:
        value = row.get(column)
        if isinstance(value, float):
            value = int(value) if value.is_integer() else None
        if isinstance(value, str | int) and not isinstance(value, bool) and (name := str(value).strip()):
            return storable(_WHOLE.sub(r"\1", name))[:200]
    return ""


_WHOLE = re.compile(r"\A(\d+)\.0\Z")
"""A whole number as programs write it that have made it a float."""
