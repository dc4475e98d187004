"""Guess what a mistyped word meant.

For messages that say what is wrong: a guess is offered, never taken.
"""

from collections.abc import Iterable
from difflib import get_close_matches

CLOSE = 0.6
"""How like a known word must be, from 0 to 1; below it a guess would mislead."""


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like `word`, forgiving case; None where none is."""
    names = {name.lower(): name for name in known}
    typed = word[:80].lower()
    # Two letters that changed places are the commonest slip, and difflib counts them as two mistakes.
    same_letters = [name for name in names if name[:1] == typed[:1] and sorted(name) == sorted(typed)]
    matches = same_letters or get_close_matches(typed, names, n=1, cutoff=CLOSE)
    return names[matches[0]] if matches else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """The end of a message: a question with the closest known word, or `otherwise` where none is close."""
    guess = closest(word, known)
    return otherwise if guess is None else f"did you mean {guess}?"
