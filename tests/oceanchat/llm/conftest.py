"""A store of its own for each test, and endpoints that end with it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from oceanchat.store.database import Store, open_store
from tests.oceanchat.llm.endpoint import Endpoint


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "store.db")
    yield opened
    opened.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Endpoint]]:
    """Start an endpoint with these switches."""
    running: list[Endpoint] = []

    def start(**switches: Any) -> Endpoint:
        running.append(Endpoint(**switches))
        return running[-1]

    yield start
    for endpoint in running:
        endpoint.close()
