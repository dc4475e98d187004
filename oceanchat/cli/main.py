"""`oceanchat`: the command line of the dataset half.

Commands are imported from their groups; errors a user can act on become one line on stderr and exit code 1.
"""

import sys

import click

from oceanchat.cli import calls, read, release
from oceanchat.cli.build import build
from oceanchat.errors import OceanChatError

COMMANDS = (
    build,
    *read.COMMANDS,
    *calls.COMMANDS,
    *release.COMMANDS,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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
    sys.exit(run(oceanchat))


def run(group: click.Group) -> int:
    """Run a command group on this process's arguments; the exit code. Errors are printed as one line."""
    name = group.name or "oceanchat"
    try:
        code = group.main(standalone_mode=False)
    except OceanChatError as error:
        return _complain(name, str(error), 1)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        return _complain(name, error.format_message(), 1)
    except (click.Abort, KeyboardInterrupt):
        return _complain(name, "stopped; what was answered is kept, run the same command again to go on", 130)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return code if isinstance(code, int) else 0


def _complain(name: str, message: str, code: int) -> int:
    print(f"{name}: {' '.join(message.split())}", file=sys.stderr)
    return code
