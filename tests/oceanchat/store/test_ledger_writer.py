"""The ledger's one thread: many jobs share a commit, and all are on disk when it says so."""

import asyncio

import pytest
from sqlalchemy import event, text

from oceanchat.errors import StoreError
from oceanchat.store.database import Store, open_store
from oceanchat.store.ledger_writer import LedgerWriter
from tests.oceanchat.store.test_ledger import row


def count(url: str, query: str) -> int:
    """What another connection counts: what it sees is committed."""
    other = open_store(url)
    with other.engine.connect() as connection:
        number = connection.execute(text(query)).scalar_one()
    other.close()
    return int(number)


async def test_jobs_given_together_share_a_commit(store: Store, url: str) -> None:
    ledger_writer = LedgerWriter(store.engine)
    await ledger_writer.open()
    commits: list[int] = []
    event.listen(store.engine, "commit", lambda connection: commits.append(1))
    await asyncio.gather(*(ledger_writer.claim(row(f"key {number}")) for number in range(200)))
    assert len(commits) <= 5
    assert count(url, "select count(*) from ledger_calls") == 200
    await ledger_writer.close()


async def test_closing_writes_what_nobody_waits_for(store: Store, url: str) -> None:
    ledger_writer = LedgerWriter(store.engine)
    await ledger_writer.open()
    for number in range(500):
        ledger_writer.store_later(row(f"key {number}", "answered", body=b"x"))
    await ledger_writer.close()
    assert count(url, "select count(*) from ledger_calls") == 500
    assert count(url, "select count(ended_at) from ledger_runs") == 1


async def test_what_was_queued_before_is_found_after(store: Store) -> None:
    ledger_writer = LedgerWriter(store.engine)
    await ledger_writer.open()
    ledger_writer.store_later(row("a", "answered", body=b"x"))
    entry = await ledger_writer.find("a")
    assert entry is not None and entry.body == b"x"
    await ledger_writer.close()


async def test_any_error_reaches_all_who_wait(store: Store) -> None:
    ledger_writer = LedgerWriter(store.engine)
    await ledger_writer.open()
    with pytest.raises(StoreError, match="the ledger cannot be written"):
        await ledger_writer.claim({"key": "no such columns"})
    with pytest.raises(StoreError):
        await ledger_writer.find("a")
    with pytest.raises(StoreError):
        await ledger_writer.close()
