"""What to do about an endpoint's errors.

Each fails its row, stops the run or is retried. The client's exceptions, and errors that come as an answer,
are classified here and nowhere else. Knows nothing of requests or the ledger.
"""

import json
import random
import re
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

import httpx2
import openai

from oceanchat.llm.completions import ERROR, raw_finish_reason, read_completion
from oceanchat.llm.endpoint.error_subjects import CONTENT_FILTER, KEY, MODEL, QUOTA, TOO_LONG, subject_of
from oceanchat.llm.endpoint.error_words import ErrorWords, describe_reply, error_in_reply, error_words
from oceanchat.llm.endpoint.transport import ReplyTooLong

MAX_WAIT = 900.0
"""Seconds; an endpoint that asks to wait longer than this stops the build instead of holding it up."""
LOADING = "loading"
"""Reason of an endpoint that is not ready yet and says so, by words or by a time to wait."""
MAX_LOADING_WAIT = 5.0
"""Seconds between two questions whether it is ready, where it names no time."""
BACKOFF, MAX_BACKOFF = 0.5, 30.0
"""Seconds before the second try, doubled with every further one up to the maximum; half of it is jitter."""

UNSENDABLE_HEADER = "a header of the request cannot be sent"
"""All that is said of a header, whose text may be a secret."""
CLIENT_GONE = 499
"""Status by which a proxy says that who asked did not wait for the answer."""
_ROW_REASONS = {400: "bad-request", 404: "not-found", 413: "too-large", 422: "unprocessable"}
_STOPPING_CODES = (
    "insufficient_quota",
    "billing_hard_limit_reached",
    "invalid_api_key",
    "account_deactivated",
)
_STATUS_OF_CODE = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "too_many_requests": 429,
    "insufficient_quota": 429,
    "overloaded_error": 529,
    "server_error": 500,
    "internal_error": 500,
    "invalid_api_key": 401,
    "authentication_error": 401,
    "insufficient_credits": 402,
}
"""The HTTP status that goes with an error's code where the endpoint answered 200."""
_WRONG_PATH = re.compile(r"unexpected endpoint|no such (path|route)|invalid url|not found|not allowed", re.I)
_OTHERWISE_MISSING = re.compile(r"model|deployment|engine|adapter|\bfile\b|batch", re.I)
_TIME = re.compile(r"(\d{1,6}(?:\.\d{1,6})?) ?(ms|h|m|s)(?:ours?|inutes?|ec(?:ond)?s?)?(?![a-z])", re.I)
_TRY_AGAIN = re.compile(rf"(?:try again|retry) (?:in|after) ((?:{_TIME.pattern}[ ,]*(?:and )?)+)", re.I)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_LOADING = re.compile(
    r"\bloading\b|being loaded|warming|starting up|initiali[sz]ing|booting|cold[ -]start|not (yet )?ready"
    r"|(waking|spinning) up",
    re.I,
)
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.UnsupportedProtocol)


NOTHING_SAID = ErrorWords("")


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
    words: ErrorWords = NOTHING_SAID
    """The error in the endpoint's own words; its status is the reply's."""
    body: bytes | None = None
    """The reply, where it is no answer."""

    @property
    def throttled(self) -> bool:
        """Whether the endpoint said that it was asked too fast."""
        return self.reason == "rate-limited"

    @property
    def is_reply(self) -> bool:
        """Whether the endpoint said so itself; otherwise nothing came from it."""
        return bool(self.words.status) or self.reason not in ("unreachable", "connection-lost", "timeout")

    @property
    def wrong_path(self) -> bool:
        """Whether nothing seems to be served under the address."""
        words = self.words
        if words.status not in (404, 405, None) or _OTHERWISE_MISSING.search(f"{words.code} {words.message}"):
            return False
        if words.status is None:
            return self.reason == "no-completion" or _WRONG_PATH.search(words.message) is not None
        return True

    @property
    def no_use(self) -> bool:
        """Whether trying it again is of little use where nothing was ever answered."""
        return self.reason in ("unreachable", "no-completion", "no-choices", "error-in-reply", "broken-off")

    def __str__(self) -> str:
        return self.message


def classify(error: openai.OpenAIError) -> RequestError:
    """The RequestError of a client's exception."""
    if isinstance(error, openai.APIStatusError):
        return _classify_response(error)
    cause = error.__cause__
    message = _about(cause) if cause else str(error)
    if isinstance(cause, httpx2.LocalProtocolError):
        return RequestError(ErrorAction.STOP_RUN, "client-error", UNSENDABLE_HEADER)
    if isinstance(cause, httpx2.TooManyRedirects):
        return RequestError(ErrorAction.STOP_RUN, "wrong-path", "it redirects without end")
    if isinstance(cause, ReplyTooLong):
        return RequestError(ErrorAction.FAIL_ROW, "too-long-reply", str(cause), maybe_billed=True)
    if isinstance(cause, (*_NEVER_SENT, httpx2.ProxyError)):
        return RequestError(ErrorAction.RETRY, "unreachable", message)
    if isinstance(error, openai.APITimeoutError):
        return RequestError(ErrorAction.RETRY, "timeout", message, maybe_billed=True)
    if isinstance(error, openai.APIConnectionError):
        return RequestError(ErrorAction.RETRY, "connection-lost", message, maybe_billed=True)
    return RequestError(ErrorAction.STOP_RUN, "client-error", message)


def _about(cause: BaseException) -> str:
    """An exception of the transport in words; one about headers may quote them, so its text is not shown."""
    name, text = type(cause).__name__, str(cause)
    return name if not text or "header" in text.lower() else f"{name}: {text}"


def _classify_response(error: openai.APIStatusError) -> RequestError:
    words = error_words(_parsed(error.response))
    wait = retry_after(error.response.headers)
    if wait is None and error.status_code == 429:
        wait = retry_after_words(words.message)
    classified = classify_status(error.status_code, words.code, f"{error.status_code} {words.message}", wait)
    classified.words = words._replace(status=error.status_code)
    return classified


def _parsed(response: httpx2.Response) -> Any:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return response.text


def classify_reply(body: bytes) -> RequestError | None:
    """What is wrong with the reply of status 200 with this body; None where it is an answer."""
    answer = read_completion(body)
    if answer is not None and answer.finish_reason != ERROR:
        return None
    words = error_in_reply(body)
    if answer is not None:
        return _broken_off(body, words)
    if words is None:
        return _no_completion(body)
    status = words.status or _STATUS_OF_CODE.get(words.code)
    if status is None and subject_of(400, words.code, words.message) is None:
        return RequestError(ErrorAction.RETRY, "error-in-reply", words.message, words=words, body=body)
    if status is None:
        return classify_status(400, words.code, words.message)
    error = classify_status(status, words.code, f"{status} {words.message}")
    error.words = words._replace(status=status)
    return error


def _no_completion(body: bytes) -> RequestError:
    """The error of a reply that is neither a completion nor says what went wrong."""
    text = body.strip()
    reason = "no-completion"
    if text.startswith(b"{"):
        reason = "no-choices" if text.endswith(b"}") else "truncated-body"
    billed = reason != "no-completion"
    return RequestError(ErrorAction.RETRY, reason, describe_reply(body), maybe_billed=billed, body=body)


def _broken_off(body: bytes, words: ErrorWords | None) -> RequestError:
    """The error of an answer that a failure broke off: it may have been billed, whatever it says."""
    if words is None:
        why = f"the reply ended with finish_reason '{raw_finish_reason(body)}'"
        return RequestError(ErrorAction.RETRY, "broken-off", why, maybe_billed=True, body=body)
    status = words.status or _STATUS_OF_CODE.get(words.code) or 500
    error = classify_status(status, words.code, f"{status} {words.message}")
    error.maybe_billed, error.body = True, body
    if error.action is ErrorAction.RETRY:
        error.reason = "broken-off" if error.reason == "server-error" else error.reason
    return error


def classify_status(status: int, code: str, message: str, wait: float | None = None) -> RequestError:
    """The RequestError of an HTTP status with the API's error code."""
    subject = subject_of(status, code, message)
    if subject in (TOO_LONG, CONTENT_FILTER):
        return RequestError(ErrorAction.FAIL_ROW, subject, message, maybe_billed=status >= 500)
    if subject == MODEL:
        return RequestError(ErrorAction.FAIL_ROW, "not-found", message)
    if subject in (QUOTA, KEY) or status in (401, 402, 403) or code in _STOPPING_CODES:
        empty = subject == QUOTA or code == "insufficient_quota"
        return RequestError(ErrorAction.STOP_RUN, "quota" if empty else "refused", message)
    if status == 429:
        return RequestError(ErrorAction.RETRY, "rate-limited", message, wait)
    if status == 503 and (wait is not None or _LOADING.search(message)):
        # One that loads its model has done no work; one that only names a time to wait may have.
        billed = _LOADING.search(message) is None
        return RequestError(ErrorAction.RETRY, LOADING, message, wait, maybe_billed=billed)
    if status in (408, 409, 425, CLIENT_GONE) or status >= 500:
        reason = "timeout" if status == 408 else "server-error"
        # An endpoint that fails may have done the work before it failed, and bill it.
        return RequestError(ErrorAction.RETRY, reason, message, wait, maybe_billed=status >= 500)
    return RequestError(ErrorAction.FAIL_ROW, _ROW_REASONS.get(status, f"http-{status}"), message)


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


def retry_after_words(message: str) -> float | None:
    """Seconds to wait by a message such as 'Please try again in 7m12.5s'; None where it names no time."""
    match = _TRY_AGAIN.search(message)
    if match is None:
        return None
    parts = _TIME.findall(match.group(1))
    return sum(float(number) * _SECONDS[unit.lower()] for number, unit in parts)


def _until(date: str) -> float:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return -1.0


def wait_before(attempt: int, error: RequestError) -> float:
    """Seconds before the next try: what the endpoint asked for, else exponential backoff with jitter."""
    longest = min(
        MAX_LOADING_WAIT if error.reason == LOADING else MAX_BACKOFF, BACKOFF * 2 ** min(attempt - 1, 10)
    )
    if error.wait is not None:
        # One that asks to be asked again at once, and refuses again, is not asked faster and faster.
        at_least = min(1.0, longest / 2) if attempt > 1 else 0.0
        return max(error.wait, at_least) + random.uniform(0.0, 0.1)
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
