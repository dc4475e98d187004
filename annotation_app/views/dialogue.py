"""Lay out a dialogue under its label."""

from annotation_app import settings
from annotation_app.components.item import ItemLayout
from oceanchat.annotation.labels import PresentedItem
from oceanchat.traits import TraitLevel


def dialogue_layout(presented: PresentedItem) -> ItemLayout:
    """A dialogue under its label, with the reference for that trait in the question."""
    level = TraitLevel.parse(presented.assignment.item.stratum)
    name = level.label[:1].upper() + level.label[1:]
    reference = settings.guidelines().references[level.trait]
    other = next(each for each in reference if each is not level.level)
    return ItemLayout(
        title=name,
        labels={"trait_shown": f"{name} shown?"},
        hints={"trait_shown": f"{level.level.value.capitalize()}: {reference[level.level]}"},
        more={"trait_shown": [(f"{other.value.capitalize()}, to compare", reference[other])]},
    )
