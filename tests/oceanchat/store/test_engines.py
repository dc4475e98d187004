"""A store that cannot be written can be read, and says so when it should be written."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from oceanchat.errors import StoreError
from oceanchat.store.database import Store, open_store
from oceanchat.store.schema import SCHEMA_VERSION, store_info
from tests.oceanchat.cli.conftest import Command


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nobody write into a folder within the block, root neither."""
    if os.geteuid():
        for path in (folder, *folder.iterdir()):
            path.chmod(path.stat().st_mode & ~0o222)
        yield
        for path in (folder, *folder.iterdir()):
            path.chmod(path.stat().st_mode | 0o200)
        return
    bind = subprocess.run(["mount", "--bind", folder, folder], capture_output=True, check=False)
    if bind.returncode:
        pytest.skip("root may write everywhere, and may not mount here")
    subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def rows(store: Store) -> dict[str, str]:
    with store.reading() as connection:
        return {row.name: row.value for row in connection.execute(store_info.select())}


def add(store: Store, name: str) -> None:
    with store.writing() as connection:
        connection.execute(store_info.insert(), {"name": name, "value": "1"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a store in it, which was closed."""
    folder = tmp_path / "a folder with a % and a ?"
    folder.mkdir()
    with closing(open_store(folder / "store.db")) as store:
        add(store, "closed")
    return folder


def test_a_file_that_cannot_be_written_is_read_and_left_alone(folder: Path) -> None:
    with read_only(folder), closing(open_store(folder / "store.db", must_exist=True)) as store:
        assert store.read_only and "closed" in rows(store)
        with pytest.raises(StoreError, match=r"'.*store\.db' cannot be used: .*it is read-only: copy it"):
            add(store, "more")
    assert os.listdir(folder) == ["store.db"]
    with closing(open_store(folder / "store.db")) as store:
        assert not store.read_only
        add(store, "more")


def test_the_latest_rows_of_a_store_that_was_not_closed_are_read(folder: Path) -> None:
    store = open_store(folder / "store.db")
    add(store, "latest")
    for ending in ("", "-wal", "-shm"):
        shutil.copy(folder / f"store.db{ending}", folder / f"copy.db{ending}")
    store.close()
    with read_only(folder), closing(open_store(folder / "copy.db")) as copy:
        assert "latest" in rows(copy)
    (folder / "copy.db-shm").unlink()
    with (
        read_only(folder),
        pytest.raises(StoreError, match=r"was not closed: copy it together with 'copy\.db-wal'"),
    ):
        open_store(folder / "copy.db")
    (folder / "copy.db-wal").write_bytes(b"")
    with read_only(folder), closing(open_store(folder / "copy.db")) as copy:
        assert "closed" in rows(copy)


def test_an_older_store_that_cannot_be_written_is_one_line(folder: Path) -> None:
    with read_only(folder), pytest.raises(StoreError, match="it is read-only"):
        open_store(folder / "store.db", version=SCHEMA_VERSION + 1, migrations={SCHEMA_VERSION + 1: print})


def test_commands_read_a_store_that_cannot_be_written(command: Command, folder: Path) -> None:
    store = folder / "store.db"
    build = ("build", "--trait", "O", "--level", "high", "--count", "2", "--store", store)
    assert command(*build).code == 0
    with read_only(folder):
        for reading in (
            ("status",),
            ("show",),
            ("export", "dialogues"),
            ("stats",),
            ("costs",),
            ("backup", "copy.db"),
            ("release", "--version", "1.0.0", "--license", "mit", "--output", "releases"),
        ):
            ended = command(*reading, "--store", store)
            assert ended.code == 0, ended.err
        for writing in (build, ("annotators", "add", "Ann", "--store", store)):
            ended = command(*writing)
            assert ended.code == 1, writing
            assert "read" in ended.err and ended.err.splitlines()[-1].startswith("oceanchat: "), ended.err


@pytest.mark.postgres
def test_a_server_that_allows_reading_alone_is_read(postgres_url: str) -> None:
    with closing(open_store(postgres_url)) as store:
        assert not store.read_only
    with closing(open_store(f"{postgres_url}%20-cdefault_transaction_read_only%3Don")) as store:
        assert store.read_only and rows(store)["application"] == "ocean-chat"
        with pytest.raises(StoreError, match="it is read-only"):
            add(store, "more")


@pytest.mark.postgres
def test_a_user_who_may_only_read_reads(postgres_url: str) -> None:
    open_store(postgres_url).close()
    name = postgres_url.rpartition("search_path%3D")[2]
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE reader_{name} LOGIN")  # type: ignore[call-overload]
        connection.execute(f"GRANT USAGE ON SCHEMA {name} TO reader_{name}")  # type: ignore[call-overload]
        connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO reader_{name}")  # type: ignore[call-overload]
    with closing(open_store(f"{postgres_url}&user=reader_{name}")) as store:
        assert store.read_only and rows(store)["application"] == "ocean-chat"
        with pytest.raises(StoreError, match=r"permission denied .*ask its owner for the right"):
            add(store, "more")
