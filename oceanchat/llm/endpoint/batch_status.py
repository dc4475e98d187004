"""List, watch and cancel a store's batches.

Asks the provider for their status; their answers are collected by the next `oceanchat build`, not here.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence

from oceanchat.errors import ConfigError
from oceanchat.llm.endpoint.batch_api import BatchApi, BatchStatus
from oceanchat.llm.endpoint.batch_results import GONE
from oceanchat.llm.endpoint.client import Connection
from oceanchat.llm.endpoint.request_errors import RequestError
from oceanchat.llm.settings import CallSettings
from oceanchat.llm.throttle import Throttle
from oceanchat.store import ledger as ledger_rows
from oceanchat.store import ledger_batches
from oceanchat.store.database import Store
from oceanchat.store.ledger_batches import BatchRow


def known_batches(store: Store, unfinished: bool = False) -> list[BatchRow]:
    """Batches on record, oldest first."""
    with store.reading() as connection:
        return ledger_batches.batches(connection, unfinished=unfinished)


def batch_named(rows: Sequence[BatchRow], name: str) -> BatchRow:
    """The batch whose id, ours or the provider's, begins with `name`. Raises ConfigError."""
    matches = [row for row in rows if any(str(row[id_]).startswith(name) for id_ in ("batch", "remote_id"))]
    matches = [row for row in matches if name in (row["batch"], row["remote_id"])] or matches
    if len(matches) != 1:
        problem = "is not known" if not matches else "is not the only one of that name"
        raise ConfigError(f"batch '{name}' {problem}; see `oceanchat batches`")
    return matches[0]


async def watch(
    settings: CallSettings, rows: Sequence[BatchRow], wait: bool
) -> AsyncIterator[tuple[BatchRow, BatchStatus]]:
    """The provider's status of each batch; with `wait`, polled until all are finished."""
    connection = Connection(settings, Throttle(settings.concurrency))
    api = BatchApi(connection)
    open_rows = [row for row in rows if row["remote_id"]]
    try:
        while open_rows:
            still_open = []
            for row in open_rows:
                status = await _known(api.retrieve(row["remote_id"]), row)
                yield row, status
                if not status.finished and status.status != GONE:
                    still_open.append(row)
            open_rows = still_open if wait else []
            if open_rows:
                await asyncio.sleep(settings.batch_poll_seconds)
    except RequestError as error:
        raise connection.stop(error) from None
    finally:
        await connection.close()


async def cancel(settings: CallSettings, row: BatchRow) -> BatchStatus:
    """Cancel one batch; of one that the endpoint does not know the status is 'gone'.

    Raises BuildStopped, ConfigError.
    """
    if not row["remote_id"]:
        raise ConfigError(f"batch '{row['batch']}' was never submitted")
    connection = Connection(settings, Throttle(settings.concurrency))
    try:
        return await _known(BatchApi(connection).cancel(row["remote_id"]), row)
    except RequestError as error:
        raise connection.stop(error) from None
    finally:
        await connection.close()


async def _known(looking: Awaitable[BatchStatus], row: BatchRow) -> BatchStatus:
    try:
        return await looking
    except RequestError as error:
        if error.words.status not in (404, 410):
            raise
        return BatchStatus(row["remote_id"], GONE, (), None, row["requests"], error.message, "")


def give_up(store: Store, row: BatchRow) -> None:
    """Wait no more for a batch that is gone: what it held counts as lost and may be asked again."""
    with store.writing() as connection:
        ledger_rows.close_batch(connection, row["batch"], GONE, "the endpoint does not know it", None)
