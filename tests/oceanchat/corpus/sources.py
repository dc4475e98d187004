"""Essays long enough to count, and files to put them in."""

from pathlib import Path

from oceanchat.corpus.essays import Corpus
from oceanchat.records import Essay

HEADER = "#AUTHID,TEXT,cEXT,cNEU,cAGR,cCON,cOPN"


def words(number: int) -> str:
    """The text of an essay of its own."""
    return f"Essay number {number} says that I went home early because the rain would not stop."


def essays(corpus: Corpus) -> list[Essay]:
    """All essays of a corpus."""
    return list(corpus.essays)


def write(path: Path, content: str | bytes) -> str:
    """Write a file; its name."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)
