"""`preact serve` makes personas models of an endpoint."""

from pathlib import Path

import click

from oceanchat.extras import load_optional
from preact.cli.evaluation import threads_option

FOLDER = click.Path(path_type=Path)


@click.command()
@click.argument("runs", nargs=-1, required=True, type=FOLDER, metavar="RUN...")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8809,
    show_default=True,
    help="Port to listen on; 0 picks a free one.",
)
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
    "--max-tokens", type=click.IntRange(1), default=1024, show_default=True, help="Tokens an answer."
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=600.0,
    show_default=True,
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
    from preact.serving.app import Limits
    from preact.serving.roster import open_roster
    from preact.serving.server import check_access, listen
    from preact.serving.server import serve as run_server

    check_access(host, api_key)
    with listen(host, port) as listener:
        roster = open_roster(runs, threads)
        limits = Limits(batch_size, queue, max_tokens, timeout, max_body)
        run_server(roster, limits, listener, api_key)
