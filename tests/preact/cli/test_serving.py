"""`preact serve` from the command line: what it refuses before it listens."""

from pathlib import Path

from oceanchat.errors import ConfigError, TrainingError
from preact.serving.roster import open_roster
from tests.preact.cli.test_training import call
from tests.preact.conftest import Run


def test_an_address_that_others_reach_needs_a_key(preact_run: Run) -> None:
    done = call("serve", preact_run.folder, "--host", "0.0.0.0", "--port", "0")
    assert isinstance(done.exception, ConfigError) and "--api-key" in str(done.exception)


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    done = call("serve", tmp_path / "none", "--port", "0")
    assert isinstance(done.exception, TrainingError) and "is not a run" in str(done.exception)


def test_runs_of_two_backbones_and_one_run_twice_are_refused(preact_run: Run, runs: dict[str, Path]) -> None:
    other = call("serve", runs["lora"], preact_run.folder, "--port", "0")
    assert isinstance(other.exception, ConfigError) and "another backbone" in str(other.exception)
    twice = call("serve", preact_run.folder, preact_run.folder, "--port", "0")
    assert isinstance(twice.exception, ConfigError) and "each run once" in str(twice.exception)


def test_runs_share_the_backbone_s_weights(runs: dict[str, Path]) -> None:
    roster = open_roster([runs["preact"], runs["lora"]])
    first, second = (
        {parameter.data_ptr() for name, parameter in run.model.named_parameters() if "lora_" not in name}
        for run in roster.runs.values()
    )
    assert len(first & second) > 10 and len(second - first) == 0
