"""The command line of the dataset half.

`oceanchat` lists its commands in the order people meet them; errors a user can act on become one line on
stderr and exit code 1.
"""

import sys

import click

from oceanchat.cli.agreement import agreement
from oceanchat.cli.annotation import annotate, sample
from oceanchat.cli.annotators import annotators
from oceanchat.cli.build import build
from oceanchat.cli.calls import batches, costs, estimate, retry
from oceanchat.cli.demo import demo
from oceanchat.cli.doctor import doctor
from oceanchat.cli.evaluation import evaluation
from oceanchat.cli.group import CONTEXT, CommandGroup, run_group
from oceanchat.cli.release import diff, import_, publish, release, verify
from oceanchat.cli.request_files import answers, pending
from oceanchat.cli.results import backup, export, show, stats, status
from oceanchat.cli.serve import serve_scripted
from oceanchat.cli.topics import topics
from oceanchat.cli.view import view


@click.group(cls=CommandGroup, context_settings=CONTEXT)
@click.version_option(package_name="ocean-chat")
def oceanchat() -> None:
    """Build, check, validate and release dialogues that show one Big Five trait.

    \b
    Start with:   oceanchat demo

    This is free and works offline: a built-in scripted model answers until you name another with --model.
    """


oceanchat.add_section("Start", demo, doctor)
oceanchat.add_section("Build", build, import_, retry, batches, pending, answers, serve_scripted)
oceanchat.add_section("Money", estimate, costs)
oceanchat.add_section("Look", status, show, view, stats, topics, export, backup)
oceanchat.add_section("Validate", sample, evaluation, annotators, annotate, agreement)
oceanchat.add_section("Release", release, verify, diff, publish)
oceanchat.elsewhere = {
    name: "preact"
    for name in (
        *("train", "info", "sweep", "chat", "serve", "check-served", "identify", "dial", "control-vectors"),
        *("interview", "judge", "exam", "compare", "report", "plot"),
    )
}


def main() -> None:
    """Run the command line and leave with its exit code."""
    stopped = "stopped; answers so far are kept, run the same command again to continue"
    sys.exit(run_group(oceanchat, "release", stopped))


if __name__ == "__main__":
    main()
