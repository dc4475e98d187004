"""Find what no mouth says.

Labels, headings, rules, fences, tags, end marks and blanks that were never filled are left over from a
model's form or from an anonymised essay. A turn that holds any of them is not only what was said.
"""

import re
from collections.abc import Iterable

from oceanchat.llm.folding import folded

_LABEL = re.compile(
    r"\b(?:questioner|self[ _-]?discloser|self[ _-]?disclosure|interviewer|interviewee|discloser)"
    r"[*_`\"')\]]{0,4}(?: \d{1,2})? ?(?:\([^()]{0,40}\))?[*_]{0,3}:"
    r"|(?:^|[.?!]\W{1,4})(?:user|assistant|human|system|q\d{0,2}|a\d{0,2}|note|word count|facet shown"
    r"|turn \d{1,2}|exchange \d{1,2})\**:(?= |$|\*)",
    re.IGNORECASE,
)
_ENTITY = re.compile(
    r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|amp|lt|gt|quot|apos|nbsp|mdash|ndash|hellip);", re.IGNORECASE
)
_END_MARK = re.compile(
    r"[(\[*](?:the )?(?:end|fin|word count|total words?)\b[^()\[\]]{0,60}[)\]*]", re.IGNORECASE
)
_MARKUP = (
    ("a label", _LABEL),
    ("a heading", re.compile(r"(?:^|\s)#{1,6} \S|(?:^|[.?!] )\*\*[^*]{1,60}\*\*(?:$| [A-Z])")),
    ("a rule", re.compile(r"(?:^|\s)(?:-{3,}|={3,}|\*{3,}|_{3,}|~{3,})(?:\s|$)")),
    ("a fence", re.compile(r"`{3}|~{3}")),
    ("a tag", re.compile(r"</?[A-Za-z][\w:-]{0,30}(?: [^<>]{0,80})?/?>|<\|[^|<>]{1,40}\|>|\[/?INST\]|</?s>")),
    ("a mark", re.compile(r"\*\*|__|(?:^|\s)`|`(?:\s|$)|\|.*\|")),
    (
        "an entity",
        re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|amp|lt|gt|quot|apos|nbsp|mdash|ndash|hellip);", re.I),
    ),
    (
        "an end mark",
        re.compile(r"[(\[*](?:the )?(?:end|fin|word count|total words?)\b[^()\[\]]{0,60}[)\]*]", re.I),
    ),
    (
        "a code",
        re.compile(r"\\[nt](?![a-z])|\\\"|[\"'][\]}]\W{0,3}$|\{\{|\}\}|\"(?:role|content|text|speaker)\" ?:"),
    ),
)
_PLACEHOLDER = re.compile(
    r"\b(?:[A-Z]{3,}NAME|NAME_\d+|PERSON_?\d+|XX+|REDACTED|PLACEHOLDER|LOCATION_\d+)\b"
    r"|(?i:[\[{<](?:your |the |my |insert |their )?(?:first |last |full )?(?:name|city|town|place|location"
    r"|person|friend|school|university|company|employer|date|country|street|state|blank|redacted)(?:'s)?"
    r"(?: name| here| \w{1,10})?[\]}>])|\{[a-z_]{2,30}\}",
)

_INLINE_NAME = re.compile(r"(?:^|(?<=[.?!\u2026\"'] ))([A-Z][A-Za-z-]{0,20}(?: [A-Z0-9][a-z]{0,20})?): ")


def markup_in(text: str) -> str | None:
    """What a text holds that belongs to a reply's form, and the words in question; None for plain speech."""
    plain = folded(text)
    for what, pattern in _MARKUP:
        match = pattern.search(plain)
        if match:
            return f"{what}, '{match[0].strip()[:40]}'"
    return None


def placeholder_in(text: str) -> str | None:
    """A blank that nobody filled, such as LOCNAME or '[name]'; None where there is none."""
    match = _PLACEHOLDER.search(text)
    return match[0] if match else None


def repeated_label(texts: Iterable[str]) -> str | None:
    """A name with a colon that begins a sentence in two turns or more: somebody else speaks there."""
    seen: set[str] = set()
    for text in texts:
        for name in set(_INLINE_NAME.findall(folded(text))):
            if name in seen:
                return str(name)
            seen.add(name)
    return None
