"""Define the thirty facets of the traits.

Six to a trait. Names follow the paper's Table 9; the descriptions are our own wording. Nothing here knows of
prompts, models or files.
"""

import re
from dataclasses import dataclass

from oceanchat.traits import Level, Trait


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
