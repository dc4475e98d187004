"""What an error means and how long to wait."""

import time
from email.utils import formatdate

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.endpoint.request_errors import (
    ErrorAction,
    RequestError,
    RetryBudget,
    classify,
    classify_reply,
    classify_status,
    retry_after,
    retry_after_words,
    wait_before,
)


@pytest.mark.parametrize(
    ("status", "code", "action", "reason"),
    [
        (400, "invalid_request_error", ErrorAction.FAIL_ROW, "bad-request"),
        (400, "content_filter", ErrorAction.FAIL_ROW, "content-filter"),
        (400, "context_length_exceeded", ErrorAction.FAIL_ROW, "too-long"),
        (404, "model_not_found", ErrorAction.FAIL_ROW, "not-found"),
        (413, "", ErrorAction.FAIL_ROW, "too-large"),
        (422, "", ErrorAction.FAIL_ROW, "unprocessable"),
        (418, "", ErrorAction.FAIL_ROW, "http-418"),
        (401, "invalid_api_key", ErrorAction.STOP_RUN, "refused"),
        (402, "", ErrorAction.STOP_RUN, "refused"),
        (403, "", ErrorAction.STOP_RUN, "refused"),
        (429, "insufficient_quota", ErrorAction.STOP_RUN, "quota"),
        (429, "rate_limit_exceeded", ErrorAction.RETRY, "rate-limited"),
        (408, "", ErrorAction.RETRY, "timeout"),
        (409, "", ErrorAction.RETRY, "server-error"),
        (500, "", ErrorAction.RETRY, "server-error"),
        (503, "", ErrorAction.RETRY, "server-error"),
        (529, "", ErrorAction.RETRY, "server-error"),
    ],
)
def test_each_status_has_one_meaning(status: int, code: str, action: ErrorAction, reason: str) -> None:
    error = classify_status(status, code, "broken")
    assert (error.action, error.reason) == (action, reason)
    assert error.maybe_billed == (status >= 500)


@pytest.mark.parametrize(
    ("message", "wait", "reason", "paid"),
    [
        ("Loading model", None, "loading", False),
        ("Model x is currently loading", 20.0, "loading", False),
        ("The server is warming up, try again", None, "loading", False),
        ("not ready", None, "loading", False),
        ("no healthy upstream", 3.0, "loading", True),
        ("the model is overloaded", None, "server-error", True),
        ("downloading is disabled", None, "server-error", True),
    ],
)
def test_an_endpoint_that_is_not_ready_says_so(
    message: str, wait: float | None, reason: str, paid: bool
) -> None:
    error = classify_status(503, "", f"503 {message}", wait)
    assert (error.action, error.reason, error.maybe_billed) == (ErrorAction.RETRY, reason, paid)
    assert wait_before(30, error) <= max(5.0, (wait or 0) + 0.1) or reason != "loading"
    assert classify_status(500, "", f"500 {message}", wait).reason == "server-error"


@pytest.mark.parametrize(
    ("cause", "reason", "paid"),
    [
        (httpx2.ConnectError("refused"), "unreachable", False),
        (httpx2.ConnectTimeout("slow"), "unreachable", False),
        (httpx2.ReadError("reset"), "connection-lost", True),
        (httpx2.RemoteProtocolError("closed"), "connection-lost", True),
    ],
)
def test_only_what_was_sent_may_have_been_billed(cause: Exception, reason: str, paid: bool) -> None:
    error = openai.APIConnectionError(request=httpx2.Request("POST", "http://x"))
    error.__cause__ = cause
    error = classify(error)
    assert (error.action, error.reason, error.maybe_billed) == (ErrorAction.RETRY, reason, paid)


def test_retry_after_in_all_its_forms() -> None:
    assert retry_after(httpx2.Headers({"retry-after": "2.5"})) == 2.5
    assert retry_after(httpx2.Headers({"retry-after-ms": "250", "retry-after": "9"})) == 0.25
    date = formatdate(time.time() + 30, usegmt=True)
    seconds = retry_after(httpx2.Headers({"retry-after": date}))
    assert seconds is not None and 28 <= seconds <= 30
    assert retry_after(httpx2.Headers({"retry-after": formatdate(0, usegmt=True)})) == 0
    assert retry_after(httpx2.Headers({})) is None


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_any_retry_after_is_a_wait_or_nothing(value: str) -> None:
    seconds = retry_after(httpx2.Headers({"retry-after": value}))
    assert seconds is None or seconds >= 0


@given(st.integers(1, 50))
def test_backoff_grows_is_jittered_and_bounded(attempt: int) -> None:
    error = RequestError(ErrorAction.RETRY, "server-error", "broken")
    assert 0.25 <= wait_before(attempt, error) <= 30
    error.wait = 7
    assert 7 <= wait_before(attempt, error) <= 7.1


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Rate limit reached: Limit 200, Used 200. Please try again in 7m12s. Visit", 432.0),
        ("Please try again in 20ms.", 0.02),
        ("Please retry after 20 seconds.", 20.0),
        ("try again in 1 hour and 2 minutes", 3720.0),
        ("Please retry in 3.5s.", 3.5),
        ("try again in a while", None),
        ("try again in 5 months", None),
        ("slow down", None),
    ],
)
def test_a_wait_that_is_asked_for_in_words_is_kept(message: str, seconds: float | None) -> None:
    assert retry_after_words(message) == (None if seconds is None else pytest.approx(seconds))


def test_one_that_asks_to_be_asked_again_at_once_is_not_asked_faster_and_faster() -> None:
    error = RequestError(ErrorAction.RETRY, "rate-limited", "slow down", wait=0.0)
    assert wait_before(1, error) <= 0.1
    assert min(wait_before(attempt, error) for attempt in (3, 9, 50)) >= 0.5


@pytest.mark.parametrize(
    ("body", "action", "reason", "billed"),
    [
        (b'{"error": {"code": 402, "message": "credits"}}', ErrorAction.STOP_RUN, "refused", False),
        (b'{"error": {"code": "429", "message": "slow"}}', ErrorAction.RETRY, "rate-limited", False),
        (b'{"error": {"code": "insufficient_quota", "message": "x"}}', ErrorAction.STOP_RUN, "quota", False),
        (b'{"error": {"code": 400, "message": "bad"}}', ErrorAction.FAIL_ROW, "bad-request", False),
        (b'{"error": "Unexpected endpoint"}', ErrorAction.RETRY, "error-in-reply", False),
        (b"<html>Sign in</html>", ErrorAction.RETRY, "no-completion", False),
        (b"", ErrorAction.RETRY, "no-completion", False),
        (b'{"choices": null}', ErrorAction.RETRY, "no-choices", True),
        (b'{"choices": [{"mess', ErrorAction.RETRY, "truncated-body", True),
        (b'{"choices": [{"message": {}, "finish_reason": "error"}]}', ErrorAction.RETRY, "broken-off", True),
        (b'{"choices": [{"message": {}, "finish_reason": "weird"}]}', ErrorAction.RETRY, "broken-off", True),
        (b'{"choices": [{"error": {"code": 502, "message": "x"}}]}', ErrorAction.RETRY, "broken-off", True),
        (b'{"choices": [{"error": {"code": 402, "message": "x"}}]}', ErrorAction.STOP_RUN, "refused", True),
    ],
)
def test_an_error_that_comes_as_an_answer_is_an_error(
    body: bytes, action: ErrorAction, reason: str, billed: bool
) -> None:
    error = classify_reply(body)
    assert error is not None
    assert (error.action, error.reason, error.maybe_billed) == (action, reason, billed)


@given(st.binary(max_size=80))
def test_any_reply_is_an_answer_or_an_error(body: bytes) -> None:
    error = classify_reply(body)
    assert error is None or error.message


@pytest.mark.parametrize(
    "cause",
    [
        httpx2.LocalProtocolError("Illegal header value b'Bearer sk-planted\\n'"),
        httpx2.RemoteProtocolError("illegal header line: bytearray(b'sk-planted')"),
        httpx2.ReadError("Invalid header sk-planted"),
    ],
)
def test_no_text_about_headers_is_repeated(cause: Exception) -> None:
    error = openai.APIConnectionError(request=httpx2.Request("POST", "http://x"))
    error.__cause__ = cause
    assert "planted" not in classify(error).message


def test_the_retry_budget_runs_out_when_more_fails_than_answers() -> None:
    budget = RetryBudget()
    for _ in range(int(RetryBudget.STOCK)):
        assert budget.take()
    assert not budget.take()
    budget.answered()
    assert budget.take() and not budget.take()
