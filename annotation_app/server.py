"""Run the server until it is stopped.

Streamlit's command line, whose words at Ctrl-C are replaced: `oceanchat annotate` becomes this process.
"""

import logging
import signal
import sys

import click
from streamlit.web.cli import main as streamlit

from oceanchat.cli.display.notes import print_log_as_notes, print_note
from oceanchat.termination import HELD, exit_code, held_in_imports, terminated_as_interrupted


def main() -> int:
    """`streamlit run` with this process's arguments; returns the exit code."""
    print_log_as_notes()
    logging.getLogger("uvicorn.error").addFilter(_is_no_hurry)
    try:
        with terminated_as_interrupted(), held_in_imports():
            # What starts this process blocks them: one that came while Streamlit was imported comes now.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)
            streamlit.main(["run", *sys.argv[1:]], prog_name="streamlit", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt) as stop:
        print_note("oceanchat: the annotation app has stopped; all that was saved is in the store")
        return exit_code(stop)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return 0


def _is_no_hurry(record: logging.LogRecord) -> bool:
    """Whether a line is no traceback of the app's end that a second Ctrl-C cut short."""
    return "asyncio.exceptions.CancelledError" not in record.getMessage()


if __name__ == "__main__":
    sys.exit(main())
