"""Read model names as personas.

A name is PREFIX:LEVEL[*SHARE][,LEVEL*SHARE ...][@STRENGTH], such as `preact:o-high`, `lora:n-low@0.5` or
`preact:o-high*0.7,e-low*0.3`. Which prefixes there are is not known here.
"""

import re
from typing import NamedTuple

from oceanchat.errors import ConfigError
from oceanchat.traits import Level, Trait, TraitLevel
from preact.persona import Persona, normalised

STRONGEST = 1.5
"""The highest strength; beyond it nothing is measured."""

FORM = (
    "PREFIX:LEVEL[*SHARE][,LEVEL*SHARE...][@STRENGTH], such as 'preact:o-high' or"
    " 'preact:o-high*0.7,e-low*0.3@0.5'"
)

_NUMBER = r"[0-9]{1,6}(?:\.[0-9]{1,9})?"
_PART = re.compile(rf"([oceanOCEAN])-(high|low)(?:\*({_NUMBER}))?")
_NAME = re.compile(rf"(?P<prefix>.+):(?P<levels>[^:@]+)(?:@(?P<strength>{_NUMBER}))?", re.DOTALL)


class ServedName(NamedTuple):
    """A model name, read."""

    prefix: str
    """Names the run."""
    persona: Persona
    strength: float
    """What the adapter's effect is multiplied by, 0 to STRONGEST; 1 is as trained."""


def level_name(trait_level: TraitLevel) -> str:
    """A trait-level as programs name it, such as 'o-high'."""
    return trait_level.name


def parse_name(text: str) -> ServedName:
    """Read a model name; shares are normalised to sum to 1, one left out is 1, a level of share 0 is none.

    Raises ConfigError for other forms, a trait-level named twice, shares of 0 and too high a strength.
    """
    name = _NAME.fullmatch(text)
    parts = [_PART.fullmatch(part) for part in name["levels"].split(",")] if name else []
    if name is None or not all(parts):
        raise ConfigError(f"model '{text[:100]}' is not understood; write {FORM}")
    shares: dict[TraitLevel, float] = {}
    for part in filter(None, parts):
        trait_level = TraitLevel(Trait(part[1].upper()), Level(part[2]))
        if trait_level in shares:
            raise ConfigError(f"model '{text[:100]}' names {level_name(trait_level)} twice; name it once")
        shares[trait_level] = float(part[3] or 1)
    if sum(shares.values()) <= 0:
        raise ConfigError(f"model '{text[:100]}' gives no trait-level any share; let one be more than 0")
    strength = float(name["strength"] or 1)
    if strength > STRONGEST:
        raise ConfigError(f"model '{text[:100]}' is too strong; let the strength be 0 to {STRONGEST}")
    return ServedName(name["prefix"], normalised(shares), strength)
