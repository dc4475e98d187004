"""`preact identify` from the command line."""

import json
from pathlib import Path

from oceanchat.errors import EvaluationError
from tests.preact.cli.test_training import call
from tests.preact.conftest import Run


def test_identify_prints_the_json_that_scripts_read(preact_run: Run) -> None:
    done = call("identify", preact_run.folder, "--json")
    assert done.exit_code == 0
    figures = json.loads(done.stdout)
    expected = {"accuracy", "length_out", "trait_given_level", "level_given_trait", "peers", "margin"}
    assert expected <= figures.keys()
    assert set(figures["accuracy"]) == {"value", "low", "high"}


def test_identify_another_release_takes_all_of_it(preact_run: Run, release_folder: Path) -> None:
    done = call("identify", preact_run.folder, "--data", release_folder, "--plain")
    assert "split all: 70 dialogues" in done.stdout and "trained on" in done.stderr


def test_a_prompted_backbone_is_identified_with_a_folder_of_prompts(
    preact_run: Run, release_folder: Path
) -> None:
    system = f"prompted:{preact_run.folder}"
    done = call(
        "identify",
        system,
        "--data",
        release_folder,
        "--prompts",
        "prompts",
        "--plain",
        "--split",
        "validation",
    )
    assert done.exit_code == 0 and "split validation: 10 dialogues" in done.stdout
    assert isinstance(call("identify", system).exception, EvaluationError)
