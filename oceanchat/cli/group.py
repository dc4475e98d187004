"""What both command lines share: whole summaries in `--help`, and errors as one line with an exit code.

Knows click and the error tree, and no command.
"""

import os
import sys

import click

from oceanchat.errors import OceanChatError

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""Settings of a group: how help is asked for and how wide it may be."""
MISTAKE, STOPPED = 1, 130
"""Exit codes: what a user can put right, and Ctrl-C."""


class CommandGroup(click.Group):
    """A group whose help gives each command's whole first sentence, wrapped instead of cut."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, in the order of the alphabet."""
        names = self.list_commands(ctx)
        rows = [(name, self.commands[name].get_short_help_str(limit=300)) for name in names]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def run_group(group: click.Group, stopped: str) -> int:
    """Run a group on this process's arguments; the exit code. `stopped` is what Ctrl-C leaves to be said."""
    name = group.name or ""
    _make_output_safe()
    try:
        code = group.main(prog_name=name, standalone_mode=False)
    except OceanChatError as error:
        return _complain(name, str(error), MISTAKE)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        return _complain(name, error.format_message(), MISTAKE)
    except ModuleNotFoundError as error:
        if (error.name or name).startswith((name, "oceanchat", "preact")):
            raise
        lacking = f"this command needs the package '{error.name}'"
        return _complain(name, f"{lacking}; install all with pip install 'ocean-chat[all]'", MISTAKE)
    except (click.Abort, KeyboardInterrupt):
        return _complain(name, stopped, STOPPED)
    except SystemExit:
        # click leaves with 1 when a reader such as `head` closed the pipe, which is nobody's mistake.
        return 0
    except (OSError, UnicodeEncodeError) as error:
        return _complain(
            name, f"output cannot be written: {getattr(error, 'strerror', None) or error}", MISTAKE
        )
    return code if isinstance(code, int) else 0


def _make_output_safe() -> None:
    """Let no closed or narrow output stream turn a finished job into a traceback."""
    for stream in ("stdout", "stderr"):
        found = getattr(sys, stream)
        if found is None:
            setattr(sys, stream, open(os.devnull, "w"))  # noqa: SIM115 - open for the life of the process
        elif hasattr(found, "reconfigure"):
            found.reconfigure(errors="replace")


def _complain(name: str, message: str, code: int) -> int:
    print(f"{name}: {' '.join(message.split())}", file=sys.stderr)
    return code
