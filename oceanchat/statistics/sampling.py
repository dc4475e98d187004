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


class Crossed(NamedTuple):
    """Something that is one of a group and of a stratum."""

    id: int
    group: str
    stratum: str


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


def balanced_order(things: Iterable[Crossed], *seed: object) -> dict[int, float]:
    """Id -> position in a random order in which, at any point, each group was met equally often, and within a
    group each stratum; equal seeds give equal orders."""
    queues: dict[str, dict[str, list[Crossed]]] = {}
    for thing in sorted(things, key=lambda thing: fraction(*seed, thing.group, thing.id)):
        queues.setdefault(thing.group, {}).setdefault(thing.stratum, []).append(thing)
    positions: dict[int, float] = {}
    for group, strata in queues.items():
        rounds = [
            (number, fraction(*seed, group, number, stratum), thing)
            for stratum, queue in strata.items()
            for number, thing in enumerate(queue)
        ]
        for met, (_, _, thing) in enumerate(sorted(rounds, key=lambda each: each[:2])):
            positions[thing.id] = met + fraction(*seed, "turn", met, group)
    return positions
