"""Answers come back in files: torn, doubled, reordered, of others, with errors inside. Nothing is lost."""

import asyncio
import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from oceanchat.llm.chat import as_json
from oceanchat.llm.costs import cost_report
from oceanchat.llm.prices import load_prices
from oceanchat.llm.settings import OPENAI_URL, CallSettings
from oceanchat.pipeline.answers import AnswersReport, LineOutcome, commit_answers
from oceanchat.store import ledger_requests
from oceanchat.store.database import Store
from oceanchat.store.ledger import ledger_calls
from oceanchat.store.ledger_requests import WrittenRequest
from tests.endpoint import MODEL, prices_file, question
from tests.oceanchat.pipeline.engine import result_line, write_lines

ERROR = {"error": {"message": "no", "code": "x"}}
_numbers = itertools.count()


def whole(text: str = "yes", model: str = MODEL, reason: str = "stop") -> dict[str, Any]:
    """A completion."""
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    return {"model": model, "choices": [{"message": message, "finish_reason": reason}], "usage": usage}


def asked(store: Store, count: int, endpoint: str = "http://e/v1", model: str = MODEL) -> list[str]:
    """Put so many requests on record that nobody else asked; their keys."""
    keys = [f"{next(_numbers):064x}" for _ in range(count)]
    request = as_json(question("anything"))
    with store.writing() as connection:
        rows = [WrittenRequest(key, endpoint, model, request) for key in keys]
        ledger_requests.add_requests(connection, rows)
    return keys


def commit(store: Store, file: Path, **given: Any) -> AnswersReport:
    return asyncio.run(commit_answers(store, CallSettings(), [file], **given))


def outcomes(report: AnswersReport) -> dict[LineOutcome, int]:
    return {outcome: count for outcome in LineOutcome if (count := report.total((outcome,)))}


def rows(store: Store) -> dict[str, dict[str, Any]]:
    with store.reading() as connection:
        return {row["key"]: dict(row) for row in connection.execute(select(ledger_calls)).mappings()}


LINES: dict[str, Any] = {
    "answer": lambda key: result_line(key, whole()),
    "refused prompt": lambda key: result_line(key, ERROR, 400),
    "filtered": lambda key: result_line(key, whole(reason="content_filter")),
    "server error": lambda key: result_line(key, None, 500, error="CUDA out of memory"),
    "expired": lambda key: {"custom_id": key, "response": None, "error": {"code": "batch_expired"}},
    "other model": lambda key: result_line(key, whole(model="another")),
    "unknown key": lambda key: result_line(f"unknown-{key}", whole()),
    "request": lambda key: {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": {}},
    "torn": lambda key: json.dumps(result_line(key, whole()))[:-9],
}
FOR_GOOD = ("refused prompt", "filtered")


def expected(kind: str, key: str, states: dict[str, str]) -> LineOutcome:
    """What a line is to become, and its key's state after it."""
    if kind in ("torn", "request"):
        return LineOutcome.UNREADABLE
    if kind == "unknown key":
        return LineOutcome.UNKNOWN
    if states.get(key) == "answered":
        return LineOutcome.KNOWN
    if kind == "answer":
        states[key] = "answered"
        return LineOutcome.STORED
    if kind in FOR_GOOD:
        before, states[key] = states.get(key), "failed"
        return LineOutcome.KNOWN if before == "failed" else LineOutcome.FAILED
    return LineOutcome.OTHER_MODEL if kind == "other model" else LineOutcome.PENDING


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from([*LINES]), st.integers(0, 4)), max_size=14))
def test_each_line_has_one_outcome_and_a_second_time_changes_nothing(
    store: Store, tmp_path: Path, drawn: list[tuple[str, int]]
) -> None:
    keys, states, before = asked(store, 5), dict[str, str](), rows(store)
    lines = [LINES[kind](keys[number]) for kind, number in drawn]
    file = tmp_path / "results.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    wanted = Counter(expected(kind, keys[number], states) for kind, number in drawn)
    assert outcomes(commit(store, file)) == wanted
    after = rows(store)
    assert {key: row["state"] for key, row in after.items() if key not in before} == states
    again = commit(store, file)
    assert rows(store) == after and not again.total((LineOutcome.STORED, LineOutcome.FAILED))


@given(st.binary(max_size=80) | st.text().map(lambda text: json.dumps({"custom_id": text}).encode()))
@settings(max_examples=30)
def test_no_file_breaks_the_command(store: Store, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "junk").write_bytes(content)
    report = commit(store, tmp_path / "junk")
    assert not report.total((LineOutcome.STORED, LineOutcome.FAILED))


@pytest.mark.parametrize("unsaid", ["\ud83d", "\0"], ids=["half a character", "NUL"])
def test_what_no_database_holds_keeps_no_other_line_from_being_stored(
    store: Store, tmp_path: Path, unsaid: str
) -> None:
    filtered, answered = asked(store, 2)
    error = {"error": {"message": f"blocked: {unsaid}", "code": f"content_filter{unsaid}"}}
    lines = [
        result_line(unsaid, whole()),
        result_line(filtered, error, 400),
        result_line(answered, whole(unsaid)),
    ]
    (tmp_path / "r.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    kinds = (LineOutcome.UNKNOWN, LineOutcome.FAILED, LineOutcome.STORED)
    assert outcomes(commit(store, tmp_path / "r.jsonl")) == dict.fromkeys(kinds, 1)
    assert {rows(store)[key]["state"] for key in (filtered, answered)} == {"failed", "answered"}


def test_the_raw_body_is_kept_and_the_request_forgotten_once_it_is_answered(
    store: Store, tmp_path: Path
) -> None:
    first, second = asked(store, 2)
    body = whole("Ünïcode") | {"service_tier": "ours"}
    commit(store, write_lines(tmp_path / "r.jsonl", [result_line(first, body)]))
    row = rows(store)[first]
    assert json.loads(row["body"]) == body
    assert (row["prompt_tokens"], row["completion_tokens"], row["batched"]) == (100, 10, True)
    with store.reading() as connection:
        assert {*connection.execute(select(ledger_requests.ledger_requests.c.key)).scalars()} == {second}


def test_an_answer_takes_the_place_of_a_failure_and_costs_what_a_batch_costs(
    store: Store, tmp_path: Path
) -> None:
    (key,) = asked(store, 1)
    report = commit(store, write_lines(tmp_path / "errors.jsonl", [result_line(key, ERROR, 400)]))
    assert [(o, reason, count.quote) for (o, reason), count in report.counts.items()] == [
        (LineOutcome.FAILED, "bad-request", "400 no")
    ]
    assert outcomes(commit(store, write_lines(tmp_path / "r.jsonl", [result_line(key, whole())]))) == {
        LineOutcome.STORED: 1
    }
    (line,) = cost_report(store, load_prices(prices_file(tmp_path))).lines.values()
    assert line.paid.usd == line.kinds["kept"].usd and float(line.paid.usd) == pytest.approx(60e-6)


def test_who_answered_in_files_is_not_taken_for_openai(store: Store, tmp_path: Path) -> None:
    models = ("mine", "gpt-4o", "gpt-next")
    lines = []
    for model in models:
        (key,) = asked(store, 1, OPENAI_URL, model)
        lines.append(result_line(key, whole(model=model)))
    commit(store, write_lines(tmp_path / "results.jsonl", lines))
    with store.writing() as connection:  # as if this one had been asked of OpenAI
        connection.execute(
            update(ledger_calls).where(ledger_calls.c.model == "gpt-next").values(batched=False)
        )
    report = cost_report(store, load_prices())
    shown = {line["model"]: line["endpoint"] for line in report.as_json()["lines"]}
    assert shown == {"mine": None, "gpt-4o": OPENAI_URL, "gpt-next": OPENAI_URL}
    assert {each["model"]: each["endpoint"] for each in report.as_json()["without_price"]} == {
        "mine": None,
        "gpt-next": OPENAI_URL,
    }


def test_what_may_pass_is_named_and_stays_pending(store: Store, tmp_path: Path) -> None:
    keys = asked(store, 4)
    unsupported = {"error": {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'."}}
    lines = [
        result_line(keys[0], None, 500, error="CUDA out of memory"),
        result_line(keys[1], unsupported, 400),
        result_line(keys[2], {"error": {"message": "The model `m` does not exist"}}, 404),
        result_line(keys[3], {"choices": None}),
    ]
    report = commit(store, write_lines(tmp_path / "r.jsonl", lines))
    assert {reason: count.first for (_, reason), count in report.counts.items()} == {
        "server-error": "line 1 of 'r.jsonl'",
        "bad-request": "line 2 of 'r.jsonl'",
        "not-found": "line 3 of 'r.jsonl'",
        "no-choices": "line 4 of 'r.jsonl'",
    }
    assert outcomes(report) == {LineOutcome.PENDING: 4} and not rows(store)


def test_another_name_of_the_model_can_be_allowed(store: Store, tmp_path: Path) -> None:
    (key,) = asked(store, 1)
    file = write_lines(tmp_path / "r.jsonl", [result_line(key, whole(model="deployment-7"))])
    (refused,) = commit(store, file).counts
    assert refused == (LineOutcome.OTHER_MODEL, f"'deployment-7' in place of '{MODEL}'")
    assert outcomes(commit(store, file, answered_by=["deployment-7"])) == {LineOutcome.STORED: 1}


def test_two_commands_at_once_report_and_pay_each_line_once(store: Store, tmp_path: Path) -> None:
    keys = asked(store, 200)
    file = write_lines(tmp_path / "r.jsonl", [result_line(key, whole()) for key in keys])

    async def both() -> list[AnswersReport]:
        commits = (commit_answers(store, CallSettings(), [file]) for _ in range(2))
        return list(await asyncio.gather(*commits))

    reports = asyncio.run(both())
    stored = [report.total((LineOutcome.STORED,)) for report in reports]
    assert sum(stored) == len(keys)
    assert [report.usage.answered for report in reports] == stored


def test_what_came_cut_off_or_empty_is_stored_and_named(store: Store, tmp_path: Path) -> None:
    bodies = [
        whole("yes"),
        whole("1. neut", reason="length"),
        whole(" "),
        whole("<think>a</think>"),
        whole("I'm sorry, but I can't assist with that request."),
    ]
    keys = asked(store, len(bodies))
    lines = [result_line(key, body) for key, body in zip(keys, bodies, strict=True)]
    report = commit(store, write_lines(tmp_path / "r.jsonl", lines))
    assert {reason: count.lines for (_, reason), count in report.counts.items()} == {
        "": 1,
        "length": 2,
        "empty": 1,
        "refused": 1,
    }
    assert report.cut_off == {"label": 3} and outcomes(report) == {LineOutcome.STORED: 5}


def test_files_that_bring_no_answer_of_use_want_a_look(store: Store, tmp_path: Path) -> None:
    keys = asked(store, 2)

    def look(*lines: Any) -> bool:
        return commit(store, write_lines(tmp_path / "r.jsonl", lines)).wants_a_look

    assert look() and look(result_line(keys[0], None, 500)) and look(result_line(keys[0], ERROR, 400))
    answer = result_line(keys[1], whole())
    assert not look(result_line(keys[0], None, 500), answer) and not look(answer)
    (tmp_path / "r.jsonl").write_text("\n \n")
    assert commit(store, tmp_path / "r.jsonl").empty == ["r.jsonl"]
