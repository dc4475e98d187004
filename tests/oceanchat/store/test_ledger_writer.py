"""The ledger's one thread: many jobs share a commit, and all are on disk when it says so."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, select, text

from oceanchat.errors import StoreError
from oceanchat.store import ledger_runs
from oceanchat.store.database import Store, open_store
from oceanchat.store.ledger_writer import LedgerWriter
from tests.oceanchat.store.test_ledger import row
from tests.postgres import RestartablePostgres
from tests.processes import PATIENCE
from tests.stores import open_for_test


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


async def test_a_claim_that_another_run_holds_is_refused_until_it_ends(store: Store) -> None:
    first, second = LedgerWriter(store.engine), LedgerWriter(store.engine)
    await first.open()
    await second.open()
    assert await first.claim(row("a", run=first.run))
    assert await first.claim(row("a", run=first.run))  # one's own again
    granted = [await second.claim(row(key, run=second.run)) for key in ("a", "b")]
    assert granted == [False, True]
    (held,) = (await second.held(["a", "never"])).values()
    assert held.left_with is None and "process " in held.by
    second.withdraw("a")  # not its own: nothing happens
    assert set(await second.held(["a"])) == {"a"}
    await first.close()  # it ends with "a" in flight
    assert await second.held(["a"]) == {}
    assert await second.claim(row("a", run=second.run))
    await second.close()


async def test_the_lease_is_renewed_while_nothing_is_asked(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_runs, "BEAT_SECONDS", 0.05)

    def lease() -> float:
        with store.reading() as connection:
            return float(connection.execute(select(ledger_runs.ledger_runs.c.lease_until)).scalar_one())

    ledger_writer = LedgerWriter(store.engine)
    await ledger_writer.open()
    first = lease()
    while lease() < first + 0.5:
        await asyncio.sleep(0.05)
    with store.reading() as connection:
        assert ledger_runs.living_runs(connection) == {ledger_writer.run}
    await ledger_writer.close()
    with store.reading() as connection:
        assert ledger_runs.living_runs(connection) == set()


async def test_a_store_deleted_in_between_is_noticed_at_the_next_commit(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = open_for_test(path)
    ledger_writer = LedgerWriter(store.engine)
    await ledger_writer.open()
    await ledger_writer.claim(row("a"))
    path.unlink()
    with pytest.raises(StoreError, match=r"store '.*store\.db' was deleted or replaced while it was in use"):
        await ledger_writer.store(row("a", "answered", body=b"paid"))
    with pytest.raises(StoreError, match="was deleted or replaced"):
        await ledger_writer.close()


@pytest.mark.postgres
async def test_dropped_connections_lose_nothing(postgres_url: str) -> None:
    store = open_store(postgres_url)
    notes: list[str] = []
    ledger_writer = LedgerWriter(store.engine, notes.append)
    await ledger_writer.open()
    for number in range(20):
        await ledger_writer.claim(row(f"key {number}", run=ledger_writer.run))
        with store.engine.connect() as other:
            others = "pid <> pg_backend_pid() and query like '%ledger_%'"
            other.execute(text(f"select pg_terminate_backend(pid) from pg_stat_activity where {others}"))
        await ledger_writer.store(row(f"key {number}", "answered", body=b"paid", run=ledger_writer.run))
    await ledger_writer.close()
    assert count(postgres_url, "select count(*) from ledger_calls where state = 'answered'") == 20
    store.close()


@pytest.mark.postgres
async def test_a_restart_of_the_database_is_waited_for(restartable_postgres: RestartablePostgres) -> None:
    store = open_store(restartable_postgres.url)
    notes: list[str] = []
    ledger_writer = LedgerWriter(store.engine, notes.append)
    await ledger_writer.open()
    await ledger_writer.claim(row("a", run=ledger_writer.run))
    await asyncio.to_thread(restartable_postgres.stop)
    writing = asyncio.create_task(
        ledger_writer.store(row("a", "answered", body=b"paid", run=ledger_writer.run))
    )
    while not notes:
        await asyncio.sleep(0.05)
    assert not writing.done()
    assert len(notes) == 1 and "cannot be reached" in notes[0]
    await asyncio.to_thread(restartable_postgres.start)
    await asyncio.wait_for(writing, PATIENCE)
    await ledger_writer.close()
    assert notes[1:] == ["the store is back; nothing was lost"]
    with store.reading() as connection:  # the store's own connections were cut, too
        assert connection.execute(text("select count(*) from ledger_calls")).scalar_one() == 1
    store.close()


@pytest.mark.postgres
def test_a_transaction_that_is_cut_is_done_again_as_a_whole(
    restartable_postgres: RestartablePostgres,
) -> None:
    store = open_store(restartable_postgres.url)
    tries: list[int] = []

    def work(connection: Connection) -> int:
        ledger_runs.start_run(connection, f"run-{len(tries)}")
        tries.append(1)
        if len(tries) == 1:
            restartable_postgres.stop()
            restartable_postgres.start()
        ledger_runs.end_run(connection, "run-0")
        return len(tries)

    assert store.write(work) == 2
    with store.reading() as connection:
        assert ledger_runs.living_runs(connection) == {"run-1"}
    with pytest.raises(StoreError, match="nosuch"):
        store.write(lambda connection: connection.execute(text("select * from nosuch")))
    store.close()
