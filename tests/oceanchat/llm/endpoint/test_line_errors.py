"""A line of a batch's results is judged as a single reply would be."""

import json
from typing import Any

import pytest

from oceanchat.llm.endpoint.batch_lines import ResultLine, read_line
from oceanchat.llm.endpoint.line_errors import problem_in
from oceanchat.llm.endpoint.request_errors import ErrorAction

WHOLE = {"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}
HALF = {"choices": [{"message": {"content": "ye"}, "finish_reason": "error"}]}


def line(status: Any, body: Any) -> ResultLine:
    read = read_line(json.dumps({"custom_id": "k", "response": {"status_code": status, "body": body}}))
    assert read is not None
    return read


@pytest.mark.parametrize(
    ("status", "body", "action", "reason", "billed"),
    [
        (200, HALF, ErrorAction.RETRY, "broken-off", True),
        (200, {"choices": None}, ErrorAction.RETRY, "no-choices", True),
        (200, {"error": {"code": 502, "message": "gone"}}, ErrorAction.RETRY, "server-error", True),
        (200, {"error": {"code": 429, "message": "slow"}}, ErrorAction.RETRY, "rate-limited", False),
        (200, {"error": {"code": 402, "message": "credit"}}, ErrorAction.STOP_RUN, "refused", False),
        (400, {"error": {"message": "no"}}, ErrorAction.FAIL_ROW, "bad-request", False),
        (
            400,
            {"object": "error", "message": "maximum context length"},
            ErrorAction.FAIL_ROW,
            "too-long",
            False,
        ),
        (403, {"error": {"message": "not yours"}}, ErrorAction.STOP_RUN, "refused", False),
        (500, {"error": {"message": "broke"}}, ErrorAction.RETRY, "server-error", True),
        (None, None, ErrorAction.RETRY, "not-worked-on", False),
        (302, None, ErrorAction.RETRY, "http-302", False),
        (204, None, ErrorAction.RETRY, "no-completion", False),
        (499, None, ErrorAction.RETRY, "server-error", False),
        (0, None, ErrorAction.RETRY, "odd-status", False),
        (True, WHOLE, ErrorAction.RETRY, "odd-status", False),
        (200.5, WHOLE, ErrorAction.RETRY, "odd-status", False),
        (10**30, None, ErrorAction.RETRY, "odd-status", False),
    ],
)
def test_a_line_without_an_answer_has_one_meaning(
    status: Any, body: Any, action: ErrorAction, reason: str, billed: bool
) -> None:
    problem = problem_in(line(status, body), json.dumps(body).encode())
    assert problem is not None
    assert (problem.action, problem.reason, problem.maybe_billed) == (action, reason, billed)


@pytest.mark.parametrize("status", [200, "200", " 200 OK", 200.0, "200.0", 201, None])
@pytest.mark.parametrize("body", [WHOLE, json.dumps(WHOLE)], ids=["object", "text"])
def test_an_answer_has_no_problem_however_a_script_writes_it(status: Any, body: Any) -> None:
    read = line(status, body)
    assert (read.body, problem_in(read, read.raw)) == (WHOLE, None)
