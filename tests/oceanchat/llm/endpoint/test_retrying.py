"""Temporary errors are retried until the caller gives up; all others are raised at once."""

import pytest

from oceanchat.llm.endpoint.request_errors import ErrorAction, RequestError
from oceanchat.llm.endpoint.retrying import retry_until


class Sleeper:
    """Notes how long it was to sleep instead of sleeping."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


def error(action: ErrorAction = ErrorAction.RETRY, wait: float | None = 7.0) -> RequestError:
    return RequestError(action, "server-error", "busy", wait)


async def test_a_temporary_error_is_retried_after_its_wait() -> None:
    sleeper = Sleeper()

    async def send(attempt: int) -> str:
        if attempt < 3:
            raise error()
        return f"answer {attempt}"

    assert await retry_until(send, lambda error, attempts: False, sleeper.sleep) == "answer 3"
    assert len(sleeper.waits) == 2 and all(7 <= wait <= 7.1 for wait in sleeper.waits)


async def test_the_last_error_is_raised_when_the_caller_gives_up() -> None:
    sleeper = Sleeper()

    async def send(attempt: int) -> str:
        raise RequestError(ErrorAction.RETRY, "timeout", f"attempt {attempt}")

    with pytest.raises(RequestError, match="attempt 4"):
        await retry_until(send, lambda error, attempts: attempts >= 4, sleeper.sleep)
    assert len(sleeper.waits) == 3


@pytest.mark.parametrize("action", [ErrorAction.FAIL_ROW, ErrorAction.STOP_RUN])
async def test_no_other_error_is_retried(action: ErrorAction) -> None:
    sleeper = Sleeper()

    async def send(attempt: int) -> str:
        raise error(action)

    with pytest.raises(RequestError):
        await retry_until(send, lambda error, attempts: False, sleeper.sleep)
    assert sleeper.waits == []
