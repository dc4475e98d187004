"""A store is created, opened again, migrated, and refused when it is not ours."""

import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text

from oceanchat.annotation import accounts
from oceanchat.errors import ConfigError, StoreError
from oceanchat.store import database
from oceanchat.store.database import Store, open_store
from oceanchat.store.schema import SCHEMA_VERSION, metadata, store_info
from tests.processes import PATIENCE, Spawn


def rows(store: Store) -> dict[str, str]:
    """The store's own facts."""
    with store.reading() as connection:
        return {row.name: row.value for row in connection.execute(store_info.select())}


def test_a_new_store_says_what_it_is_and_can_be_opened_again(url: str) -> None:
    with closing(open_store(url)) as store:
        first = rows(store)
    with closing(open_store(url, must_exist=True)) as store:
        assert rows(store) == first
    assert first["application"] == "ocean-chat" and first["schema_version"] == str(SCHEMA_VERSION)


def test_a_postgresql_url_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"'psycopg', .*pip install 'ocean-chat\[postgres\]'"):
        open_store("postgresql://nobody@localhost/nothing")


def test_all_tables_are_there(store: Store) -> None:
    assert set(metadata.tables) <= set(inspect(store.engine).get_table_names())


def test_an_error_inside_a_write_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.writing() as connection:
        connection.execute(store_info.insert(), {"name": "half", "value": "written"})
        raise RuntimeError
    assert "half" not in rows(store)


def test_an_older_store_is_brought_up_step_by_step(url: str) -> None:
    open_store(url).close()

    def second(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE added_in_two (id INTEGER)"))

    def third(connection: Connection) -> None:
        connection.execute(text("INSERT INTO added_in_two VALUES (3)"))

    steps = {SCHEMA_VERSION + 1: second, SCHEMA_VERSION + 2: third}
    with closing(open_store(url, version=SCHEMA_VERSION + 2, migrations=steps)) as upgraded:
        with upgraded.reading() as connection:
            assert connection.execute(text("SELECT id FROM added_in_two")).scalar_one() == 3
        assert rows(upgraded)["schema_version"] == str(SCHEMA_VERSION + 2)


def test_a_migration_that_fails_leaves_the_store_as_it_was(url: str) -> None:
    open_store(url).close()

    def broken(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE half_done (id INTEGER)"))
        connection.execute(text("INSERT INTO no_such_table VALUES (1)"))

    with pytest.raises(StoreError, match="cannot be used"):
        open_store(url, version=SCHEMA_VERSION + 1, migrations={SCHEMA_VERSION + 1: broken})
    with closing(open_store(url)) as again:
        assert rows(again)["schema_version"] == str(SCHEMA_VERSION)
        assert "half_done" not in inspect(again.engine).get_table_names()


def test_a_newer_store_is_refused(url: str) -> None:
    open_store(url, version=SCHEMA_VERSION + 7).close()
    with pytest.raises(StoreError, match="newer than"):
        open_store(url)


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as theirs, theirs:
        theirs.execute("CREATE TABLE songs (title TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        open_store(path)
    assert path.read_bytes()[100:] == before[100:]


def test_many_processes_may_create_the_same_store_at_once(url: str, spawn: Spawn) -> None:
    script = f"from oceanchat.store.database import open_store; open_store({url!r})"
    started = [spawn([sys.executable, "-c", script]) for _ in range(4)]
    assert [process.wait(PATIENCE) for process in started] == [0, 0, 0, 0]
    with closing(open_store(url, must_exist=True)) as store:
        assert rows(store)["schema_version"] == str(SCHEMA_VERSION)


def test_twenty_writers_lose_nothing(store: Store) -> None:
    def write(writer: int) -> None:
        for number in range(10):
            with store.writing() as connection:
                connection.execute(store_info.insert(), {"name": f"{writer}-{number}", "value": "x"})

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(value == "x" for value in rows(store).values()) == 200


def test_a_store_opened_twice_in_a_process_sees_what_others_write_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    first = open_store(path)
    second = open_store(path)
    other = "import sys; from oceanchat.annotation import accounts; from oceanchat.store import database;"
    other += " store = database.open_store(sys.argv[1]); accounts.add(store, sys.argv[2]); store.close()"
    names = ["Ann", "Ben"]
    for number, name in enumerate(names, 1):
        subprocess.run([sys.executable, "-c", other, str(path), name], check=True, capture_output=True)
        assert [account.name for account in accounts.everyone(first)] == names[:number]
    accounts.add(second, "Cas")
    for store in (first, second):
        store.close()
    with closing(open_store(path)) as store:
        assert [account.name for account in accounts.everyone(store)] == [*names, "Cas"]


@pytest.mark.parametrize("exists", [True, False])
def test_threads_that_open_a_store_at_once_keep_its_journal_from_other_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool
) -> None:
    path = tmp_path / "store.db"
    if exists:
        open_store(path).close()
    prepare, connected, go_on = database._prepare, threading.Event(), threading.Event()

    def slowly(store: Store, *rest: Any) -> None:
        prepare(store, *rest)
        connected.set()
        go_on.wait(PATIENCE)

    monkeypatch.setattr(database, "_prepare", slowly)
    with ThreadPoolExecutor(2) as pool:
        opening = [pool.submit(open_store, path)]
        assert connected.wait(PATIENCE)
        opening.append(pool.submit(open_store, path))
        wait(opening, timeout=0.2)  # The second would be through here, were it not to wait for the first.
        go_on.set()
        first, second = (future.result(PATIENCE) for future in opening)
    with closing(first), closing(second):
        other = "import sys; from oceanchat.store.database import open_store; open_store(sys.argv[1]).close()"
        subprocess.run([sys.executable, "-c", other, str(path)], check=True, capture_output=True)
        assert path.with_name("store.db-wal").exists()
