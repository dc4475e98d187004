"""Look at, watch and cancel the batches a store knows: what `oceanchat batches` does.

Asks the provider how they stand; answers are taken in by the next `oceanchat build`, not here.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

from oceanchat.errors import ConfigError
from oceanchat.llm.endpoint.batch_api import BatchApi, Remote
from oceanchat.llm.endpoint.client import Connection
from oceanchat.llm.endpoint.request_errors import Fault
from oceanchat.llm.settings import CallSettings
from oceanchat.llm.throttle import Gate
from oceanchat.store import ledger as ledger_rows
from oceanchat.store.database import Store
from oceanchat.store.ledger import Row


def known_batches(store: Store, unfinished: bool = False) -> list[Row]:
    """Batches on record, oldest first."""
    with store.reading() as connection:
        return ledger_rows.batches(connection, unfinished=unfinished)


def batch_named(rows: Sequence[Row], name: str) -> Row:
    """The batch whose id, ours or the provider's, begins with `name`. Raises ConfigError."""
    found = [row for row in rows if any(str(row[id_]).startswith(name) for id_ in ("batch", "remote_id"))]
    found = [row for row in found if name in (row["batch"], row["remote_id"])] or found
    if len(found) != 1:
        problem = "is not known" if not found else "is not the only one of that name"
        raise ConfigError(f"batch '{name}' {problem}; see `oceanchat batches`")
    return found[0]


async def watch(settings: CallSettings, rows: Sequence[Row], wait: bool) -> AsyncIterator[tuple[Row, Remote]]:
    """How each batch stands with the provider; with `wait` again and again until all are finished."""
    connection = Connection(settings, Gate(settings.concurrency))
    api = BatchApi(connection)
    open_rows = [row for row in rows if row["remote_id"]]
    try:
        while open_rows:
            still_open = []
            for row in open_rows:
                remote = await api.look(row["remote_id"])
                yield row, remote
                if not remote.finished:
                    still_open.append(row)
            open_rows = still_open if wait else []
            if open_rows:
                await asyncio.sleep(settings.batch_poll_seconds)
    except Fault as fault:
        raise connection.stop(fault) from None
    finally:
        await connection.close()


async def cancel(settings: CallSettings, row: Row) -> Remote:
    """Cancel one batch. Raises BuildStopped, ConfigError."""
    if not row["remote_id"]:
        raise ConfigError(f"batch '{row['batch']}' was never submitted")
    connection = Connection(settings, Gate(settings.concurrency))
    try:
        return await BatchApi(connection).cancel(row["remote_id"])
    except Fault as fault:
        raise connection.stop(fault) from None
    finally:
        await connection.close()
