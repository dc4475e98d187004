"""A command's store, closed when it ends."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from oceanchat.store.database import Store


def opened_store(url: str | Path, *, must_exist: bool = False) -> "Store":
    """The store at a path or URL, closed when the command ends, however it ends. Raises StoreError."""
    from oceanchat.store.database import open_store

    store = open_store(url, must_exist=must_exist)
    click.get_current_context().call_on_close(store.close)
    return store
