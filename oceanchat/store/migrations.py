"""Upgrade stores that older versions wrote.

One function a version, each of which runs in the transaction in which the store is opened.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, text

from oceanchat.store.conversations import conversations, evaluation_cells, turns
from oceanchat.store.ledger_requests import ledger_requests
from oceanchat.store.schema import Migration
from oceanchat.store.second_looks import second_looks
from oceanchat.store.shared_limits import shared_limits


def _keep_reading_time(connection: Connection) -> None:
    """Version 2: drafts hold the time spent so far, and a lead can ask for a second look."""
    connection.execute(text("ALTER TABLE drafts ADD COLUMN active_seconds FLOAT DEFAULT 0 NOT NULL"))
    second_looks.create(connection)


def _hold_conversations(connection: Connection) -> None:
    """Version 3: annotators talk with models and rate them."""
    for table in (evaluation_cells, conversations, turns):
        table.create(connection)


def _remember_written_requests(connection: Connection) -> None:
    """Version 4: requests are written to files, and their answers come back by key."""
    ledger_requests.create(connection)


def _share_limits(connection: Connection) -> None:
    """Version 5: the processes of one build share a cap and rate limits."""
    shared_limits.create(connection)


MIGRATIONS: Mapping[int, Migration] = {
    2: _keep_reading_time,
    3: _hold_conversations,
    4: _remember_written_requests,
    5: _share_limits,
}
"""Version -> the function that upgrades a store of the version before, in one transaction."""
