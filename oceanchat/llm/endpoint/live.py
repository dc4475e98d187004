"""One model, asked one request at a time.

The client's own retries are off: each might be billed unseen. Here an attempt is announced before it is sent
and its body is stored before it is read; an error is retried, fails the row or stops the run by its action.
"""

from typing import Any

import openai

from oceanchat.errors import BuildStopped, CallFailed
from oceanchat.llm.budget import prompt_bound
from oceanchat.llm.chat import ChatRequest
from oceanchat.llm.completions import read_completion
from oceanchat.llm.endpoint.client import Connection
from oceanchat.llm.endpoint.request_errors import MAX_WAIT, ErrorAction, RequestError, classify
from oceanchat.llm.endpoint.retrying import retry_until
from oceanchat.llm.provider import Attempt, RawReply

CHAT_PATH = "/chat/completions"
SAMPLE_HEADER = "X-OceanChat-Sample"
"""Tells the attempts at one prompt apart; endpoints that do not know it ignore it."""
THROTTLED_TRIES = 5
"""A request that is merely rate-limited may be tried so many times as often as after another error."""
MAX_REFUSALS = 20
"""So many requests refused with not one answered stop the run: the model or its parameters are wrong."""
UNREACHABLE_TRIES = 3
"""Tries of a request while the endpoint has never answered and cannot be reached."""


class OpenAIModel:
    """One model name on a shared connection."""

    free = False

    def __init__(self, name: str, connection: Connection) -> None:
        self.name = name
        self.endpoint = connection.settings.endpoint
        self._connection = connection
        self._throttle = connection.throttle
        self._limit_name = "max_tokens"

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
        connection.retries.answered()
        return reply

    async def _try_once(self, request: ChatRequest, attempt: Attempt, tokens: float, ahead: bool) -> RawReply:
        async with self._throttle.slot(tokens, ahead):
            await attempt.begin()
            try:
                body = await self._send(request)
            except openai.OpenAIError as openai_error:
                error = classify(openai_error)
                self._throttle.replied(error.throttled)
                if error.action is ErrorAction.STOP_RUN:  # before the slot is free for the next in line
                    self._connection.stop(error)
                if error.maybe_billed:
                    attempt.record_lost(error.reason)
                else:
                    attempt.record_unbilled()
                raise error from None
            self._throttle.replied(throttled=False)
            if read_completion(body) is None:
                attempt.record_lost("truncated-body", body)
                raise RequestError(
                    ErrorAction.RETRY, "truncated-body", "the reply is no complete chat completion"
                )
            reply = RawReply(body)
            await attempt.store(reply)
            return reply

    async def _send(self, request: ChatRequest) -> bytes:
        """The raw body of one HTTP request."""
        post = self._connection.post
        headers = {SAMPLE_HEADER: str(request.sample)} if request.sample else {}
        try:
            return await post(CHAT_PATH, self.body(request), headers)
        except openai.BadRequestError as error:
            if self._limit_name != "max_tokens" or error.code != "unsupported_parameter":
                raise
            # Newer models know the completion limit under its newer name only.
            self._limit_name = "max_completion_tokens"
            return await post(CHAT_PATH, self.body(request), headers)

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """The request as the API wants it."""
        return {
            "model": self.name,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            self._limit_name: request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
        }

    def _gives_up(self, error: RequestError, attempts: int) -> bool:
        """Whether a request is not tried again after `attempts` tries; may turn the error into a stop."""
        if (error.wait or 0) > MAX_WAIT:
            error.action = ErrorAction.STOP_RUN
            error.message += f" (asks to wait {error.wait:.0f} seconds)"
            return True
        max_tries = self._connection.settings.max_tries * (THROTTLED_TRIES if error.throttled else 1)
        if error.reason == "unreachable" and not self._connection.answered:
            max_tries = min(max_tries, UNREACHABLE_TRIES)
        if attempts >= max_tries:
            return True
        if not self._connection.retries.take():
            error.action = ErrorAction.STOP_RUN
            error.message = f"fails more often than it answers, last with: {error.message}"
            return True
        return False

    def _final(self, error: RequestError) -> CallFailed | BuildStopped:
        """What is raised when a request is not tried again."""
        connection = self._connection
        if error.action is ErrorAction.STOP_RUN or error.reason == "unreachable":
            return connection.stop(error)
        if error.action is ErrorAction.FAIL_ROW and not connection.answered:
            connection.refused += 1
            if connection.refused >= MAX_REFUSALS:
                error.reason = "all-refused"
                error.message = f"refused the first {MAX_REFUSALS} requests, the last with: {error.message}"
                return connection.stop(error)
        return CallFailed(error.reason, connection.redact_text(error.message))
