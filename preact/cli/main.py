"""The command line of the training half.

`preact` lists its commands in the order people meet them. Commands are listed from their groups; errors a
user can act on become one line on stderr and exit code 1.
"""

import logging
import sys

import click

from oceanchat.cli.group import CONTEXT, CommandGroup, run_group
from preact.cli import evaluation, exporting, plots, training

COMMANDS = (*training.COMMANDS, *exporting.COMMANDS, *evaluation.COMMANDS, *plots.COMMANDS)


@click.group(cls=CommandGroup, context_settings=CONTEXT)
@click.version_option(package_name="ocean-chat")
def preact() -> None:
    """Train models that show Big Five traits, measure how well they do, and export adapters.

    \b
    Start with:   preact train releases/NAME --output runs/first
    It runs offline on a CPU: a tiny backbone is built on the spot until you name another with --backbone.
    """


for command in COMMANDS:
    preact.add_command(command)


def main() -> None:
    """Run the command line and leave with its exit code."""
    # Where it is installed it says at every product which number format it casts to.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    sys.exit(run_group(preact, "train", "stopped; continue an unfinished run with `preact train --resume`"))


if __name__ == "__main__":
    main()
