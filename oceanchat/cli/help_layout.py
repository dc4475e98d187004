"""Lay out help texts.

Names keep their hyphens on one line, and a default stays in its brackets.
"""

import re

import click

HYPHEN, SPACE = "\N{NON-BREAKING HYPHEN}", "\N{NO-BREAK SPACE}"
"""What stands for a hyphen or blank while lines are broken."""
_WITHIN_WORD = re.compile(r"(?<=\S)-(?=\S)")
_BRACKETS = re.compile(r"\[(?:default|required)[^][]{0,40}\]")


class HelpLayout(click.HelpFormatter):
    """Click's layout, which breaks no line at a hyphen or within a short default."""

    def write_dl(self, rows: object, col_max: int = 30, col_spacing: int = 2) -> None:
        """Write terms and what they mean."""
        unbroken = [(term, _unbroken(text)) for term, text in rows]  # type: ignore[attr-defined]
        super().write_dl(unbroken, col_max, col_spacing)

    def write_text(self, text: str) -> None:
        """Write a paragraph."""
        super().write_text(_unbroken(text))

    def getvalue(self) -> str:
        """The whole text."""
        return super().getvalue().replace(HYPHEN, "-").replace(SPACE, " ")


class HelpContext(click.Context):
    """A context whose help is laid out so."""

    formatter_class = HelpLayout


def _unbroken(text: str) -> str:
    held = _BRACKETS.sub(lambda match: match[0].replace(" ", SPACE), text)
    return _WITHIN_WORD.sub(HYPHEN, held)
