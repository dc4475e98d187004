"""What prompts say of a trait-level.

The values of those blanks that hang on the trait, the level and the facet alone; the same for every sentence
and every dialogue about them.
"""

from collections.abc import Mapping

from oceanchat.facets import FACETS, Facet
from oceanchat.traits import LEVELS, TRAITS, Trait, TraitLevel


def label_blanks(trait: Trait) -> Mapping[str, str]:
    """The blanks of the tasks 'label' and 'label_many' about a trait."""
    labels = [
        f"{facet.id}-{level.value}: {facet.manner(level)}" for facet in FACETS[trait] for level in LEVELS
    ]
    return {"trait": trait.label, "definition": trait.definition, "facets": "\n".join(labels)}


def level_blanks(trait_level: TraitLevel) -> Mapping[str, str]:
    """The blanks of the tasks 'write' and 'disclose' about a trait-level."""
    trait = trait_level.trait
    return {
        "trait": trait.label,
        "level": trait_level.level.value,
        "description": trait_level.description,
        "other_traits": ", ".join(other.label for other in TRAITS if other is not trait),
    }


def facet_blanks(trait_level: TraitLevel, facet: Facet) -> Mapping[str, str]:
    """Their blanks about the facet."""
    manner = facet.manner(trait_level.level)
    return {"facet": facet.id, "facet_description": f"{facet.description}; someone like this {manner}"}


def exchanges_blank(exchanges: int) -> str:
    """How many exchanges a dialogue is to have."""
    lines = f"{2 * exchanges} lines: {_counted(exchanges, 'question')},"
    return f"{_counted(exchanges, 'exchange')}, that is {lines} {_counted(exchanges, 'answer')}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
