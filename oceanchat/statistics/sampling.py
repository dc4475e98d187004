"""Draw a stratified sample by seed.

Pure. Everything is ordered by a hash of seed and id, so a sample does not depend on the order things come
in, and a smaller sample under the same seed is part of a larger one.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol, TypeVar


class Drawable(Protocol):
    """Something with an id and a stratum."""

    @property
    def id(self) -> str:
        """Unique."""


D = TypeVar("D", bound=Drawable)


class Draw(NamedTuple):
    """How one stratum was drawn."""

    drawn: int
    available: int


def fraction(*parts: object) -> float:
    """A number in [0, 1) that stands for the parts, equal on every machine."""
    text = "\x1f".join(str(part) for part in parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:7], "big") / 2**56


def draw(strata: Mapping[str, Iterable[D]], number: int, seed: int) -> dict[str, list[D]]:
    """Up to `number` of each stratum, without replacement; fewer where fewer are there."""
    return {
        stratum: sorted(things, key=lambda thing: (fraction(seed, thing.id), thing.id))[:number]
        for stratum, things in strata.items()
    }
