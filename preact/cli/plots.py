"""Sweep settings and draw the paper's figures.

`preact sweep` and `preact plot`, from runs and interviews.
"""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.display.notes import print_sentence
from oceanchat.cli.group import CommandGroup
from oceanchat.cli.options import json_option
from oceanchat.cli.trait_levels import TraitLevelParam
from oceanchat.traits import TraitLevel
from preact.cli.evaluation import read_access
from preact.cli.options import (
    access_options,
    data_option,
    inventory_option,
    judge_option,
    max_tokens_option,
    output_option,
    runs_option,
    threads_option,
)
from preact.cli.training import say
from preact.cli.training_options import BACKBONE, FOLDER, MAX_STEPS, METHOD, help_of


def numbers(ctx: click.Context, param: click.Parameter, value: str) -> tuple[float, ...]:
    """Numbers separated by commas, each once, in order."""
    try:
        listed = tuple(dict.fromkeys(float(part) for part in value.split(","))) if value else ()
        if all(map(math.isfinite, listed)):
            return listed
        raise ValueError
    except ValueError:
        raise click.BadParameter(f"'{value}' is not a list of numbers; write them like 16,64,256") from None


figures_option = output_option("Folder for the files.")


@click.command()
@click.argument("release")
@output_option("Folder for the runs and points.")
@click.option("--rank", callback=numbers, default="", metavar="N,N,...", help="LoRA ranks to try.")
@click.option("--experts", callback=numbers, default="", metavar="N,N,...", help="Numbers of experts to try.")
@click.option(
    "--lambda", "weights", callback=numbers, default="", metavar="X,X,...", help="Weights of PSL to try."
)
@click.option("--backbone", default="tiny", metavar="NAME", help=BACKBONE)
@click.option("--method", default="preact", metavar="NAME", help=METHOD)
@click.option(
    "--metric",
    type=click.Choice(["identification", "overall"]),
    default="identification",
    show_default=True,
    help="What to measure: trait identification, which needs no judge, or the Overall score of interviews.",
)
@click.option(
    "--judge", default="scripted", show_default=True, metavar="NAME", help="Judge for --metric overall."
)
@runs_option(1)
@inventory_option
@max_tokens_option
@click.option("--epochs", type=float, metavar="X", help=help_of("epochs"))
@click.option("--max-steps", type=click.IntRange(0), default=0, metavar="N", help=MAX_STEPS)
@threads_option
@access_options
@json_option
def sweep(as_json: bool, **flags: Any) -> None:
    """Train on RELEASE with one setting varied at a time and measure each run (Figure 4).

    Finished points stay; run the same command again to resume, or with other settings to add points.

    \b
    Example:  preact sweep releases/NAME --rank 16,64 --experts 4,8 -o sweeps/one
              preact sweep releases/NAME --experts 8 --method no-psl -o sweeps/one
    """
    from preact.evaluation.sweep import SweepPlan
    from preact.evaluation.sweep import sweep as run_sweep

    access = read_access(flags)
    values: Any = {"rank": flags.pop("rank"), "experts": flags.pop("experts"), "lambda": flags.pop("weights")}
    options = {"max_steps": flags.pop("max_steps"), "threads": flags.pop("threads")}
    plan = SweepPlan(values=values, recipe={"epochs": flags.pop("epochs")}, options=options, **flags)
    points = run_sweep(plan, access, say)
    if as_json:
        return print_json([point.model_dump(mode="json") for point in points])
    for point in points:
        print_sentence(f"{point.method}  {point.parameter} {point.value:g}  {point.metric} {point.shown}")


@click.group(cls=CommandGroup)
def plot() -> None:
    """Draw a figure as PDF, SVG and PNG, with the table behind it as CSV.

    \b
    Example:  preact plot experts runs/preact runs/no-psl --output figures
    """


@plot.command("sweep")
@click.argument("folder", type=FOLDER)
@figures_option
@json_option
def plot_sweep(folder: Path, output: Path, as_json: bool) -> None:
    """Draw Figure 4 from the folder of a sweep.

    \b
    Example:  preact plot sweep sweeps/one --output figures
    """
    from preact.evaluation.report.plots import draw_sweep
    from preact.evaluation.sweep import panels

    _list_files(draw_sweep(panels(folder), output), as_json)


@plot.command("experts")
@click.argument("runs", nargs=-1, required=True, type=FOLDER)
@figures_option
@json_option
def plot_experts(runs: tuple[Path, ...], output: Path, as_json: bool) -> None:
    """Draw Figure 5, the expert weights of runs side by side.

    \b
    Example:  preact plot experts runs/preact runs/no-psl --output figures
    """
    from preact.evaluation.report.plots import draw_experts
    from preact.systems.trained import open_run

    opened = [open_run(run) for run in runs]
    titles = [{"preact": "w/ PSL"}.get(o.record.config.method, o.method.title) for o in opened]
    named = [
        title if titles.count(title) == 1 else f"{title} ({run.name})"
        for title, run in zip(titles, runs, strict=True)
    ]
    weights = {title: o.expert_weights().tolist() for title, o in zip(named, opened, strict=True)}
    _list_files(draw_experts(weights, output), as_json)


@plot.command("confusion")
@click.argument("run", type=FOLDER)
@data_option
@figures_option
@json_option
def plot_confusion(run: Path, data: str | None, output: Path, as_json: bool) -> None:
    """Draw the trait-level with the lowest loss against the true one, 10 x 10.

    \b
    Example:  preact plot confusion runs/preact --output figures
    """
    from preact.evaluation.identification import identify
    from preact.evaluation.report.plots import draw_confusion

    _list_files(
        draw_confusion(identify(run, data=data, plain=True, say=say).named.confusion, output), as_json
    )


@plot.command("leakage")
@click.argument("interview", type=FOLDER)
@judge_option
@figures_option
@json_option
def plot_leakage(interview: Path, judge: str | None, output: Path, as_json: bool) -> None:
    """Draw the score of each trait-level on all five traits, 10 x 5.

    \b
    Example:  preact plot leakage interviews/preact --output figures

    It needs an interview with --items all.
    """
    from preact.evaluation.comparison.trait_scores import leakage, load_scored
    from preact.evaluation.report.plots import draw_leakage

    _list_files(draw_leakage(leakage(load_scored(interview, judge).judging), output), as_json)


@plot.command("cases")
@click.argument("interviews", nargs=-1, required=True, type=FOLDER)
@click.option(
    "--trait-level",
    type=TraitLevelParam(),
    default="N+",
    show_default=True,
    metavar="TRAIT-LEVEL",
    help="Trait-level to show, such as N+ or o-low.",
)
@click.option(
    "--item",
    "items",
    multiple=True,
    metavar="ID",
    help="Id of an item to show; may be repeated. Default: the trait's first three.",
)
@figures_option
@json_option
def plot_cases(
    interviews: tuple[Path, ...], trait_level: TraitLevel, items: tuple[str, ...], output: Path, as_json: bool
) -> None:
    """Write Figure 6, the answers of several systems side by side, as a page.

    \b
    Example:  preact plot cases interviews/* --trait-level N+ --output figures
    """
    from preact.evaluation.report.cases import write_cases

    _list_files(write_cases(interviews, trait_level, items, output), as_json)


def _list_files(files: Iterable[Path], as_json: bool) -> None:
    if as_json:
        return print_json({"files": list(files)})
    for file in files:
        click.echo(str(file))
