"""A run lives until it says that it ends, its process is gone, or its lease runs out."""

import os

from oceanchat.store import ledger as ledger_rows
from oceanchat.store import ledger_runs
from oceanchat.store.database import Store
from tests.oceanchat.store.test_ledger import row


def test_a_run_whose_process_is_gone_is_dead(store: Store) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    with store.writing() as connection:
        ledger_runs.start_run(connection, "run-1")
        connection.execute(ledger_runs.ledger_runs.update().values(pid=child))
        ledger_rows.claim(connection, [row("a")])
        assert ledger_rows.dead_runs(connection) == ["run-1"]
        connection.execute(ledger_runs.ledger_runs.update().values(host="elsewhere"))
        assert ledger_rows.dead_runs(connection) == []  # nobody here can know


def test_a_run_lives_as_long_as_its_lease_and_says_when_it_ends(store: Store) -> None:
    with store.writing() as connection:
        ledger_runs.start_run(connection, "run-1")
        ledger_runs.start_run(connection, "run-1")  # again, after a commit whose success was not heard
        (asker,) = ledger_runs.askers(connection).values()
        assert asker.alive and asker.pid == os.getpid() and str(os.getpid()) in asker.shown
        connection.execute(ledger_runs.ledger_runs.update().values(lease_until=1.0))
        assert ledger_runs.living_runs(connection) == set()
        ledger_runs.renew_run(connection, "run-1")
        assert ledger_runs.living_runs(connection) == {"run-1"}
        ledger_runs.end_run(connection, "run-1")
        assert ledger_runs.askers(connection) == {}
