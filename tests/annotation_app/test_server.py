"""The app as a process that somebody stops."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from annotation_app import server
from oceanchat.termination import HELD
from tests.annotation_app.running import running
from tests.processes import PATIENCE

LINE = "oceanchat: the annotation app has stopped; all that was saved is in the store"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_app_with_one_line_of_ours(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path) as app:
        app.start()
        assert app.process is not None
        os.kill(app.process.pid, number)
        assert app.process.wait(PATIENCE) == 128 + number
        app.process = None
        last = (tmp_path / "server.log").read_text().splitlines()[-1]
    assert last == LINE


@pytest.mark.parametrize("number", HELD)
def test_one_that_comes_while_it_starts_waits_until_it_can_be_answered(number: signal.Signals) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
    command = [sys.executable, "-m", "annotation_app.server", "no-app.py"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    process.send_signal(number)
    assert process.communicate(timeout=PATIENCE)[1] == LINE + "\n"
    assert process.returncode == 128 + number


def test_a_second_ctrl_c_writes_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    log = logging.getLogger("uvicorn.error")
    monkeypatch.setattr(log, "filters", [])

    def stop(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(server.streamlit, "main", stop)
    assert server.main() == 128 + signal.SIGINT
    cut = "Traceback (most recent call last):\n  await getter\nasyncio.exceptions.CancelledError\n"
    logged = [logging.makeLogRecord({"msg": message}) for message in (cut, "address already in use")]
    assert [bool(log.filter(record)) for record in logged] == [False, True]
