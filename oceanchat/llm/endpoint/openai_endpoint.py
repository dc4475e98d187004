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
        """Raises ConfigError for a missing key."""
        settings.require_key()
        self._connection = Connection(settings, throttle)
        self._queue = BatchQueue(self._connection, ledger_writer) if settings.batch else None
        self._models: dict[str, OpenAIModel] = {}

    def provider(self, name: str) -> Provider:
        """The model of that name; whether the endpoint has it shows when it is asked."""
        model = self._models.setdefault(name, OpenAIModel(name, self._connection))
        return model if self._queue is None else BatchModel(model, self._queue)

    @property
    def request_forms(self) -> dict[str, tuple[str, ...]]:
        """By model, how its requests are written otherwise than asked, because it refuses that."""
        forms = {name: model.form.differences() for name, model in self._models.items()}
        return {name: changes for name, changes in forms.items() if changes}

    @property
    def notes(self) -> tuple[str, ...]:
        """What else the user should know of the endpoint, one line each."""
        return self._connection.notes

    def ask_live(self, live: bool) -> None:
        """Send requests one by one from now on, or in batches again where batches were asked for."""
        if self._queue is not None:
            self._queue.live = live

    async def close(self) -> None:
        """Finish sending and collecting, then close the sockets."""
        try:
            if self._queue is not None:
                await self._queue.close()
        finally:
            await self._connection.close()
