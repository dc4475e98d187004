"""Keep of a turn what is spoken.

Emphasis marks, stage directions and quotation marks around a whole turn are no words of the speaker. Words
are never changed; what only might be a direction stays, for the gates to see.
"""

import re

from oceanchat.llm.folding import folded

_WHOSE = r"(?:(?:his|her|their|my|the) )?"
_ACTIONS = (
    r"laugh|chuckl|giggl|smil|grin|smirk|sigh|shrug|nod|paus|winc|groan|frown|blush|sob|whisper|mutter|mumbl",
    r"cough|sniff|gasp|snort|scoff|gulp|fidget|hesitat|exhal|inhal|tak(?:es|ing) a (?:deep )?breath",
    rf"shak(?:e|es|ing) {_WHOSE}head|clear(?:s|ing)? {_WHOSE}throat|roll(?:s|ing) {_WHOSE}eyes",
    rf"rais(?:es|ing) (?:an )?eyebrow|scratch(?:es|ing) {_WHOSE}head|glanc(?:es|ing)|trail(?:s|ing) off",
    r"look(?:s|ing) (?:down|up|away|at|around|out|back|over|off)|star(?:es|ing) (?:at|into|off)",
    r"lean(?:s|ing) (?:in|back|forward)",
)
_HOW = (
    r"(?:long |short |brief |slight |small |little |soft |nervous |a |another |with a )*"
    r"(?:(?:nervous|soft|quiet|slight|brief|awkward|sheepish|wry|gent|sad|bitter|dri|thoughtful)ly |half-)?"
)
_LONE = (
    r"beat|silence|pause|softly|quietly|nervously|sarcastically|thoughtfully|hesitantly|sheepishly|excitedly"
    r"|wistfully"
)
_DIRECTION = (
    rf"(?:{_HOW}(?:{'|'.join(_ACTIONS)})(?:e|es|s|ed|ing)?|{_LONE})"
    r"(?:[ ,.]+[^()\[\]*_\n]{0,60})?[.!\u2026]{0,3}"
)
_BRACKETED = re.compile(rf" ?(?:\(\s?{_DIRECTION}\s?\)|\[\s?{_DIRECTION}\s?\])", re.IGNORECASE)
_STARRED = re.compile(
    rf"(?:^|(?<=[.?!\u2026\"'] ))"
    rf"(?:(\*{{1,3}})(?! )[(\[]?{_DIRECTION}[)\]]?\1|_[(\[]?{_DIRECTION}[)\]]?_(?!\w))",
    re.IGNORECASE,
)
_BRACKETED_ONLY = re.compile(
    r"[*_ ]{0,4}[(\[][^()\[\]]{1,200}[)\]][*_ .]{0,4}|\*(?!\*)[^*]{1,200}\*|_[^_]{1,200}_"
)
_EMPHASIS = (
    re.compile(r"(\*{1,3})(?=\S)([^*\n]{1,2000}?)(?<=\S)\1"),
    re.compile(r"(?<!\w)(_{1,2})(?=[^\s_])([^_\n]{1,2000}?)(?<=[^\s_])\1(?!\w)"),
)
_END_MARK = re.compile(
    r"[\[(*_]{1,3}(?:the )?(?:end|fin|word count|total words?|total|\d+ words)\b[^\[\]()]{0,80}"
    r"[\])*_]{1,3}\W{0,3}$",
    re.IGNORECASE,
)
_PAIRS = {
    '"': '"',
    "'": "'",
    "\u201c": "\u201d",
    "\u201d": "\u201d",
    "\u201e": "\u201c",
    "\u00ab": "\u00bb",
    "\u2018": "\u2019",
}
"""Opening quotation mark -> the one that closes it."""

_DEEDS = (
    r"turn|walk|lean|stopp?|pick|putt?|tak|gett?|sitt?|stand|open|clos|hold|wav|point|wait|look|twirl|tapp?",
    r"drumm?|rubb?|fold|cross|unfold|adjust|straighten|check|sipp?|drink|fiddl|play|stirr?|touch|wip|tugg?|bit|chew",
    r"swallow|nudg|pac|shift|squirm|star|glanc|tilt|lower|lift",
)
_DEED = rf"(?:(?:he|she|they) )?(?:{'|'.join(_DEEDS)})(?:e?s|ing)\b"
_AT_START = r"(?:^|(?<=[.?!\u2026\"'] ))"
_SEEN = re.compile(
    rf"\[(?!sic\])[^\[\]]{{1,120}}\]|{_AT_START}\({_DEED}[^()]{{0,80}}\)|{_AT_START}\*{_DEED}[^*]{{0,80}}\*"
    rf"|\({_DEED}[^()]{{0,80}}\)[.\"']?$",
    re.IGNORECASE,
)
"""Deeds in brackets or stars at the edge of a sentence, and anything in square brackets."""


def spoken(text: str) -> str:
    """The words of a turn, on one line, without emphasis and stage directions."""
    plain = " ".join(text.split())
    if "(" in plain or "[" in plain:
        plain = _BRACKETED.sub(_gap, plain)
    if "*" in plain or "_" in plain:
        plain = _STARRED.sub(_gap, plain.strip())
        for emphasis in _EMPHASIS:
            plain = emphasis.sub(r"\2", plain)
    return " ".join(plain.split())


def _gap(direction: re.Match[str]) -> str:
    """What a direction leaves behind: nothing before a mark that belongs to the words before it."""
    return "" if direction.string[direction.end() : direction.end() + 1] in tuple(",.;?!") else " "


def without_end_mark(text: str) -> str:
    """A last turn without '[End of conversation]' or '(Word count: 63)' behind it."""
    return _END_MARK.sub("", text).rstrip()


def is_aside(line: str) -> bool:
    """Whether a line stands in brackets or stars from beginning to end: nobody says it."""
    return _BRACKETED_ONLY.fullmatch(folded(line).strip()) is not None


def is_quoted(text: str) -> bool:
    """Whether quotation marks stand around a text, and none of their kind within."""
    if not is_between_quotes(text):
        return False
    closing = _PAIRS[text[0]]
    inside = re.sub(r"(?<=\w)['\u2019](?=\w)", "", text[1:-1])  # an apostrophe is no quotation mark
    return text[0] not in inside and closing not in inside


def is_between_quotes(text: str) -> bool:
    """Whether a text begins and ends with quotation marks of one kind."""
    return len(text) > 2 and _PAIRS.get(text[0]) == text[-1]


def unquoted(text: str) -> str:
    """The text without the quotation marks around it."""
    return text[1:-1].strip()


def direction_in(text: str) -> str | None:
    """A stage direction that a turn still holds; None where there is none."""
    plain = folded(text)
    match = _BRACKETED.search(plain) or _STARRED.search(plain) or _SEEN.search(plain)
    return match[0].strip() if match else None
