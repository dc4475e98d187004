"""The ledger's one thread: many orders share a commit, and all are on disk when told so."""

import asyncio
import sqlite3

import pytest
from sqlalchemy import event

from oceanchat.errors import StoreError
from oceanchat.llm.clerk import Clerk
from oceanchat.store.database import Store
from tests.oceanchat.store.test_ledger_rows import row


async def test_orders_given_together_share_a_commit(store: Store) -> None:
    clerk = Clerk(store.engine)
    await clerk.open()
    commits: list[int] = []
    event.listen(store.engine, "commit", lambda connection: commits.append(1))
    await asyncio.gather(*(clerk.claim(row(f"key {number}")) for number in range(200)))
    assert len(commits) <= 5
    with sqlite3.connect(store.url) as other:  # another connection sees it: it is committed
        assert other.execute("select count(*) from ledger_calls").fetchone() == (200,)
    await clerk.close()


async def test_closing_writes_what_nobody_waits_for(store: Store) -> None:
    clerk = Clerk(store.engine)
    await clerk.open()
    for number in range(500):
        clerk.keep_soon(row(f"key {number}", "answered", body=b"x"))
    await clerk.close()
    with sqlite3.connect(store.url) as other:
        assert other.execute("select count(*) from ledger_calls").fetchone() == (500,)
        assert other.execute("select count(ended_at) from ledger_runs").fetchone() == (1,)


async def test_what_was_ordered_before_is_found_after(store: Store) -> None:
    clerk = Clerk(store.engine)
    await clerk.open()
    clerk.keep_soon(row("a", "answered", body=b"x"))
    found = await clerk.find("a")
    assert found is not None and found.body == b"x"
    await clerk.close()


async def test_whatever_goes_wrong_is_told_to_whoever_waits(store: Store) -> None:
    clerk = Clerk(store.engine)
    await clerk.open()
    with pytest.raises(StoreError, match="the ledger cannot be written"):
        await clerk.claim({"key": "no such columns"})
    with pytest.raises(StoreError):
        await clerk.find("a")
    with pytest.raises(StoreError):
        await clerk.close()
