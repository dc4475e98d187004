"""Evaluations as a user creates them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from oceanchat.annotation.conversations import newest_evaluation
from oceanchat.cli.evaluation import evaluation
from oceanchat.errors import AnnotationError, ConfigError, OceanChatError
from oceanchat.store.database import open_store
from tests.endpoint import Endpoint
from tests.oceanchat.annotation.talks import evaluated, rate_all

URL = "http://127.0.0.1:9/v1"


def run(command: str, folder: Path, *arguments: str) -> Result:
    line = [command, "--store", str(folder / "store.db"), *arguments]
    return CliRunner().invoke(evaluation, line, catch_exceptions=False)


def create(folder: Path, *arguments: str) -> str:
    return run("create", folder, *arguments).stdout


def test_all_systems_meet_the_questions_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "questions.csv"
    file.write_text('trait,level,question\nO,high,"What, if anything, did you read?"\nN,low,How was work?\n')
    named, prompted = ("--system", f"a={URL}#preact:"), ("--system", f"b=prompted:{URL}#base")
    created = run("create", tmp_path, *named, *prompted, "--questions", str(file))
    assert created.stdout == (
        "Evaluation 1: 2 questions, 2 systems, 4 conversations (shared), each rated by 3 annotators\n"
    )
    assert "system 'a': 'http://127.0.0.1:9/v1' cannot be reached now" in created.stderr
    more = create(tmp_path, *named, "--unit", "live", "--another", "--json")
    assert json.loads(more) == {"evaluation": 2, "conversations": 200}
    store = open_store(tmp_path / "store.db")
    newest = newest_evaluation(store)
    assert newest is not None and newest.settings["unit"] == "live"
    store.close()
    with pytest.raises(AnnotationError, match="evaluation 2 exists"):
        create(tmp_path, *named)


def test_a_model_that_is_not_listed_is_named(tmp_path: Path, serve: Callable[..., Endpoint]) -> None:
    created = run("create", tmp_path, "--system", f"a={serve().url}#preact:")
    assert "does not list the model 'preact:a-high' and 9 more" in created.stderr


def test_the_status_counts_conversations_and_ratings(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.db")
    with pytest.raises(AnnotationError, match="there is no evaluation yet"):
        run("status", tmp_path)
    ann, _ = evaluated(store, ("Ann", "Ben"), levels=2)
    done = rate_all(store, ann)
    shown = json.loads(run("status", tmp_path, "--json").stdout)
    assert sum(each["finished"] for each in shown["systems"]) == done == 4
    assert {each["system"]: each["ratings"] for each in shown["systems"]} == {"preact": 2, "prompt": 2}
    raters = {each["name"]: (each["done"], each["total"]) for each in shown["raters"]}
    assert raters == {"Ann": (4, 4), "Ben": (0, 4)} and shown["unassigned"] == 4
    table = run("status", tmp_path).stdout
    assert "Evaluation 1, unit shared" in table and "preact" in table and "Ben" in table
    store.close()


@pytest.mark.parametrize(
    ("arguments", "complaint", "error"),
    [
        (
            ("--system", f"a={URL}#m:", "--system", f"a={URL}#n:"),
            "two systems have the name 'a'",
            ConfigError,
        ),
        (("--system", f"a={URL}#m:", "--questions", "none.csv"), "does not exist", OceanChatError),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_stored(
    tmp_path: Path, arguments: tuple[str, ...], complaint: str, error: type[OceanChatError]
) -> None:
    with pytest.raises(error, match=complaint):
        create(tmp_path, *arguments)
    assert not (tmp_path / "store.db").exists()
