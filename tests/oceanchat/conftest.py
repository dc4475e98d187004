"""A store of its own for each test; `store` and `annotation` try both kinds of database instead."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from oceanchat.store.database import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store.db")
    yield opened
    opened.close()
