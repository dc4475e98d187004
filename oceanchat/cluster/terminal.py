"""Keep what Ray writes off the terminal.

Ray's core writes past Python, and ends a driver whose own machine leaves the cluster on the spot: no line of
this process can say so, therefore another one waits to. Knows nothing of builds.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

ENDED = (
    "oceanchat: the build was killed, by the system or by Ray, which ends it when this machine leaves the"
    " cluster; all answers are kept: run the same command again to go on"
)
WAIT = 'read -r line || printf "%s\\n" "$0" >&2'
"""Says its first argument where stdin ends without a line."""


@contextlib.contextmanager
def quiet_terminal() -> Iterator[None]:
    """Nothing but what Python writes reaches the terminal; a sudden end is told."""
    sys.stderr.flush()
    terminal = os.dup(2)
    # In a session of its own, so that it outlives a Ctrl-C.
    witness = subprocess.Popen(["sh", "-c", WAIT, ENDED], stdin=subprocess.PIPE, start_new_session=True)
    try:
        with contextlib.ExitStack() as stack:
            if _is_terminal(sys.stderr):
                own = stack.enter_context(os.fdopen(os.dup(terminal), "w", 1, sys.stderr.encoding, "replace"))
                stack.enter_context(contextlib.redirect_stderr(own))
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        witness.communicate(b"\n")


def _is_terminal(stream: object) -> bool:
    """Whether it is this process's stderr, not what stands in for it."""
    try:
        return stream.fileno() == 2  # type: ignore[attr-defined, no-any-return]
    except (AttributeError, OSError):
        return False
