"""Find labelled fields in an answer.

`Reason: ...`, `**Label:** ...`, `### Result` above its lines, several fields on one line: the dress does not
matter. It knows which words introduce a field from its caller and not what a value means.
"""

import functools
import re
from collections.abc import Mapping
from typing import NamedTuple

from oceanchat.llm.folding import folded

_DRESS = r"[ <>*_#`\"'(\[|~.\d-]"
_LIST_LINE = re.compile(r"[ \t]*(?:[-*+>|]|\d{1,2}[.)])")
_CLOSING_TAG = re.compile(r"</[\w -]{1,30}>")
_MOST_LINES = 12
"""Lines below a field's name that may belong to it."""


class Field(NamedTuple):
    """One field of an answer."""

    name: str
    """What the caller calls it."""
    value: str
    """As the model wrote it, list lines included, without marks around it."""

    @property
    def plain(self) -> str:
        """The value with lookalike characters folded."""
        return folded(self.value)


def read_fields(text: str, names: Mapping[str, str]) -> list[Field]:
    """The fields of an answer in their order; `names` maps the words that introduce one to its name.

    A value goes on to the end of its line or the next field; one that begins below its name, or goes on as a
    list, is taken with its lines.
    """
    plain = folded(text)
    heads = list(_pattern(tuple(names)).finditer(plain))
    ends = [*(head.start() for head in heads[1:]), len(text)][: len(heads)]
    fields = []
    for head, end in zip(heads, ends, strict=True):
        value = _value(text[head.end() : end])
        if value:
            fields.append(Field(names[(head["named"] or head["headed"]).lower()], value))
    return fields


@functools.lru_cache(maxsize=16)
def _pattern(names: tuple[str, ...]) -> re.Pattern[str]:
    words = "|".join(sorted((re.escape(name) for name in names), key=len, reverse=True))
    inline = r"(?<=[.!?;,|)\]\"'*] )[*_`\"'(\[]{0,4}"
    before = rf"(?:^{_DRESS}{{0,12}}|{inline})(?:(?:final|overall|my|the|your|so) ){{0,2}}"
    return re.compile(
        rf"{before}(?P<named>{words})[*_`\"')\] ]{{0,5}}(?:[:=|>]|-{{1,2}}>)"
        rf"|^[ >*_#]{{1,8}}(?:(?:final|overall) )?(?P<headed>{words})[*_#: ]{{0,6}}$",
        re.IGNORECASE | re.MULTILINE,
    )


def _value(rest: str) -> str:
    first, *below = _CLOSING_TAG.sub("", rest).split("\n")[:_MOST_LINES]
    lines = [first] if re.search(r"\w", first) else []
    for line in below:
        if re.search(r"\w", line) and (not lines or _LIST_LINE.match(line) or (lines[0] != first)):
            lines.append(line)
        elif lines:
            break
    return "\n".join(line.strip(" \t*_`\"'|") for line in lines).strip()
