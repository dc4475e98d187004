"""Retry what is sent to an endpoint.

Live requests and the Batch API's calls go through the same loop. What an error means is decided in
request_errors.py; when to give up is decided by the caller.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from oceanchat.llm.endpoint.request_errors import ErrorAction, RequestError, wait_before

T = TypeVar("T")


async def retry_until(
    send: Callable[[int], Awaitable[T]],
    give_up: Callable[[RequestError, int], bool],
    sleep: Callable[[float], Awaitable[None]],
) -> T:
    """Call `send` with the number of the attempt, from 1, until it returns; what it returns.

    Raises its RequestError where that is not to be retried or `give_up` says so of it and its attempt.
    """

    def stop(state: RetryCallState) -> bool:
        error = _error_of(state)
        return error is None or give_up(error, state.attempt_number)

    def wait(state: RetryCallState) -> float:
        error = _error_of(state)
        return 0.0 if error is None else wait_before(state.attempt_number, error)

    retrying = AsyncRetrying(
        retry=retry_if_exception(_is_temporary), wait=wait, stop=stop, sleep=sleep, reraise=True
    )
    async for attempt in retrying:
        with attempt:
            return await send(attempt.retry_state.attempt_number)
    raise RuntimeError("the loop ends by returning or raising")


def _is_temporary(error: BaseException) -> bool:
    return isinstance(error, RequestError) and error.action is ErrorAction.RETRY


def _error_of(state: RetryCallState) -> RequestError | None:
    error = state.outcome.exception() if state.outcome else None
    return error if isinstance(error, RequestError) else None
