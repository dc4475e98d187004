"""Copy a whole store into an SQLite file.

The copy is put in place only when it is complete. It knows tables only as a whole.
"""

import os
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import Connection, select

from oceanchat.errors import StoreError
from oceanchat.store.database import Store, open_store
from oceanchat.store.schema import metadata

_ROWS_AT_ONCE = 500


def backup(store: Store, target: Path) -> int:
    """Copy the whole store into a new SQLite file; returns the number of rows.

    Raises StoreError when the target exists or cannot be written.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        if target.exists():
            raise StoreError(f"backup '{target}' exists; name a new file")
        part.unlink(missing_ok=True)
        with closing(open_store(part)) as copy, store.reading() as source, copy.writing() as sink:
            rows = _copy_tables(source, sink)
        os.replace(part, target)
    except OSError as error:
        raise StoreError(f"backup '{target}' cannot be written: {error.strerror or error}") from None
    finally:
        for leftover in (part, part.with_name(f"{part.name}-wal"), part.with_name(f"{part.name}-shm")):
            with suppress(OSError):
                leftover.unlink()
    return rows


def _copy_tables(source: Connection, sink: Connection) -> int:
    rows = 0
    for table in metadata.sorted_tables:
        sink.execute(table.delete())
        result = source.execute(select(table), execution_options={"yield_per": _ROWS_AT_ONCE})
        for chunk in result.mappings().partitions(_ROWS_AT_ONCE):
            sink.execute(table.insert(), [dict(row) for row in chunk])
            rows += len(chunk)
    return rows
