"""Endpoints on a real socket that end with their test, and a release small enough to train on in seconds."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from preact.config import Method
from preact.training import train
from tests.oceanchat.llm.endpoint import Endpoint
from tests.preact.conftest import micro_config
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


METHODS: tuple[Method, ...] = ("preact", "no-psl", "lora", "lora-sep")


@pytest.fixture(scope="session")
def runs(release: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A micro run of each of four methods on one backbone, by method."""
    folder = tmp_path_factory.mktemp("runs")
    made: dict[str, Path] = {}
    for method in METHODS:
        backbone = str(made["preact"] / "backbone") if made else "tiny"
        config = micro_config(release, folder / method, method, backbone=backbone, max_steps=2)
        train(config, lambda line: None)
        made[method] = folder / method
    return made
