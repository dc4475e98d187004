"""What all tests share: PostgreSQL, endpoints, and hypothesis without deadlines."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from oceanchat.annotation import accounts
from tests.broken_endpoint import BrokenEndpoint
from tests.endpoint import Endpoint
from tests.forks import forking
from tests.odd_endpoint import OddEndpoint
from tests.postgres import postgres_server, postgres_url, restartable_postgres
from tests.processes import Spawn, children

__all__ = ["postgres_server", "postgres_url", "restartable_postgres"]

settings.register_profile(
    "project",
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("project")


FIRST = (
    "tests/preact/test_real_model.py",
    "tests/preact/test_tutorial.py",
    "tests/preact/",
    "tests/annotation_app/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest tests first, so that no process has minutes left when the others have nothing to do.

    The rest of the trainer's follow: they share runs and loaded libraries, which each process makes anew.
    """
    items.sort(key=lambda item: next((n for n, name in enumerate(FIRST) if item.nodeid.startswith(name)), 9))


@pytest.fixture(scope="session", autouse=True)
def passcode_cost() -> Iterator[tuple[int, int, int]]:
    """What a passcode's hash costs in the product; tests open hundreds of accounts and hash cheaply."""
    shipped = accounts.PASSCODE_COST
    accounts.PASSCODE_COST = (16, 8, 1)
    yield shipped
    accounts.PASSCODE_COST = shipped


@pytest.fixture(scope="session", autouse=True)
def forks() -> Iterator[None]:
    """What the tests fork their processes from ends with them."""
    with forking():
        yield


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Start processes; they end with the test."""
    with children() as start:
        yield start


@pytest.fixture
def serve() -> Iterator[Callable[..., Endpoint]]:
    """Start an endpoint with these switches; it ends with the test."""
    running: list[Endpoint] = []

    def start(**switches: Any) -> Endpoint:
        running.append(Endpoint(**switches))
        return running[-1]

    yield start
    for endpoint in running:
        endpoint.close()


@pytest.fixture
def odd() -> Iterator[Callable[[str], OddEndpoint]]:
    """Start an endpoint with a mind of its own, in this mode; it ends with the test."""
    running: list[OddEndpoint] = []

    def start(mode: str) -> OddEndpoint:
        running.append(OddEndpoint(mode))
        return running[-1]

    yield start
    for endpoint in running:
        endpoint.close()


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
