"""`oceanchat build` as a user types it: what goes to which stream, and its exit codes."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from oceanchat.store.location import DEFAULT_STORE
from tests.broken_endpoint import BrokenEndpoint
from tests.endpoint import Endpoint
from tests.oceanchat.cli.conftest import Command

OPEN = ("build", "--trait", "O", "--level", "high")


def test_a_dry_run_asks_nothing_and_leaves_no_store(command: Command) -> None:
    ended = command(*OPEN, "--count", "3", "--dry-run", "--json")
    assert ended.code == 0 and json.loads(ended.out)["missing"] == 3
    assert list(Path().iterdir()) == []


def test_results_go_to_stdout_and_progress_to_stderr(command: Command) -> None:
    ended = command(*OPEN, "--count", "1")
    assert ended.code == 0
    assert "1 of 1" in ended.out and "Questioner:" in ended.out
    assert "--model NAME" in ended.out.splitlines()[-1]
    assert "checking dialogues" in ended.err and "Questioner:" not in ended.err


def test_where_authors_are_unknown_it_is_said_at_the_start_and_in_the_card(command: Command) -> None:
    essays = (
        "I love to lose myself in paintings and in music for hours, number {}, and I dream of the sea.",
        "I've explored caves, temples and {} submarines, and I try something different every month.",
        "I could talk about ideas and theories for {} nights, and I never tire of asking why.",
    )
    rows = (f'"{essays[n % 3].format(n)}",{n % 5}\n' for n in range(9))
    Path("e.csv").write_text("text,openness\n" + "".join(rows))
    ended = command(*OPEN, "--essays", "e.csv", "--count", "1", "--json")
    first = ended.err.split("\r")[0]
    assert "no column names the authors (its columns: text, openness)" in first
    assert "'openness': numbers from 0 to 4, read on a scale of 0 to 4: above 2 high" in first
    assert command("release", "--version", "1.0.0", "--license", "mit", "--seed-topics", "text").code == 0
    assert "nobody knows who wrote" in Path("releases/ocean-chat-1.0.0-scripted/README.md").read_text()
    assert command("verify", "releases/ocean-chat-1.0.0-scripted").code == 0
    named = command(*OPEN, "--essays", "e.csv", "--author-column", "nobody")
    assert named.code == 1 and "has no column 'nobody' for --author-column" in named.err


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_corpus_that_yields_too_few_is_exit_code_3(command: Command, flags: tuple[str, ...]) -> None:
    Path("essays").mkdir()
    Path("essays", "one.txt").write_text("I love to lose myself in paintings and music for hours. " * 3)
    ended = command(*OPEN, "--essays", "essays", "--count", "9", *flags)
    assert ended.code == 3
    assert "O+ has " in ended.err and "; add essays" in ended.err


def stored_config() -> dict[str, object]:
    with closing(sqlite3.connect(DEFAULT_STORE)) as connection, connection:
        (text,) = connection.execute("select config from builds").fetchone()
    config: dict[str, object] = json.loads(text)
    return config


def test_what_a_model_refused_is_said_and_stays_on_record(
    command: Command, serve: Callable[..., Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = serve(reply=None, refuse="max_tokens,temperature")
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
    flags = ("--count", "1", "--json", "--model", "m", "--extra-body", '{"seed": 1}')
    ended = command(*OPEN, *flags)
    assert ended.code == 0, ended.err
    line = (
        "model 'm' refuses requests as they were meant and got max_completion_tokens in place of max_tokens"
    )
    assert ended.err.count(line) == 1
    assert f"note: the models are asked at {endpoint.url}, which OPENAI_BASE_URL names" in ended.err
    config = stored_config()
    assert "max_completion_tokens in place of max_tokens" in str(config["request_forms"])
    assert config["extra_body"] == '{"seed":1}'
    replayed = command(*OPEN, *flags, "--offline")
    assert replayed.code == 0 and stored_config()["request_forms"] == config["request_forms"]
    assert command(*OPEN, *flags[:-2], "--offline").code == 1


def test_a_server_without_a_model_is_told_what_it_serves(
    command: Command, serve_broken: Callable[..., BrokenEndpoint]
) -> None:
    ended = command(*OPEN, "--base-url", serve_broken().url)
    assert (ended.code, ended.out) == (1, "")
    assert "without --model NAME: it serves 'llama-small', 'llama-large'" in ended.err
    assert list(Path().iterdir()) == []
    gone = command(*OPEN, "--base-url", "http://127.0.0.1:9/v1")
    assert "cannot be reached" in gone.err and gone.err.count("\n") == 1


def test_readers_take_the_newest_real_build_and_say_so(
    command: Command, serve_broken: Callable[..., BrokenEndpoint]
) -> None:
    assert command(*OPEN, "--count", "1").code == 0
    assert "this is build" not in command("status").err
    url = serve_broken().url
    assert command(*OPEN, "--count", "2", "--model", "llama", "--base-url", url).code == 0
    assert command(*OPEN, "--count", "1").code == 0, "the free one is kept beside it"
    status = command("status", "--json")
    assert json.loads(status.out)[0]["build"] == "llama"
    assert "this is build 'llama'; --build NAME reads another: 'scripted'" in status.err
    other = command("status", "--json", "--build", "scripted")
    assert json.loads(other.out)[0]["passed"] == 1 and other.err == ""
    unknown = command("stats", "--build", "lama")
    assert unknown.code == 1 and "--build 'lama' is not in store" in unknown.err and "'llama'" in unknown.err
    rows = [json.loads(line) for line in command("export", "dialogues").out.splitlines()]
    assert {row["provenance"]["writer"] for row in rows} == {"llama"}
