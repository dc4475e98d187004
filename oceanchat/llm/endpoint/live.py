"""One model, asked one request at a time.

The client's own retries are off: each might be billed unseen. Here an attempt is announced before it is sent
and its body is stored before it is read; an error is retried, fails the row or stops the run by its action.
"""

import time
from typing import Any

from oceanchat.errors import BuildStopped, CallFailed
from oceanchat.llm.budget import prompt_bound
from oceanchat.llm.chat import ChatRequest
from oceanchat.llm.endpoint.client import Connection
from oceanchat.llm.endpoint.error_subjects import TOO_LONG
from oceanchat.llm.endpoint.request_errors import LOADING, MAX_WAIT, ErrorAction, RequestError
from oceanchat.llm.endpoint.request_form import RequestForm
from oceanchat.llm.endpoint.retrying import retry_until
from oceanchat.llm.provider import Attempt, RawReply

CHAT_PATH = "/chat/completions"
SAMPLE_HEADER = "X-OceanChat-Sample"
"""Tells the attempts at one prompt apart; endpoints that do not know it ignore it."""
THROTTLED_TRIES = 5
"""A request that is merely rate-limited may be tried so many times as often as after another error."""
MAX_REFUSALS = 20
"""So many requests refused with not one answered stop the run: the model or its parameters are wrong."""
FIRST_TRIES = 3
"""Tries of a request while nothing has ever been answered and what is there seems to be no endpoint."""
FIRST_THROTTLED_TRIES = 9
"""The same of a request that is rate-limited, about a minute in all: limits are often by the minute."""
MAX_FIRST_WAIT = 60.0
"""Seconds; one that asks to wait longer before its first answer stops the run."""
PAID_TRIES = 3
"""Tries of a request whose replies break off: each may have been billed."""
MAX_STALLS = 10
"""So many requests that time out one after the other, each alone in flight, stop the run."""


class OpenAIModel:
    """One model name on a shared connection."""

    free = False

    def __init__(self, name: str, connection: Connection) -> None:
        self.name = name
        self.endpoint = connection.settings.endpoint
        self._connection = connection
        self._throttle = connection.throttle
        self.form = RequestForm()
        """How requests are written, as learnt so far."""

    async def fetch(self, request: ChatRequest, attempt: Attempt) -> RawReply:
        """Ask until there is a body, the row has failed or everything stops."""
        connection = self._connection
        tokens = prompt_bound(request) / 4 + request.max_tokens
        try:
            reply = await retry_until(
                lambda number: self._try_once(request, attempt, tokens, ahead=number > 1),
                self._gives_up,
                self._throttle.pause,
            )
        except RequestError as error:
            raise self._final(error) from None
        connection.answered += 1
        connection.ready()
        connection.retries.answered()
        return reply

    async def _try_once(self, request: ChatRequest, attempt: Attempt, tokens: float, ahead: bool) -> RawReply:
        async with self._throttle.slot(tokens, ahead):
            await attempt.begin()
            sent = time.monotonic()
            try:
                body = await self._send(request)
            except RequestError as error:
                self._count(error, sent)
                if error.action is ErrorAction.STOP_RUN:  # before the slot is free for the next in line
                    self._connection.stop(error)
                if error.maybe_billed:
                    attempt.record_lost(error.reason, error.body)
                else:
                    attempt.record_unbilled()
                raise
            self._throttle.replied(throttled=False, seconds=time.monotonic() - sent)
            reply = RawReply(body)
            await attempt.store(reply)
            return reply

    def _count(self, error: RequestError, sent: float) -> None:
        """Let connection and throttle know how a request that was `sent` at that time ended."""
        if error.is_reply:
            self._connection.heard()
        if error.reason == "timeout":
            self._throttle.timed_out(sent)
            if self._throttle.stalls >= MAX_STALLS:
                error.action, error.reason = ErrorAction.STOP_RUN, "stalled"
        else:
            self._throttle.replied(error.throttled)

    async def _send(self, request: ChatRequest) -> bytes:
        """The raw body of the answer, in the form that the model takes. Raises RequestError.

        A refusal of the form is answered by another form at once, at most once for each thing that can be
        refused. What is learnt so counts for others only when it has brought an answer.
        """
        connection, form = self._connection, self.form
        headers = {SAMPLE_HEADER: str(request.sample)} if request.sample else {}
        versioned, first_error = connection.versioned, None
        while True:
            try:
                body = await connection.ask(CHAT_PATH, form.body(self.name, request), headers, versioned)
            except RequestError as error:
                better = form.after(error.words.status, error.words, request)
                if better is not None:
                    form = better.merged(self.form)
                elif error.wrong_path and not versioned and connection.may_lack_version:
                    versioned, first_error = True, error
                else:
                    raise self._about_the_path(
                        first_error if error.wrong_path and first_error else error
                    ) from None
                continue
            self.adopt(form)
            if versioned:
                connection.add_version()
            return body

    def _about_the_path(self, error: RequestError) -> RequestError:
        """`error`, which stops the run where nothing is served under the address and never was."""
        if error.wrong_path and not self._connection.answered and error.reason != "no-completion":
            error.action, error.reason = ErrorAction.STOP_RUN, "wrong-path"
        return error

    def adopt(self, form: RequestForm) -> None:
        """Write requests so from now on; nothing that was learnt is lost."""
        if form is not self.form:
            self.form = self.form.merged(form)

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """The request as the API wants it, in the form learnt so far."""
        return self.form.body(self.name, request)

    def _gives_up(self, error: RequestError, attempts: int) -> bool:
        """Whether a request is not tried again after `attempts` tries; may turn the error into a stop."""
        answered = self._connection.answered
        if error.reason == LOADING:
            return not self._connection.waits_for_loading(error, attempts)
        if (error.wait or 0) > (MAX_WAIT if answered else MAX_FIRST_WAIT):
            error.action = ErrorAction.STOP_RUN
            error.message += f" (asks to wait {error.wait:.0f} seconds)"
            return True
        if attempts >= self._max_tries(error):
            if not answered and (error.no_use or error.throttled):
                error.action = ErrorAction.STOP_RUN
            return True
        if not self._connection.retries.take():
            error.action = ErrorAction.STOP_RUN
            error.message = f"fails more often than it answers, last with: {error.message}"
            return True
        self._connection.note_silence(error, self._max_tries(error))
        return False

    def _max_tries(self, error: RequestError) -> int:
        """Tries of a request that fails with `error`."""
        max_tries, answered = self._connection.settings.max_tries, self._connection.answered
        if error.throttled:
            return max_tries * THROTTLED_TRIES if answered else FIRST_THROTTLED_TRIES
        if error.no_use and not answered:
            return min(max_tries, FIRST_TRIES)
        return min(max_tries, PAID_TRIES) if error.reason == "broken-off" else max_tries

    def _final(self, error: RequestError) -> CallFailed | BuildStopped:
        """What is raised when a request is not tried again."""
        connection = self._connection
        if error.action is ErrorAction.STOP_RUN or error.reason == "unreachable":
            return connection.stop(error)
        if error.action is ErrorAction.FAIL_ROW and not connection.answered:
            connection.refused += 1
            if connection.refused >= MAX_REFUSALS:
                error.reason = "all-too-long" if error.reason == TOO_LONG else "all-refused"
                error.message = f"refused the first {MAX_REFUSALS} requests, the last with: {error.message}"
                return connection.stop(error)
        return CallFailed(error.reason, connection.shown_error(error.message))
