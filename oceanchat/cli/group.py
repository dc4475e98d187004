"""What both command lines share.

Help lists whole summaries under headings; an error becomes one line with an exit code. Knows click and the
error tree, and no command.
"""

import io
import os
import sys
from pathlib import Path
from typing import Any

import click

from oceanchat.cli.complaints import complaint
from oceanchat.cli.display.notes import print_log_as_notes, print_note
from oceanchat.cli.help_layout import HelpContext
from oceanchat.cli.project_file import default_map
from oceanchat.cli.values import unify
from oceanchat.errors import BuildStopped, OceanChatError
from oceanchat.extras import missing_package, smallest_extra
from oceanchat.termination import exit_code, held_in_imports, terminated_as_interrupted

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""Settings of a group: how help is asked for and how wide it may be."""
MISTAKE = 1
"""Exit code of what a user can put right."""


class CommandGroup(click.Group):
    """A group whose help lists its commands under headings, each with its whole first sentence.

    Its commands read their values, and lay out their help, as all of ours do.
    """

    context_class = HelpContext

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._sections: dict[str, list[str]] = {}
        self.elsewhere: dict[str, str] = {}
        """Command of another program -> that program, for who mixes them up."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command."""
        unify(cmd)
        cmd.context_class = HelpContext
        super().add_command(cmd, name)

    def add_section(self, heading: str, *commands: click.Command) -> None:
        """Add these commands and list them in this order under a heading."""
        for command in commands:
            self.add_command(command)
            self._sections.setdefault(heading, []).append(str(command.name))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, section by section."""
        listed = {name for names in self._sections.values() for name in names}
        others = [name for name in self.list_commands(ctx) if name not in listed]
        for heading, names in (*self._sections.items(), ("Commands", others)):
            if names:
                with formatter.section(heading):
                    rows = [(name, self.commands[name].get_short_help_str(limit=300)) for name in names]
                    formatter.write_dl(rows)


def run_group(group: click.Group, extra: str, stopped: str) -> int:
    """Run a group on this process's arguments and return the exit code.

    `extra` installs the packages of this command line; `stopped` is the message after Ctrl-C.
    """
    name = group.name or ""
    _make_output_safe()
    print_log_as_notes()
    try:
        defaults = default_map(group, Path.cwd())
        with terminated_as_interrupted(), held_in_imports():
            code = group.main(prog_name=name, standalone_mode=False, default_map=defaults)
        sys.stdout.flush()
    except OceanChatError as error:
        number = error.signal if isinstance(error, BuildStopped) else 0
        return _complain(name, str(error), 128 + number if number else MISTAKE)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        return _complain(name, complaint(error), MISTAKE)
    except ModuleNotFoundError as error:
        package = (error.name or name).split(".")[0]
        if package in ("oceanchat", "preact", "annotation_app"):
            raise
        return _complain(name, missing_package(package, smallest_extra(package) or extra), MISTAKE)
    except (click.Abort, KeyboardInterrupt) as stop:
        if sys.stderr.isatty():  # it stands behind ^C
            print(file=sys.stderr)
        return _complain(name, stopped, exit_code(stop))
    except SystemExit:
        # click leaves with 1 when a reader such as `head` closed the pipe, which is nobody's mistake.
        return 0
    except (OSError, UnicodeEncodeError) as error:
        file = getattr(error, "filename", None)
        what = f"file '{file}' cannot be read or written" if file else "output cannot be written"
        return _complain(name, f"{what}: {getattr(error, 'strerror', None) or error}", MISTAKE)
    except (RecursionError, MemoryError):
        return _complain(name, "an input is too large or nested too deeply; give a smaller one", MISTAKE)
    return code if isinstance(code, int) else 0


class _Heedless(io.RawIOBase):
    """A stream that goes on when nobody reads it any more: what is written is then lost."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._lost = False

    def writable(self) -> bool:
        """Whether it takes anything: always."""
        return True

    def fileno(self) -> int:
        """The number of the file below."""
        return self._number

    def isatty(self) -> bool:
        """Whether the file below is a terminal."""
        return os.isatty(self._number)

    def write(self, data: Any) -> int:
        """Write, or lose, all of it; returns how many bytes were taken."""
        if not self._lost:
            try:
                return os.write(self._number, data)
            except OSError:  # the reader is gone, the terminal closed or the disk full
                self._lost = True
        return len(data)


def _make_output_safe() -> None:
    """Let no closed or narrow output stream turn a job into a traceback.

    Progress and errors go to stderr, whose reader may leave before the job is done; that never ends the job.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - open for the life of the process
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if sys.stderr is sys.__stderr__ and isinstance(sys.stderr, io.TextIOWrapper):
        raw = io.BufferedWriter(_Heedless(sys.stderr.fileno()))
        sys.stderr = io.TextIOWrapper(
            raw, sys.stderr.encoding, errors="replace", line_buffering=True, write_through=True
        )


def _complain(name: str, message: str, code: int) -> int:
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(message.split()))
    print_note(f"{name}: {line}")
    return code
