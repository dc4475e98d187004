"""The few calls of the Batch API needed.

They are retried and return plain records. Knows files, batches and their lines, and nothing of the ledger or
of requests that wait.
"""

import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, NamedTuple, TypeVar

import openai
from openai.types import Batch

from oceanchat.llm.endpoint.client import Connection
from oceanchat.llm.endpoint.request_errors import classify
from oceanchat.llm.endpoint.retrying import retry_until

T = TypeVar("T")
TAG = "oceanchat"
"""Name of the metadata that carries our batch id, by which a batch is found again after a kill."""
CHAT_ENDPOINT: Final = "/v1/chat/completions"
UNFINISHED = ("validating", "in_progress", "finalizing", "cancelling")


class BatchStatus(NamedTuple):
    """A batch as the provider sees it."""

    id: str
    status: str
    files: tuple[str, ...]
    """Ids of the files with results, the answers' and the errors'."""
    completed: int
    total: int
    message: str
    """Why it failed as a whole."""
    code: str
    """The API's word for that."""

    @property
    def finished(self) -> bool:
        """Whether nothing more is to be expected of it."""
        return self.status not in UNFINISHED


class ResultLine(NamedTuple):
    """One line of a result file."""

    key: str
    status: int | None
    """HTTP status; None where the request was not worked on."""
    body: Any
    """The response's JSON."""
    code: str
    """The API's word for what went wrong."""
    message: str


class BatchApi:
    """The Batch API of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._client = connection.client

    async def submit(self, batch: str, lines: bytes) -> BatchStatus:
        """Upload `lines` and make a batch of them, tagged with our id `batch`. Raises RequestError."""
        name = f"{TAG}-{batch}.jsonl"
        upload = await self._retried(
            lambda: self._client.files.create(file=(name, io.BytesIO(lines)), purpose="batch")
        )
        tries = 0

        async def create() -> BatchStatus:
            nonlocal tries
            tries += 1
            # An earlier try may have arrived although its reply did not.
            if tries > 1 and (known := await self.find(batch)) is not None:
                return known
            return _status(
                await self._client.batches.create(
                    input_file_id=upload.id,
                    endpoint=CHAT_ENDPOINT,
                    completion_window="24h",
                    metadata={TAG: batch},
                )
            )

        return await self._retried(create)

    async def find(self, batch: str) -> BatchStatus | None:
        """The batch tagged with our id, or None."""

        async def search() -> BatchStatus | None:
            async for listed in self._client.batches.list(limit=100):
                if (listed.metadata or {}).get(TAG) == batch:
                    return _status(listed)
            return None

        return await self._retried(search)

    async def retrieve(self, remote_id: str) -> BatchStatus:
        """How a batch is doing. Raises RequestError."""

        async def poll() -> BatchStatus:
            return _status(await self._client.batches.retrieve(remote_id))

        return await self._retried(poll)

    async def cancel(self, remote_id: str) -> BatchStatus:
        """Cancel a batch. Raises RequestError."""

        async def stop() -> BatchStatus:
            return _status(await self._client.batches.cancel(remote_id))

        return await self._retried(stop)

    async def lines(self, status: BatchStatus) -> AsyncIterator[ResultLine]:
        """The results of a batch, line by line. Raises RequestError."""
        for file in status.files:
            try:
                async with self._client.files.with_streaming_response.content(file) as response:
                    async for text in response.iter_lines():
                        if (
                            text.strip()
                            and (line := read_line(self._connection.redact_text(text))) is not None
                        ):
                            yield line
            except openai.OpenAIError as error:
                raise classify(error) from None

    async def _retried(self, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call that costs nothing, again while that may help. Raises RequestError."""

        async def send(attempt: int) -> T:
            try:
                return await call()
            except openai.OpenAIError as error:
                raise classify(error) from None

        max_tries = self._connection.settings.max_tries
        return await retry_until(
            send, lambda error, attempts: attempts >= max_tries, self._connection.throttle.pause
        )


def _status(batch: Batch) -> BatchStatus:
    problems = (batch.errors.data if batch.errors else None) or []
    counts = batch.request_counts
    return BatchStatus(
        id=batch.id,
        status=batch.status,
        files=tuple(file for file in (batch.output_file_id, batch.error_file_id) if file),
        completed=counts.completed if counts else 0,
        total=counts.total if counts else 0,
        message="; ".join(problem.message or "" for problem in problems)[:300],
        code=(problems[0].code or "") if problems else "",
    )


def read_line(text: str) -> ResultLine | None:
    """One line of a result file; None where it is not one."""
    try:
        line = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(line, dict) or not isinstance(line.get("custom_id"), str):
        return None
    response = line.get("response")
    response = response if isinstance(response, dict) else {}
    body, status = response.get("body"), response.get("status_code")
    error = line.get("error")
    if not isinstance(error, dict) and isinstance(body, dict):
        error = body.get("error")
    error = error if isinstance(error, dict) else {}
    return ResultLine(
        key=line["custom_id"],
        status=status if isinstance(status, int) else None,
        body=body,
        code=str(error.get("code") or ""),
        message=str(error.get("message") or "")[:300],
    )
