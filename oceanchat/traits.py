"""Define the traits, levels and trait-levels.

Five traits at two levels make the ten trait-levels, in the paper's order. Everything else takes these words
from here. Definitions follow the paper's Table 5; the descriptions are our own wording. Nothing here knows of
prompts, models or files.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from oceanchat.errors import InputError
from oceanchat.suggestions import closest, did_you_mean


class Level(StrEnum):
    """How strongly a trait is shown."""

    HIGH = "high"
    LOW = "low"

    @property
    def sign(self) -> str:
        return "+" if self is Level.HIGH else "-"


class Trait(StrEnum):
    """One of the Big Five, by its letter."""

    O = "O"  # noqa: E741 - the field's own letter
    C = "C"
    E = "E"
    A = "A"
    N = "N"

    @property
    def label(self) -> str:
        """The name in full, such as 'Openness'."""
        return _LABELS[self]

    @property
    def definition(self) -> str:
        """One phrase that defines the trait (after the paper's Table 5)."""
        return _DEFINITIONS[self]


_LABELS = {
    Trait.O: "Openness",
    Trait.C: "Conscientiousness",
    Trait.E: "Extraversion",
    Trait.A: "Agreeableness",
    Trait.N: "Neuroticism",
}
_DEFINITIONS = {
    Trait.O: "a curious, imaginative mind that seeks out the new",
    Trait.C: "an orderly, reliable way of going about things",
    Trait.E: "energy that is drawn from, and turned toward, other people",
    Trait.A: "warmth, trust and a wish to get along with others",
    Trait.N: "feelings that are easily upset and slow to settle",
}


@dataclass(frozen=True, order=True)
class TraitLevel:
    """A trait at one level: the paper's personality P_i."""

    trait: Trait
    level: Level

    @property
    def code(self) -> str:
        """The short form, such as 'O+' or 'N-'."""
        return f"{self.trait.value}{self.level.sign}"

    @property
    def name(self) -> str:
        """The form in names that programs use, such as 'o-high'."""
        return f"{self.trait.value.lower()}-{self.level.value}"

    @property
    def label(self) -> str:
        """The long form, such as 'high Openness'."""
        return f"{self.level.value} {self.trait.label}"

    @property
    def description(self) -> str:
        """Two sentences on how such a person tends to be."""
        return _MANNERS[self.code]

    @classmethod
    def parse(cls, text: str) -> "TraitLevel":
        """Read 'O+', 'o-', 'high Openness' or 'Openness-low'; InputError otherwise."""
        name = text.strip().lower()
        signed = re.fullmatch(r"([a-z]+)([+-])", name)
        words = list(signed.groups()) if signed else re.split(r"[\s_-]+", name)
        level = next((_LEVEL_WORDS[word] for word in words if word in _LEVEL_WORDS), None)
        trait = next((_TRAIT_WORDS[word] for word in words if word in _TRAIT_WORDS), None)
        if len(words) != 2 or level is None or trait is None:
            raise InputError(f"trait-level '{text}' is not known; {_meant(text, words)}")
        return cls(trait, level)

    @classmethod
    def of_columns(cls, where: str, trait: str, level: str) -> "TraitLevel":
        """Read a row's two cells, such as 'O' and 'high'; InputError, which says `where`, otherwise."""
        try:
            return cls.parse(f"{level} {trait}")
        except InputError:
            raise InputError(
                f"{where} has the trait '{trait}' and the level '{level}'; write one of O, C, E, A, N and"
                " high or low"
            ) from None


TRAITS: tuple[Trait, ...] = tuple(Trait)
LEVELS: tuple[Level, ...] = tuple(Level)
TRAIT_LEVELS: tuple[TraitLevel, ...] = tuple(TraitLevel(t, level) for level in LEVELS for t in TRAITS)
CODES: tuple[str, ...] = tuple(t.code for t in TRAIT_LEVELS)
_KNOWN = f"write one of {', '.join(CODES)}"
_LEVEL_WORDS = {"high": Level.HIGH, "low": Level.LOW, "+": Level.HIGH, "-": Level.LOW}
_TRAIT_WORDS = {**{t.value.lower(): t for t in TRAITS}, **{t.label.lower(): t for t in TRAITS}}

_MANNERS = {
    "O+": "Curious and full of ideas, moved by beauty and drawn to what is new. Follows odd thoughts for"
    " their own sake and questions how things have always been done.",
    "C+": "Organised, careful and dependable. Plans ahead, finishes what was started and keeps promises"
    " even when nobody checks.",
    "E+": "Lively, talkative and at ease with people. Seeks company, speaks up, keeps busy and shows"
    " pleasure openly.",
    "A+": "Kind, trusting and considerate. Gives others the benefit of the doubt, helps without being"
    " asked and keeps the peace.",
    "N+": "Worries easily and feels setbacks hard. Small troubles grow large, moods swing and calm is"
    " slow to return.",
    "O-": "Down to earth and fond of the familiar. Keeps to proven ways and plain facts, and sees little"
    " use in daydreams or novelty.",
    "C-": "Takes things as they come and leaves plans loose. Puts chores off, forgets details and drops"
    " what gets tedious.",
    "E-": "Quiet and reserved, happiest alone or with one or two people. Says little, avoids the centre"
    " and needs time to recover from company.",
    "A-": "Sceptical, competitive and hard to touch. Looks after own interests first, holds a low opinion of"
    " others and doubts their motives.",
    "N-": "Calm and steady under pressure. Takes setbacks lightly, rarely worries and is soon back in"
    " balance.",
}


def trait_id(trait_level: TraitLevel) -> int:
    """The position of a trait-level in the paper's order, 0 to 9: its row in the router."""
    return TRAIT_LEVELS.index(trait_level)


def traits_named(text: str) -> tuple[Trait, ...]:
    """'O', 'openness' or 'all' as traits; InputError for anything else."""
    name = text.strip().lower()
    if name == "all":
        return TRAITS
    if name not in _TRAIT_WORDS:
        otherwise = f"write one of {', '.join(TRAITS)} or all"
        if name.upper() in CODES:
            otherwise = f"did you mean the trait-level {name.upper()}, or the trait {name[0].upper()}?"
        raise InputError(f"trait '{text}' is not known; {did_you_mean(name, _LABELS.values(), otherwise)}")
    return (_TRAIT_WORDS[name],)


def levels_named(text: str) -> tuple[Level, ...]:
    """'high', 'low' or 'all' as levels; InputError for anything else."""
    name = text.strip().lower()
    if name == "all":
        return LEVELS
    if name not in _LEVEL_WORDS:
        otherwise = "did you mean all?" if name == "both" else "write high, low or all"
        raise InputError(f"level '{text}' is not known; {did_you_mean(name, LEVELS, otherwise)}")
    return (_LEVEL_WORDS[name],)


def _meant(text: str, words: list[str]) -> str:
    """What to write in place of words that name no trait-level."""
    if len(words) < 2:
        if closest(words[0], ("all",)):
            return "did you mean all?"
        sole = _TRAIT_WORDS.get(closest(words[0], _TRAIT_WORDS) or "")
        return f"did you mean {sole}+ or {sole}-?" if sole else _KNOWN
    forms = [
        form
        for each in TRAIT_LEVELS
        for form in (each.label, each.name, f"{each.trait.label}{each.level.sign}")
    ]
    return did_you_mean(text.strip(), forms, _KNOWN)
