"""What a launcher sets is refused in one line, and nothing is written."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from oceanchat.errors import ConfigError
from preact.cli.launchers import check_launcher
from preact.cli.main import preact


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ACCELERATE_USE_FSDP", "true", "--use_fsdp.*preact train --fsdp"),
        ("ACCELERATE_USE_DEEPSPEED", "1", "--use_deepspeed"),
        ("ACCELERATE_MIXED_PRECISION", "bf16", "'bf16'.*--mixed_precision no"),
    ],
)
def test_what_the_recipe_decides_is_refused(
    name: str, value: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match=words):
        check_launcher({name: value})
    monkeypatch.setenv(name, value)
    done = CliRunner().invoke(preact, ["train", str(tmp_path), "--output", str(tmp_path / "run")])
    assert isinstance(done.exception, ConfigError) and not (tmp_path / "run").exists()


def test_processes_that_a_launcher_only_started_go_on() -> None:
    check_launcher({})
    check_launcher({"ACCELERATE_MIXED_PRECISION": "no", "ACCELERATE_USE_FSDP": "false", "WORLD_SIZE": "2"})
