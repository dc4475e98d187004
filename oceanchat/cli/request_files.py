"""Commands about requests in files.

They are `pending` and `answers`.
"""

import asyncio
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from oceanchat.cli.build_options import build_options
from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.flags import build_config
from oceanchat.cli.opened_store import opened_store
from oceanchat.cli.options import PATH, json_option, prices_option, store_option
from oceanchat.errors import ConfigError

RESULTS = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
LOOK = 3
"""Exit code of `answers`: not all lines could be used, or none was of use; somebody should look into it."""
NOT_YET = 3
"""Exit code of `pending`: there is nothing to write, yet the build lacks answers that others are to give."""


@click.command()
@build_options
@click.option(
    "--output",
    "-o",
    type=PATH,
    metavar="FILE",
    help="File to write instead of stdout; it is written anew, and left empty where nothing is missing.",
)
@click.option(
    "--shards",
    type=click.IntRange(1, 10_000),
    default=1,
    metavar="N",
    help="Split --output requests.jsonl into requests-1-of-N.jsonl and so on, in equal shares.",
)
@click.option(
    "--ahead",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Also label the next N sentences of each trait-level: fewer rounds, and perhaps more labels than the"
    " build needs.",
)
@click.option(
    "--failed", is_flag=True, help="Also write what failed for good, as if it had never been asked."
)
@click.option("--only", metavar="MODEL", help="Only requests to this model, where the roles have several.")
@store_option
@json_option
def pending(
    output: Path | None,
    shards: int,
    ahead: int,
    failed: bool,
    only: str | None,
    store: str,
    as_json: bool,
    **flags: Any,
) -> int:
    """Write the requests that a build needs next, for any engine.

    They are in OpenAI's batch format. Answer them wherever you like, commit the results with `oceanchat
    answers`, and repeat until nothing is written: labels, dialogues and checks take a round each. Then
    `oceanchat build --offline` makes the build. Nothing is sent; there need be no key and no server. Exit
    code 3 means that nothing was written although the build is not finished: another build or a batch is
    asking for all that is missing, or it goes to another model than --only.

    \b
    oceanchat pending O+ --model M > requests.jsonl
    vllm run-batch -i requests.jsonl -o results.jsonl --model M
    oceanchat answers results.jsonl
    oceanchat build --offline O+ --model M
    """
    from oceanchat.cli.display import request_files as display
    from oceanchat.cli.display.build import print_prepared_notes
    from oceanchat.cli.display.progress import BuildProgress
    from oceanchat.pipeline import build as service
    from oceanchat.pipeline import request_files
    from oceanchat.pipeline.pending import Scope, find_pending
    from oceanchat.progress import Silence

    if shards > 1 and output is None:
        raise ConfigError(f"--shards '{shards}' needs files to write: name them with --output FILE")
    if as_json and output is None:
        raise ConfigError("--json prints where the requests go: name a file for them with --output FILE")
    prepared = service.prepare(build_config(flags), to_ask=False)
    print_prepared_notes(prepared)
    scope = Scope(only, ahead, failed)
    with BuildProgress() if sys.stderr.isatty() else nullcontext(Silence()) as progress:
        wanted = asyncio.run(find_pending(prepared, opened_store(store), progress, scope))
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.writelines(request_files.request_lines(wanted.requests))
    else:
        paths = request_files.shard_paths(output, shards)
        request_files.write_requests(wanted.requests, paths)
        if as_json:
            print_json(display.pending_as_json(wanted, paths))
        display.print_earlier_files(request_files.earlier_files(output, shards))
    display.print_pending(wanted)
    return NOT_YET if wanted.is_all_left_out else 0


@click.command()
@click.argument("files", nargs=-1, required=True, type=RESULTS)
@click.option(
    "--answered-by",
    multiple=True,
    metavar="MODEL",
    help="Take answers that name this model, too, where the engine knows the one asked by another name.",
)
@prices_option
@store_option
@json_option
def answers(
    files: tuple[Path, ...], answered_by: tuple[str, ...], prices: Path | None, store: str, as_json: bool
) -> int:
    """Commit answers to the requests of `oceanchat pending`.

    FILES hold results in OpenAI's batch format, errors among them, in any order. An answer that is there
    stays, so a file may be given twice. Costs are counted at the price of a batch. Exit code 3 means that
    some lines could not be used (torn, of another model, or of a key that this store never asked for), or
    that none holds an answer of use.

    \b
    oceanchat answers results-*.jsonl
    """
    from oceanchat.cli.display import request_files as display
    from oceanchat.cli.flags import call_settings
    from oceanchat.pipeline.answers import commit_answers

    opened = opened_store(store, must_exist=True)
    report = asyncio.run(commit_answers(opened, call_settings(prices=prices), files, answered_by))
    if as_json:
        print_json(report.as_json())
    else:
        display.print_answers(report)
    return LOOK if report.wants_a_look else 0
