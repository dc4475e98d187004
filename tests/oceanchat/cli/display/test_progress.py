"""The progress of a build where there is no terminal; tests/oceanchat/cli/test_terminal.py looks at one."""

import time

import pytest

from oceanchat.cli.display import progress as display
from oceanchat.cli.display.progress import BuildProgress
from oceanchat.llm.usage import Usage
from oceanchat.progress import Stage
from tests.processes import PATIENCE


def test_without_a_terminal_progress_is_plain_lines_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with BuildProgress() as progress:
        progress.want(20)
        progress.watch(Usage(answered=3, failed=1))
        progress.expect(Stage.LABEL, 5)
        progress.done(Stage.LABEL, 4)
        progress.passed(1)
    printed = capsys.readouterr()
    assert printed.out == "" and "\x1b" not in printed.err
    (line,) = printed.err.splitlines()
    assert line.startswith("1 of 20 passed, ") and "; labeling sentences 4/5; 0 in flight, 3 answered" in line
    assert line.endswith("1 failed, cost $0.0000")


def test_lines_come_by_the_clock_and_ever_rarer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(display, "FIRST_LINE", 0.05)
    with BuildProgress() as progress:
        progress.expect(Stage.LABEL, 5)
        progress.watch(Usage(in_flight=4))
        printed, until = "", time.monotonic() + PATIENCE
        while printed.count("\n") < 3 and time.monotonic() < until:
            time.sleep(0.02)
            printed += capsys.readouterr().err
    assert printed.count("4 in flight, 0 answered") >= 3
