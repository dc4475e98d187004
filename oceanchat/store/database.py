"""Open the one database: SQLite by default, PostgreSQL by URL.

Creates a new store, migrates an older one, and refuses what is not ours or is newer. It knows tables only
as a whole; what is in them belongs to the `*_rows` modules, which it imports so that their tables exist.
"""

import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select, text, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from oceanchat.errors import StoreError
from oceanchat.store import builds as build_rows
from oceanchat.store import corpora as corpus_rows
from oceanchat.store import imports as import_rows
from oceanchat.store import labels as annotation_rows
from oceanchat.store import ledger as ledger_rows
from oceanchat.store.location import DEFAULT_STORE
from oceanchat.store.schema import APPLICATION, MIGRATIONS, SCHEMA_VERSION, Migration, metadata, store_info

OWNERS = (annotation_rows, build_rows, corpus_rows, import_rows, ledger_rows)
"""The modules that own the tables."""
_SQLITE_HEADER = b"SQLite format 3\x00"
_COPIED_AT_ONCE = 500
_VERSION = re.compile(r"[1-9][0-9]{0,5}")
_LOCK = 0x0CEA  # PostgreSQL advisory lock held while a store is created or migrated


@dataclass(frozen=True)
class Store:
    """An open store."""

    engine: Engine
    url: str
    """As shown to people: without a password."""
    kind: str
    """'sqlite' or 'postgresql'."""
    file: int | None = None
    """The SQLite file's number on its disk when it was opened."""

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one consistent state and takes no write lock."""
        with self._translated(), self.engine.connect() as connection:
            connection = connection.execution_options(begin="DEFERRED")
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that holds SQLite's write lock from its start: commits at the end, rolls back on
        error."""
        with self._translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, UnicodeEncodeError) as error:
            raise StoreError(f"store '{self.url}' cannot be used: {_first_line(error)}") from None

    def check_there(self) -> None:
        """Raise StoreError when the file was deleted or replaced while it was open: its rows are lost."""
        if self.file is not None and _file_number(Path(self.url)) != self.file:
            raise StoreError(
                f"store '{self.url}' was deleted or replaced while it was in use; run the command again"
            )

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()


def open_store(
    url: str | Path = DEFAULT_STORE,
    *,
    must_exist: bool = False,
    version: int = SCHEMA_VERSION,
    migrations: Mapping[int, Migration] = MIGRATIONS,
) -> Store:
    """Open the store at a path or URL, creating or migrating it where needed.

    Raises StoreError for what cannot be reached, is not ours, is newer than this program, or, with
    `must_exist`, is not there.
    """
    address = _address(str(url))
    shown = address.database or "" if address.get_backend_name() == "sqlite" else str(address)
    if address.get_backend_name() == "sqlite":
        _look_at_file(Path(address.database or ""), must_exist)
    try:
        engine = _engine(address)
    except (SQLAlchemyError, ImportError) as error:
        raise StoreError(f"store '{shown}' cannot be opened: {_first_line(error)}") from None
    store = Store(engine, shown, address.get_backend_name())
    try:
        _prepare(store, must_exist, version, migrations)
    except (SQLAlchemyError, sqlite3.Error) as error:
        engine.dispose()
        raise StoreError(f"store '{shown}' cannot be opened: {_first_line(error)}") from None
    except StoreError:
        engine.dispose()
        raise
    if store.kind == "sqlite":
        store = replace(store, file=_file_number(Path(shown)))
    return store


def backup(store: Store, target: Path) -> int:
    """Copy the whole store into a new SQLite file, put in place only when complete; returns the rows copied.

    Raises StoreError when the target exists or cannot be written.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        if target.exists():
            raise StoreError(f"backup '{target}' exists; name a new file")
        part.unlink(missing_ok=True)
        copy = open_store(part)
        with store.reading() as source, copy.writing() as sink:
            rows = _copy_tables(source, sink)
        copy.close()
        os.replace(part, target)
    except OSError as error:
        raise StoreError(f"backup '{target}' cannot be written: {error.strerror or error}") from None
    finally:
        for leftover in (part, part.with_name(f"{part.name}-wal"), part.with_name(f"{part.name}-shm")):
            with suppress(OSError):
                leftover.unlink()
    return rows


def _copy_tables(source: Connection, sink: Connection) -> int:
    copied = 0
    for table in metadata.sorted_tables:
        sink.execute(table.delete())
        result = source.execute(select(table), execution_options={"yield_per": _COPIED_AT_ONCE})
        for chunk in result.mappings().partitions(_COPIED_AT_ONCE):
            sink.execute(table.insert(), [dict(row) for row in chunk])
            copied += len(chunk)
    return copied


def _address(url: str) -> URL:
    if "://" not in url and url not in ("", ":memory:"):
        return URL.create("sqlite", database=url)
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError(
            f"store '{_without_password(url)}' is no database URL; write a file name or postgresql://host/name"
        ) from None
    backend = address.get_backend_name()
    if backend == "sqlite" and address.database not in (None, ":memory:"):
        return URL.create("sqlite", database=address.database)
    if backend == "postgresql":
        return address.set(drivername="postgresql+psycopg")
    raise StoreError(
        f"store '{_without_password(url)}' is neither an SQLite file nor PostgreSQL; write a file name or"
        " postgresql://host/name"
    )


def _without_password(url: str) -> str:
    return re.sub(r"//[^@/]*@", "//***@", url)


def _look_at_file(path: Path, must_exist: bool) -> None:
    try:
        there, regular = path.exists(), path.is_file()
    except OSError as error:
        raise StoreError(
            f"store '{str(path)[:80]}' cannot be opened: {error.strerror}; name another"
        ) from None
    if there and not regular:
        raise StoreError(
            f"store '{path}' is a {'folder' if path.is_dir() else 'device or pipe'}; name a file"
        )
    if not there:
        if must_exist:
            raise StoreError(
                f"store '{path}' does not exist; run `oceanchat build` first or name another with --store"
            )
        if not path.absolute().parent.is_dir():
            raise StoreError(f"store '{path}' cannot be created: its folder does not exist")
        if not os.access(path.absolute().parent, os.W_OK):
            raise StoreError(
                f"store '{path}' cannot be created: its folder is read-only; name another with --store"
            )
        return
    try:
        with path.open("rb") as file:
            head = file.read(len(_SQLITE_HEADER))
    except OSError as error:
        raise StoreError(f"store '{path}' cannot be read: {error.strerror}") from None
    if head and head != _SQLITE_HEADER:
        raise StoreError(f"store '{path}' is not an SQLite database; name another file with --store")


def _engine(address: URL) -> Engine:
    if address.get_backend_name() != "sqlite":
        return create_engine(address, pool_pre_ping=True, pool_size=10, max_overflow=20, hide_parameters=True)
    engine = create_engine(
        address, connect_args={"timeout": 60, "check_same_thread": False}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=60000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A read that turns into a write fails under WAL when another wrote in between, so writes lock at
        # once.
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('begin', 'IMMEDIATE')}")

    return engine


def _prepare(store: Store, must_exist: bool, version: int, migrations: Mapping[int, Migration]) -> None:
    with store.reading() as connection:
        info = _info(connection, store.url)
    if info.get("schema_version") == str(version):
        return
    if not info and must_exist:
        raise StoreError(
            f"store '{store.url}' is empty; run `oceanchat build` first or name another with --store"
        )
    with store.writing() as connection:
        if store.kind == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        info = _info(connection, store.url)
        if not info:
            _create(connection, version)
        else:
            _migrate(connection, store.url, int(info["schema_version"]), version, migrations)


def _info(connection: Connection, shown: str) -> dict[str, str]:
    """The store's own facts; empty for a database without any table."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return {}
    info: dict[str, str] = {}
    if store_info.name in tables:
        try:
            info = {name: value for name, value in connection.execute(select(store_info))}
        except DBAPIError:
            info = {}
    if info.get("application") != APPLICATION or not _VERSION.fullmatch(info.get("schema_version", "")):
        raise StoreError(f"store '{shown}' belongs to another program; name another database with --store")
    return info


def _create(connection: Connection, version: int) -> None:
    metadata.create_all(connection)
    facts = {
        "application": APPLICATION,
        "schema_version": str(version),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    connection.execute(store_info.insert(), [{"name": name, "value": value} for name, value in facts.items()])


def _migrate(
    connection: Connection, shown: str, found: int, version: int, migrations: Mapping[int, Migration]
) -> None:
    if found > version:
        raise StoreError(
            f"store '{shown}' has schema version '{found}', newer than {version}; update ocean-chat"
        )
    for step in range(found + 1, version + 1):
        migrations[step](connection)
    connection.execute(
        update(store_info).where(store_info.c.name == "schema_version").values(value=str(version))
    )


def _file_number(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


@contextmanager
def existing_or_empty(url: str) -> Iterator[Store]:
    """The store at `url`, or an empty one that vanishes where there is none: to look and leave no trace."""
    if "://" in url or Path(url).exists():
        yield open_store(url)
        return
    with TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "empty.db")
        yield store
        store.close()


def _first_line(error: BaseException) -> str:
    origin: Any = getattr(error, "orig", None) or error
    return _without_password(str(origin).strip().split("\n")[0])
