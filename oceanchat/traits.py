"""Define the traits, levels, facets and trait-levels.

Five traits at two levels make the ten trait-levels, in the paper's order; thirty facets. Everything else
takes these words from here. Facet names follow the paper's Table 9, definitions its Table 5; the
descriptions are our own wording. Nothing here knows of prompts, models or files.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from oceanchat.errors import InputError


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
class Facet:
    """One of a trait's six facets."""

    id: str
    trait: Trait
    description: str
    """What the facet is about, in a phrase."""
    high: str
    """How a person high on it tends to behave."""
    low: str
    """How a person low on it tends to behave."""

    def manner(self, level: Level) -> str:
        """How a person of that level tends to behave."""
        return self.high if level is Level.HIGH else self.low


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
            raise InputError(f"trait-level '{text}' is not known; write one of {', '.join(CODES)}")
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


def _facets(trait: Trait, *rows: tuple[str, str, str, str]) -> tuple[Facet, ...]:
    return tuple(Facet(name, trait, about, high, low) for name, about, high, low in rows)


FACETS: dict[Trait, tuple[Facet, ...]] = {
    Trait.O: _facets(
        Trait.O,
        (
            "fantasy",
            "how vivid the imagination is",
            "drifts into vivid daydreams and invents stories",
            "keeps the mind on what is really there",
        ),
        (
            "aesthetic",
            "how deeply art and beauty are felt",
            "is stirred by music, art, words or nature",
            "is left cold by art and sees mostly use",
        ),
        (
            "feelings",
            "how much attention inner feelings get",
            "notices and explores shades of feeling",
            "pays feelings little attention",
        ),
        (
            "actions",
            "how welcome variety is",
            "tries new places, foods and ways",
            "sticks to habits and known ground",
        ),
        (
            "ideas",
            "how strong intellectual curiosity is",
            "turns questions over for the joy of it",
            "has no patience for theory",
        ),
        (
            "values",
            "how readily authority and custom are questioned",
            "questions rules and inherited beliefs",
            "holds to tradition and what is customary",
        ),
    ),
    Trait.C: _facets(
        Trait.C,
        (
            "self-discipline",
            "how well behaviour is steered toward a task",
            "gets started and sees dull work through",
            "puts things off and gives in to distraction",
        ),
        (
            "dutifulness",
            "how strong the sense of duty is",
            "keeps promises and does what is owed",
            "shrugs off duties and small promises",
        ),
        (
            "achievement-striving",
            "how hard success is worked for",
            "sets high goals and works toward them",
            "is content to get by",
        ),
        (
            "orderliness",
            "how much order and tidiness matter",
            "keeps lists and everything in its place",
            "lives with mess and loses things",
        ),
        (
            "responsibility",
            "how far others can rely on the person",
            "takes ownership and can be counted on",
            "lets others down and leaves loose ends",
        ),
        (
            "cautiousness",
            "how carefully risks are weighed",
            "thinks before acting and checks twice",
            "acts first and sees later",
        ),
    ),
    Trait.E: _facets(
        Trait.E,
        (
            "warmth",
            "how friendly and approachable the person is",
            "makes friends quickly and shows affection",
            "keeps a formal distance",
        ),
        (
            "gregariousness",
            "how much company is enjoyed",
            "looks for crowds and company",
            "prefers being alone",
        ),
        (
            "assertiveness",
            "how confidently the person takes the lead",
            "speaks up and takes charge",
            "stays in the background and lets others speak",
        ),
        (
            "activity-level",
            "how busy and fast life is kept",
            "is always on the move",
            "keeps a slow, unhurried pace",
        ),
        (
            "excitement-seeking",
            "how much thrill is wanted",
            "hunts for thrills and noise",
            "avoids thrills and loud places",
        ),
        (
            "positive-emotions",
            "how often joy is felt and shown",
            "bubbles over with joy and laughter",
            "shows little outward cheer",
        ),
    ),
    Trait.A: _facets(
        Trait.A,
        (
            "trust",
            "how far others' intentions are trusted",
            "believes people mean well",
            "suspects hidden motives",
        ),
        (
            "straightforwardness",
            "how frank and sincere dealings are",
            "is sincere and plays no games",
            "flatters, bends the truth or plays people",
        ),
        (
            "altruism",
            "how much others' welfare counts",
            "goes out of the way to help",
            "would rather not be bothered by others' troubles",
        ),
        (
            "compliance",
            "how conflict and rules are met",
            "gives way and goes along with the rules",
            "argues back and digs in",
        ),
        ("modesty", "how humble the person is", "plays own merits down", "boasts and feels above others"),
        (
            "tender-mindedness",
            "how much others' feelings move the person",
            "is touched by others' needs",
            "is hard-headed and unmoved",
        ),
    ),
    Trait.N: _facets(
        Trait.N,
        ("anxiety", "how easily worry comes", "expects things to go wrong", "rarely worries"),
        ("hostility", "how easily anger comes", "is quickly irritated and bitter", "is slow to anger"),
        ("depression", "how often sadness comes", "feels low, lonely or hopeless", "rarely feels down"),
        (
            "self-consciousness",
            "how much others' opinions sting",
            "feels watched and embarrassed",
            "is at ease whoever looks on",
        ),
        (
            "vulnerability",
            "how stress is borne",
            "feels overwhelmed under pressure",
            "keeps a clear head under pressure",
        ),
        (
            "impulsiveness",
            "how well urges are resisted",
            "gives in to urges and regrets it",
            "resists urges without effort",
        ),
    ),
}
_FACETS_BY_NAME = {facet.id: facet for facets in FACETS.values() for facet in facets}
_OTHER_NAMES = {
    "aesthetics": "aesthetic",
    "feeling": "feelings",
    "action": "actions",
    "idea": "ideas",
    "value": "values",
    "order": "orderliness",
    "duty": "dutifulness",
    "achievement": "achievement-striving",
    "deliberation": "cautiousness",
    "activity": "activity-level",
    "excitement": "excitement-seeking",
    "positive-emotion": "positive-emotions",
    "friendliness": "warmth",
    "anger": "hostility",
}


FACET_NAMES: tuple[str, ...] = tuple(sorted((*_FACETS_BY_NAME, *_OTHER_NAMES), key=len, reverse=True))
"""Every name `facet_named` knows, longest first, words joined by hyphens."""


def facet_named(text: str) -> Facet | None:
    """The facet of that name, forgiving case, spaces, underscores and common variants; None if there is
    none."""
    name = re.sub(r"[\s_-]+", "-", text.strip().lower()).strip("-")
    return _FACETS_BY_NAME.get(_OTHER_NAMES.get(name, name))


def traits_named(text: str) -> tuple[Trait, ...]:
    """'O', 'openness' or 'all' as traits; InputError for anything else."""
    name = text.strip().lower()
    if name == "all":
        return TRAITS
    if name not in _TRAIT_WORDS:
        raise InputError(f"trait '{text}' is not known; write one of {', '.join(TRAITS)} or all")
    return (_TRAIT_WORDS[name],)


def levels_named(text: str) -> tuple[Level, ...]:
    """'high', 'low' or 'all' as levels; InputError for anything else."""
    name = text.strip().lower()
    if name == "all":
        return LEVELS
    if name not in _LEVEL_WORDS:
        raise InputError(f"level '{text}' is not known; write high, low or all")
    return (_LEVEL_WORDS[name],)
