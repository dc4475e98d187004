"""Open the models behind one endpoint.

They are asked live or through the Batch API, and share one connection and, in batch mode, one queue.
"""

from oceanchat.llm.endpoint.batch import BatchModel, BatchQueue
from oceanchat.llm.endpoint.client import Connection
from oceanchat.llm.endpoint.live import OpenAIModel
from oceanchat.llm.provider import Provider
from oceanchat.llm.settings import CallSettings
from oceanchat.llm.throttle import Throttle
from oceanchat.store.ledger_writer import LedgerWriter


class OpenAIEndpoint:
    """The endpoint that `settings` name, for one session."""

    def __init__(self, settings: CallSettings, throttle: Throttle, ledger_writer: LedgerWriter) -> None:
        self._connection = Connection(settings, throttle)
        self._queue = BatchQueue(self._connection, ledger_writer) if settings.batch else None

    def provider(self, name: str) -> Provider:
        """The model of that name; whether the endpoint has it shows when it is asked."""
        model = OpenAIModel(name, self._connection)
        return model if self._queue is None else BatchModel(model, self._queue)

    async def close(self) -> None:
        """Finish sending and collecting, then close the sockets."""
        try:
            if self._queue is not None:
                await self._queue.close()
        finally:
            await self._connection.close()
