"""Check a store's file name or URL.

Errors name the store without its password.
"""

import os
import re
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from oceanchat.errors import StoreError

_SQLITE_HEADER = b"SQLite format 3\x00"


def parse_address(url: str) -> URL:
    """The URL of a file name or URL. Raises StoreError for what is neither SQLite nor PostgreSQL."""
    if "://" not in url and url not in ("", ":memory:"):
        return URL.create("sqlite", database=url)
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError(
            f"store '{without_password(url)}' is not a database URL; write a file name or postgresql://host/name"
        ) from None
    backend = address.get_backend_name()
    if backend == "sqlite" and address.database not in (None, ":memory:"):
        return URL.create("sqlite", database=address.database)
    if backend == "postgresql":
        return address.set(drivername="postgresql+psycopg")
    raise StoreError(
        f"store '{without_password(url)}' is neither an SQLite file nor PostgreSQL; write a file name or"
        " postgresql://host/name"
    )


def without_password(url: str) -> str:
    """A text with the passwords of its URLs masked."""
    return re.sub(r"//[^@/]*@", "//***@", url)


def check_file(path: Path, must_exist: bool) -> None:
    """Raise StoreError unless an SQLite store can be opened at a path, or created there."""
    try:
        exists, is_file = path.exists(), path.is_file()
    except OSError as error:
        raise StoreError(
            f"store '{str(path)[:80]}' cannot be opened: {error.strerror}; name another"
        ) from None
    if not exists:
        return _check_folder(path, must_exist)
    if not is_file:
        raise StoreError(
            f"store '{path}' is a {'folder' if path.is_dir() else 'device or pipe'}; name a file"
        )
    try:
        with path.open("rb") as file:
            head = file.read(len(_SQLITE_HEADER))
    except OSError as error:
        raise StoreError(f"store '{path}' cannot be read: {error.strerror}") from None
    if head and head != _SQLITE_HEADER:
        raise StoreError(f"store '{path}' is not an SQLite database; name another file with --store")


def _check_folder(path: Path, must_exist: bool) -> None:
    if must_exist:
        raise StoreError(
            f"store '{path}' does not exist; run `oceanchat build` first or name another with --store"
        )
    folder = path.absolute().parent
    if not folder.is_dir():
        raise StoreError(f"store '{path}' cannot be created: its folder does not exist")
    if not os.access(folder, os.W_OK):
        raise StoreError(
            f"store '{path}' cannot be created: its folder is read-only; name another with --store"
        )


def file_number(path: Path) -> int | None:
    """The number of a file on its disk, which a replaced file does not share; None where there is no file."""
    try:
        return path.stat().st_ino
    except OSError:
        return None
