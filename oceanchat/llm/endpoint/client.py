"""One connection to an endpoint, with its health.

Shared by a session's models. Keeps secrets from leaking: whatever an endpoint echoes is redacted here, before
any other code reads it. Knows nothing of prompts or the ledger.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import openai

from oceanchat.errors import BuildStopped
from oceanchat.llm.endpoint.redaction import Redactor
from oceanchat.llm.endpoint.request_errors import (
    UNSENDABLE_HEADER,
    ErrorAction,
    RequestError,
    RetryBudget,
    classify,
    classify_reply,
)
from oceanchat.llm.endpoint.transport import RoundRobinTransport
from oceanchat.llm.settings import CallSettings, shown_url
from oceanchat.llm.throttle import Throttle

MAX_SHOWN = 300
"""Characters of an endpoint's error that are shown and stored."""
MAX_REDIRECTS = 3
LOADING_LIMIT = 600.0
"""Seconds that an endpoint may take to become ready while it says that it is on its way."""
SILENCE = 3.0
"""Seconds without an answer after which it is said that nobody answers."""
LOADING_TRIES = 30
"""Tries of a request that is told so by an endpoint that answers others."""
_HEADERS = {"Accept-Encoding": "identity"}
"""A compressed reply could grow beyond every limit while it is unpacked."""


@dataclass
class Connection:
    """One endpoint in one session."""

    settings: CallSettings
    throttle: Throttle
    retries: RetryBudget = field(default_factory=RetryBudget)
    answered: int = 0
    """Requests answered so far, by all models."""
    refused: int = 0
    """Requests refused permanently before any was answered."""
    loading_since: float | None = None
    """When it began to say that it is not ready, in monotonic seconds; None once it answers."""
    heard_at: float = 0.0
    """When anything was answered last, in monotonic seconds."""
    silent_since: float | None = None
    """When the first request since the last answer got none, in monotonic seconds."""
    silence_noted: bool = False
    versioned: bool = False
    """Whether /v1 turned out to be missing in the base URL, and is added."""

    def __post_init__(self) -> None:
        settings = self.settings
        seconds = settings.timeout_seconds
        timeout = httpx2.Timeout(seconds, connect=min(10.0, seconds), pool=None)
        transport = RoundRobinTransport(settings.concurrency, settings.proxy)
        self.client = openai.AsyncOpenAI(
            api_key=settings.api_key.get_secret_value() if settings.api_key else "none",
            base_url=settings.root_url,
            default_query=_query(settings.url_query),
            default_headers=_HEADERS,
            max_retries=0,
            http_client=openai.DefaultAsyncHttpxClient(
                timeout=timeout, transport=transport, max_redirects=MAX_REDIRECTS
            ),
            timeout=timeout,
        )
        self._redactor = Redactor(settings.secrets())
        self._versioned_url = f"{settings.root_url}/v1"

    async def ask(self, path: str, body: dict[str, Any], headers: dict[str, str], versioned: bool) -> bytes:
        """The raw body of the answer to one JSON request, `versioned`: below /v1. Raises RequestError."""
        if versioned and not self.versioned:
            path = f"{self._versioned_url}{path}"
        try:
            async with asyncio.timeout(self.settings.timeout_seconds):
                # The typed method would walk the whole request and build the whole answer, which nothing
                # here reads.
                response = await self.client.post(
                    path, cast_to=httpx2.Response, body=body, options={"headers": headers}
                )
        except openai.OpenAIError as error:
            raise _and_where(classify(error), *_asked_at(error)) from None
        except TimeoutError:
            raise self._timeout() from None
        except UnicodeError:
            raise RequestError(ErrorAction.STOP_RUN, "client-error", UNSENDABLE_HEADER) from None
        reply = self._redactor.answer(response.content)
        if (problem := classify_reply(reply)) is not None:
            first = response.history[0] if response.history else response
            raise _and_where(problem, first.request, response.request)
        return reply

    def _timeout(self) -> RequestError:
        seconds = f"{self.settings.timeout_seconds:g}"
        message = f"no complete reply within the {seconds} seconds of --timeout"
        return RequestError(ErrorAction.RETRY, "timeout", message, maybe_billed=True)

    def waits_for_loading(self, error: RequestError, attempts: int) -> bool:
        """Whether an endpoint that is not ready yet is worth waiting for after so many tries of a request;
        the first time it is said."""
        now = time.monotonic()
        if self.loading_since is None:
            self.loading_since = now
            words = self.shown_error(error.message)
            self.throttle.tell(
                f"endpoint '{self.settings.endpoint}' is not ready yet ({words}); waiting up to"
                f" {LOADING_LIMIT / 60:g} minutes for it"
            )
        waited = now - self.loading_since
        if attempts >= LOADING_TRIES and waited < attempts / 2:  # others are answered meanwhile
            return False
        if waited + (error.wait or 0.0) <= LOADING_LIMIT:
            return True
        error.action = ErrorAction.STOP_RUN
        error.message += f" (not ready after {waited:.0f} seconds of waiting)"
        if error.wait:
            error.message += f" (asks to wait {error.wait:.0f} seconds more)"
        return False

    def note_silence(self, error: RequestError, tries: int) -> None:
        """Say once where nothing answers for a while, and how often a request is tried.

        One that runs into --timeout while others are answered shows a slow endpoint, not a silent one.
        """
        if error.is_reply:
            return
        now = time.monotonic()
        sent = now - self.settings.timeout_seconds if error.reason == "timeout" else now
        if self.heard_at > sent:
            return
        self.silent_since = min(sent, self.silent_since or sent)
        waited = now - self.silent_since
        if self.silence_noted or waited < SILENCE:
            return
        self.silence_noted = True
        self.throttle.tell(
            f"endpoint '{self.settings.endpoint}' has given no answer for {waited:.0f} s"
            f" ({self.shown_error(error.message)}); each request is tried up to {tries} times before it is"
            " given up"
        )

    def heard(self) -> None:
        """It answered, if only with an error, and so it is not silent."""
        self.heard_at, self.silent_since = time.monotonic(), None

    def ready(self) -> None:
        """It answered a request as it should; whatever it falls back into is said anew."""
        self.heard()
        self.loading_since, self.silence_noted = None, False

    def add_version(self) -> None:
        """Ask below /v1 from now on: the endpoint answers there and not where the base URL points."""
        if not self.versioned:
            self.versioned = True
            self.client.base_url = self._versioned_url

    @property
    def may_lack_version(self) -> bool:
        """Whether /v1 may be missing in the base URL: it was meanwhile, or nothing was answered there and it
        names none."""
        return self.versioned or not (self.answered or self.settings.names_version)

    def redact_text(self, text: str) -> str:
        """A reply's `text`, such as a line of a result file, with every secret of ours replaced by ***."""
        return self._redactor.answer(text.encode("utf-8", "replace")).decode("utf-8", "replace")

    def shown_error(self, text: str) -> str:
        """An error's `text` in one line, without secrets, as short ones as there are; cut to MAX_SHOWN."""
        return " ".join(self._redactor.error(text).split())[:MAX_SHOWN]

    def stop(self, error: RequestError) -> BuildStopped:
        """Let nothing more be sent because of `error`; returns what to raise."""
        where = f"endpoint '{self.settings.endpoint}'"
        hint = {
            "quota": "the account is out of quota or credit; add credit and run the same command again",
            "refused": "check the key in OPENAI_API_KEY and what it may use",
            "all-refused": "check --model and what it accepts (--extra-body adds parameters);"
            " `oceanchat retry` asks the refused ones again",
            "all-too-long": "start the server with a longer context (vLLM's --max-model-len), or name another"
            " model; `oceanchat retry` asks the refused ones again",
            "no-batches": "it takes no batches, or none with this key; run the same command without --batch",
            "unreachable": f"it cannot be reached{self._way()}; check --base-url and that the server runs",
            "wrong-path": "nothing answers there; check --base-url, which mostly ends in /v1",
            "no-completion": "this is no model's endpoint; check --base-url, which mostly ends in /v1",
            "client-error": "check OPENAI_API_KEY and the OPENAI_* variables",
            "stalled": "nothing was answered, one request at a time; check the server, or raise --timeout",
        }.get("quota" if error.words.status == 402 else error.reason, "run the same command again later")
        why = BuildStopped(f"{where}: {self.shown_error(error.message)}; {hint}; all answers are kept")
        self.throttle.stop(why)
        return self.throttle.stopped or why

    def _way(self) -> str:
        proxy = self.settings.shown_proxy
        return f" by way of the proxy '{proxy}'" if proxy else ""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of the endpoint, one line each."""
        where = f"endpoint '{self.settings.endpoint}'"
        notes = []
        if self.versioned:
            notes.append(f"{where} answers below /v1 only; write --base-url '{self.settings.endpoint}/v1'")
        if (pace := self.throttle.pace) is not None:
            notes.append(
                f"{where} did not keep to --timeout '{self.settings.timeout_seconds:g}' with as many requests"
                f" in flight: it answers one in about {pace.seconds:.2g} s: --concurrency {pace.concurrency}"
            )
        return tuple(notes)

    async def close(self) -> None:
        """Close the sockets."""
        await self.client.close()


def _asked_at(error: openai.OpenAIError) -> tuple[httpx2.Request | None, httpx2.Request | None]:
    """The request that was meant and the one that failed: another one where the endpoint redirects."""
    if isinstance(error, openai.APIStatusError):
        history = error.response.history
        return (history[0].request if history else None), error.response.request
    cause = error.__cause__
    with contextlib.suppress(RuntimeError):  # of an exception that knows no request
        if isinstance(error, openai.APIConnectionError) and isinstance(cause, httpx2.RequestError):
            return error.request, cause.request
    return None, None


def _and_where(
    error: RequestError, meant: httpx2.Request | None, failed: httpx2.Request | None
) -> RequestError:
    """`error`, which also says where the endpoint redirects to if that is where it happened."""
    if meant is not None and failed is not None and meant.url != failed.url:
        error.message += f" (redirected to '{shown_url(str(failed.url))}' with {failed.method})"
    return error


def _query(query: str) -> dict[str, object]:
    """The parameters of a URL's query; one that is repeated has a list."""
    parameters: dict[str, object] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        before = parameters.get(name)
        parameters[name] = (
            value if before is None else [*(before if isinstance(before, list) else [before]), value]
        )
    return parameters
