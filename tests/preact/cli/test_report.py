"""`preact report --paper` as a user types it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from oceanchat.errors import ConfigError
from preact.cli.main import preact
from tests.preact.evaluation.report.papers import RELEASE, interviews, ratings


async def test_paper_writes_one_file_and_names_what_is_left_out_in_one_line(tmp_path: Path) -> None:
    folder = await interviews(tmp_path / "i", runs=1)
    words = ["report", str(folder), "--paper", "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(preact, words, catch_exceptions=False)
    assert done.exit_code == 0 and done.stdout == f"{tmp_path / 'out' / 'paper.tex'}\n"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["paper.tex"]
    assert done.stderr.startswith("note: left out: Table 1 (") and len(done.stderr.splitlines()) == 1
    read = json.loads(CliRunner().invoke(preact, [*words, "--json"], catch_exceptions=False).stdout)
    assert read["file"] == str(tmp_path / "out" / "paper.tex") and "Table 1" in read["left_out"][0]
    words += ["--release", str(RELEASE), "--ratings", str(ratings(tmp_path / "ratings.csv"))]
    assert CliRunner().invoke(preact, words, catch_exceptions=False).stderr.count("Table") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--release", str(RELEASE)], "--release and --ratings are for --paper"),
        (["--paper", "--view", __file__], "--view does not fit --paper"),
    ],
)
def test_options_that_do_not_fit_are_an_error(tmp_path: Path, words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        CliRunner().invoke(
            preact, ["report", str(tmp_path), "-o", str(tmp_path / "out"), *words], catch_exceptions=False
        )
