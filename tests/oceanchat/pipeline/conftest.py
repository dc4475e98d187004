"""What the tests of the pipeline share."""

from collections.abc import Callable, Iterator

import pytest

from tests.oceanchat.pipeline.broken_endpoint import BrokenEndpoint


@pytest.fixture
def serve_broken() -> Iterator[Callable[..., BrokenEndpoint]]:
    """Start an endpoint where these tasks or models are broken; it ends with the test."""
    running: list[BrokenEndpoint] = []

    def start(**broken: str) -> BrokenEndpoint:
        running.append(BrokenEndpoint(**broken))
        return running[-1]

    yield start
    for endpoint in running:
        endpoint.close()
