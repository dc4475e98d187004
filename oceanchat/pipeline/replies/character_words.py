"""Find where character is stated, not shown.

A dialogue should let a trait be seen in what somebody does. Here are the words that sum a person up: said of
oneself they give the label away, said by the questioner they put it into the other's mouth.
"""

import re

from oceanchat.llm.folding import folded

_CHARACTER = (
    "lazy|unreliable|reliable|disorgani[sz]ed|unorgani[sz]ed|organi[sz]ed|punctual|messy|sloppy|careless",
    "scatterbrained|absent-minded|forgetful|irresponsible|responsible|dependable|hard-?working|diligent",
    "disciplined|undisciplined|ambitious|unambitious|perfectionist|perfectionistic|procrastinator|methodical",
    "meticulous|thorough|conscientious|spontaneous|impulsive|reckless|cautious",
    "shy|outgoing|talkative|sociable|gregarious|extroverted|introverted|bubbly|reserved|loner|withdrawn",
    "assertive|adventurous|daredevil|homebody|chatterbox",
    "kind-?hearted|generous|selfish|unselfish|selfless|trusting|gullible|suspicious|cynical|manipulative",
    "arrogant|modest|humble|conceited|stubborn|blunt|pushover|compassionate|empathetic|heartless|ruthless",
    "argumentative|quarrelsome|competitive|cooperative|two-faced|vain",
    "neurotic|insecure|moody|(?:hot|short|bad|even)-tempered|thin-skinned|thick-skinned|oversensitive",
    "hypersensitive|worrier|worrywart|self-conscious|emotional|unflappable|level-headed|easy-?going",
    "laid-back|hotheaded",
    "creative|imaginative|artistic|open-minded|closed-minded|narrow-minded|unconventional|conventional",
    "unimaginative|old-fashioned|down-to-earth|dreamer|daydreamer|traditionalist",
)
"""Words for how somebody is; as predicates of oneself they are a summary."""
_FEELINGS = (
    "anxious|nervous|worried|scared|afraid|frightened|sad|upset|stressed|overwhelmed|embarrassed|ashamed",
    "lonely|depressed|angry|tense|panicked|distressed|frustrated|guilty|hurt|fearful|calm|relaxed|unbothered",
    "untroubled|composed|curious|sensitive|careful|quiet|helpful|kind|caring|warm|friendly|proud|bored",
    "confident|cheerful|energetic|thoughtful|honest|polite|patient|impatient|practical",
)
"""Words for how somebody feels or seems; they sum up a person as a kind of person, or from outside."""
_CHARACTER_WORD = rf"(?:{'|'.join(_CHARACTER)})"
_ANY_WORD = rf"(?:{'|'.join((*_CHARACTER, *_FEELINGS))})"
_MORE = (
    r"(?:(?:just|so|very|really|pretty|quite|kind of|sort of|a bit|a little|a lot|too|rather|fairly|such"
    r"|always|naturally|basically|honestly|probably|definitely|clearly|obviously|extremely|incredibly|totally"
    r"|more|the|that|not|actually|still|also|somewhat|generally|usually|a|an|huge|total|complete|real"
    r"|bit of an?|most|by nature) ){0,6}"
)
_KIND = r"(?:person|people|guy|girl|woman|man|type|kid|soul|one|individual|sort)"
_SELF = re.compile(
    r"\bi(?:'m| am|'ve (?:always |never )?been| have (?:always |never )?been|'d call myself| was always"
    r"| can be| tend to be| consider myself| would say i'm| guess i'm| suppose i'm) "
    rf"{_MORE}(?:{_CHARACTER_WORD}s?\b(?! (?:for|of|by)\b)|{_ANY_WORD} {_KIND}\b)",
    re.IGNORECASE,
)
_LIKE = r"(?:sounds?|seems?|looks?|feels?) (?:to me )?(?:like|as if|as though)"
_BEING = (
    r"(?:'re| are| were|'ve been| have been| get| got| feel| felt| must be| must feel| can be| tend to be)"
)
_SEEMING = r"(?: must| seem| sound| appear| look| come across as)(?: to)?(?: be| have been| feel| have felt)?"
_LEADING = re.compile(
    rf"\b(?:{_LIKE} you{_BEING}? {_MORE}{_ANY_WORD}"
    rf"|you{_SEEMING} {_MORE}(?:{_ANY_WORD}|(?:\w+ )?{_KIND})"
    rf"|you(?:'re| are) {_MORE}(?:{_CHARACTER_WORD}|\w+ person)"
    rf"|(?:aren't|weren't|don't|didn't) you (?:feel |get |find it |find that )?{_MORE}{_ANY_WORD}"
    r"|you (?:do )?(?:tend to|always seem to|never seem to)"
    rf"|(?:normal|natural|understandable|okay|ok|fine) to (?:feel|be|get) {_MORE}{_ANY_WORD}"
    rf"|(?:how|so|very|really) {_ANY_WORD} of you)\b",
    re.IGNORECASE,
)
_TAG_QUESTION = re.compile(
    r"\byou(?:'re|'ve|'d)? [^?.!]{3,120}, "
    r"(?:don't|aren't|didn't|weren't|haven't|do|are|did|were|have|wouldn't|can't) you\?",
    re.IGNORECASE,
)


def self_description(text: str) -> str | None:
    """Words in which somebody sums themselves up, such as 'I'm just lazy'; None where there are none."""
    match = _SELF.search(folded(text))
    return match[0] if match else None


def leading_words(text: str) -> str | None:
    """Words that put a feeling or a trait into the other's mouth; None where there are none."""
    plain = folded(text)
    match = _LEADING.search(plain) or _TAG_QUESTION.search(plain)
    return match[0] if match else None
