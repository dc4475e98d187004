"""`oceanchat serve-scripted` serves the scripted model.

It puts it behind a real endpoint, to rehearse a build for free.
"""

from collections.abc import Callable
from typing import Any

import click

from oceanchat.cli.options import host_option, port_option

_SHARES = {
    "429": "429 Too Many Requests",
    "500": "500 Internal Server Error",
    "503": "503 Service Unavailable",
    "hang": "no reply at all",
    "reset": "a reset connection",
    "cut-off": "a body cut off in the middle",
    "malformed": "a reply that cannot be parsed",
    "empty": "an empty reply",
    "refusal": "a refusal",
    "length": "a reply cut off at the completion limit",
}


def _share_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for kind, what in reversed(_SHARES.items()):
        option = click.option(
            f"--rate-{kind}",
            type=click.FloatRange(0, 1),
            default=0.0,
            metavar="SHARE",
            help=f"Share of calls answered with {what}.",
        )
        command = option(command)
    return command


@click.command("serve-scripted")
@host_option
@port_option(8808)
@click.option(
    "--reply",
    metavar="TEXT",
    help="Text of every reply, in place of the scripted model's; {digest} stands for a hash of the prompt.",
)
@click.option(
    "--latency",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="Seconds before each reply.",
)
@_share_options
@click.option(
    "--retry-after",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Seconds to send in Retry-After with 429 and 503.",
)
@click.option("--retry-after-date", is_flag=True, help="Send Retry-After as an HTTP date.")
@click.option("--poison", metavar="TEXT", help="Answer prompts that contain TEXT with 400 content_filter.")
@click.option(
    "--refuse",
    metavar="NAMES",
    help="Answer requests that have one of these parameters (max_tokens,temperature,top_p) with 400.",
)
@click.option(
    "--limit", type=click.IntRange(min=1), help="Answer with 429 when more calls than this are in flight."
)
@click.option(
    "--rate-limit-headers/--no-rate-limit-headers", default=False, help="Send x-ratelimit-* headers."
)
@click.option("--require-key", "key", metavar="KEY", help="Answer any other key with 401.")
@click.option(
    "--quota-after",
    type=click.IntRange(min=0),
    help="Answer with insufficient_quota after this many replies.",
)
@click.option("--no-usage", is_flag=True, help="Omit token counts from replies.")
@click.option(
    "--batch-seconds",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="Seconds that a batch takes.",
)
@click.option(
    "--batch-expired",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="SHARE",
    help="Share of a batch's requests that expire.",
)
@click.option("--seed", type=int, default=0, metavar="N", help="Random seed for which calls the faults hit.")
def serve_scripted(host: str, port: int, reply: str | None, **switches: Any) -> None:
    """Serve the scripted model as an OpenAI-compatible endpoint, with faults on demand.

    \b
    oceanchat serve-scripted --latency 0.2 --rate-429 0.1 --retry-after 1
    oceanchat build --model scripted-http --base-url http://127.0.0.1:8808/v1

    The page /counters shows what a provider would have billed.
    """
    import asyncio

    from oceanchat.cli.display.notes import print_note
    from oceanchat.scripted.server.app import fixed, scripted, serve
    from oceanchat.scripted.server.faults import Faults

    answerer = scripted() if reply is None else fixed(reply)
    asyncio.run(serve(answerer, Faults(**switches), host, port, print_note))
