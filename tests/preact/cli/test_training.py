"""`preact train` and `info` from the command line."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from oceanchat.errors import ConfigError
from preact.cli import training
from preact.cli.main import preact
from preact.config import TINY_RECIPE, TrainConfig, config_like, settings_given
from preact.training.runs import RunRecord
from tests.preact.conftest import Run

OF_THE_COMMAND = ("output", "resume", "dry_run", "like", "as_json")
"""Options that are no setting of a run."""


def call(*arguments: Any) -> Any:
    return CliRunner().invoke(preact, [str(a) for a in arguments], catch_exceptions=True)


def test_info_says_what_a_run_is(preact_run: Run) -> None:
    text = call("info", preact_run.folder).stdout
    assert "method       preact" in text and "experts" in text and text.count("\n  ") == 10
    facts = json.loads(call("info", preact_run.folder, "--json").stdout)
    assert len(facts["expert_weights"]) == 10 and facts["release"]["dialogues"] == 40


@pytest.mark.parametrize(
    ("british", "american"),
    [
        (("--quantise", "4bit"), ("--quantize", "4bit")),
        (("--optimiser", "adamw-8bit"), ("--optimizer", "adamw-8bit")),
        (("--psl-normalised",), ("--psl-normalized",)),
    ],
)
def test_both_spellings_of_an_option_are_accepted(british: tuple[str], american: tuple[str]) -> None:
    def values(*flags: str) -> dict[str, Any]:
        return training.train.make_context("train", ["r", "--output", "x", *flags]).params

    assert values(*british) == values(*american) != values()


def test_what_is_given_on_the_command_line_reaches_the_config() -> None:
    flags = ("--lr", "1e-3", "--target-modules", "q_proj,v_proj", "--no-packing", "--schedule", "linear")
    values = training.train.make_context("train", ["r", "--output", "x", *flags]).params
    config = training._config(Path("x"), {k: v for k, v in values.items() if k not in OF_THE_COMMAND})
    recipe = config.recipe
    assert (recipe.learning_rate, recipe.packing, recipe.schedule) == (1e-3, False, "linear")
    assert recipe.target_modules == ("q_proj", "v_proj") and recipe.rank == TINY_RECIPE.rank


def test_train_goes_from_the_command_line_to_a_run(release_folder: Path, tmp_path: Path) -> None:
    short = ("--max-steps", 1, "--pretrain-steps", 1, "--rank", 16, "--threads", 1, "--batch-size", 2)
    words = ("train", release_folder, "--output", tmp_path / "run", "--method", "auxiliary", *short)
    done = call(*words)
    assert done.exit_code == 0, done.output
    assert "1 step " in done.stdout and "method auxiliary: rank 16" in done.stderr
    done = call(*words[:3], tmp_path / "dry", *words[4:], "--dry-run", "--json")
    dry = json.loads(done.stdout)
    assert dry["state"] == "not trained" and not (tmp_path / "dry").exists()
    memory = dry["estimate"]["memory_bytes"]
    assert (
        set(memory) == {"weights", "adapter", "activations", "process", "total"} and min(memory.values()) > 0
    )
    assert 2 * memory["total"] == sum(memory.values())
    assert dry["estimate"]["steps"] == 1 and dry["estimate"]["seconds"] > 0
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    printed = training._outcome(RunRecord.model_validate(record), tmp_path / "run", False)
    assert printed["steps"] == 1 and printed["final"] == record["final"]
    assert dry["estimate"]["trained_parameters"] == record["trained_parameters"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("train", "--output", "x"), "no release is named"),
        (("train", "r", "--output", "x", "--method", "magic"), "method 'magic'"),
        (("train", "r", "--output", "x", "--rank", "30"), "--rank 30"),
        (("train", "r", "--output", "x", "--backbone", "a/b", "--pretrain-steps", "5"), "--pretrain-text"),
    ],
)
def test_contradictions_are_named_by_their_flags(arguments: tuple[str, ...], named: str) -> None:
    done = call(*arguments)
    assert isinstance(done.exception, ConfigError) and named in str(done.exception)


def like(run: Path, *flags: Any) -> TrainConfig:
    given = training.train.make_context("train", ["--output", "new", *(str(f) for f in flags)]).params
    given = {name: value for name, value in given.items() if name not in OF_THE_COMMAND}
    return training._like(Path("new"), run, given)


def test_like_inherits_everything_and_every_given_flag_goes_before(
    preact_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    before = preact_run.record.config
    assert like(preact_run.folder) == before.model_copy(update={"output": "new"})
    flags = ("other/release", "--seed", 7, "--rank", 64, "--no-packing", "--pretrain-steps", 3, "--fsdp")
    config = like(preact_run.folder, *flags)
    assert (config.release, config.seed, config.fsdp, config.tiny.steps) == ("other/release", 7, True, 3)
    assert config.recipe == before.recipe.model_copy(update={"rank": 64, "packing": False})
    text = capsys.readouterr().err
    assert f"like '{preact_run.folder}', but release other/release, --seed 7, " in text
    assert all(flag in text for flag in ("--rank 64", "--no-packing", "--pretrain-steps 3", "--fsdp"))
    assert "alpha" not in text and "--epochs" not in text


def test_companions_follow_where_they_followed_before(preact_run: Run) -> None:
    recipe = {"alpha": 32.0, "rank": 32, "batch_size": 8, "micro_batch": 8}
    before = preact_run.record.config
    before = before.model_copy(update={"recipe": before.recipe.model_copy(update=recipe)})
    after = config_like(before, recipe={"rank": 64, "batch_size": 4}).recipe
    assert (after.alpha, after.micro_batch) == (64, 4)


def test_another_method_or_backbone_brings_what_is_its_own(preact_run: Run) -> None:
    before = preact_run.record.config
    without = config_like(before, recipe={}, method="no-psl")
    assert without.recipe.loss_weight == 0
    assert config_like(without, recipe={}, method="preact").recipe.loss_weight == 0.1
    named = config_like(before, recipe={"target_modules": ("q_proj",)})
    assert named.recipe.target_modules == ("q_proj",)
    assert config_like(named, recipe={}, backbone="a/b").recipe.target_modules == ("q_proj",)
    assert config_like(before, recipe={}, backbone="a/b").recipe.target_modules == ()
    shorter = before.model_copy(update={"tiny": before.tiny.model_copy(update={"steps": 7})})
    changes = settings_given(shorter, config_like(shorter, recipe={}, backbone="a/b"))
    assert "--backbone a/b" in changes and not any("pretrain" in change for change in changes)


def test_resume_and_like_contradict_each_other(preact_run: Run) -> None:
    done = call("train", "--resume", "--like", preact_run.folder, "--output", preact_run.folder)
    assert isinstance(done.exception, ConfigError) and "leave --like out" in str(done.exception)
    assert json.loads((preact_run.folder / "run.json").read_text())["state"] == "finished"


def test_resume_takes_only_what_leaves_the_result_alone(preact_run: Run, tmp_path: Path) -> None:
    done = call("train", "--resume", "--output", preact_run.folder, "--rank", "64", "--micro-batch", 4)
    assert isinstance(done.exception, ConfigError) and "did not begin with --rank 64, and" in str(
        done.exception
    )
    for changed in ({"backbone": "a/b"}, {"quantise": "4bit"}, {"gradient_checkpointing": True}, {"seed": 7}):
        with pytest.raises(ConfigError, match="did not begin with --"):
            training._resumed(preact_run.folder, dict(changed))
    same = {"rank": preact_run.record.config.recipe.rank, "method": "preact", "learning_rate": "auto"}
    assert training._resumed(preact_run.folder, dict(same)) == preact_run.record.config
    moved = tmp_path / "moved"
    moved.mkdir()
    shutil.copy(preact_run.folder / "run.json", moved)
    assert training._resumed(moved, {}).output == str(moved)
    config = training._resumed(preact_run.folder, {"micro_batch": 4, "threads": 2, "fsdp": None})
    before = preact_run.record.config
    assert config.recipe == before.recipe.model_copy(update={"micro_batch": 4}) and config.threads == 2
    done = call("train", "--resume", "--output", preact_run.folder, "--micro-batch", 3)
    assert isinstance(done.exception, ConfigError) and "not a multiple of --micro-batch 3" in str(
        done.exception
    )


def test_a_slip_in_the_tiny_backbones_name_is_asked_about(tmp_path: Path) -> None:
    for backbone, end in (("tinny", "; did you mean tiny?"), ("a/b", "; leave them out, or --backbone")):
        done = call("train", "release", "-o", tmp_path / "run", "--backbone", backbone, "--pretrain-steps", 2)
        assert isinstance(done.exception, ConfigError)
        assert str(done.exception).endswith(f"not for '{backbone}'{end}")
