"""Turn tagged and tabled turns into labelled lines.

`<questioner>...</questioner>`, rows of a table and YAML say who speaks as well as `Questioner: ...` does.
Other lines stay as they are.
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
_WHO = r"(?:speaker|role|from|name|character|who)"
_WHAT = r"(?:text|content|utterance|line|message|says|said|speech|dialogue)"
_TAGGED_PAIR = re.compile(
    rf"<(?P<who>{_WHO}|dt)>\s{{0,4}}(?P<name>{_NAME}):?\s{{0,4}}</(?P=who)>\s{{0,4}}<(?P<what>{_WHAT}|dd)>"
    r"(?P<text>[^<>]{1,4000})</(?P=what)>",
    re.IGNORECASE,
)
_YAML_PAIR = re.compile(
    rf"^[ \t]*(?:- )?{_WHO}:[ \t]*(?P<open>[\"']?)(?P<name>{_NAME})(?P=open)[ \t]*\n"
    rf"[ \t]*{_WHAT}:[ \t]*(?:[>|][+-]?[ \t]*\n[ \t]*)?(?P<text>.+)$",
    re.IGNORECASE | re.MULTILINE,
)
_CELLS = re.compile(
    rf"^(?P<open>\"?)(?P<name>{_NAME})(?P=open)(?:\t[ \t]*(?P<tabbed>.+)|,[ ]?\"(?P<quoted>.+)\")$",
    re.MULTILINE,
)


def with_labelled_lines(text: str) -> str:
    """The text with every tagged or tabled turn as a line `Questioner: ...`."""
    text = _YAML_PAIR.sub(_yaml_turn, text)
    text = _CELLS.sub(_cells_turn, text)
    if "<" in text:
        text = _TAGGED_PAIR.sub(lambda pair: f"\n{pair['name']}: {pair['text']}\n", text)
        text = _ATTRIBUTED.sub(lambda tag: f"\n{tag[1]}: ", text)
        closed = {name for name in _CLOSING.findall(text) if f"<{name}>" in text}
        text = _OPENING.sub(lambda tag: _labelled(tag, closed), text)
        text = _CLOSING.sub(lambda tag: "\n" if tag[1] in closed or _is_part(tag[1]) else tag[0], text)
        text = _CONTAINER.sub("\n", text)
    return "\n".join(_rows(text.split("\n"))) if "|" in folded(text) else text


def _yaml_turn(pair: re.Match[str]) -> str:
    """An entry of YAML with a speaker and a text as a labelled line; any other stays."""
    text = pair["text"].strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].replace("''", "'") if text[0] == "'" else text[1:-1].replace('\\"', '"')
    return f"{pair['name']}: {text}" if _speaks(pair["name"]) else pair[0]


def _cells_turn(cells: re.Match[str]) -> str:
    """Two cells, of which the first is a speaker, as a labelled line; any other line stays."""
    text = cells["tabbed"] or cells["quoted"].replace('""', '"')
    return f"{cells['name']}: {text}" if _speaks(cells["name"]) else cells[0]


def _speaks(name: str) -> bool:
    return label_at(folded(name) + ":") is not None


def _labelled(tag: re.Match[str], closed: set[str]) -> str:
    """A speaker's opening tag as a label; any other tag stays."""
    if tag[1].lower() in _PARTS and tag[1] in closed:
        return "\n"
    return f"\n{tag[1]}: " if tag[1] in closed or _speaks(tag[1]) else tag[0]


def _is_part(name: str) -> bool:
    """Whether a tag of this name holds a turn."""
    return name.lower() in _PARTS or _speaks(name)


def _rows(lines: list[str]) -> Iterator[str]:
    columns: list[str] = []
    for line in lines:
        cells = [cell.strip() for cell in re.split(r"\|", line.strip().strip("|"))]
        if not line.strip().startswith("|") or len(cells) < 2 or is_rule(folded(line)):
            yield line
            continue
        speakers = [_speaks(cell) for cell in cells]
        if sum(speakers) >= 2:
            columns = [cell if is_speaker else "" for cell, is_speaker in zip(cells, speakers, strict=True)]
        elif columns and len(cells) == len(columns):
            yield from (f"{name}: {cell}" for name, cell in zip(columns, cells, strict=True) if name and cell)
        else:
            number = next((n for n, is_speaker in enumerate(speakers) if is_speaker), None)
            yield line if number is None else f"{cells[number]}: {' '.join(cells[number + 1 :])}"
