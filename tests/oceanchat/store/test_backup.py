"""A backup is complete, a store itself, and never overwrites."""

from contextlib import closing
from pathlib import Path

import pytest

from oceanchat.errors import StoreError
from oceanchat.store.backup import backup
from oceanchat.store.database import Store, open_store
from oceanchat.store.schema import store_info


def rows(store: Store) -> dict[str, str]:
    """The store's own facts."""
    with store.reading() as connection:
        return {row.name: row.value for row in connection.execute(store_info.select())}


def test_a_backup_holds_every_row_and_is_a_store(store: Store, tmp_path: Path) -> None:
    with store.writing() as connection:
        connection.execute(store_info.insert(), [{"name": f"n{n}", "value": str(n)} for n in range(1200)])
    target = tmp_path / "copy.db"
    assert backup(store, target) == len(rows(store))
    with closing(open_store(target, must_exist=True)) as copy:
        assert rows(copy) == rows(store)
    with pytest.raises(StoreError, match="exists"):
        backup(store, target)
    with pytest.raises(StoreError, match="cannot be"):
        backup(store, tmp_path / "no" / "folder.db")
