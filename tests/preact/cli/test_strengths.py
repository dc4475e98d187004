"""`preact dial` from the command line, and where its curves are read."""

import csv
import json
import shutil
from pathlib import Path

from oceanchat.errors import ConfigError
from tests.preact.cli.test_training import call
from tests.preact.conftest import Run


def test_a_dialled_run_s_exports_say_the_tested_range(preact_run: Run, tmp_path: Path) -> None:
    run = shutil.copytree(preact_run.folder, tmp_path / "run")
    options = ("--split", "validation", "--strengths", "0,1", "--figures", tmp_path / "figures")
    done = call("dial", run, *options)
    assert done.exit_code == 0, done.output
    assert "split validation: 10 dialogues" in done.stdout and "strength 1: scoring" in done.stderr
    rows = list(csv.reader((tmp_path / "figures" / "dial.csv").read_text().splitlines()))
    assert len(rows) == 1 + 11 * 2 * 2 and (tmp_path / "figures" / "dial.svg").is_file()
    words = ("export", run, "--persona", "N+", "--strength", "1.25", "--output", tmp_path / "out")
    exported = call(*words)
    assert "strength 1.25 is outside of the tested range, 0 to 1" in exported.stderr
    card = (tmp_path / "out" / "README.md").read_text()
    assert "Strengths tested: 0 to 1 on 10 dialogues (split validation)" in card
    assert "outside of the tested range" in card


def test_scripts_read_the_curves_as_json(preact_run: Run, tmp_path: Path) -> None:
    run = shutil.copytree(preact_run.folder, tmp_path / "run")
    done = call("dial", run, "--split", "validation", "--strengths", "0,1.5", "--json")
    figures = json.loads(done.stdout)
    assert [p["strength"] for p in figures["curves"][-1]["points"]] == [0, 1.5]
    assert figures["curves"][-1]["trait_level"] == "all" and len(figures["curves"]) == 11
    refused = call("dial", run, "--strengths", "0,2")
    assert isinstance(refused.exception, ConfigError) and "0 to 1.5" in str(refused.exception)
