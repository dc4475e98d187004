"""A command's store, closed when it ends."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from oceanchat.cli.project_file import where_it_is_named
from oceanchat.errors import MissingStore

if TYPE_CHECKING:
    from oceanchat.store.database import Store


def opened_store(url: str | Path, *, must_exist: bool = False) -> "Store":
    """The store at a path or URL, closed when the command ends, however it ends.

    Raises StoreError; of a store that is not there it also says whether a project file was read.
    """
    from oceanchat.store.database import open_store

    try:
        store = open_store(url, must_exist=must_exist)
    except MissingStore as error:
        raise MissingStore(f"{error}{where_it_is_named('store')}") from None
    click.get_current_context().call_on_close(store.close)
    return store
