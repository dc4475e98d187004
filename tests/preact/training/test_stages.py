"""Which adapters a run trains on which dialogues, and the data it cannot do without."""

from pathlib import Path
from typing import Any

import pytest

from oceanchat.errors import TrainingError
from oceanchat.traits import TRAIT_LEVELS
from preact.config import TrainConfig
from preact.dialogues.batches import Example
from preact.dialogues.release import TrainingRelease, read_release
from preact.methods import METHODS
from preact.training.stages import adapter_names, check_data, missing_codes, stages, validates
from tests.preact.conftest import micro_config, release_rows, write_rows

EXAMPLES = [Example([n], [n], n % 10) for n in range(20)]


def test_one_adapter_takes_all_examples_and_ten_take_their_own() -> None:
    (only,) = stages(METHODS["preact"], EXAMPLES, EXAMPLES[:3])
    assert (only.name, only.training, only.validation) == ("default", EXAMPLES, EXAMPLES[:3])
    ten = stages(METHODS["lora-sep"], EXAMPLES, EXAMPLES[:3])
    assert tuple(stage.name for stage in ten) == adapter_names(METHODS["lora-sep"])
    assert [len(stage.training) for stage in ten] == [2] * 10
    assert [len(stage.validation) for stage in ten] == [1] * 3 + [0] * 7


def test_an_adapter_whose_dialogues_are_all_too_long_is_refused() -> None:
    with pytest.raises(TrainingError, match=r"no dialogue that fits the lengths of A-, N-; lora-sep needs"):
        stages(METHODS["lora-sep"], EXAMPLES[:8], [])


def test_missing_trait_levels_go_by_their_codes() -> None:
    assert missing_codes(range(1, 9)) == (TRAIT_LEVELS[0].code, TRAIT_LEVELS[9].code)


@pytest.fixture
def lacking(tmp_path: Path) -> TrainingRelease:
    """No training dialogue of low Neuroticism, no validation dialogue of the low levels."""
    write_rows(tmp_path, "train", release_rows("train", 1)[:9])
    write_rows(tmp_path, "validation", release_rows("validation", 1)[:5])
    return read_release(str(tmp_path))


def config(release: TrainingRelease, **options: Any) -> TrainConfig:
    return micro_config(Path(release.source), Path("o"), **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "lora-sep"}, r"no dialogue of N-; lora-sep needs some of every"),
        (
            {"method": "lora-sep", "train_split": "all", "recipe": {"keep": "best"}},
            r"no dialogue of N-; lora-sep needs",
        ),
        (
            {"train_split": "all", "recipe": {"keep": "best", "learning_rate": "auto"}},
            r"--lr auto and --keep best needs a validation split, but --train-split all trains on it",
        ),
    ],
)
def test_what_is_lacking_is_said(options: dict[str, Any], message: str, lacking: TrainingRelease) -> None:
    with pytest.raises(TrainingError, match=message):
        check_data(config(lacking, **options), lacking)


@pytest.mark.parametrize(
    ("recipe", "flag"), [({"keep": "best"}, "--keep best"), ({"learning_rate": "auto"}, "--lr auto")]
)
def test_a_validation_split_that_is_asked_for_must_be_there(
    recipe: dict[str, Any], flag: str, lacking: TrainingRelease, tmp_path: Path
) -> None:
    write_rows(tmp_path / "without", "train", release_rows("train", 1))
    without = read_release(str(tmp_path / "without"))
    assert validates(config(lacking), lacking) and not validates(config(without), without)
    check_data(config(lacking, recipe=recipe), lacking)
    check_data(config(without), without)
    with pytest.raises(TrainingError, match=f"{flag} needs a validation split, but the release has none"):
        check_data(config(without, recipe=recipe), without)
    write_rows(tmp_path / "few", "train", release_rows("train", 1))
    write_rows(tmp_path / "few", "validation", release_rows("validation", 1)[:9])
    few = read_release(str(tmp_path / "few"))
    with pytest.raises(TrainingError, match=f"no validation dialogue of N-; {flag} needs"):
        check_data(config(few, method="lora-sep", recipe=recipe), few)
