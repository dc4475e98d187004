"""Stores that tests open and need not close themselves."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from oceanchat.store.database import Store, open_store

_opened = ExitStack()


def open_for_test(url: str | Path) -> Store:
    """The store at a path or URL, closed after the test: from 3.13 on Python warns of what is not."""
    store = open_store(url)
    _opened.callback(store.close)
    return store


@contextmanager
def stores_of_a_test() -> Iterator[None]:
    """What was opened for a test ends with it."""
    with _opened:
        yield
