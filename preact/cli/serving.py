"""Serve personas, and check what is served.

`preact serve` makes personas models of an endpoint; `preact check-served` says whether an endpoint serves
what was trained.
"""

import asyncio
from pathlib import Path

import click

from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.display.notes import print_sentence
from oceanchat.cli.flags import call_settings
from oceanchat.cli.options import concurrency_option, host_option, json_option, port_option
from oceanchat.errors import ConfigError
from oceanchat.extras import load_optional
from preact.cli.options import threads_option
from preact.cli.training import say

FOLDER = click.Path(path_type=Path)
WRONG = 3
"""Exit code of a check that was made and is not passed."""
UNDECIDED = 1
"""Exit code of a check that could not be made, or whose dialogues are too few to say."""


@click.command()
@click.argument("runs", nargs=-1, required=True, type=FOLDER, metavar="RUN...")
@host_option
@port_option(8809)
@click.option(
    "--api-key",
    envvar="PREACT_API_KEY",
    metavar="KEY",
    help="Bearer key that clients must send, required where others reach the port. Default: PREACT_API_KEY.",
)
@click.option(
    "--batch-size", type=click.IntRange(1), default=16, show_default=True, help="Answers at a time."
)
@click.option(
    "--queue", type=click.IntRange(1), default=256, show_default=True, help="Requests that may wait."
)
@click.option(
    "--max-tokens",
    type=click.IntRange(1),
    default=1024,
    show_default=True,
    metavar="N",
    help="Maximum number of tokens in an answer.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="Seconds an answer may take, waiting included.",
)
@click.option(
    "--max-body",
    type=click.IntRange(1),
    default=4 * 2**20,
    show_default=True,
    help="Bytes a request may have.",
)
@threads_option
def serve(
    runs: tuple[Path, ...],
    host: str,
    port: int,
    api_key: str | None,
    batch_size: int,
    queue: int,
    max_tokens: int,
    timeout: float,
    max_body: int,
    threads: int,
) -> None:
    """Serve personas of RUN... as models of an OpenAI-compatible endpoint.

    \b
    Example:  preact serve runs/first --port 8809
    Models:   preact:o-high   preact:n-low@0.5   preact:o-high*0.7,e-low*0.3

    Before the colon stands the method, or the run folder's name where two runs share one; after the @ the
    strength, 1 unless given. All runs must have the same backbone, which is in memory once.
    """
    for package in ("starlette", "uvicorn"):
        load_optional(package, "serve")
    from preact.serving.preparing import Limits
    from preact.serving.roster import open_roster
    from preact.serving.server import check_access, listen
    from preact.serving.server import serve as run_server

    check_access(host, api_key)
    with listen(host, port) as listener:
        roster = open_roster(runs, threads)
        limits = Limits(batch_size, queue, max_tokens, timeout, max_body)
        run_server(roster, limits, listener, say, api_key)


@click.command("check-served")
@click.argument("url")
@click.option(
    "--data",
    "--release",
    metavar="RELEASE",
    help="Another release: folder or Hub id. Default: the run's own.",
)
@click.option("--run", type=FOLDER, metavar="DIR", help="The run that should be served, to compare with.")
@click.option("--split", metavar="NAME", help="train, validation, test or all. Default: test.")
@click.option("--prefix", metavar="TEXT", help="Names to check where several runs are served.")
@click.option("--backbone", metavar="NAME", help="Served model without an adapter. Default: from the list.")
@concurrency_option
@threads_option
@json_option
def check_served(
    url: str,
    data: str | None,
    run: Path | None,
    split: str | None,
    prefix: str | None,
    backbone: str | None,
    concurrency: int | None,
    threads: int,
    as_json: bool,
) -> None:
    """Say whether the endpoint at URL serves what was trained.

    Dialogues of a release are scored under every trait-level that the server lists (o-high ... n-low), by the
    log-probabilities it gives of its prompts: the confusion, the names that answer as the backbone, those
    that look swapped. With --run each name is held against the run, which also tells its strength. The key is
    OPENAI_API_KEY. Exit code: 0 right, 3 not what it should be, 1 where that cannot be told.

    \b
    Example:  preact check-served http://127.0.0.1:8809/v1 --run runs/first
              preact check-served http://gpu:8000/v1 --release OWNER/NAME
    """
    from oceanchat.cli.display.tables import print_table
    from preact.evaluation.identification_text import CONFUSION_HEADERS, confusion_rows
    from preact.evaluation.served_check import CheckPlan
    from preact.evaluation.served_check import check_served as check
    from preact.evaluation.served_text import as_json as as_dictionary
    from preact.evaluation.served_text import as_lines, problems, undecided

    try:
        settings = call_settings(base_url=url, concurrency=concurrency)
    except ConfigError as error:
        raise ConfigError(str(error).replace("--base-url", "URL")) from None
    result = asyncio.run(check(settings, CheckPlan(data, run, split, prefix, backbone, threads), say))
    wrong, doubts = problems(result), undecided(result)
    if as_json:
        print_json(as_dictionary(result))
    else:
        for line in as_lines(result):
            print_sentence(line)
        print_table(CONFUSION_HEADERS, confusion_rows(result.named.confusion))
        verdict = "right" if result.matches else "right as far as can be told without a run"
        faults = [f"WRONG: {w}" for w in wrong] + [f"UNDECIDED: {d}" for d in doubts]
        for line in faults or [verdict]:
            print_sentence(line)
    if wrong or doubts:
        click.get_current_context().exit(WRONG if wrong else UNDECIDED)
