"""Read labels out of a labeler's reply.

A label names the facet a sentence shows, at which level and how strongly. Replies are read forgivingly and
never guessed: what is unclear says so, in words for the next request.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from oceanchat.errors import UnreadableReply
from oceanchat.facets import FACET_NAMES, Facet, facet_named
from oceanchat.llm.answer_text import answer_text
from oceanchat.llm.folding import folded
from oceanchat.llm.reply_fields import Field, read_fields
from oceanchat.pipeline.replies.numbering import fits
from oceanchat.pipeline.replies.strength import read_strength
from oceanchat.traits import Level, Trait

_FIELDS = {
    **dict.fromkeys(
        ("label", "output", "category", "answer", "result", "classification", "verdict"), "label"
    ),
    **dict.fromkeys(("strength", "intensity", "label strength"), "strength"),
    **dict.fromkeys(("reason", "reasoning", "rationale", "explanation", "justification"), "reason"),
    "facet": "facet",
    "level": "level",
}
_FACET = "|".join(name.replace("-", "[ _-]") for name in FACET_NAMES)
_VERY = r"(?:(?:very|rather|quite|fairly|moderately|somewhat|slightly|extremely|clearly)[ -])?"
_FACET_LEVEL = re.compile(
    rf"\b({_FACET})[\s_:*'\"`(=>\[-]{{1,6}}(?:level[\s:=]{{1,3}}|is )?{_VERY}(high|low)\b", re.IGNORECASE
)
_LEVEL_FACET = re.compile(
    rf"\b(high|low)[\s_:*'\"`-]{{1,6}}(?:levels? of |on |in )?({_FACET})\b", re.IGNORECASE
)
_NEGATED = re.compile(r"\b(no|not|non|neither|nor|without|isn't|n't)\b", re.IGNORECASE)
_NEUTRAL = re.compile(r"\bneutral\b", re.IGNORECASE)
_NEUTRAL_FIRST = re.compile(
    r"[\W_]*(?:neutral|none|n/?a|not applicable|no (?:clear |relevant )?(?:facet|label|trait|bearing))\b"
    r"(?!\W{0,3}\?)",
    re.IGNORECASE,
)
_SAID_NEUTRAL = re.compile(r"\b(?:is|as|be|remains|am|stays|answer|label)\W{1,4}neutral\b", re.IGNORECASE)
_NUMBERED = re.compile(
    r"^[^\w\n]{0,12}(?:(?:sentence|number|no|item)[^\w\n]{1,3})?(\d{1,4})[*_`\"']{0,4}[ \t]*[.):|\]-]"
    r"[ \t*_`\"'|]{0,8}(\S.*)$",
    re.MULTILINE | re.IGNORECASE,
)
_SEPARATOR = re.compile(r"\s-{1,2}\s|\s?[;:]\s|\.\s|\s>\s")
_PARENTHESIS = re.compile(r"\([^()]*\)")


class FacetLabel(NamedTuple):
    """What a reply says about one sentence; facet and level are None for a neutral one."""

    facet: Facet | None
    level: Level | None
    strength: int
    """1 to 5; 0 for neutral."""
    reason: str


def parse_label(reply: str, trait: Trait) -> FacetLabel | None:
    """Read a labeler's raw reply; None when it says nothing clear about this trait's facets."""
    try:
        return read_label(reply, trait)
    except UnreadableReply:
        return None


def read_label(reply: str, trait: Trait) -> FacetLabel:
    """Read a labeler's raw reply. Raises UnreadableReply, which says what is missing.

    Forgives case, quotes, markdown and order of lines. Several facets count when they agree on one level
    (the first of this trait is taken); a facet of another trait or both levels of this one make it unclear.
    """
    text = answer_text(reply)
    fields = read_fields(text, _FIELDS)
    reason = _plain(_first(fields, "reason"))
    stated = _first(fields, "strength")
    labels = [_read_verdict(field.plain, trait, stated, reason) for field in fields if field.name == "label"]
    if not labels and _first(fields, "facet") and _first(fields, "level"):
        labels = [
            _read_verdict(f"{_first(fields, 'facet')}-{_first(fields, 'level')}", trait, stated, reason)
        ]
    if not labels:
        labels = [_read_prose(_without(text, fields), trait, stated, reason)]
    if len(set(labels)) > 1:
        raise UnreadableReply("it gives two different labels")
    return labels[0]


def _first(fields: list[Field], name: str) -> str:
    return next((field.value for field in fields if field.name == name), "")


def _without(text: str, fields: list[Field]) -> str:
    """The answer without its reasons, folded."""
    for field in fields:
        if field.name == "reason":
            text = text.replace(field.value, "", 1)
    return folded(text)


def _read_prose(text: str, trait: Trait, stated: str, reason: str) -> FacetLabel:
    """A label that stands in no line of its own."""
    neutral = _SAID_NEUTRAL.search(text) and not re.search(r"\bnot\W{1,3}neutral\b", text, re.IGNORECASE)
    if neutral and not any(_facets_with_level(text)):
        return FacetLabel(None, None, 0, reason)
    if not text.strip():
        raise UnreadableReply("it has no line that begins with 'Label:'")
    return _read_verdict(text, trait, stated, reason)


def _read_verdict(verdict: str, trait: Trait, stated: str, reason: str) -> FacetLabel:
    """A label from what stands behind 'Label:'; `stated` is what stands behind 'Strength:'."""
    pairs = list(_facets_with_level(verdict))
    if not pairs and _NEUTRAL_FIRST.match(verdict):
        return FacetLabel(None, None, 0, reason)
    relevant = _PARENTHESIS.sub(
        lambda aside: (
            aside.group(0)
            if any(_facets_with_level(aside.group(0))) or re.search(r"\b(?:high|low)\b", aside.group(0), re.I)
            else " "
        ),
        verdict,
    )
    if _NEGATED.search(relevant):
        raise UnreadableReply("its label says what the sentence does not show")
    of_trait = [(facet, level) for facet, level in pairs if facet.trait is trait]
    if not pairs:
        if _NEUTRAL.search(verdict) and "?" not in verdict:
            return FacetLabel(None, None, 0, reason)
        raise UnreadableReply(
            f"'{_excerpt(verdict)}' is no label: write one facet of the list and its level, as in"
            f" '{_example(trait)}-high', or 'neutral'"
        )
    if not of_trait:
        raise UnreadableReply(f"'{pairs[0][0].id}' is no facet of the list")
    if _NEUTRAL.search(verdict) or len({level for _, level in of_trait}) > 1:
        raise UnreadableReply(f"'{_excerpt(verdict)}' gives more than one label")
    return FacetLabel(*of_trait[0], _strength(verdict, stated), reason)


def _strength(verdict: str, stated: str) -> int:
    ends = [match.end() for pattern in (_FACET_LEVEL, _LEVEL_FACET) for match in pattern.finditer(verdict)]
    strength = read_strength(stated) if stated else read_strength(verdict[max(ends) :], digits_only=True)
    if strength is None:
        problem = (
            f"its strength '{_excerpt(stated)}' is none of 1, 2, 3, 4 and 5"
            if stated
            else "it gives no strength from 1 to 5"
        )
        raise UnreadableReply(problem)
    return strength


def _facets_with_level(verdict: str) -> Iterator[tuple[Facet, Level]]:
    for pattern, facet_group, level_group in ((_FACET_LEVEL, 1, 2), (_LEVEL_FACET, 2, 1)):
        pairs = [
            (facet_named(m.group(facet_group)), Level(m.group(level_group).lower()))
            for m in pattern.finditer(verdict)
        ]
        known = [(facet, level) for facet, level in pairs if facet is not None]
        if known:
            yield from known
            return


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[*_`#]+", "", text).split())


def _excerpt(text: str) -> str:
    return " ".join(text.split())[:60]


def _example(trait: Trait) -> str:
    return next(name for name in FACET_NAMES if (facet := facet_named(name)) and facet.trait is trait)


def parse_labels(reply: str, trait: Trait, count: int) -> list[FacetLabel | None]:
    """Read a raw reply about several numbered sentences: one label per sentence, None where its line is
    unclear, and for all where the numbers do not fit (see `numbering`).

    Lists and tables are read. A number that comes twice counts where its last line is clear and no other
    contradicts it, so that reasons listed first do no harm.
    """
    read: dict[int, list[FacetLabel | None]] = {}
    for number, rest in _NUMBERED.findall(answer_text(reply)):
        label = _read_line(rest, trait)
        if label is not None or 1 <= int(number) <= count:
            read.setdefault(int(number), []).append(label)
    if not fits(read, count):
        return [None] * count
    return [_agreed(read.get(number, [])) for number in range(1, count + 1)]


def _agreed(lines: list[FacetLabel | None]) -> FacetLabel | None:
    clear = [label for label in lines if label is not None]
    if not lines or lines[-1] is None or len({label[:3] for label in clear}) > 1:
        return None
    return lines[-1]


def _read_line(line: str, trait: Trait) -> FacetLabel | None:
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    number = next((n for n, cell in enumerate(cells) if _begins_with_label(folded(cell))), None)
    if number is None:
        return None
    verdict, *after = cells[number:]
    plain = folded(verdict)
    if not after:
        end = _end_of_verdict(plain)
        verdict, after = verdict[:end], [verdict[end:].lstrip(" -;:.>\u2013\u2014\u2192")]
        plain = folded(verdict)
    stated = after.pop(0) if len(after) > 1 and read_strength(after[0], digits_only=True) else ""
    try:
        return _read_verdict(plain, trait, stated, _plain(after[-1] if after else ""))
    except UnreadableReply:
        return None


def _begins_with_label(cell: str) -> bool:
    begun = re.match(r"[\W_]*(?:(?:id|label)\W+)?", cell, re.IGNORECASE)
    rest = cell[begun.end() :] if begun else cell
    return any(pattern.match(rest) for pattern in (_FACET_LEVEL, _LEVEL_FACET, _NEUTRAL_FIRST))


def _end_of_verdict(line: str) -> int:
    """Where the reason begins in a line without a stroke: at the first mark that no strength follows."""
    matches = [m for p in (_FACET_LEVEL, _LEVEL_FACET, _NEUTRAL_FIRST) if (m := p.search(line))]
    start = min((match.end() for match in matches), default=0)
    for mark in _SEPARATOR.finditer(line, start):
        if not re.match(r"\W*(?:strength\W*)?[0-5]\b", line[mark.end() :], re.IGNORECASE):
            return mark.start()
    return len(line)
