"""Write the report of judged interviews.

`preact report`: a page to read, or with --paper a LaTeX document.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.display.notes import print_note
from oceanchat.cli.options import json_option
from oceanchat.errors import ConfigError
from oceanchat.extras import load_optional
from preact.cli.options import comparison_options, output_option
from preact.cli.training import say
from preact.cli.training_options import FOLDER

if TYPE_CHECKING:
    from preact.evaluation.comparison.assembly import Assembly
    from preact.evaluation.report.manuscript import Ratings


@click.command()
@comparison_options
@output_option("Folder for the report and its figures.")
@click.option(
    "--view",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Page of `oceanchat view` about the data, to which the report then links.",
)
@click.option(
    "--paper",
    is_flag=True,
    help="Write paper.tex instead: methods and the paper's Tables 1, 2, 3, 6, 8 in LaTeX.",
)
@click.option("--release", type=FOLDER, metavar="DIR", help="Release for Tables 1 and 6 of --paper.")
@click.option(
    "--ratings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File of `oceanchat export ratings` for Table 3 of --paper.",
)
@json_option
def report(interviews: tuple[Path, ...], output: Path, view: Path | None, baselines: tuple[Path, ...],
           judge: str | None, mode: str | None, paper: bool, release: Path | None,
           ratings: Path | None, as_json: bool) -> None:  # fmt: skip
    """Write one page (HTML and Markdown) with tables, tests, judges, sensitivity, figures and provenance.

    \b
    Example:  preact report interviews/* --baseline interviews/lora -o report
              preact report interviews/* --paper --release releases/mine -o paper
    """
    from preact.evaluation.comparison.assembly import assemble
    from preact.evaluation.report.report import write_report

    if paper and view is not None:
        raise ConfigError("--view does not fit --paper; leave one of them out")
    if not paper and (release or ratings):
        raise ConfigError("--release and --ratings are for --paper; add it, or leave them out")
    assembly = assemble(interviews, baselines, judge, mode, say)
    if paper:
        return _write_paper(assembly, output, release, ratings, as_json)
    files = write_report(assembly.scored, assembly.comparison, output, view)
    if as_json:
        return print_json(files._asdict())
    click.echo(f"{files.markdown}\n{files.html}")


def _write_paper(
    assembly: "Assembly", output: Path, release: Path | None, ratings: Path | None, as_json: bool
) -> None:
    from oceanchat.release.folder import read_release
    from preact.evaluation.report.manuscript import write_manuscript

    manuscript = write_manuscript(
        assembly,
        output,
        None if release is None else read_release(release),
        None if ratings is None else _read_ratings(ratings),
    )
    if as_json:
        return print_json(manuscript._asdict())
    if manuscript.left_out:
        print_note(f"note: left out: {'; '.join(manuscript.left_out)}")
    click.echo(manuscript.file)


def _read_ratings(file: Path) -> "Ratings":
    load_optional("krippendorff", "agreement")
    from oceanchat.statistics.model_ratings import rating_report
    from oceanchat.statistics.rating_file import read_rating_file
    from preact.evaluation.report.manuscript import Ratings

    return Ratings(rating_report(read_rating_file(file)), file)
