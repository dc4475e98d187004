"""OpenAIModel: one model at any OpenAI-compatible endpoint, live, as a source of raw reply bodies.

The client's own retries are off: each might be billed unseen. Here an attempt is announced before it is sent
and its body is kept before it is read; faults are retried, fail the row or stop the run by what they mean.
"""

from typing import Any

import openai
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from oceanchat.errors import BuildStopped, CallFailed
from oceanchat.llm.budget import prompt_bound
from oceanchat.llm.chat import ChatRequest
from oceanchat.llm.completions import read_completion
from oceanchat.llm.endpoint.client import Connection
from oceanchat.llm.endpoint.request_errors import MOST_WAIT, Fault, Meaning, read_fault, wait_before
from oceanchat.llm.provider import PaidCall, RawReply

CHAT_PATH = "/chat/completions"
SAMPLE_HEADER = "X-OceanChat-Sample"
"""Tells the attempts at one prompt apart; endpoints that do not know it ignore it."""
THROTTLED_TRIES = 5
"""A request that is only told to come back later may come back so many times as often as after an error."""
HOPELESS = 20
"""So many requests refused with not one answered stop the run: the model or its parameters are wrong."""


class OpenAIModel:
    """One model name on a shared connection."""

    free = False

    def __init__(self, name: str, connection: Connection) -> None:
        self.name = name
        self.endpoint = connection.settings.endpoint
        self._connection = connection
        self._gate = connection.gate
        self._limit_name = "max_tokens"

    async def fetch(self, request: ChatRequest, call: PaidCall) -> RawReply:
        """Ask until there is a body, the row has failed or everything stops."""
        connection = self._connection
        tokens = prompt_bound(request) / 4 + request.max_tokens

        async def once() -> RawReply:
            return await self._attempt(request, call, tokens, retrying.statistics["attempt_number"] > 1)

        retrying = AsyncRetrying(
            retry=retry_if_exception(
                lambda error: isinstance(error, Fault) and error.meaning is Meaning.AGAIN
            ),
            wait=_wait,
            stop=self._enough,
            sleep=self._gate.pause,
            reraise=True,
        )
        try:
            reply: RawReply = await retrying(once)
        except Fault as fault:
            raise self._end(fault) from None
        connection.answered += 1
        connection.retries.answered()
        return reply

    async def _attempt(self, request: ChatRequest, call: PaidCall, tokens: float, ahead: bool) -> RawReply:
        async with self._gate.slot(tokens, ahead):
            await call.begin()
            try:
                body = await self._send(request)
            except openai.OpenAIError as error:
                fault = read_fault(error)
                self._gate.replied(fault.throttled)
                if fault.meaning is Meaning.STOP:  # before the slot is free for the next in line
                    self._connection.stop(fault)
                if fault.maybe_paid:
                    call.lost(fault.reason)
                else:
                    call.unpaid()
                raise fault from None
            self._gate.replied(throttled=False)
            if read_completion(body) is None:
                call.lost("truncated-body", body)
                raise Fault(Meaning.AGAIN, "truncated-body", "the reply is no complete chat completion")
            reply = RawReply(body)
            await call.keep(reply)
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

    def _enough(self, state: RetryCallState) -> bool:
        fault = state.outcome.exception() if state.outcome else None
        if not isinstance(fault, Fault):
            return True
        if (fault.wait or 0) > MOST_WAIT:
            fault.meaning = Meaning.STOP
            fault.message += f" (asks to wait {fault.wait:.0f} seconds)"
            return True
        settings = self._connection.settings
        most = settings.max_tries * (THROTTLED_TRIES if fault.throttled else 1)
        if fault.reason == "unreachable" and not self._connection.answered:
            most = min(most, 3)
        if state.attempt_number >= most:
            return True
        if not self._connection.retries.take():
            fault.meaning = Meaning.STOP
            fault.message = f"fails more often than it answers, last with: {fault.message}"
            return True
        return False

    def _end(self, fault: Fault) -> CallFailed | BuildStopped:
        """What is raised when no further try is made."""
        connection = self._connection
        if fault.meaning is Meaning.STOP or fault.reason == "unreachable":
            return connection.stop(fault)
        if fault.meaning is Meaning.ROW and not connection.answered:
            connection.refused += 1
            if connection.refused >= HOPELESS:
                fault.reason = "hopeless"
                fault.message = f"refused the first {HOPELESS} requests, the last with: {fault.message}"
                return connection.stop(fault)
        return CallFailed(fault.reason, connection.blot_text(fault.message))


def _wait(state: RetryCallState) -> float:
    fault = state.outcome.exception() if state.outcome else None
    return wait_before(state.attempt_number, fault) if isinstance(fault, Fault) else 0.0
