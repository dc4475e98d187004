"""`oceanchat.build` builds as the command does, in Jupyter's loop too."""

from pathlib import Path
from typing import Any

import pytest

import oceanchat as oc


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    return tmp_path


async def test_a_build_runs_inside_a_running_loop(capsys: pytest.CaptureFixture[str]) -> None:
    store = oc.build(trait="O", level="high", count=2, answer_words="free")
    assert (store.dialogues("O+")["state"] == "passed").all() and len(store.dialogues()) == 2
    printed = capsys.readouterr()
    assert "2/2" in printed.err and "$0" in printed.err and printed.out == ""
    store.close()


def test_what_is_short_is_said_as_by_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    Path("essays.csv").write_text("TEXT\nI love to paint strange new worlds and to travel to far places.\n")
    store = oc.build(["O+"], count=5, essays="essays.csv", progress=False)
    assert "oceanchat: O+ has" in capsys.readouterr().err
    store.close()


@pytest.mark.parametrize(
    ("trait_levels", "arguments", "message"),
    [
        ((), {}, "no trait-level is named"),
        ((), {"trait": "O"}, "trait alone names no trait-level"),
        ((), {"trait": "X", "level": "high"}, "trait 'X' is not known"),
        (("O",), {}, "did you mean O+ or O-?"),
        ((["O+", "O"],), {}, "did you mean O+ or O-?"),
        (("O+",), {"count": 0}, "count '0' cannot be used: it should be greater than or equal to 1"),
        (("O+",), {"model": "gpt-4o-mini"}, "needs a key: set OPENAI_API_KEY"),
        (("O+",), {"base_url": "http://127.0.0.1:9/v1"}, "is of no use without a model"),
        (("O+",), {"counts": 3}, "argument 'counts' is not known; did you mean count?"),
        (("O+",), {"essays": "missing.csv"}, "'missing.csv'"),
    ],
    ids=lambda value: next(iter(value), "") if isinstance(value, dict) else "",
)
def test_a_mistake_is_one_line_and_writes_nothing(
    trait_levels: tuple[str, ...], arguments: dict[str, Any], message: str, folder: Path
) -> None:
    with pytest.raises(oc.OceanChatError) as caught:
        oc.build(*trait_levels, **arguments)
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert list(folder.iterdir()) == []
