"""Read the results out of a checker's reply.

A result names the main trait that a dialogue shows and any further ones, each at a level, or none, and says
how the questioner asked. A result that says what is not shown, or one trait at both levels, is unclear and
never guessed.
"""

import re
from typing import NamedTuple

from oceanchat.errors import UnreadableReply
from oceanchat.llm.answer_text import answer_text
from oceanchat.llm.folding import folded
from oceanchat.llm.reply_fields import read_fields
from oceanchat.pipeline.replies.numbering import fits
from oceanchat.records import ObservedTrait
from oceanchat.traits import TRAITS, Level, Trait

_FIELDS = {
    **dict.fromkeys(
        (
            *("main trait", "main", "main trait shown", "primary trait", "result", "results", "output"),
            *("trait", "traits", "traits shown", "answer", "verdict", "conclusion"),
        ),
        "result",
    ),
    **dict.fromkeys(
        ("also", "also shown", "also traits", "other traits", "further traits", "secondary traits"), "also"
    ),
    "questioner": "questioner",
    **dict.fromkeys(
        ("trait named outright", "named outright", "trait named", "traits named outright", "named"), "named"
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
_ASKED = re.compile(
    r"\W*(?:the questioner (?:is|was) )?(neutral|(?:not|non)[ -]leading|leading)\b", re.IGNORECASE
)
_YES_OR_NO = re.compile(r"\W*(yes|no|true|false|none)\b", re.IGNORECASE)
_NUMBER = re.compile(
    r"^[ <>*_#\[(`\"'|-]{0,8}(?:verdict (?:for|on) )?"
    r"(?:(?:dialogue|dialog|conversation|number|no\.?)[ *_#:]{0,4}(?P<word>\d{1,3})\b"
    r"(?:(?: ?\([^()\n]{0,80}\))?[ >*_`\"')\].:|-]*$|[*_`\"')\]]{0,4} ?[.:|-])"
    r"|(?P<bare>\d{1,3})[.):][ *_`]{0,4}(?:$|(?=(?:reason|main trait|main|result)\b)))",
    re.IGNORECASE | re.MULTILINE,
)
_BY_NAME = {trait.label.lower(): trait for trait in TRAITS} | {"extroversion": Trait.E}


class CheckerReading(NamedTuple):
    """What a checker's reply says of one dialogue."""

    shown: tuple[ObservedTrait, ...]
    """The traits, the main one first."""
    reason: str
    leading: bool | None = None
    """Whether the questioner leads; None where the reply does not say."""
    named: bool | None = None
    """Whether a trait is named outright; None where the reply does not say."""


def parse_verdict(reply: str) -> CheckerReading | None:
    """Read a checker's raw reply; None when it has no result that names traits or none."""
    try:
        return read_verdict(reply)
    except UnreadableReply:
        return None


def read_verdict(reply: str) -> CheckerReading:
    """Read a checker's raw reply about one dialogue, of several results the last. Raises UnreadableReply,
    which says what is missing."""
    return _read(answer_text(reply))


def parse_verdicts(reply: str, count: int) -> list[CheckerReading | None]:
    """Read a raw reply about several numbered dialogues: one reading for each, None where its part is
    missing, unclear or comes twice with different results, and for all where the numbers do not fit (see
    `numbering`)."""
    text = answer_text(reply)
    heads = list(_NUMBER.finditer(folded(text)))
    if not heads and count == 1:
        return [_parse(text)]
    ends = [*(head.start() for head in heads[1:]), len(text)]
    read: dict[int, list[CheckerReading | None]] = {}
    for head, end in zip(heads, ends, strict=False):
        number, reading = int(head["word"] or head["bare"]), _parse(text[head.end() : end], alone=True)
        if reading is not None or 1 <= number <= count:
            read.setdefault(number, []).append(reading)
    if not fits(read, count):
        return [None] * count
    parts = [read.get(number, [None]) for number in range(1, count + 1)]
    return [same[0] if all(part == same[0] for part in same) else None for same in parts]


def _parse(text: str, alone: bool = False) -> CheckerReading | None:
    try:
        return _read(text, alone)
    except UnreadableReply:
        return None


def _read(text: str, alone: bool = False) -> CheckerReading:
    """The last result of a text; where it must be `alone`, a second one may be another dialogue's."""
    fields = read_fields(text, _FIELDS)
    if alone and sum(field.name == "result" for field in fields) > 1:
        raise UnreadableReply("it gives more than one result")
    last = {field.name: field.plain for field in fields}
    if "result" not in last:
        raise UnreadableReply("it has no line that begins with 'Main trait:'")
    reason = next((field.value for field in fields if field.name == "reason"), "")
    shown = _shown(last["result"])
    for trait, level in _shown(last["also"]).items() if "also" in last else ():
        if shown.setdefault(trait, level) != level:
            raise UnreadableReply(f"it gives {trait.label} at two levels")
    asked = [
        match[1] for field in fields if field.name == "questioner" and (match := _ASKED.match(field.plain))
    ]
    outright = _YES_OR_NO.match(last.get("named", ""))
    return CheckerReading(
        tuple(ObservedTrait(trait=trait, level=level) for trait, level in shown.items()),
        re.sub(r"[*_`]+", "", reason.split("\n")[0]).strip(),
        leading=asked[-1].lower() == "leading" if asked else None,
        named=outright[1].lower() in ("yes", "true") if outright else None,
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
