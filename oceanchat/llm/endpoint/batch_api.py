"""The few calls of the Batch API needed.

They are retried and return plain records. Knows files and batches, and nothing of the ledger or of requests
that wait.
"""

import io
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

import openai
from openai.types import Batch

from oceanchat.llm.endpoint.batch_lines import CHAT_ENDPOINT, ResultLine, read_line
from oceanchat.llm.endpoint.client import Connection
from oceanchat.llm.endpoint.request_errors import ErrorAction, RequestError, classify
from oceanchat.llm.endpoint.retrying import retry_until

T = TypeVar("T")
TAG = "oceanchat"
"""Name of the metadata that carries our batch id, by which a batch is found again after a kill."""
COMPLETED, FAILED_BATCH, EXPIRED, CANCELLED = "completed", "failed", "expired", "cancelled"
FINISHED = (COMPLETED, FAILED_BATCH, EXPIRED, CANCELLED)
_OTHER_WORDS = {
    **dict.fromkeys(("complete", "succeeded", "success", "finished", "done", "ended"), COMPLETED),
    **dict.fromkeys(("error", "errored", "failure"), FAILED_BATCH),
    **dict.fromkeys(("timeout_exceeded", "timed_out"), EXPIRED),
    "canceled": CANCELLED,
}
"""How other providers call the ends of a batch."""


class BatchStatus(NamedTuple):
    """A batch as the provider sees it."""

    id: str
    status: str
    """One of FINISHED; the provider's own word, in lower case, while it is none of these."""
    files: tuple[str, ...]
    """Ids of the files with results, the answers' and the errors'."""
    completed: int | None
    """Requests that brought an answer; None where the provider does not say."""
    total: int
    message: str
    """Why it failed as a whole."""
    code: str
    """The API's word for that."""
    failed: int = 0
    has_answers: bool = False
    """Whether the file with the answers is there."""

    @property
    def finished(self) -> bool:
        """Whether nothing more is to be expected of it: an unknown status is none that ends a batch."""
        if self.status in FINISHED:
            return True
        return self.has_answers and 0 < self.total <= (self.completed or 0) + self.failed

    @property
    def lacks_its_file(self) -> bool:
        """Whether it is finished and has answers, or may have some, that are not there yet."""
        if not self.finished or self.has_answers or self.status == FAILED_BATCH:
            return False
        if self.status == COMPLETED:
            return not 0 < self.total <= self.failed
        return bool(self.completed)


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
            status = _status(
                await self._client.batches.create(
                    input_file_id=upload.id,
                    endpoint=CHAT_ENDPOINT,
                    completion_window="24h",
                    metadata={TAG: batch},
                )
            )
            if not status.id:
                problem = "its answer to a new batch has no id"
                raise RequestError(ErrorAction.RETRY, "no-batch", problem, maybe_billed=True)
            return status

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
    """What a batch says of itself, whatever it leaves out or adds."""
    content = batch.to_dict(warnings=False) if isinstance(batch, Batch) else {}
    counts = _mapping(content.get("request_counts"))
    errors = _mapping(content.get("errors")).get("data")
    problems = [_mapping(problem) for problem in errors] if isinstance(errors, list) else []
    word = str(content.get("status") or "").strip().lower()
    answers, failures = content.get("output_file_id"), content.get("error_file_id")
    return BatchStatus(
        id=str(content.get("id") or ""),
        status=_OTHER_WORDS.get(word, word),
        files=tuple(str(file) for file in (answers, failures) if file),
        completed=_number(counts.get("completed")),
        total=_number(counts.get("total")) or 0,
        message="; ".join(str(problem.get("message") or "") for problem in problems)[:300],
        code=str(problems[0].get("code") or "") if problems else "",
        failed=_number(counts.get("failed")) or 0,
        has_answers=bool(answers),
    )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
