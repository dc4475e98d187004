"""`oceanchat pending` and `answers` as a user types them: streams, files and exit codes."""

import json
from pathlib import Path

import pytest

from tests.oceanchat.cli.conftest import Command
from tests.oceanchat.pipeline.engine import answer_file, result_line, write_lines

BUILD = ("O+", "--count", "1", "--model", "m")
REQUESTS, RESULTS = Path("requests.jsonl"), Path("results.jsonl")


def test_requests_go_to_stdout_and_words_to_stderr(command: Command) -> None:
    ended = command("pending", *BUILD)
    assert ended.code == 0 and "requests to 'm': 4 'label_many'; commit the answers with" in ended.err
    assert "so far 0 of 1 dialogue passed\n" in ended.err
    keys = [json.loads(line)["custom_id"] for line in ended.out.splitlines()]
    assert len(set(keys)) == 4
    sharded = command("pending", *BUILD, "--output", REQUESTS, "--shards", 3)
    assert (sharded.code, sharded.out) == (0, "")
    assert "'requests" not in sharded.err
    shards = [Path(f"requests-{number}-of-3.jsonl").read_text() for number in (1, 2, 3)]
    assert "".join(shards) == ended.out
    assert (
        "'requests-1-of-3.jsonl' and others are of an earlier"
        in command("pending", *BUILD, "-o", REQUESTS).err
    )


@pytest.mark.parametrize(("model", "is_said"), [("meta/llama", True), ("mine", True), ("gpt-4o", False)])
def test_a_server_that_was_not_named_is_said_but_of_openais_models(
    command: Command, model: str, is_said: bool
) -> None:
    build, note = (*BUILD[:-1], model), f"costs and releases will not say where '{model}' answered"
    assert (note in command("pending", *build).err) == is_said
    assert note not in command("pending", *build, "--base-url", "http://cluster.example/v1").err


def test_nothing_to_write_while_others_are_to_answer_is_exit_code_3(command: Command) -> None:
    ended = command("pending", *BUILD, "--checker", "c", "--only", "c")
    assert (ended.code, ended.out) == (3, "")
    assert ended.err == "oceanchat: nothing to write yet: the build needs 4 to 'm' first\n"


def test_round_by_round_until_nothing_is_printed(command: Command) -> None:
    rounds = 0
    while command("pending", *BUILD, "--output", REQUESTS).code == 0 and REQUESTS.read_text():
        rounds += 1
        assert rounds <= 12
        answer_file(REQUESTS, RESULTS)
        if rounds == 1:
            written = json.loads(command("pending", *BUILD, "--output", REQUESTS, "--json").out)
            assert written["files"] == ["requests.jsonl"] and written["requests"] == 4
            assert written["tasks"] == [{"model": "m", "task": "label_many", "requests": 4}]
        ended = command("answers", RESULTS)
        assert ended.code == 0 and " stored\n" in ended.out and "Cost unknown" in ended.out
    assert command("pending", *BUILD) == (0, "", "")
    last = json.loads(command("pending", *BUILD, "--output", REQUESTS, "--json").out)
    assert (last["requests"], last["dialogues"]) == (0, {"requested": 1, "passed": 1})
    built = command("build", "--offline", *BUILD, "--json")
    assert built.code == 0 and json.loads(built.out)["calls"]["made"] == 0
    again = command("answers", RESULTS)
    assert again.code == 0 and "already there\n" in again.out and "stored" not in again.out


def test_lines_that_are_of_no_use_are_named_and_are_exit_code_3(command: Command) -> None:
    command("pending", *BUILD, "--output", REQUESTS)
    key, *others = (json.loads(line)["custom_id"] for line in REQUESTS.read_text().splitlines())
    lines = [
        result_line("foreign", {"model": "m"}),
        result_line(key, {"model": "gpt-4", "choices": []}),
        result_line(others[0], None, 500, error="CUDA out of memory"),
        result_line(
            others[1], {"error": {"message": "blocked by content_filter", "code": "content_filter"}}, 400
        ),
    ]
    write_lines(RESULTS, lines)
    RESULTS.write_text(RESULTS.read_text() + '{"custom_id": "')
    ended = command("answers", RESULTS)
    assert ended.code == 3
    for line in (
        "1 failed for good: content-filter, first in line 4 of 'results.jsonl'",
        "1 still pending: server-error, first in line 3 of 'results.jsonl' (\"500 CUDA out of memory\")",
        "1 of another model: 'gpt-4' in place of 'm', first in line 2 of 'results.jsonl'",
        "1 of an unknown key\n",
        "1 unreadable: torn, first in line 5 of 'results.jsonl'",
    ):
        assert line in ended.out
    assert "give the --store that `oceanchat pending` had" in ended.err
    assert json.loads(command("answers", RESULTS, "--json").out)["lines"]["already there"] == 1


def test_cut_off_answers_and_empty_files_say_what_to_do(command: Command) -> None:
    command("pending", *BUILD, "--output", REQUESTS)
    keys = [json.loads(line)["custom_id"] for line in REQUESTS.read_text().splitlines()]
    cut = {"choices": [{"message": {"content": "1. neu"}, "finish_reason": "length"}]}
    write_lines(RESULTS, [result_line(key, cut) for key in keys])
    Path("killed.jsonl").write_text("")
    ended = command("answers", RESULTS, "killed.jsonl")
    assert "4 stored: length, first in line 1 of 'results.jsonl' (\"1. neu\")" in ended.out
    assert "stored: 4 cut off or empty, of no use to the build: raise --label-tokens, or set" in ended.err
    assert ended.code == 3 and "'killed.jsonl' holds no line; give the files" in ended.err


def test_mistakes_are_one_line(command: Command) -> None:
    assert (
        "--shards '2' needs files to write: name them with --output"
        in command("pending", *BUILD, "--shards", 2).err
    )
    assert "--model NAME" in command("pending", *BUILD[:-2]).err
    assert command("answers", "none.jsonl").err == "oceanchat: FILES 'none.jsonl' does not exist\n"
    assert "name a file for them with --output" in command("pending", *BUILD, "--json").err
    RESULTS.write_text("")
    missing = command("answers", RESULTS, "--store", "none.db")
    assert missing.code == 1 and "none.db" in missing.err and not Path("none.db").exists()
    unwritable = command("pending", *BUILD, "--output", "nowhere/r.jsonl")
    assert unwritable.code == 1 and "nowhere" in unwritable.err
