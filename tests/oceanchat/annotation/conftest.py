"""A store of either kind, empty."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from oceanchat.store.database import Store, open_store


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "postgresql":
        opened = open_store(request.getfixturevalue("postgres_url"))
    else:
        opened = open_store(tmp_path / "store.db")
    yield opened
    opened.close()
