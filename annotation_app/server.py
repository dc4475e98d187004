"""Run the server until it is stopped.

Streamlit's command line, whose words at Ctrl-C are replaced: `oceanchat annotate` becomes this process.
"""

import sys

import click
from streamlit.web.cli import main as streamlit

from oceanchat.cli.display.notes import print_log_as_notes, print_note
from oceanchat.cli.group import STOPPED


def main() -> int:
    """`streamlit run` with this process's arguments; returns the exit code."""
    print_log_as_notes()
    try:
        streamlit.main(["run", *sys.argv[1:]], prog_name="streamlit", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        print_note("oceanchat: the annotation app has stopped; all that was saved is in the store")
        return STOPPED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
