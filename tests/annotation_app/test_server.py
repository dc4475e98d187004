"""The app as a process that somebody stops."""

import os
import signal
from pathlib import Path

from tests.annotation_app.running import running
from tests.processes import PATIENCE


def test_ctrl_c_ends_the_app_with_one_line_of_ours(tmp_path: Path) -> None:
    with running(tmp_path) as app:
        app.start()
        assert app.process is not None
        os.kill(app.process.pid, signal.SIGINT)
        assert app.process.wait(PATIENCE) == 130
        app.process = None
        last = (tmp_path / "server.log").read_text().splitlines()[-1]
    assert last == "oceanchat: the annotation app has stopped; all that was saved is in the store"
