"""Requests that were written to files.

An answer comes back under the ledger's key alone, so what was asked under it stays here until the ledger
holds an answer or a failure. Functions take a connection; the caller decides when to commit.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Column, Connection, String, Table, Text, delete, select

from oceanchat.store.ledger import ANSWERED, FAILED, Row, keys_of_run, ledger_calls, store_calls
from oceanchat.store.schema import metadata
from oceanchat.store.upsert import upsert

ledger_requests = Table(
    "ledger_requests",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("endpoint", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("request", Text, nullable=False),
)
"""`request`: the request as JSON."""


class WrittenRequest(NamedTuple):
    """A request that an answer may come back to."""

    key: str
    endpoint: str
    model: str
    request: str | None
    """As JSON; None where it is answered."""
    state: str | None = None
    """'answered' or 'failed' where the ledger holds that already."""


def add_requests(connection: Connection, requests: Sequence[WrittenRequest]) -> None:
    """Put requests on record before they are written; one that is written again may go elsewhere."""
    if not requests:
        return
    statement = upsert(connection, ledger_requests)
    elsewhere = {"endpoint": statement.excluded.endpoint}
    rows = [{name: getattr(row, name) for name in ledger_requests.columns.keys()} for row in requests]  # noqa: SIM118
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=elsewhere), rows)


def requests_for(connection: Connection, keys: Sequence[str]) -> dict[str, WrittenRequest]:
    """What was asked under those of `keys` that are known: written, answered or failed."""
    written = select(*ledger_requests.columns).where(ledger_requests.c.key.in_(keys))
    known = {row.key: WrittenRequest(*row) for row in connection.execute(written)}
    call = ledger_calls.c
    settled = (call.state == ANSWERED) | ((call.state == FAILED) & call.request.is_not(None))
    columns = (call.key, call.endpoint, call.model, call.request, call.state)
    done = select(*columns).where(call.key.in_(keys), settled)
    return known | {row.key: WrittenRequest(*row) for row in connection.execute(done)}


def settle(
    connection: Connection,
    keys: Sequence[str],
    rows_for: Callable[[Mapping[str, WrittenRequest]], list[Row]],
    run: str,
) -> set[str]:
    """Store the rows that `rows_for` makes of what was asked under `keys`; the keys for which another run
    than `run` was faster, whose answer stays."""
    rows = rows_for(requests_for(connection, keys))
    if not rows:
        return set()
    store_calls(connection, rows)
    stored = {row["key"] for row in rows}
    return stored - keys_of_run(connection, [*stored], run)


def forget_done(connection: Connection) -> None:
    """Forget the requests that the ledger holds an answer or a failure of."""
    done = select(ledger_calls.c.key).where(ledger_calls.c.state.in_((ANSWERED, FAILED)))
    connection.execute(delete(ledger_requests).where(ledger_requests.c.key.in_(done)))
