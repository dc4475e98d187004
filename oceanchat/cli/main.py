"""`oceanchat`: the command line of the dataset half.

Commands are imported from their groups; errors a user can act on become one line on stderr and exit code 1.
"""

import sys

import click

from oceanchat.cli import annotation, calls, release
from oceanchat.cli import results as read
from oceanchat.cli.build import build
from oceanchat.cli.group import CONTEXT, CommandGroup, run_group

COMMANDS = (
    build,
    *read.COMMANDS,
    *calls.COMMANDS,
    *release.COMMANDS,
    *annotation.COMMANDS,
)


@click.group(cls=CommandGroup, context_settings=CONTEXT)
@click.version_option(package_name="ocean-chat")
def oceanchat() -> None:
    """Build, check, validate and release dialogues that show one Big Five trait.

    \b
    Start with:   oceanchat build --trait O --level high
    It is free and offline: a built-in scripted model answers until you name another with --model.
    """


for command in COMMANDS:
    oceanchat.add_command(command)


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run_group(oceanchat, "stopped; what was answered is kept, run the same command again to go on"))


if __name__ == "__main__":
    main()
