"""Open the store, in SQLite or PostgreSQL.

SQLite is the default, PostgreSQL is chosen by a URL. Opening creates a new store, migrates an older one, and
refuses what is not ours or is newer. It knows tables only as a whole; what is in them belongs to the modules
beside it, which it imports so that their tables exist. Migrations are a dozen lines of our own instead of
Alembic: one schema serves both databases, opening a store upgrades it in one transaction, and users have no
second tool to run.
"""

import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar
from weakref import WeakSet

from sqlalchemy import URL, Connection, Engine, func, inspect, select, text, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from oceanchat.errors import StoreError
from oceanchat.extras import load_optional
from oceanchat.store import (
    builds,
    conversations,
    corpora,
    imports,
    labels,
    ledger,
    ledger_requests,
    second_looks,
    shared_limits,
)
from oceanchat.store.address import (
    check_file,
    file_number,
    is_read_only,
    parse_address,
    without_password,
)
from oceanchat.store.engines import open_engine, reading_engine
from oceanchat.store.failures import DAMAGE, damaged, explained, first_line
from oceanchat.store.location import DEFAULT_STORE
from oceanchat.store.migrations import MIGRATIONS
from oceanchat.store.outages import is_passing
from oceanchat.store.schema import APPLICATION, SCHEMA_VERSION, Migration, metadata, store_info

OWNERS = (builds, conversations, corpora, imports, labels, ledger_requests, second_looks, shared_limits)
"""The modules that define the tables, with those they import in turn."""
_VERSION = re.compile(r"[1-9][0-9]{0,5}")
T = TypeVar("T")
RESTART_SECONDS = 60.0
"""How long a database that was reached before is waited for."""
_OPEN: dict[int | None, WeakSet[Engine]] = {}
"""SQLite files by their number -> the engines by which this process has them open."""
_OPENING = threading.Lock()
"""Held while a store is opened: between the look into its file and the entry in `_OPEN` no other thread may
connect, or that look would end the other's locks."""
_LOCK = 0x0CEA  # PostgreSQL advisory lock held while a store is created or migrated


@dataclass(frozen=True)
class Store:
    """An open store."""

    engine: Engine
    url: str
    """For messages: without a password."""
    kind: str
    """'sqlite' or 'postgresql'."""
    file: int | None = None
    """The SQLite file's number on its disk when it was opened."""
    waits: bool = False
    """Whether a database that restarts is waited for: once it has been reached."""
    read_only: bool = False
    """Whether this user may read it and not write."""

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one consistent state and takes no write lock."""
        with self._translated(), self._connected() as connection:
            connection = connection.execution_options(begin="DEFERRED")
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that holds SQLite's write lock from its start: commits at the end, rolls back on
        error."""
        with self._translated(), self._connected() as connection, connection.begin():
            yield connection

    def write(self, work: Callable[[Connection], T]) -> T:
        """`work` in one transaction; whole again where the database restarts or drops the connection."""
        until = time.monotonic() + RESTART_SECONDS
        while True:
            try:
                with self._translated(), self._connected() as connection, connection.begin():
                    return work(connection)
            except StoreError as error:
                cause = error.__context__
                if cause is None or not is_passing(cause) or time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def _connected(self) -> Connection:
        until = time.monotonic() + RESTART_SECONDS
        while True:
            try:
                return self.engine.connect()
            except SQLAlchemyError as error:
                if not self.waits or not is_passing(error) or time.monotonic() > until:
                    raise
                time.sleep(0.2)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, UnicodeEncodeError) as error:
            raise explained(error, self.url, self.engine.url) from None
        except DAMAGE as error:
            raise damaged(error, self.url) from error

    def check_there(self) -> None:
        """Raise StoreError when the file was deleted or replaced while it was open: its rows are lost."""
        if self.file is not None and file_number(Path(self.url)) != self.file:
            raise StoreError(
                f"store '{self.url}' was deleted or replaced while it was in use; run the command again"
            )

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()
        _OPEN.get(self.file, WeakSet()).discard(self.engine)


def open_store(
    url: str | Path = DEFAULT_STORE,
    *,
    must_exist: bool = False,
    version: int = SCHEMA_VERSION,
    migrations: Mapping[int, Migration] = MIGRATIONS,
) -> Store:
    """Open the store at a path or URL, creating or migrating it where needed.

    Raises StoreError for what cannot be reached, is not ours, is newer than this program, or, with
    `must_exist`, is not there; ConfigError for a PostgreSQL URL without the extra `postgres`.
    """
    with _OPENING:
        return _opened(url, must_exist, version, migrations)


def _opened(url: str | Path, must_exist: bool, version: int, migrations: Mapping[int, Migration]) -> Store:
    address, store = _connect(url, must_exist)
    name, is_sqlite = store.url, store.kind == "sqlite"
    try:
        _prepare(store, must_exist, version, migrations)
    except (SQLAlchemyError, sqlite3.Error) as error:
        store.engine.dispose()
        raise explained(error, name, address) from None
    except StoreError:
        store.engine.dispose()
        raise
    if is_sqlite:
        file = file_number(Path(name))
        _OPEN.setdefault(file, WeakSet()).add(store.engine)
        return replace(store, file=file, waits=True)
    return replace(store, read_only=_refuses_writes(store), waits=True)


def stored_version(url: str | Path) -> int | None:
    """The schema version of a store, which stays as it is; None for a database without tables.

    Raises StoreError for what is not there, cannot be reached or is not ours.
    """
    with _OPENING:
        address, store = _connect(url, must_exist=True, reading=True)
        try:
            with store.reading() as connection:
                info = _info(connection, store.url)
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise explained(error, store.url, address) from None
        finally:
            store.close()
    return int(info["schema_version"]) if info else None


def _connect(url: str | Path, must_exist: bool, reading: bool = False) -> tuple[URL, Store]:
    """The address of a database and a handle on it, nothing of which was read yet."""
    address = parse_address(str(url))
    is_sqlite = address.get_backend_name() == "sqlite"
    shown = str(address.set(drivername=address.get_backend_name()))
    name = address.database or "" if is_sqlite else without_password(shown)
    if is_sqlite:
        check_file(Path(name), must_exist, in_use=bool(_OPEN.get(file_number(Path(name)))))
    read_only = is_sqlite and (reading or is_read_only(Path(name)))
    try:
        if not is_sqlite:
            load_optional("psycopg", "postgres")
        engine = reading_engine(Path(name)) if read_only else open_engine(address)
    except (SQLAlchemyError, ImportError) as error:
        raise StoreError(f"store '{name}' cannot be opened: {first_line(error, address)}") from None
    return address, Store(engine, name, address.get_backend_name(), read_only=read_only)


def _refuses_writes(store: Store) -> bool:
    """Whether a PostgreSQL server, such as a copy of another, or this user's rights allow reading alone."""
    rights = select(
        func.has_table_privilege(ledger.ledger_calls.name, "INSERT"),
        func.current_setting("transaction_read_only") == "off",
    )
    with store.reading() as connection:
        return not all(connection.execute(rights).one())


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


def _info(connection: Connection, name: str) -> dict[str, str]:
    """The store's own facts; empty for a database without any table."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return {}
    info: dict[str, str] = {}
    if store_info.name in tables:
        try:
            info = {fact: value for fact, value in connection.execute(select(store_info))}
        except DBAPIError:
            info = {}
    if info.get("application") != APPLICATION or not _VERSION.fullmatch(info.get("schema_version", "")):
        raise StoreError(f"store '{name}' belongs to another program; name another database with --store")
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
    connection: Connection, name: str, current: int, version: int, migrations: Mapping[int, Migration]
) -> None:
    if current > version:
        raise StoreError(
            f"store '{name}' has schema version '{current}', newer than {version}; update ocean-chat"
        )
    for step in range(current + 1, version + 1):
        migrations[step](connection)
    connection.execute(
        update(store_info).where(store_info.c.name == "schema_version").values(value=str(version))
    )


@contextmanager
def existing_or_empty(url: str) -> Iterator[Store]:
    """The store at `url`; where there is none, an empty one that vanishes afterwards."""
    if "://" in url or Path(url).exists():
        with closing(open_store(url)) as store:
            yield store
        return
    with TemporaryDirectory() as folder, closing(open_store(Path(folder) / "empty.db")) as store:
        yield store
