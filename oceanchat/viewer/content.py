"""What a page of dialogues holds.

Plain records, whether they come from a store or from a release. They say what is shown, in words and tables;
how it looks is for the page.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from oceanchat.records import Record, Turn, Verdict
from oceanchat.release.rows import HumanLabel


class Origin(Record):
    """How a dialogue was made; few of these stand behind many dialogues."""

    source: str
    """'built' or 'imported'."""
    labeler: str
    writer: str
    checker: str
    """Model names; 'scripted' for the embedded one, empty where unknown."""
    mode: str
    """'screenplay' or 'dual'; empty for imported dialogues."""
    prompts: Mapping[str, str]
    """Task -> fingerprint of its template."""
    exchanges: int | None = None
    words: int | None = None
    """Exchanges and words a turn that the writer was asked for, for the blanks of its prompt."""


class ShownVerdict(Record):
    """What the checker said."""

    checker: str
    check: str
    passed: bool
    shown: tuple[str, ...]
    """Trait-levels it saw, such as 'O+', the main one first."""
    leading: bool | None = None
    named: bool | None = None
    """Whether it saw leading questions, and a trait named outright; None where that is not known."""
    reason: str


class ShownDialogue(Record):
    """A dialogue with its lineage."""

    id: str
    trait_level: str
    facet: str
    """Empty where it is not known."""
    state: str
    detail: str
    """Why it is in that state."""
    turns: tuple[Turn, ...]
    """Empty where the words may not be shown."""
    sentence: str | None
    """The essay's sentence it is about; None where it is not known or left out."""
    essay: str = ""
    """Which essay and which of its sentences."""
    strength: int | None = None
    label_reason: str = ""
    answer_words: tuple[int, ...] = ()
    """The words asked for of each answer."""
    origin: Origin
    verdict: ShownVerdict | None
    votes: tuple[HumanLabel, ...] = ()
    """Of people, once all have answered who were asked."""
    valid: bool | None = None
    """What people say together; None where they are divided or were not asked."""
    split: str = ""


class CountCell(NamedTuple):
    """A table's cell that leads to the dialogues it counts."""

    text: str
    level: str = ""
    state: str = ""
    """Trait-level and state of these dialogues; empty: any."""


class PageTable(NamedTuple):
    """A table of figures; the first cell of a row names it."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str | CountCell]]
    title: str = ""


class PageSection(NamedTuple):
    """A section of figures."""

    id: str
    title: str
    lead: Sequence[str]
    """Paragraphs above the tables."""
    tables: Sequence[PageTable]
    bars: Sequence[tuple[str, int]] = ()
    """Names and counts that are drawn as bars above the tables, the first being the whole."""


class PromptText(NamedTuple):
    """A prompt template that had a part in the dialogues."""

    task: str
    fingerprint: str
    text: str
    """Empty where the template has changed since."""


class PageContent(NamedTuple):
    """Everything a page shows."""

    title: str
    summary: Sequence[tuple[str, str]]
    """Short figures for the head of the page: value and what it is."""
    cautions: Sequence[str]
    """What every reader must know first, such as that the data are scripted."""
    dialogues: Sequence[ShownDialogue]
    prompts: Sequence[PromptText]
    sections: Sequence[PageSection]


def shown_verdict(verdict: Verdict | None) -> ShownVerdict | None:
    """A stored verdict as it is shown."""
    if verdict is None:
        return None
    return ShownVerdict(
        checker=verdict.checker,
        check=verdict.check,
        passed=verdict.passed,
        shown=tuple(seen.code for seen in verdict.shown),
        leading=verdict.leading,
        named=verdict.named,
        reason=verdict.reason,
    )
