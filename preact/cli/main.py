"""`preact`: the command line of the training half.

Commands are listed from their groups; errors a user can act on become one line on stderr and exit code 1.
"""

import sys

import click

from oceanchat.errors import OceanChatError
from preact.cli import evaluation, exporting, plots, training

COMMANDS = (*training.COMMANDS, *exporting.COMMANDS, *evaluation.COMMANDS, *plots.COMMANDS)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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
    sys.exit(run())


def run() -> int:
    """Run the command named in this process's arguments; the exit code. Errors are printed as one line."""
    try:
        code = preact.main(prog_name="preact", standalone_mode=False)
    except OceanChatError as error:
        return _complain(str(error), 1)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        return _complain(error.format_message(), 1)
    except (click.Abort, KeyboardInterrupt):
        return _complain("stopped; go on with `preact train --resume` where a run was under way", 130)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return code if isinstance(code, int) else 0


def _complain(message: str, code: int) -> int:
    print(f"preact: {' '.join(message.split())}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
