"""What an error means and how long to wait."""

import time
from email.utils import formatdate

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.endpoint.request_errors import (
    Fault,
    Meaning,
    RetryBudget,
    fault_of,
    read_fault,
    retry_after,
    wait_before,
)


@pytest.mark.parametrize(
    ("status", "code", "meaning", "reason"),
    [
        (400, "invalid_request_error", Meaning.ROW, "bad-request"),
        (400, "content_filter", Meaning.ROW, "content-filter"),
        (400, "context_length_exceeded", Meaning.ROW, "too-long"),
        (404, "model_not_found", Meaning.ROW, "not-found"),
        (413, "", Meaning.ROW, "too-large"),
        (422, "", Meaning.ROW, "unprocessable"),
        (418, "", Meaning.ROW, "http-418"),
        (401, "invalid_api_key", Meaning.STOP, "refused"),
        (402, "", Meaning.STOP, "refused"),
        (403, "", Meaning.STOP, "refused"),
        (429, "insufficient_quota", Meaning.STOP, "quota"),
        (429, "rate_limit_exceeded", Meaning.AGAIN, "rate-limited"),
        (408, "", Meaning.AGAIN, "timeout"),
        (409, "", Meaning.AGAIN, "server-error"),
        (500, "", Meaning.AGAIN, "server-error"),
        (503, "", Meaning.AGAIN, "server-error"),
        (529, "", Meaning.AGAIN, "server-error"),
    ],
)
def test_each_status_has_one_meaning(status: int, code: str, meaning: Meaning, reason: str) -> None:
    fault = fault_of(status, code, "told")
    assert (fault.meaning, fault.reason) == (meaning, reason)
    assert not fault.maybe_paid


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
    fault = read_fault(error)
    assert (fault.meaning, fault.reason, fault.maybe_paid) == (Meaning.AGAIN, reason, paid)


def test_retry_after_in_all_its_forms() -> None:
    assert retry_after(httpx2.Headers({"retry-after": "2.5"})) == 2.5
    assert retry_after(httpx2.Headers({"retry-after-ms": "250", "retry-after": "9"})) == 0.25
    date = formatdate(time.time() + 30, usegmt=True)
    told = retry_after(httpx2.Headers({"retry-after": date}))
    assert told is not None and 28 <= told <= 30
    assert retry_after(httpx2.Headers({"retry-after": formatdate(0, usegmt=True)})) == 0
    assert retry_after(httpx2.Headers({})) is None


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_any_retry_after_is_a_wait_or_nothing(value: str) -> None:
    told = retry_after(httpx2.Headers({"retry-after": value}))
    assert told is None or told >= 0


@given(st.integers(1, 50))
def test_backoff_grows_is_jittered_and_bounded(attempt: int) -> None:
    fault = Fault(Meaning.AGAIN, "server-error", "told")
    assert 0.25 <= wait_before(attempt, fault) <= 30
    fault.wait = 7
    assert 7 <= wait_before(attempt, fault) <= 7.1


def test_the_retry_budget_runs_out_when_more_fails_than_answers() -> None:
    budget = RetryBudget()
    for _ in range(int(RetryBudget.STOCK)):
        assert budget.take()
    assert not budget.take()
    budget.answered()
    assert budget.take() and not budget.take()
