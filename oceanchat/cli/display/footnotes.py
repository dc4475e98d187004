"""Notes below tables, each written once.

A figure's note can have several parts; each is marked by its own number.
"""

import re

from oceanchat.cli.display.notes import print_sentence

_BETWEEN_PARTS = re.compile(r"; (?![^()]*\))")


class Footnotes:
    """The notes of one report, by number."""

    def __init__(self, mark: str = " [{}]") -> None:
        self._mark = mark
        self.numbers: dict[str, int] = {}
        """Note -> its number, from 1, in the order in which they came."""

    def mark(self, note: str) -> str:
        """The mark of a note, such as '[1,3]' for one of two parts; '' for no note."""
        return self.marked("", note).strip()

    def marked(self, text: str, note: str) -> str:
        """A text with the mark of its note."""
        if not note:
            return text
        parts = _BETWEEN_PARTS.split(note)
        numbers = [str(self.numbers.setdefault(part, len(self.numbers) + 1)) for part in parts]
        return text + self._mark.format(",".join(numbers))

    def lines(self) -> list[str]:
        """Every note behind its number."""
        return [f"[{number}] {note}" for note, number in self.numbers.items()]

    def print(self) -> None:
        """Write the notes on stdout."""
        for line in self.lines():
            print_sentence(line, indent=4)
