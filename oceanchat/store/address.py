"""Check a store's file name or URL.

Errors name the store without its password.
"""

import os
import re
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from oceanchat.errors import MissingStore, StoreError

_HARMLESS = {
    "application_name",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "keepalives",
    "port",
    "sslmode",
    "target_session_attrs",
    "user",
}
"""Parameters of a URL whose values may be shown."""
_PASSWORD = re.compile(r"(?i)((?:\w*password|passwd|pwd)\s*[=:]\s*)('[^']*'|\"[^\"]*\"|[^\s'\",;&]+)")
"""A password as a connection string writes it."""
_SHORTEST_SECRET = 3
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
    if "@" in (address.host or ""):
        raise StoreError(
            f"store '{without_password(url)}' has more than one '@'; write that of a user or password as %40"
        )
    backend = address.get_backend_name()
    if backend in ("postgresql", "postgres") and "@" in (address.database or ""):
        # What was to be a user or password ended at its '/', and its rest would be shown as a host.
        raise StoreError(
            f"store '{without_password(url)}' has a '/' before its '@'; write that of a user or password as"
            " %2F, or leave the password to PGPASSWORD"
        )
    if backend == "sqlite" and address.database not in (None, ":memory:"):
        return URL.create("sqlite", database=address.database)
    if backend in ("postgresql", "postgres"):
        return address.set(drivername="postgresql+psycopg")
    raise StoreError(
        f"store '{without_password(url)}' is neither an SQLite file nor PostgreSQL; write a file name or"
        " postgresql://host/name"
    )


def without_password(text: str) -> str:
    """A text with what may be a password in its URLs masked: user and password, and all values of the query
    but those known to be harmless."""
    text = re.sub(r"//[^\s'\"]*@", "//***@", text)
    text = re.sub(r"([?&;])([^\s=&;'\"]+)=([^\s&;'\"]*)", _masked, text)
    return _PASSWORD.sub(r"\1***", text)


def _masked(parameter: re.Match[str]) -> str:
    start, name, value = parameter.groups()
    return f"{start}{name}={value if name.lower() in _HARMLESS else '***'}"


def secrets_of(address: URL) -> list[str]:
    """What must not be shown of an address, the longest first."""
    values = [address.password or ""]
    for name, value in address.query.items():
        if name.lower() not in _HARMLESS:
            values.extend([value] if isinstance(value, str) else value)
    return sorted({secret for secret in values if len(secret) >= _SHORTEST_SECRET}, key=len, reverse=True)


def is_read_only(path: Path) -> bool:
    """Whether an SQLite file is there that this user can read and not write; SQLite writes beside it, too."""
    return path.is_file() and not (os.access(path, os.W_OK) and os.access(path.absolute().parent, os.W_OK))


def has_journal(path: Path) -> bool:
    """Whether the latest rows of an SQLite file are in the file beside it; StoreError where only one who may
    write can get at them."""
    journal, index = (path.with_name(path.name + ending) for ending in ("-wal", "-shm"))
    if not journal.is_file() or not journal.stat().st_size:
        return False
    if not index.is_file():
        raise StoreError(
            f"store '{path}' is read-only and was not closed: copy it together with '{journal.name}' to where"
            " you may write"
        )
    return True


def check_file(path: Path, must_exist: bool, in_use: bool = False) -> None:
    """Raise StoreError unless an SQLite store can be opened at a path, or created there; MissingStore where
    it is not there and must be.

    A file that this process has open (`in_use`) is not read: closing it again would end SQLite's locks on it,
    and the next process that leaves the store would remove the journal under it, with all that it writes.
    """
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
    if in_use:
        return
    try:
        with path.open("rb") as file:
            head = file.read(len(_SQLITE_HEADER))
    except OSError as error:
        raise StoreError(f"store '{path}' cannot be read: {error.strerror}") from None
    if head and head != _SQLITE_HEADER:
        raise StoreError(f"store '{path}' is not an SQLite database; name another file with --store")


def _check_folder(path: Path, must_exist: bool) -> None:
    if path.parts[0].startswith(("postgres:", "postgresql:")):
        # Without the rest, which may hold a password.
        raise StoreError(
            f"store '{path.parts[0]}...' is no address of a database: write postgresql://USER@HOST/NAME"
        )
    if must_exist:
        raise MissingStore(
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
