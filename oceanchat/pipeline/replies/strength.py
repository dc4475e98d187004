"""Read how strongly a facet shows.

The scale is 1 to 5; models also write words, decimals, fractions and per cent. Nothing else is a strength.
"""

import math
import re

from oceanchat.llm.folding import folded

LOWEST, HIGHEST = 1, 5

_NUMBER = re.compile(
    r"(?<![-\d.,])(?P<whole>\d{1,3})(?:[.,](?P<tenths>\d{1,2}))?(?![\d.,]\d|\d)"
    r"(?:\s?(?:/|out of|of|on a scale (?:of|from) (?:0|1) to)\s?(?P<scale>\d{1,3})\b|\s?(?P<percent>%))?"
    r"(?P<range>\s?(?:-|to|or)\s?\d)?"
)
_WORDS = (
    (1, r"very (?:weak|slight|faint|low)|faint|minimal|barely|one"),
    (5, r"very (?:strong|clear|high)|unmistakable|unmistakably|extreme|extremely|five"),
    (2, r"weak|weakly|slight|slightly|mild|mildly|low|minor|two"),
    (3, r"moderate|moderately|medium|fair|fairly|average|three"),
    (4, r"strong|strongly|clear|clearly|high|considerable|four"),
)
_WORD_PATTERNS = tuple((value, re.compile(rf"\b(?:{words})\b")) for value, words in _WORDS)
_PARTS = {5: 1, 10: 2, 100: 20}


def read_strength(text: str, digits_only: bool = False) -> int | None:
    """The strength a text gives, 1 to 5; None where it gives none, or more than one.

    Of two whole numbers the nearer counts, the lower one halfway: 4.5 is 4.
    """
    plain = folded(text).lower()
    number = _NUMBER.search(plain)
    if number:
        return _scaled(number)
    if digits_only and "strength" not in plain:
        return None
    return next((value for value, pattern in _WORD_PATTERNS if pattern.search(plain)), None)


def _scaled(number: re.Match[str]) -> int | None:
    parts = _PARTS.get(100 if number["percent"] else int(number["scale"] or HIGHEST))
    if number["range"] or parts is None:
        return None
    strength = math.ceil(float(f"{number['whole']}.{number['tenths'] or 0}") / parts - 0.5)
    exact = float(f"{number['whole']}.{number['tenths'] or 0}") / parts
    return strength if strength >= LOWEST and exact <= HIGHEST else None
