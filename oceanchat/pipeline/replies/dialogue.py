"""Read a dialogue out of a writer's reply.

What stands behind a speaker's label is spoken; titles, plans, remarks and rules around it are not, and are
left out. Text that might be either makes the reply unclear: better asked for again than a turn that nobody
said.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from oceanchat.errors import UnreadableReply
from oceanchat.llm.answer_text import answer_text
from oceanchat.llm.folding import folded
from oceanchat.pipeline.replies.leftovers import markup_in, repeated_label
from oceanchat.pipeline.replies.remarks import begins_remark, heading_kind, is_rule
from oceanchat.pipeline.replies.speakers import Labelled, inline_labels, label_at, other_label_at, roles_of
from oceanchat.pipeline.replies.spoken import (
    is_aside,
    is_between_quotes,
    is_quoted,
    spoken,
    unquoted,
    without_end_mark,
)
from oceanchat.pipeline.replies.turn_markup import with_labelled_lines
from oceanchat.records import Role, Turn

_ENDS_SENTENCE = re.compile(r"[.?!\u2026\"'\u201d\u2019)*_]\s*$")
_CLOSING = re.compile(r"(\*{1,3}|_{1,2}|`|\")\s*$")
_ECHOED = ("what is asked", "what is answered")
"""The words of the prompt behind its labels, which some models repeat."""
_QUOTED = re.compile(r"^[ \t]{0,3}(?:>[ \t]?){1,3}")
"""What stands before a line that is set off as a quotation."""
_FIRST_PERSON = re.compile(r"\b(?:i|i'm|i'd|i'll|i've|me|my|mine|we|us|our|you|your)\b", re.IGNORECASE)
_MOST_OF_A_CAST = 2
"""Labelled lines that say who the two are, and no more."""
_FEWEST_BY_OTHER_NAMES = 4
"""Turns from which names that are no known ones are taken for speakers."""
_WIDEST = 130
"""Characters of a line that was wrapped by its writer, at most."""


def parse_dialogue(reply: str) -> tuple[Turn, ...] | None:
    """Read a writer's raw reply; None where it holds no dialogue of two turns or more, or not clearly."""
    try:
        return read_dialogue(reply)
    except UnreadableReply:
        return None


def read_dialogue(reply: str) -> tuple[Turn, ...]:
    """Read a writer's raw reply. Raises UnreadableReply, which says what is unclear."""
    lines = [_QUOTED.sub("", line) for line in with_labelled_lines(answer_text(reply)).split("\n")]
    labels = _labels(lines)
    walk = _Walk(labels, _wraps(lines), _others(lines) - labels.keys())
    for line in lines:
        walk.read(line)
    return walk.dialogue()


def _labels(lines: list[str]) -> dict[str, Role]:
    """The names that label turns in this reply, with their roles."""
    names = [label.name for line in map(folded, lines) for label in _labels_on(line)]
    known = roles_of(names)
    if len(set(known.values())) == 2:
        return dict(known)
    return _by_alternation(lines) or dict(known)


def _labels_on(line: str) -> Iterator[Labelled]:
    """The known labels of a folded line that begins with one."""
    label = label_at(line)
    if label:
        yield label
        for start in inline_labels(line, letters=len(label.name) == 1):
            further = label_at(line[start:])
            if further:
                yield further


def _by_alternation(lines: list[str]) -> dict[str, Role]:
    """Two names of any kind that take turns from a question on; nothing where there are others."""
    names: list[str] = []
    first = ""
    for line in map(folded, lines):
        label = label_at(line) or other_label_at(line)
        if label:
            names.append(label.name)
        if names:
            first = first or line[label.end if label else 0 :].strip()
    asks, answers = names[:1], names[1:2]
    expected = [*asks, *answers] * len(names)
    alternate = len(names) >= _FEWEST_BY_OTHER_NAMES and names == expected[: len(names)]
    if not alternate or asks == answers or not first.rstrip("\"'*_ ").endswith("?"):
        return {}
    return {asks[0]: "questioner", answers[0]: "discloser"}


def _others(lines: list[str]) -> set[str]:
    """Names that begin two lines or more as a speaker's would."""
    names = Counter(label.name for line in lines if (label := other_label_at(folded(line))))
    return {name for name, times in names.items() if times > 1}


def _wraps(lines: list[str]) -> int | None:
    """The width at which a reply's lines are wrapped in mid-sentence; None where they are not."""
    width = max(map(len, lines), default=0)
    wrapped = sum(
        not label_at(folded(after)) and _is_full(line, after, width) and not _ENDS_SENTENCE.search(line)
        for line, after in itertools.pairwise(lines)
        if line.strip() and after.strip()
    )
    return width if wrapped and width <= _WIDEST else None


def _is_full(line: str, after: str, width: int) -> bool:
    """Whether the first word of the line after would not have found room on this one."""
    return len(line) + 1 + len(after.split()[0]) > width


def _without_closing(text: str, before: str) -> str:
    """An utterance without the marks at its end that were opened before its label."""
    mark = _CLOSING.search(text)
    opened = mark and mark[1] in before and text.count(mark[1]) % 2
    return text[: mark.start()] if mark and opened else text


@dataclass
class _Speech:
    """One turn as it is read."""

    role: Role
    lines: list[str]
    name: str = ""
    """What the label calls the speaker."""

    @property
    def is_empty(self) -> bool:
        return not any(line.strip() for line in self.lines)

    @property
    def last(self) -> str:
        return self.lines[-1]


def _without_heading(speeches: list[_Speech]) -> list[_Speech]:
    """The turns without a first one that is none: a heading such as 'Answer:' and what stands below it."""
    first, *others = speeches or [_Speech("questioner", [])]
    names = {speech.name for speech in others if speech.role == "discloser"}
    above = first.role == "discloser" and first.name == "answer" and names
    return others if above and (first.name not in names or not first.lines[0].strip()) else speeches


def _without_cast(speeches: list[_Speech]) -> list[_Speech]:
    """The turns without a list before them of who the two are: a phrase each, where turns are sentences.

    Raises UnreadableReply where there is such a list further down.
    """
    whole = [_is_said(speech) for speech in speeches]
    phrases = [
        number
        for number, (one, other) in enumerate(itertools.pairwise(speeches))
        if (one.role, other.role) == ("questioner", "discloser") and not (whole[number] or whole[number + 1])
    ]
    if not phrases or sum(whole) < 0.8 * (len(whole) - 2 * len(phrases)):
        return speeches
    if phrases != [0]:
        raise UnreadableReply("who the two are stands among its turns")
    return speeches[2:]


def _is_said(speech: _Speech) -> bool:
    """Whether a turn is a sentence or speaks of itself."""
    text = " ".join(speech.lines)
    return _ENDS_SENTENCE.search(text.strip()) is not None or _FIRST_PERSON.search(folded(text)) is not None


@dataclass
class _Walk:
    """Goes through a reply line by line."""

    labels: dict[str, Role]
    width: int | None
    others: set[str]
    """Names that stand before lines as labels do, and are none."""
    speeches: list[_Speech] = field(default_factory=list)
    blank: bool = False
    """Whether a blank line came after the last words."""
    aside: str = ""
    """Text without a speaker that came after the last turn; it may only stand at the end."""
    in_notes: bool = False
    """Whether the lines belong to a plan or to remarks, labels or not."""
    below: set[int] = field(default_factory=set)
    """Turns that go on below a finished sentence, as somebody who says 'I' does."""
    skipped: int = 0
    """Labelled lines that were taken for a part of notes before the dialogue."""
    restarts: bool = False
    """Whether a heading said that the dialogue proper comes now."""

    def read(self, line: str) -> None:
        """Take the next line in."""
        plain = folded(line)
        label = self._label(plain)
        if label is not None:
            self._speak(label, line, plain)
        elif not plain.strip() or is_rule(plain):
            self.blank = True
        elif (kind := heading_kind(plain)) and not (self.speeches and self.speeches[-1].is_empty):
            self.blank = True
            self.in_notes = kind == "notes"
            self.restarts |= kind == "dialogue"
        else:
            self._continue(line, plain)

    def _label(self, plain: str) -> Labelled | None:
        label = label_at(plain) or other_label_at(plain)
        return label if label and label.name in self.labels else None

    def _speak(self, label: Labelled, line: str, plain: str) -> None:
        if self.in_notes:
            asks = self.labels[label.name] == "questioner" and plain.rstrip("\"'*_ ").endswith("?")
            if not asks:
                self.skipped += not self.speeches
                return
            if self.speeches:
                raise UnreadableReply("remarks stand between its turns")
            self.in_notes = False
        if self.restarts:
            self.speeches, self.aside, self.restarts = [], "", False
            self.below.clear()
        if self.aside:
            raise UnreadableReply(f"'{self.aside[:60]}' stands between two turns without a speaker")
        for name, text in self._utterances(label, line, plain):
            if text.strip().lower().rstrip(".") in _ECHOED:
                continue
            words = _without_closing(text, line[: label.end])
            self.speeches.append(_Speech(self.labels[name], [words], name))
        self.blank = False

    def _utterances(self, label: Labelled, line: str, plain: str) -> Iterator[tuple[str, str]]:
        """The utterances on one line, each behind its label."""
        begun, name = label.end, label.name
        for start in inline_labels(plain, letters=len(label.name) == 1):
            further = label_at(plain[start:])
            if start > begun and further is not None and further.name in self.labels:
                yield name, line[begun:start]
                begun, name = start + further.end, further.name
        yield name, line[begun:]

    def _continue(self, line: str, plain: str) -> None:
        """A line without a label."""
        if not self.speeches or self.in_notes or self.restarts:
            return
        speech = self.speeches[-1]
        other = other_label_at(plain)
        if other and other.name in self.others and not self.aside:
            raise UnreadableReply(f"it is unclear who '{other.name}' is")
        if is_aside(plain):
            self.blank |= not speech.is_empty
        elif speech.is_empty:
            speech.lines.append(line)
            self.blank = False
        elif self.aside:
            pass
        elif self.blank or (_ENDS_SENTENCE.search(speech.last) and begins_remark(plain)):
            self.aside = line.strip()
        elif self._goes_on(speech.last, line):
            speech.lines.append(line)
        elif _FIRST_PERSON.search(plain):
            speech.lines.append(line)
            self.below.add(len(self.speeches) - 1)
        else:
            raise UnreadableReply(f"it is unclear who says '{line.strip()[:60]}'")

    def _goes_on(self, last: str, line: str) -> bool:
        """Whether a line without a label goes on with the utterance above it."""
        if not _ENDS_SENTENCE.search(last) or line[:2] == "  ":
            return True
        return self.width is not None and _is_full(last, line, self.width)

    def dialogue(self) -> tuple[Turn, ...]:
        """The turns read. Raises UnreadableReply where there are too few, or an empty one."""
        self.speeches = _without_cast(_without_heading(self.speeches))
        if self.skipped > _MOST_OF_A_CAST:
            raise UnreadableReply("it is unclear where it begins")
        if len(self.speeches) < 2 or self.restarts:
            raise UnreadableReply("it has no lines that begin with 'Questioner:' and 'Self-discloser:'")
        if self.below == {len(self.speeches) - 1}:  # a remark on the whole would look the same
            raise UnreadableReply(f"it is unclear who says '{self.speeches[-1].last.strip()[:60]}'")
        self.speeches[-1].lines[-1] = without_end_mark(self.speeches[-1].lines[-1])
        texts = [spoken(" ".join(speech.lines)) for speech in self.speeches]
        if not all(texts):
            raise UnreadableReply("one of its turns is empty")
        left_over = next(filter(None, map(markup_in, texts)), None)
        if left_over:
            raise UnreadableReply(f"one of its turns holds {left_over}")
        name = repeated_label(texts)
        if name:
            raise UnreadableReply(f"'{name}:' stands inside its turns")
        quoted = {role for role in self.labels.values() if self._is_quoted(role, texts)}
        turns = tuple(
            Turn(role=speech.role, text=unquoted(text) if speech.role in quoted else text)
            for speech, text in zip(self.speeches, texts, strict=True)
        )
        half = len(turns) // 2
        written_twice = half >= _FEWEST_BY_OTHER_NAMES and turns[:half] == turns[half:]
        return turns[:half] if written_twice else turns

    def _is_quoted(self, role: Role, texts: list[str]) -> bool:
        """Whether all that one of the two says stands in quotation marks."""
        own = [text for speech, text in zip(self.speeches, texts, strict=True) if speech.role == role]
        return all(map(is_between_quotes, own)) and 2 * sum(map(is_quoted, own)) > len(own)
