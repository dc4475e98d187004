"""A store of its own for each test; `store` and `annotation` try both kinds of database instead."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from oceanchat.store.database import Store, open_store
from tests.stores import stores_of_a_test


@pytest.fixture(autouse=True)
def closed_stores() -> Iterator[None]:
    """No test leaves a connection open to the next."""
    with stores_of_a_test():
        yield


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store.db")
    yield opened
    opened.close()
