"""Test the strengths of a run's trait-levels.

`preact dial` measures them, prints and draws the curves, and stores them where export cards read them.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.display.notes import print_sentence
from oceanchat.cli.options import json_option
from oceanchat.counting import counted
from oceanchat.statistics.figure import Figure
from preact.cli.options import data_option, split_option, threads_option
from preact.cli.plots import numbers
from preact.cli.training import say
from preact.cli.training_options import FOLDER

if TYPE_CHECKING:
    from preact.training.strengths import DialValue


@click.command()
@click.argument("run", type=FOLDER)
@click.option(
    "--strengths",
    callback=numbers,
    default="0,0.25,0.5,0.75,1,1.25,1.5",
    show_default=True,
    metavar="S,S,...",
    help="Strengths to test, 0 to 1.5.",
)
@split_option
@data_option
@click.option("--figures", type=FOLDER, metavar="DIR", help="Also draw the curves to this folder.")
@threads_option
@json_option
def dial(
    run: Path,
    strengths: tuple[float, ...],
    split: str | None,
    data: str | None,
    figures: Path | None,
    threads: int,
    as_json: bool,
) -> None:
    """Measure the identification margin and held-out loss of RUN's trait-levels over the strength.

    At strength 0 the backbone answers, at 1 the adapter as trained. What was tested is stored with the run,
    and the card of every export says it.

    \b
    Example:  preact dial runs/first --figures figures
    """
    from oceanchat.cli.display.tables import print_table
    from preact.evaluation.dial import dial as dial_run
    from preact.evaluation.report.plots import draw_dial

    result = dial_run(run, strengths, data=data, split=split, threads=threads, say=say)
    if figures:
        for file in draw_dial(result, figures):
            click.echo(str(file), err=True)
    if as_json:
        return print_json(result.model_dump(mode="json"))
    seen = ", trained on" if result.seen else ""
    print_sentence(
        f"split {result.split}{seen}: {counted(result.dialogues, 'dialogue')} of release {result.release}"
    )
    rows = [
        (
            curve.trait_level if not number else "",
            f"{point.strength:g}",
            _cell(point.margin, "+.4f"),
            _cell(point.loss, ".4f"),
        )
        for curve in result.curves
        for number, point in enumerate(curve.points)
    ]
    print_table(("", "strength", "margin (nats per token)", "loss (nats per token)"), rows)
    print_table(
        ("", "dialogues", "authors", "margin over the strength"),
        [(curve.trait_level, curve.dialogues, curve.authors, curve.shape) for curve in result.curves],
    )


def _cell(value: "DialValue", form: str) -> str:
    return Figure(value.value, value.low, value.high).text(form)
