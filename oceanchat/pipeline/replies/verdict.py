"""Read the result out of a checker's reply.

The result names the traits a dialogue shows, each at a level, or none. A result that says what is not shown,
or one trait at both levels, is unclear and never guessed.
"""

import re
from typing import NamedTuple

from oceanchat.errors import UnreadableReply
from oceanchat.llm.answer_text import answer_text
from oceanchat.llm.reply_fields import read_fields
from oceanchat.records import ObservedTrait
from oceanchat.traits import TRAITS, Level, Trait

_FIELDS = {
    **dict.fromkeys(
        ("result", "results", "output", "trait", "traits", "traits shown", "answer", "verdict", "conclusion"),
        "result",
    ),
    **dict.fromkeys(("reason", "reasoning", "rationale", "explanation", "analysis", "note"), "reason"),
}
_NAMES = "openness|conscientiousness|extra?o?version|agreeableness|neuroticism"
_NAME = re.compile(rf"\b(?:{_NAMES})\b", re.IGNORECASE)
_VERY = (
    r"(?:(?:is|at|a|very|rather|quite|fairly|moderately|somewhat|extremely|clearly|relatively|strongly)[ -])"
)
_NOT_SHOWN = r"neutral|none|not (?:clearly )?(?:shown|evident|present)|absent|average|n/a|unclear"
_BETWEEN = "moderate|medium|mid|mixed"
_TRAIT = re.compile(
    rf"(?:\b(?P<before>high|low)(?: levels?)?(?: of)?(?: in| on)?[\s:_*-]{{1,4}})?"
    rf"\b(?P<trait>{_NAMES})\b(?: to experience)?"
    rf"(?(before)|(?:[\s:_*(\[=>|-]{{0,6}}(?:level[\s:=]{{0,3}})?{_VERY}{{0,2}}"
    rf"\b(?P<after>high|low|{_NOT_SHOWN}|{_BETWEEN})\b)?)",
    re.IGNORECASE,
)
_CODE = re.compile(r"(?<![\w+-])([OCEAN]) ?([+-])(?![\w+-])")
_NONE = re.compile(
    r"\W*(none|no traits?|neutral|n/a)( of (them|these|the (five )?traits|the five))?"
    r"( (is|are) (clearly )?shown)?\W*",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\b(no|not|non|none|neither|nor|without|lacks?|isn't|doesn't|n't)\b", re.IGNORECASE)
_OTHERS = re.compile(
    r"[\s;,.&-]*\b(?:and |but |with |there (?:is|are) )?no (?:other|others|further|additional)\b[^\n;]*",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\(([^()]*)\)")
_LEVEL_ALONE = re.compile(
    rf"\W*(?:level\W{{0,3}})?{_VERY}{{0,2}}(?:high|low|{_NOT_SHOWN})(?: level)?\W*", re.IGNORECASE
)
_BY_NAME = {trait.label.lower(): trait for trait in TRAITS} | {"extroversion": Trait.E}


class CheckerReading(NamedTuple):
    """What a checker's reply says."""

    shown: tuple[ObservedTrait, ...]
    reason: str


def parse_verdict(reply: str) -> CheckerReading | None:
    """Read a checker's raw reply; None when it has no result that names traits or none."""
    try:
        return read_verdict(reply)
    except UnreadableReply:
        return None


def read_verdict(reply: str) -> CheckerReading:
    """Read a checker's raw reply, of several results the last. Raises UnreadableReply, which says what is
    missing."""
    fields = read_fields(answer_text(reply), _FIELDS)
    results = [field.plain for field in fields if field.name == "result"]
    if not results:
        raise UnreadableReply("it has no line that begins with 'Result:'")
    reason = next((field.value for field in fields if field.name == "reason"), "")
    shown = _shown(results[-1])
    return CheckerReading(
        tuple(ObservedTrait(trait=trait, level=level) for trait, level in shown.items()),
        re.sub(r"[*_`]+", "", reason.split("\n")[0]).strip(),
    )


def _shown(written: str) -> dict[Trait, Level | None]:
    """The traits a result names with their levels; those said not to be shown are left out."""
    result = _OTHERS.sub(" ", _ASIDE.sub(_kept_aside, written))
    if _NONE.fullmatch(result):
        return {}
    excerpt = " ".join(written.split())[:60]
    shown: dict[Trait, Level | None] = {}
    absent: set[Trait] = set()
    mentions = list(_mentions(result))
    rest = _TRAIT.sub(" ", result)
    if not mentions or _NEGATED.search(rest):
        raise UnreadableReply(
            f"'{excerpt}' is no result: write each trait shown as Trait-high or Trait-low, or 'none'"
        )
    for trait, word in mentions:
        if re.fullmatch(_BETWEEN, word):
            raise UnreadableReply(f"'{excerpt}' gives a level that is neither high nor low")
        if word and word not in ("high", "low"):
            absent.add(trait)
            continue
        level = Level(word) if word else None
        if shown.get(trait, level) != level:
            raise UnreadableReply(f"'{excerpt}' gives {trait.label} at two levels")
        shown[trait] = level
    if absent & shown.keys():
        raise UnreadableReply(f"'{excerpt}' names a trait as shown and as not shown")
    return shown


def _mentions(result: str) -> list[tuple[Trait, str]]:
    """Each trait named, with the word for its level, in lower case."""
    named = [
        (_BY_NAME.get(m["trait"].lower(), Trait.E), (m["before"] or m["after"] or "").lower())
        for m in _TRAIT.finditer(result)
    ]
    if named:
        return named
    signs = {"+": "high", "-": "low"}
    return [(Trait(m[1]), signs[m[2]]) for m in _CODE.finditer(result)]


def _kept_aside(aside: re.Match[str]) -> str:
    """What stands in brackets, where it names a trait or is a level alone."""
    return (
        aside[0] if _NAME.search(aside[1]) else f" {aside[1]} " if _LEVEL_ALONE.fullmatch(aside[1]) else " "
    )
