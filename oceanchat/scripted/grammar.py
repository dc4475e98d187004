"""Fill in a line of the parts files.

Chooses between `(this|that)`, puts words into `{slots}` and sets capitals. Also reads the parts files. Knows
nothing of what the lines say.
"""

import functools
import itertools
import random
import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

_CHOICE = re.compile(r"\(([^()]*\|[^()]*)\)")
_SLOT = re.compile(r"\{(\w+)\}")
_SENTENCE_START = re.compile(r"(^|[.!?]\s+)([a-z])")
_MAX_READINGS = 64


@functools.cache
def parts(name: str) -> Mapping[str, Any]:
    """One TOML file of parts/."""
    path = resources.files("oceanchat.scripted") / "parts" / f"{name}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def fill(line: str, slots: Mapping[str, str], rng: random.Random) -> str:
    """One reading of a line; a slot written with a capital starts with one."""

    def slot(match: re.Match[str]) -> str:
        name = match.group(1)
        return slots[name] if name in slots else _capital(slots[name.lower()])

    chosen = _CHOICE.sub(lambda match: rng.choice(match.group(1).split("|")), line)
    return _SENTENCE_START.sub(lambda m: m.group(1) + m.group(2).upper(), _SLOT.sub(slot, chosen))


def readings(line: str) -> Iterator[str]:
    """Every reading of the choices in a line, the first sixty-four at most; slots stay as they are."""
    pieces = _CHOICE.split(line)
    options = [piece.split("|") if number % 2 else [piece] for number, piece in enumerate(pieces)]
    return itertools.islice(("".join(chosen) for chosen in itertools.product(*options)), _MAX_READINGS)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
