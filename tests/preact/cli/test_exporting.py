"""`preact export` and `chat` from the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from oceanchat.errors import ConfigError
from preact.cli.main import preact
from tests.preact.cli.test_training import call
from tests.preact.conftest import Run


def test_chat_answers_each_line_and_leaves_at_the_end(preact_run: Run) -> None:
    options = ["chat", str(preact_run.folder), "--persona", "O+ N-", "--max-tokens", "4", "--seed", "1"]
    first, again = (CliRunner().invoke(preact, options, input="Hello?\nAnd now?\n") for _ in range(2))
    assert first.exit_code == 0 and first.stdout == again.stdout
    assert "A machine that simulates high Openness, low Neuroticism" in first.stderr


def test_chat_takes_any_system(preact_run: Run, release_folder: Path, serve: Any, tmp_path: Path) -> None:
    plain = CliRunner().invoke(
        preact, ["chat", f"backbone:{preact_run.folder}", "--max-tokens", "4"], input="Hello?\n"
    )
    assert plain.exit_code == 0 and "A machine that plays nobody" in plain.stderr
    endpoint = serve(reply="an answer")
    words = ["chat", "prompted:served", "--persona", "O+ N-", "--base-url", endpoint.url]
    words += ["--store", str(tmp_path / "store.db")]
    served = CliRunner().invoke(preact, words, input="Hello?\nAnd now?\n")
    assert served.exit_code == 0 and served.stdout == "an answer\nan answer\n", served.output
    assert endpoint.counters()["paid"] == 2


def test_chat_refuses_a_persona_for_a_plain_backbone(preact_run: Run) -> None:
    done = call("chat", f"backbone:{preact_run.folder}", "--persona", "O+")
    assert isinstance(done.exception, ConfigError) and "plays nobody" in str(done.exception)


def test_export_all_writes_ten_folders(preact_run: Run, tmp_path: Path) -> None:
    done = call("export", preact_run.folder, "--all", "--output", tmp_path / "adapters", "--json")
    assert done.exit_code == 0 and len(json.loads(done.stdout)["adapters"]) == 10
    names = {path.name for path in (tmp_path / "adapters").iterdir() if path.is_dir()}
    ten = {f"{trait}-{level}" for trait in "ocean" for level in ("high", "low")}
    assert names == ten | {"backbone"}  # a tiny one comes along
    assert (tmp_path / "adapters" / "n-high" / "adapter_model.safetensors").is_file()


def test_export_takes_a_mixture_at_a_strength(preact_run: Run, tmp_path: Path) -> None:
    mixed = ("--persona", "O+=0.7 N-=0.3", "--strength", "0.5")
    done = call("export", preact_run.folder, *mixed, "--output", tmp_path / "mix")
    assert done.exit_code == 0, done.output
    card = (tmp_path / "mix" / "README.md").read_text()
    assert "high Openness 70%, low Neuroticism 30%" in card and "Strength: 0.5" in card
    assert (tmp_path / "mix" / "serve.md").is_file()
    for option, value in (("--strength", "1.6"), ("--strength", "nan"), ("--max-loss", "nan")):
        wrong = call("export", "x", *mixed[:2], "--rank", "auto", option, value, "--output", "y")
        assert (
            wrong.exit_code == 2 and f"Invalid value for '{option}'" in wrong.output and value in wrong.output
        )


def test_rank_auto_ends_with_a_table_of_rank_size_and_time(preact_run: Run, tmp_path: Path) -> None:
    chosen = ("--rank", "auto", "--max-loss", "10")
    done = call("export", preact_run.folder, "--all", *chosen, "--output", tmp_path / "ten")
    assert done.exit_code == 0, done.output
    head, *rows = done.stdout.splitlines()[10:]
    assert head.split() == ["adapter", "rank", "MB", "seconds", "nats", "lost"] and len(rows) == 10
    for row in rows:
        name, rank, size, seconds, lost = row.split()
        written = (tmp_path / "ten" / name / "adapter_model.safetensors").stat().st_size
        assert rank == "8" and float(size) == pytest.approx(written / 1e6, abs=0.006)
        assert float(seconds) >= 0 and abs(float(lost)) < 10


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("export", "x", "--output", "y"), "no single trait-level"),
        (("export", "x", "--trait", "all", "--level", "high", "--output", "y"), "no single trait-level"),
        (("export", "x", "--all", "--trait", "N", "--output", "y"), "--all exports every"),
        (("export", "x", "--all", "--max-loss", "0.1", "--output", "y"), "--max-loss is for --rank auto"),
        (("export", "x", "--all", "--rank", "8", "--merge", "--output", "y"), "--rank does not combine"),
        (("chat", "x", "--persona", "O+", "--trait", "N", "--level", "high"), "different personas"),
    ],
)
def test_contradictions_are_named_by_their_flags(arguments: tuple[str, ...], named: str) -> None:
    done = call(*arguments)
    assert isinstance(done.exception, ConfigError) and named in str(done.exception)
