"""The command line of the training half.

`preact` lists its commands in the order people meet them; errors a user can act on become one line on stderr
and exit code 1.
"""

import atexit
import logging
import os
import sys
from typing import NoReturn

import click

from oceanchat.cli.group import CONTEXT, CommandGroup, run_group
from oceanchat.cli.main import oceanchat
from preact.cli.evaluation import compare, control_vectors, interview, judge
from preact.cli.exam import exam
from preact.cli.exporting import chat, export
from preact.cli.identification import identify
from preact.cli.plots import plot, sweep
from preact.cli.report import report
from preact.cli.serving import check_served, serve
from preact.cli.strengths import dial
from preact.cli.training import info, train


@click.group(cls=CommandGroup, context_settings=CONTEXT)
@click.version_option(package_name="ocean-chat")
def preact() -> None:
    """Train models that show Big Five traits, measure how well they do, and export adapters.

    \b
    Start with:   preact train releases/NAME --output runs/first

    This works offline on a CPU: a tiny backbone is built on the spot until you name another with --backbone.
    """


preact.add_section("Train", train, info, sweep)
preact.add_section("Use", chat, serve, check_served, export)
preact.add_section("Evaluate", identify, dial, control_vectors, interview, judge)
preact.add_section("Report", exam, compare, report, plot)
preact.elsewhere = {name: "oceanchat" for name in oceanchat.commands if name not in preact.commands}


def main() -> None:
    """Run the command line and leave with its exit code."""
    # Where it is installed it says at every product which number format it casts to.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    code = run_group(preact, "train", "stopped; the same command goes on from what it has stored")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        _end_beside_others(code)
    sys.exit(code)


def _end_beside_others(code: int) -> NoReturn:
    """End a process that torchrun started, without taking the interpreter apart.

    All is written by now, and threads of torch that are still there then abort the process, which torchrun
    reports as a failure. What asked to be called at the end, such as a tracker, is called.
    """
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
