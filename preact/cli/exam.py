"""Ask what a sceptic asks.

`preact exam`, for every system and several side by side.
"""

import asyncio
from pathlib import Path
from typing import Any

import click

from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.options import json_option
from oceanchat.nesting import parse_json
from preact.cli.evaluation import open_local_later, read_access
from preact.cli.options import access_options, data_option, output_option, split_option, threads_option
from preact.cli.training import say
from preact.cli.training_options import FOLDER

PARTS = ("identification", "dose", "persistence", "behaviour", "neutral", "capability", "answers")


@click.command()
@click.argument("systems", nargs=-1, required=True, metavar="SYSTEM...")
@output_option("Folder for the page and everything measured.")
@data_option
@split_option
@click.option("--quick", is_flag=True, help="A small part of everything: minutes on a CPU.")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(PARTS),
    metavar="PART",
    help=f"Measure this part alone ({', '.join(PARTS)}); may be repeated. Default: all.",
)
@click.option(
    "--judge",
    "judges",
    multiple=True,
    metavar="MODEL",
    help="Model whose judging is priced, not asked; may be repeated.",
)
@click.option(
    "--interview",
    "interviews",
    multiple=True,
    type=FOLDER,
    metavar="DIR",
    help="Judged interview (--items all) whose leakage is shown too; may be repeated.",
)
@threads_option
@access_options
@json_option
def exam(as_json: bool, **flags: Any) -> None:
    """Answer seven questions that a sceptic asks of each SYSTEM, without a judge, on one page.

    SYSTEM is a run of `preact train`, prompted:MODEL or control:DIR. Everything measured is stored as it
    comes in; run the same command again to resume. Of a model behind an endpoint, which is paid for its
    answers, only what it says can be examined.

    \b
    Example:  preact exam runs/first --quick --output exams/first
              preact exam runs/* prompted:runs/preact --output exams/all
    """
    from preact.evaluation.exam.examining import FIGURES, ExamPlan, hold_exam

    access = read_access(flags)
    systems: tuple[str, ...] = flags.pop("systems")
    output: Path = flags.pop("output")
    files = asyncio.run(hold_exam(ExamPlan(systems, output, **flags), access, open_local_later, say))
    if as_json:
        figures = parse_json((output / FIGURES).read_text(encoding="utf-8"))
        return print_json({**files._asdict(), "systems": figures})
    click.echo(f"{files.markdown}\n{files.html}")
