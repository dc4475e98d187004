"""The blocks of code in the documents."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Block(NamedTuple):
    """A block of code."""

    kind: str
    """What stands behind the fence, such as 'bash background'; 'indented' for a block without fences."""
    text: str
    line: int
    """Line of the document in which it begins, from 1."""
    above: str
    """The last line of text above it."""


def blocks(document: Path) -> Iterator[Block]:
    """All blocks of a Markdown file, in order."""
    lines = document.read_text(encoding="utf-8").splitlines()
    above, position = "", 0
    while position < len(lines):
        line, start = lines[position], position + 1
        if line.startswith("```"):
            end = next(number for number in range(start, len(lines)) if lines[number] == "```")
            yield Block(line[3:].strip(), "\n".join(lines[start:end]) + "\n", start + 1, above)
            position = end + 1
        elif line.startswith("    ") and (position == 0 or not lines[position - 1]):
            end = position
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end]):
                end += 1
            text = "\n".join(part[4:] for part in lines[position:end]).rstrip()
            yield Block("indented", text + "\n", start, above)
            position = end
        else:
            above = line or above
            position += 1
