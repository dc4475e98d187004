"""`oceanchat agreement` measures how far annotators agree.

Of dialogues validated, of models rated, and of anybody's labels.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.display.notes import print_note
from oceanchat.cli.flags import check_json_style
from oceanchat.cli.opened_store import opened_store
from oceanchat.cli.options import json_option, sample_option, store_option
from oceanchat.counting import counted
from oceanchat.errors import ConfigError
from oceanchat.extras import load_optional

if TYPE_CHECKING:
    from oceanchat.annotation.report import Report
    from oceanchat.statistics.rating_file import EvaluationRatings


@click.command()
@click.argument("ratings", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--task",
    type=click.Choice(["validation", "evaluation"]),
    default="validation",
    show_default=True,
    help="validation: of dialogues. evaluation: of models rated in conversation, as in the paper's Table 3.",
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="CSV, Excel or Parquet file to use instead of the store; columns: item, annotator, value,"
    " optionally stratum.",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["table", "markdown", "latex", "json"]),
    default="table",
    show_default=True,
    help="Format of the tables of an evaluation.",
)
@sample_option
@store_option
@json_option
def agreement(
    ratings: Path | None,
    task: str,
    labels: Path | None,
    style: str,
    sample_number: int | None,
    store: str,
    as_json: bool,
) -> None:
    """Measure how far annotators agree, overall and per trait-level.

    For an evaluation, RATINGS is a file that `oceanchat export ratings` wrote; without it the store is read.
    --sample is then the number of the evaluation.

    \b
    oceanchat agreement
    oceanchat agreement --labels labels.csv --json
    oceanchat agreement --task evaluation ratings.csv --format latex
    """
    for package in ("krippendorff", "numpy", "pandas"):
        load_optional(package, "agreement")
    _check_task(task, ratings, labels, style, as_json)
    if task == "evaluation":
        return _evaluation(ratings, store, sample_number, "json" if as_json else style)
    if labels is not None:
        return _agreement_of_file(labels, as_json)
    from oceanchat.annotation import report as reporting
    from oceanchat.cli.display import agreement as agreement_tables

    report = reporting.report(opened_store(store, must_exist=True), sample_number)
    if report.others:
        others = ", ".join(f"{number} ({counted(count, 'label')})" for number, count in report.others.items())
        print_note(f"oceanchat: sample {report.sample.id}; other samples: {others}; see --sample")
    if as_json:
        return print_json(reporting.record(report))
    if report.overall.is_of_nothing and not report.coverage.complete:
        return _say_what_is_missing(report)
    agreement_tables.print_report(report)


def _say_what_is_missing(report: "Report") -> None:
    """In place of tables without a figure: what is there, and that more has to come."""
    labelled = report.overall.items + report.rejected
    some = f"labels on {labelled:,} of {counted(report.coverage.items, 'item')}, too few on one for a figure"
    lack = f"has {some}" if labelled else "has no label"
    advice = "figures come as annotators label; `oceanchat annotators list` says how far each has come"
    print_note(f"oceanchat: sample {report.sample.id} {lack} yet; {advice}")


def _agreement_of_file(path: Path, as_json: bool) -> None:
    from oceanchat.annotation.report import figures
    from oceanchat.cli.display import agreement as agreement_tables
    from oceanchat.statistics.agreement import agreement as agree
    from oceanchat.statistics.agreement import by_stratum, pairwise_cohen
    from oceanchat.statistics.label_file import read_label_file

    file = read_label_file(path)
    ratings = file.ratings
    for remark in file.remarks:
        print_note(f"oceanchat: {remark}")
    strata = by_stratum(ratings) if any(rating.stratum for rating in ratings) else {}
    if as_json:
        record: dict[str, Any] = figures(agree(ratings))
        if strata:
            record["strata"] = {name: figures(each) for name, each in strata.items()}
        if file.remarks:
            record["remarks"] = list(file.remarks)
        return print_json(record)
    overall = agree(ratings)
    if overall.is_of_nothing:
        there = f"{counted(overall.labels, 'label')} on {counted(overall.items, 'item')}"
        return print_note(f"oceanchat: labels '{path}': {there}; agreement needs two labels on one item")
    agreement_tables.print_agreement(overall, strata, pairwise_cohen(ratings))


def _check_task(task: str, ratings: Path | None, labels: Path | None, style: str, as_json: bool) -> None:
    """Raise ConfigError for options that do not fit the task or each other."""
    if task == "evaluation":
        if labels is not None:
            raise ConfigError(
                "--labels does not fit --task evaluation; name the file of ratings without an option"
            )
        if as_json:
            check_json_style(style)
        return
    if ratings is not None:
        raise ConfigError(
            f"the file '{ratings}' fits no task; add --task evaluation for ratings of models, or write"
            " --labels before it for labels"
        )
    if style != "table":
        raise ConfigError(f"--format {style} is for --task evaluation; leave it out, or write --json")


def _evaluation(path: Path | None, store: str, number: int | None, style: str) -> None:
    from oceanchat.cli.display.ratings import print_rating_report
    from oceanchat.statistics.model_ratings import rating_record, rating_report

    report = rating_report(_ratings(path, store, number))
    if style == "json":
        return print_json(rating_record(report))
    print_rating_report(report, style)


def _ratings(path: Path | None, store: str, number: int | None) -> "EvaluationRatings":
    from oceanchat.statistics.rating_file import ratings_of, read_rating_file
    from oceanchat.store.ratings import rating_table, unrated_systems

    if path is not None:
        return read_rating_file(path, number)
    opened = opened_store(store, must_exist=True)
    with opened.reading() as connection:
        table = rating_table(connection, number)
        unrated = unrated_systems(connection, number)
    rows = [{name: "" if value is None else str(value) for name, value in row.items()} for row in table]
    ratings = ratings_of(
        [(f"rating {position}", row) for position, row in enumerate(rows, 1)], f"store '{opened.url}'", number
    )
    if not unrated:
        return ratings
    left_out = f"left out of every table, since nobody has rated them yet: {', '.join(unrated)}"
    return ratings._replace(remarks=(*ratings.remarks, left_out))
