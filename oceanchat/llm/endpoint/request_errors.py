"""Faults: what an error from an endpoint means (this row, everything, or once more), and how often once more.

Foreign exceptions of the client are read here and nowhere else. Knows nothing of requests or the ledger.
"""

import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum

import httpx2
import openai

MOST_WAIT = 900.0
"""Seconds; an endpoint that asks to wait longer than this stops the build instead of holding it up."""
BACKOFF, BACKOFF_MOST = 0.5, 30.0
"""Seconds before the second try, doubled with every further one up to the most; half of it is jitter."""

_ROW_REASONS = {400: "bad-request", 404: "not-found", 413: "too-large", 422: "unprocessable"}
_STOPPING_CODES = (
    "insufficient_quota",
    "billing_hard_limit_reached",
    "invalid_api_key",
    "account_deactivated",
)
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)


class Meaning(Enum):
    """What is to be done about a fault."""

    ROW = "the request fails, its neighbours go on"
    STOP = "everything stops"
    AGAIN = "ask again later"


@dataclass(slots=True)
class Fault(Exception):
    """One attempt that brought no answer."""

    meaning: Meaning
    reason: str
    """A short stable word, such as 'rate-limited', 'timeout' or 'content-filter'."""
    message: str
    wait: float | None = None
    """Seconds the endpoint asked to wait."""
    maybe_paid: bool = False
    """Whether the provider may have done (and billed) the work."""

    @property
    def throttled(self) -> bool:
        """Whether the endpoint said that it was asked too fast."""
        return self.reason == "rate-limited"

    def __str__(self) -> str:
        return self.message


def read_fault(error: openai.OpenAIError) -> Fault:
    """What an exception of the client means."""
    if isinstance(error, openai.APIStatusError):
        return _read_status(error)
    cause = error.__cause__
    told = f"{type(cause).__name__}: {cause}".rstrip(": ") if cause else str(error)
    if isinstance(cause, _NEVER_SENT):
        return Fault(Meaning.AGAIN, "unreachable", told)
    if isinstance(error, openai.APITimeoutError):
        return Fault(Meaning.AGAIN, "timeout", told, maybe_paid=True)
    if isinstance(error, openai.APIConnectionError):
        return Fault(Meaning.AGAIN, "connection-lost", told, maybe_paid=True)
    return Fault(Meaning.STOP, "client-error", told)


def _read_status(error: openai.APIStatusError) -> Fault:
    code = str(error.code or error.type or "")
    wait = retry_after(error.response.headers)
    return fault_of(error.status_code, code, f"{error.status_code} {_told(error)}", wait)


def fault_of(status: int, code: str, message: str, wait: float | None = None) -> Fault:
    """What an HTTP status with the API's error code means."""
    if status in (401, 402, 403) or code in _STOPPING_CODES:
        return Fault(Meaning.STOP, "quota" if code == "insufficient_quota" else "refused", message)
    if status == 429:
        return Fault(Meaning.AGAIN, "rate-limited", message, wait)
    if status in (408, 409, 425) or status >= 500:
        return Fault(Meaning.AGAIN, "timeout" if status == 408 else "server-error", message, wait)
    return Fault(Meaning.ROW, _row_reason(status, code), message)


def _row_reason(status: int, code: str) -> str:
    if "content_filter" in code or "content_policy" in code:
        return "content-filter"
    if code == "context_length_exceeded":
        return "too-long"
    return _ROW_REASONS.get(status, f"http-{status}")


def _told(error: openai.APIStatusError) -> str:
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


def wait_before(attempt: int, fault: Fault) -> float:
    """Seconds before the next try: what the endpoint asked for, else exponential backoff with jitter."""
    if fault.wait is not None:
        return fault.wait + random.uniform(0.0, 0.1)
    most = min(BACKOFF_MOST, BACKOFF * 2 ** (attempt - 1))
    return random.uniform(most / 2, most)


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
