"""What a stopped run has saved is said in one line, after Ctrl-C and SIGTERM."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from oceanchat.termination import terminated_as_interrupted
from preact.backbones.pretraining import Checkpoint
from preact.training import tiny_backbone, train
from preact.training.interruption import starts_over_line, stopped_line
from preact.training.progress import StepTaken
from preact.training.running import Session
from tests.preact.cli.test_training import call
from tests.preact.conftest import MICRO, micro_config


def stop_at(monkeypatch: pytest.MonkeyPatch, part: str, step: int, number: signal.Signals) -> None:
    """Send this process the signal after a step of a part."""

    class Stopping(Session):
        def __init__(self, *arguments: Any) -> None:
            folder, processes, say, on_step, *others = arguments

            def tell(taken: StepTaken) -> None:
                on_step(taken)
                if (taken.part, taken.step) == (part, step):
                    os.kill(os.getpid(), number)

            super().__init__(folder, processes, say, tell, *others)

    monkeypatch.setattr(train, "Session", Stopping)
    monkeypatch.setattr(tiny_backbone, "Checkpoint", lambda file: Checkpoint(file, seconds=0))
    monkeypatch.setattr("preact.cli.training.TinyShape", lambda steps: MICRO)


@pytest.mark.parametrize(
    ("part", "step", "number", "saved"),
    [
        ("backbone", 5, signal.SIGTERM, "the tiny backbone is saved as it was after step 5"),
        ("adapter", 1, signal.SIGINT, "the tiny backbone is saved, and no step of the training yet"),
        ("adapter", 3, signal.SIGTERM, "the adapter is saved as it was after step 2"),
    ],
)
def test_a_stopped_run_says_what_it_has_saved_and_goes_on(
    release_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    part: str,
    step: int,
    number: signal.Signals,
    saved: str,
) -> None:
    stop_at(monkeypatch, part, step, number)
    run = tmp_path / "run"
    options = ("--pretrain-steps", 10, "--threads", 1, "--rank", 32, "--save-steps", 2, "--max-steps", 4)
    with terminated_as_interrupted():  # as the command line runs
        done = call("train", release_folder, "-o", run, *options)
    assert done.exit_code == 128 + number
    line = done.stderr.splitlines()[-1]
    assert line == f"preact: stopped; {saved}; go on with `preact train --resume --output {run}`"
    monkeypatch.undo()
    went_on = call("train", "--resume", "-o", run)
    assert went_on.exit_code == 0, went_on.output
    over = "there is no checkpoint yet: the run starts over at step 1; the tiny backbone is kept"
    assert (over in went_on.stderr.splitlines()) == ("no step" in saved)


def test_before_anything_is_written_it_begins_anew(tmp_path: Path) -> None:
    assert stopped_line(tmp_path / "run").endswith("run the same command again")
    assert starts_over_line(tmp_path / "run") == "there is no checkpoint yet: the run starts over at step 1"


def test_a_dry_run_that_is_stopped_leaves_nothing(
    release_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "try_training", interrupted)
    config = micro_config(release_folder, tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        train.train(config, print, dry=True)
    assert not (tmp_path / "run").exists()
