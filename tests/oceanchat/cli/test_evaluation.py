"""Evaluations as a user creates them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from oceanchat.annotation.conversations import newest_evaluation
from oceanchat.cli.evaluation import evaluation
from oceanchat.errors import AnnotationError, ConfigError, OceanChatError
from oceanchat.store.database import open_store

URL = "http://127.0.0.1:9/v1"


def create(folder: Path, *arguments: str) -> str:
    line = ["create", "--store", str(folder / "store.db"), *arguments]
    return CliRunner().invoke(evaluation, line, catch_exceptions=False).output


def test_all_systems_meet_the_questions_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "questions.csv"
    file.write_text('trait,level,question\nO,high,"What, if anything, did you read?"\nN,low,How was work?\n')
    named, prompted = ("--system", f"a={URL}#preact:"), ("--system", f"b=prompted:{URL}#base")
    shown = create(tmp_path, *named, *prompted, "--questions", str(file))
    assert (
        shown
        == "Evaluation 1: 2 questions, 2 systems, 4 conversations for each annotator to rate, unit shared\n"
    )
    more = create(tmp_path, *named, "--unit", "live", "--another", "--json")
    assert json.loads(more) == {"evaluation": 2, "conversations": 200}
    store = open_store(tmp_path / "store.db")
    newest = newest_evaluation(store)
    assert newest is not None and newest.settings["unit"] == "live"
    store.close()
    with pytest.raises(AnnotationError, match="evaluation 2 exists"):
        create(tmp_path, *named)


@pytest.mark.parametrize(
    ("arguments", "complaint", "error"),
    [
        (
            ("--system", f"a={URL}#m:", "--system", f"a={URL}#n:"),
            "two systems have the name 'a'",
            ConfigError,
        ),
        (("--system", f"a={URL}#m:", "--questions", "none.csv"), "does not exist", OceanChatError),
        (
            ("--system", f"a={URL}#m:", "--temperature", "3"),
            "--temperature '3.0' cannot be used",
            ConfigError,
        ),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_stored(
    tmp_path: Path, arguments: tuple[str, ...], complaint: str, error: type[OceanChatError]
) -> None:
    with pytest.raises(error, match=complaint):
        create(tmp_path, *arguments)
    assert not (tmp_path / "store.db").exists()
