"""Turn tagged and tabled turns into labelled lines.

`<questioner>...</questioner>` and rows of a table say who speaks as well as `Questioner: ...` does. Other
lines stay as they are.
"""

import re
from collections.abc import Iterator

from oceanchat.llm.folding import folded
from oceanchat.pipeline.replies.remarks import is_rule
from oceanchat.pipeline.replies.speakers import label_at

_NAME = r"[A-Za-z][\w\u2010-\u2015 -]{0,30}"
_OPENING = re.compile(rf"<({_NAME})>[ \t]{{0,4}}:?[ \t]{{0,4}}")
_CLOSING = re.compile(rf"</({_NAME})>")
_PARTS = frozenset(["turn", "utterance", "line", "speaker", "exchange", "message"])
_ATTRIBUTED = re.compile(
    r"<(?:turn|utterance|line|speaker|message)\b[^<>\n]{0,40}?\b(?:speaker|role|name|from|who)=[\"']([^\"'\n]{1,30})[\"'][^<>\n]{0,40}>",
    re.IGNORECASE,
)
_CONTAINER = re.compile(
    r"</?(?:dialogue|conversation|exchange|turns|transcript|script|answer|output)(?: [^<>\n]{0,60})?>",
    re.IGNORECASE,
)


def with_labelled_lines(text: str) -> str:
    """The text with every tagged or tabled turn as a line `Questioner: ...`."""
    if "<" in text:
        text = _ATTRIBUTED.sub(lambda tag: f"\n{tag[1]}: ", text)
        closed = {name for name in _CLOSING.findall(text) if f"<{name}>" in text}
        text = _OPENING.sub(lambda tag: _labelled(tag, closed), text)
        text = _CLOSING.sub(lambda tag: "\n" if tag[1] in closed or _is_part(tag[1]) else tag[0], text)
        text = _CONTAINER.sub("\n", text)
    return "\n".join(_rows(text.split("\n"))) if "|" in folded(text) else text


def _labelled(tag: re.Match[str], closed: set[str]) -> str:
    """A speaker's opening tag as a label; any other tag stays."""
    return f"\n{tag[1]}: " if tag[1] in closed or label_at(folded(tag[1]) + ":") else tag[0]


def _is_part(name: str) -> bool:
    """Whether a tag of this name holds a turn."""
    return name.lower() in _PARTS or label_at(folded(name) + ":") is not None


def _rows(lines: list[str]) -> Iterator[str]:
    columns: list[str] = []
    for line in lines:
        cells = [cell.strip() for cell in re.split(r"\|", line.strip().strip("|"))]
        if not line.strip().startswith("|") or len(cells) < 2 or is_rule(folded(line)):
            yield line
            continue
        speakers = [bool(label_at(folded(cell) + ":")) for cell in cells]
        if sum(speakers) >= 2:
            columns = [cell if is_speaker else "" for cell, is_speaker in zip(cells, speakers, strict=True)]
        elif columns and len(cells) == len(columns):
            yield from (f"{name}: {cell}" for name, cell in zip(columns, cells, strict=True) if name and cell)
        else:
            number = next((n for n, is_speaker in enumerate(speakers) if is_speaker), None)
            yield line if number is None else f"{cells[number]}: {' '.join(cells[number + 1 :])}"
