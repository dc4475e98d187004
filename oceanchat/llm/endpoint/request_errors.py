"""What to do about an endpoint's errors.

Each fails its row, stops the run or is retried. The client's exceptions are classified here and nowhere else,
and the time before a retry is computed here. Knows nothing of requests or the ledger.
"""

import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum

import httpx2
import openai

MAX_WAIT = 900.0
"""Seconds; an endpoint that asks to wait longer than this stops the build instead of holding it up."""
BACKOFF, MAX_BACKOFF = 0.5, 30.0
"""Seconds before the second try, doubled with every further one up to the maximum; half of it is jitter."""

_ROW_REASONS = {400: "bad-request", 404: "not-found", 413: "too-large", 422: "unprocessable"}
_STOPPING_CODES = (
    "insufficient_quota",
    "billing_hard_limit_reached",
    "invalid_api_key",
    "account_deactivated",
)
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)


class ErrorAction(Enum):
    """What to do about an error."""

    FAIL_ROW = "the request fails, others continue"
    STOP_RUN = "everything stops"
    RETRY = "try again later"


@dataclass(slots=True)
class RequestError(Exception):
    """One attempt that brought no answer."""

    action: ErrorAction
    reason: str
    """A short stable word, such as 'rate-limited', 'timeout' or 'content-filter'."""
    message: str
    wait: float | None = None
    """Seconds the endpoint asked to wait."""
    maybe_billed: bool = False
    """Whether the provider may have done (and billed) the work."""

    @property
    def throttled(self) -> bool:
        """Whether the endpoint said that it was asked too fast."""
        return self.reason == "rate-limited"

    def __str__(self) -> str:
        return self.message


def classify(error: openai.OpenAIError) -> RequestError:
    """The RequestError of a client's exception."""
    if isinstance(error, openai.APIStatusError):
        return _classify_response(error)
    cause = error.__cause__
    message = f"{type(cause).__name__}: {cause}".rstrip(": ") if cause else str(error)
    if isinstance(cause, _NEVER_SENT):
        return RequestError(ErrorAction.RETRY, "unreachable", message)
    if isinstance(error, openai.APITimeoutError):
        return RequestError(ErrorAction.RETRY, "timeout", message, maybe_billed=True)
    if isinstance(error, openai.APIConnectionError):
        return RequestError(ErrorAction.RETRY, "connection-lost", message, maybe_billed=True)
    return RequestError(ErrorAction.STOP_RUN, "client-error", message)


def _classify_response(error: openai.APIStatusError) -> RequestError:
    code = str(error.code or error.type or "")
    wait = retry_after(error.response.headers)
    return classify_status(error.status_code, code, f"{error.status_code} {_message_of(error)}", wait)


def classify_status(status: int, code: str, message: str, wait: float | None = None) -> RequestError:
    """The RequestError of an HTTP status with the API's error code."""
    if status in (401, 402, 403) or code in _STOPPING_CODES:
        return RequestError(
            ErrorAction.STOP_RUN, "quota" if code == "insufficient_quota" else "refused", message
        )
    if status == 429:
        return RequestError(ErrorAction.RETRY, "rate-limited", message, wait)
    if status in (408, 409, 425) or status >= 500:
        reason = "timeout" if status == 408 else "server-error"
        # An endpoint that fails may have done the work before it failed, and bill it.
        return RequestError(ErrorAction.RETRY, reason, message, wait, maybe_billed=status >= 500)
    return RequestError(ErrorAction.FAIL_ROW, _row_reason(status, code), message)


def _row_reason(status: int, code: str) -> str:
    if "content_filter" in code or "content_policy" in code:
        return "content-filter"
    if code == "context_length_exceeded":
        return "too-long"
    return _ROW_REASONS.get(status, f"http-{status}")


def _message_of(error: openai.APIStatusError) -> str:
    body = error.body
    inner = body.get("message") if isinstance(body, dict) else None
    return " ".join(str(inner or error.message).split())[:300]


def retry_after(headers: httpx2.Headers) -> float | None:
    """Seconds to wait by `retry-after-ms` or `retry-after`, in seconds or as an HTTP date."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) * unit
        except ValueError:
            seconds = _until(value)
        if 0 <= seconds < float("inf"):
            return seconds
    return None


def _until(date: str) -> float:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return -1.0


def wait_before(attempt: int, error: RequestError) -> float:
    """Seconds before the next try: what the endpoint asked for, else exponential backoff with jitter."""
    if error.wait is not None:
        return error.wait + random.uniform(0.0, 0.1)
    longest = min(MAX_BACKOFF, BACKOFF * 2 ** (attempt - 1))
    return random.uniform(longest / 2, longest)


class RetryBudget:
    """Retries a whole run may make: a stock that every answer refills and every retry draws on.

    An endpoint that fails more than it answers empties it, and the run stops instead of hammering on.
    """

    STOCK = 300.0

    def __init__(self) -> None:
        self._left = self.STOCK

    def answered(self) -> None:
        """One answer came."""
        self._left = min(self.STOCK, self._left + 1)

    def take(self) -> bool:
        """Take one retry; False when the stock is empty."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
