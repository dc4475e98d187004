"""The progress of a build where there is no terminal."""

import pytest

from oceanchat.cli.display.progress import BuildProgress
from oceanchat.llm.usage import Usage
from oceanchat.progress import Stage


def test_without_a_terminal_progress_is_plain_lines_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with BuildProgress() as progress:
        progress.watch(Usage(answered=3, failed=1))
        progress.expect(Stage.LABEL, 5)
        progress.done(Stage.LABEL, 4)
    printed = capsys.readouterr()
    assert printed.out == "" and "\x1b" not in printed.err
    assert (
        "labeling sentences 4/5" in printed.err
        and "3 done, 1 failed" in printed.err
        and "1 remaining" in printed.err
    )
