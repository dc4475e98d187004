"""Turn a reply in JSON into lines.

Models asked for `Label: ...` or for labelled turns sometimes answer in JSON. Written out as such lines, it is
read by the same parsers as any other reply; which keys mean what is theirs to know, but for those of speech.
"""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

from oceanchat.records import storable

_MOST = 100_000
"""Characters of a reply that are tried as JSON."""
_BEGINNING = re.compile(r"^(?=[{[]\s*[{[(\"'])", re.MULTILINE)
_TRAILING_COMMA = re.compile(r",(?=\s*[}\]]\s*(?:[,}\]]|$))")
_LINES_OF_A_TEXT = 4
"""Lines from which a value is the text asked for, whatever its key."""
_SPEAKER_KEYS = ("speaker", "role", "from", "name", "character", "who")
_SPEECH_KEYS = ("text", "content", "utterance", "line", "value", "message", "said", "speech", "dialogue")


def lines_of_json(text: str) -> str | None:
    """A reply in JSON, or in one object a line, as lines `key: value`; None for any other reply.

    A remark before or after the JSON is left out.
    """
    if len(text) > _MOST:
        return None
    begun = _BEGINNING.search(text)
    if begun is None or 2 * begun.start() > len(text):
        return None
    text = _TRAILING_COMMA.sub("", text[begun.start() :])
    for parts in ([text], [line.rstrip(",") for line in text.split("\n") if line.strip()], [_whole(text)]):
        try:
            values = [json.loads(part) for part in parts]
            return "\n".join(line for value in values for line in _lines(value))
        except (ValueError, RecursionError):
            continue
    return _lines_of_python(text)


def _lines_of_python(text: str) -> str | None:
    """The same of a list or dictionary as Python writes it, which differs in its quotation marks."""
    try:
        value = ast.literal_eval(text.strip())
        return "\n".join(_lines(json.loads(json.dumps(value))))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None


def _whole(text: str) -> str:
    """The JSON that a text begins with, where it is most of it; else nothing."""
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return ""
    return text[:end] if 2 * end > len(text) else ""


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _lines(item)
    elif isinstance(value, dict):
        who = next((value[key] for key in value if key.lower() in _SPEAKER_KEYS), None)
        what = next((value[key] for key in value if key.lower() in _SPEECH_KEYS), None)
        if isinstance(who, str) and isinstance(what, str):
            yield f"{_one_line(who)}: {_one_line(what)}"
            return
        for key, inside in value.items():
            yield from _entry_lines(_one_line(key), inside)
    elif isinstance(value, str):
        yield from value.split("\n")


def _entry_lines(key: str, inside: Any) -> Iterator[str]:
    """One entry of an object: short values in one line, speech in a line each."""
    spoken = isinstance(inside, dict) and {*_SPEAKER_KEYS} & inside.keys() and {*_SPEECH_KEYS} & inside.keys()
    if isinstance(inside, dict) and inside and not spoken and all(map(_is_short, inside.values())):
        yield f"{key}: {', '.join(f'{name}-{item}' for name, item in inside.items())}"
    elif isinstance(inside, list) and inside and all(map(_is_short, inside)):
        yield f"{key}: {', '.join(inside)}"
    elif isinstance(inside, list) and inside and all(map(_is_trait, inside)):
        yield f"{key}: {', '.join(item['trait'] + '-' + item['level'] for item in inside)}"
    elif isinstance(inside, dict | list):
        yield from _lines(inside)
    elif isinstance(inside, str) and inside.strip().count("\n") >= _LINES_OF_A_TEXT - 1:
        yield from inside.split("\n")
    else:
        yield f"{key}: {_one_line('' if inside is None else str(inside))}"


def _is_short(item: Any) -> bool:
    return isinstance(item, str) and len(item) <= 30 and ":" not in item and "\n" not in item


def _is_trait(item: Any) -> bool:
    return (
        isinstance(item, dict) and isinstance(item.get("trait"), str) and isinstance(item.get("level"), str)
    )


def _one_line(text: str) -> str:
    return " ".join(storable(text).split())
