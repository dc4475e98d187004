"""Sentences for people in the terminal.

One is one line wherever it is stored or piped; on a terminal it is broken between words. Notes go to stderr,
results to stdout. What the packages log is shown as notes.
"""

import logging
import shutil
import sys
import textwrap

from oceanchat.cli.display.typed_commands import with_its_store


def print_note(line: str) -> None:
    """`line` on stderr; its commands name the store that this one was given."""
    line = with_its_store(line)
    print(fitted(line) if sys.stderr.isatty() else line, file=sys.stderr, flush=True)


def print_wait(line: str) -> None:
    """`line` on stderr where somebody waits at a terminal: what the next seconds are for."""
    if sys.stderr.isatty():
        print_note(line)


class _LogNotes(logging.Handler):
    """Shows what is logged as a note of the package that logs it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        print_note(f"{record.name.partition('.')[0]}: {record.getMessage()}")


def print_log_as_notes() -> None:
    """Show what the packages log from now on as notes; called where a command starts."""
    for package in ("oceanchat", "preact"):
        logger = logging.getLogger(package)
        if not any(isinstance(handler, _LogNotes) for handler in logger.handlers):
            logger.addHandler(_LogNotes(logging.WARNING))


def print_sentence(line: str, indent: int = 0) -> None:
    """`line` on stdout, with its commands as in a note; all but its first line are indented by `indent`."""
    line = with_its_store(line)
    print(fitted(line, indent) if sys.stdout.isatty() else line)


def fitted(line: str, indent: int = 0) -> str:
    """`line` in lines that fit the terminal; words, such as addresses and options, stay whole."""
    width = shutil.get_terminal_size().columns - 1
    return "\n".join(in_lines(line, width, indent))


def in_lines(text: str, width: int, indent: int = 0) -> list[str]:
    """`text` in lines of at most `width`; a longer word stays whole."""
    return [
        line
        for part in text.split("\n")
        for line in textwrap.wrap(
            part,
            max(1, width),
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        or [""]
    ]
