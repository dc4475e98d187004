"""Endpoints on a real socket that end with their test, and a release small enough to train on in seconds."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.oceanchat.llm.endpoint import Endpoint
from tests.preact.evaluation.tiny_models import write_release


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


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven dialogues a trait-level, made of control answers and statements."""
    return write_release(tmp_path_factory.mktemp("release") / "ocean-chat-0.0-test")
