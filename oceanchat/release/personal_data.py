"""What looks like personal data.

Addresses, numbers and handles in a dialogue that could name a person. Plain patterns, tuned to find rather
than to spare; a finding flags a row and is counted in the card. Names of people are not looked for: no
pattern tells them from the rest.
"""

import re
from collections.abc import Mapping

PATTERNS: Mapping[str, re.Pattern[str]] = {
    "email": re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]*\w"),
    "web-address": re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE),
    "phone-number": re.compile(r"(?<![\w.])\+?\(?\d{2,4}\)?(?:[ .-]?\d{2,4}){2,4}(?![\w.]?\d)"),
    "long-number": re.compile(r"(?<!\d)\d{7,}(?!\d)"),
    "handle": re.compile(r"(?<![\w@.])@[A-Za-z_]\w{2,}"),
    "street-address": re.compile(
        r"\b\d{1,5} (?:[A-Z][a-z]+ ){1,3}(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd)\b"
    ),
}
"""Flag -> pattern."""


def personal_data_in(text: str) -> tuple[str, ...]:
    """The flags of the patterns found in a text."""
    return tuple(flag for flag, pattern in PATTERNS.items() if pattern.search(text))
