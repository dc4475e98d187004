"""Correct Punkt's boundaries in text that people type.

Punkt knows abbreviations, initials and full stops. These rules know repeated marks, emoticons and emoji,
ellipses, missing spaces, lists, reported speech, line breaks and the unpunctuated lines of letters and posts.
Pure patterns over clean text.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_FACE = r"""(?:(?<=[:;=8xX])[-'o^]?[)(\]\[DPpOo/\\|*3]+|(?<=<)3+|(?<=\^)_*\^)(?=\s|$|[.,!?])"""
"""The rest of an emoticon after its first character."""

_EMOJI = "[\u203c\u2049\u2190-\u21ff\u231a-\u23ff\u25aa-\u27bf\u2934-\u2b55\ufe0f\U0001f000-\U0001faff]"

_TAIL = re.compile(
    rf"""(?:(?:[.!?…]+|[)\]}}"”’'.!?…]+|[:;=8xX<^]{_FACE}|\*+|{_EMOJI}+[.!?…]*)(?=\s|$)\s*)+"""  # noqa: RUF001
)
"""What may stand apart after a sentence and still belongs to it: `! !`, `. .`, a bracket, a smiley."""

_MIDDLE = re.compile(r"(?:and|or|of|to|is|was|said|asked)\s")
"""Words that go on after an exclamation or question mark within a sentence: `Yahoo! and`."""

_QUOTED = re.compile(r"""[.!?…]["”]\s+\Z""")
"""The end of a quotation."""

_VERBS = (
    r"(?:said|says|say|asked|asks|ask|told|tells|replied|replies|answered|answers|shouted|shouts|yelled|yells|cried"
    r"|cries|whispered|whispers|screamed|screams|thought|thinks|wrote|writes|added|adds|wondered|laughed|called"
    r"|exclaimed|muttered|begged)"
)
_SPEAKS = re.compile(
    r"(?:(?:[Ii]|he|she|they|we|you|it|(?:[Mm]y|[Tt]he|[Hh]is|[Hh]er|[Oo]ur|[Tt]heir|[Aa]n?)(?:\s[\w'’]+){1,2})\s)?"  # noqa: RUF001
    rf"{_VERBS}\b|(?!(?:He|She|They|We|You|It)\s)[A-Z][a-z]+\s{_VERBS}(?=[.,:;!]|\s(?:me|him|us|them)\b)"
)
"""Who said what was quoted before: `"Are you coming?" she asked me.`"""

_NUMBERED = re.compile(
    r"\b(?:[Nn]os?|[Pp]{1,2}|[Pp]gs?|[Vv]ols?|[Cc]h(?:ap)?|[Ss]ect?|[Ff]igs?|[Ee]qs?|[Pp]ara|[Vv]er|[Nn]r)\.\s+\Z"
)
"""An abbreviation that goes on where a number follows, and is a sentence's end where none does: `p. 12`."""

_ITEM = re.compile(r"(?:\A|(?<=(?P<mark>[.!?:;,)\]]))\s+|(?<=\s))(?P<item>\d{1,2}\.\s+)(?=[\"“(]?\w)")
"""What may be an item of a list within a line: `1. Finish school.`"""


class _Rule(NamedTuple):
    """A sentence starts at the end of each match; without one of `needs` in the text there is none."""

    needs: tuple[str, ...]
    pattern: re.Pattern[str]


def _rule(needs: str, pattern: str) -> _Rule:
    return _Rule(tuple(needs.split("|")), re.compile(pattern))


_STAMP = r"\d\d?/\d\d?/\d{2,4}\s\d\d?:\d\d(?::\d\d)?"
_DRAWN = "-----|_____|=====|*****|~~~~~|#####"
_CLOSES = r"[Rr]egards|[Ss]incerely|[Tt]hanks|[Cc]heers|Yours(?:\struly)?|Love|Best"
_ADDED = {
    "ellipsis": _rule("..|…", r"""(?:\.(?<!\.\.)\.+|…)["”')]*\s+(?=["“(]?[A-Z])"""),
    "missing space": _rule("", r"""[.!?](?<=[a-z][a-z].)[.!?]*(?=(?:I\b|[A-Z][a-z]+)['’]?[a-z]*\s)"""),  # noqa: RUF001
    "smiley": _rule("", rf"""[:;=<^](?<=\s.){_FACE}\s+(?=[A-Z])"""),
    "emoji": _rule("", rf"""{_EMOJI}\s+(?=["“(]?[A-Z])"""),
    "closed bracket": _rule(")", r"""[.!?]\s?\)\s+(?=["“(]?[A-Z])"""),
    "after a time stamp": _rule("/", rf"""{_STAMP}(?:\s[AP]M)?\s+(?=["“(]?(?![AP]M\b)\w)"""),
    "before a time stamp": _rule("/", rf"""\s(?<=[\w>]\s)(?<!\bat\s)(?<!\bon\s)(?={_STAMP})"""),
    "drawn line": _rule(_DRAWN, r"""[-_=*~#](?<![-_=*~#].)[-_=*~#]{4,}\s+(?=["“(]?\w)"""),
    "before a drawn line": _rule(_DRAWN, r"""\s(?=[-_=*]{8,})"""),
    "close of a letter": _rule(
        "egards,|erely,|hanks,|heers,|ours,|ruly,|Love,|Best,", rf"""\b(?:{_CLOSES}),\s+(?=[A-Z])"""
    ),
    "greeting": _rule(
        "Hi,|Hello,|Hey,|Dear ",
        r"""(?:^|(?<=[.!?]\s))(?:Hi|Hello|Hey|Dear(?:\s[A-Z]\w+){1,2}),\s+(?=[A-Z])""",
    ),
    "after a link": _rule(
        "://", r"""https?://(?<![^\s(<]http://)(?<![^\s(<]https://)\S+\s+(?=[A-Z]|https?://)"""
    ),
    "after an address": _rule("@", r"""@[\w.]+>?\s(?=[A-Z][a-z])"""),
    "header field": _rule(": ", r"""\s(?=(?:Email|Groups|From|To|Subject|Date|Cc):\s)"""),
    "attachment": _rule(" - ", r"""\s(?=-\s\S+\.(?:doc|pdf|xls|txt|htm|jpg)\b)"""),
    "numbered item": _rule("1)", r"""\s(?=\d\)\s\w)"""),
}
"""Name -> a place where people start a sentence without a full stop before it."""


def sentence_starts(text: str, punkt: Iterable[int]) -> list[int]:
    """Where sentences start after the first one, in order, given where Punkt sees them start."""
    starts = set(_settled(text, punkt))
    for needs, pattern in _ADDED.values():
        if any(need in text for need in needs):
            starts.update(match.end() for match in pattern.finditer(text))
    starts.update(_line_starts(text))
    for item in _list_items(text):
        starts.discard(item.end("item"))
        starts.add(item.start("item"))
    return sorted(start for start in starts if 0 < start < len(text))


def _settled(text: str, punkt: Iterable[int]) -> Iterator[int]:
    """Punkt's starts behind what still belongs to the sentence before, without those where none starts."""
    reached = 0
    for start in punkt:
        if start < reached:
            continue
        if not text[start].isalnum() and (tail := _TAIL.match(text, start)):
            start = tail.end()
        reached = start
        if start < len(text) and not _goes_on(text, start):
            yield start


def _goes_on(text: str, start: int) -> bool:
    """Whether the sentence goes on at `start`, before which a mark and a space stand."""
    if text[start] in ",;":
        return True
    before = max(0, start - 8)
    if _QUOTED.search(text, before, start) and _SPEAKS.match(text, start):
        return True
    if text[start - 2] in "!?\"'":
        return _MIDDLE.match(text, start) is not None
    return text[start].isdigit() and _NUMBERED.search(text, before, start) is not None


def _list_items(text: str) -> Iterator[re.Match[str]]:
    """The items of lists in the text: numbers with a full stop that count up from 1.

    Two make a list after a mark or at the start of the text, three make one anywhere.
    """
    if "1." not in text or "2." not in text:
        return
    items: list[re.Match[str]] = []
    for match in _ITEM.finditer(text):
        number = int(match["item"].rstrip().rstrip("."))
        if number == len(items) + 1:
            items.append(match)
        elif number == 1:
            yield from _listed(items)
            items = [match]
    yield from _listed(items)


def _listed(items: list[re.Match[str]]) -> list[re.Match[str]]:
    """The items, if there are enough of them to be a list."""
    marked = bool(items) and (items[0]["mark"] is not None or items[0].start() == 0)
    return items if len(items) > (1 if marked else 2) else []


_LINE_END = re.compile(r"[\r\n\u2028\u2029]")
_BREAK = re.compile(r"(?:\r\n?|\n|[\u2028\u2029])\s*")
_NARROWEST = 50
"""Columns below which no program wraps lines."""
_WIDEST = 120
"""Columns above which none does: every line break of such a text was typed."""


def _line_starts(text: str) -> Iterator[int]:
    """Starts of lines after a blank line, or after a break that no line wrapping explains.

    A program breaks a line where the next word would not have fitted; any other break was typed.
    """
    if not _LINE_END.search(text):
        return
    breaks = list(_BREAK.finditer(text))
    begins = [0, *(brk.end() for brk in breaks)]
    lengths = [len(text[begin : brk.start()].rstrip()) for begin, brk in zip(begins, breaks, strict=False)]
    width = max(_NARROWEST, *lengths)
    for brk, length in zip(breaks, lengths, strict=True):
        next_word = text[brk.end() : brk.end() + _WIDEST].split(maxsplit=1)[:1]
        typed = width > _WIDEST or length + 1 + len("".join(next_word)) <= width
        if typed or len(brk.group().splitlines()) > 1:
            yield brk.end()
