"""The adapters of a run and their dialogues.

One for all trait-levels, or one for each. What data a run cannot do without is checked here, before anything
is loaded. It knows nothing of models.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from oceanchat.errors import TrainingError
from oceanchat.spool import Lazy
from oceanchat.traits import TRAIT_LEVELS
from preact.config import TrainConfig
from preact.dialogues.batches import Example
from preact.dialogues.release import TrainingRelease
from preact.methods import METHODS, Method

DEFAULT = "default"
"""The name of a run's only adapter."""


class AdapterData(NamedTuple):
    """One adapter to train, and the examples it is trained and validated on."""

    name: str
    training: Sequence[Example]
    validation: Sequence[Example]


def adapter_names(method: Method) -> tuple[str, ...]:
    """The names of a method's adapters: 'default', or the codes of the ten trait-levels."""
    return tuple(t.code for t in TRAIT_LEVELS) if method.adapters == "ten" else (DEFAULT,)


def stages(method: Method, training: Sequence[Example], validation: Sequence[Example]) -> list[AdapterData]:
    """Each adapter with its examples. Raises TrainingError for an adapter that would have none."""
    if method.adapters == "one":
        return [AdapterData(DEFAULT, training, validation)]
    training_ids, validation_ids = ([e.trait_id for e in examples] for examples in (training, validation))
    _require_all(missing_codes(training_ids), "dialogue that fits the lengths")
    return [
        AdapterData(name, _of(training, training_ids, index), _of(validation, validation_ids, index))
        for index, name in enumerate(adapter_names(method))
    ]


def _of(examples: Sequence[Example], trait_ids: Sequence[int], wanted: int) -> Sequence[Example]:
    """The examples of one trait-level."""
    return Lazy(examples.__getitem__, [n for n, trait_id in enumerate(trait_ids) if trait_id == wanted])


def missing_codes(trait_ids: Iterable[int]) -> tuple[str, ...]:
    """The codes of the trait-levels that are not among these trait ids."""
    present = set(trait_ids)
    return tuple(t.code for index, t in enumerate(TRAIT_LEVELS) if index not in present)


def validates(config: TrainConfig, release: TrainingRelease) -> bool:
    """Whether there are dialogues to validate on that the run is not trained on."""
    return config.train_split == "train" and release.has("validation")


def check_data(config: TrainConfig, release: TrainingRelease) -> None:
    """Raise TrainingError where the release lacks what the run cannot do without."""
    ten = METHODS[config.method].adapters == "ten"
    if ten:
        missing = missing_codes(d.trait_id for d in release.split(config.train_split))
        _require_all(missing, "dialogue", config.method)
    wanting = [
        flag
        for flag, given in (
            ("--lr auto", config.recipe.learning_rate == "auto"),
            ("--keep best", config.recipe.keep == "best"),
        )
        if given
    ]
    if not wanting:
        return
    if not validates(config, release):
        why = "--train-split all trains on it" if release.has("validation") else "the release has none"
        raise TrainingError(
            f"{' and '.join(wanting)} needs a validation split, but {why}; leave one of the options out, or"
            " name a release with one"
        )
    if ten:
        missing = missing_codes(d.trait_id for d in release.split("validation"))
        _require_all(missing, "validation dialogue", wanting[0])


def _require_all(missing: Sequence[str], what: str, who: str = "lora-sep") -> None:
    if missing:
        raise TrainingError(
            f"the release has no {what} of {', '.join(missing)}; {who} needs some of every trait-level, since"
            " each has an adapter of its own"
        )
