"""`oceanchat serve-scripted`: the scripted model behind a real endpoint, to rehearse a build for free."""

from collections.abc import Callable
from typing import Any

import click

_SHARES = {
    "429": "too many requests",
    "500": "server error",
    "503": "overloaded",
    "hang": "no reply until the client gives up",
    "reset": "connection reset",
    "cut-off": "body cut off in the middle",
    "malformed": "a reply that no stage can read",
    "empty": "an empty reply",
    "refusal": "a refusal",
    "length": "a reply cut at its completion limit",
}


def _share_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for kind, what in reversed(_SHARES.items()):
        option = click.option(
            f"--rate-{kind}",
            type=click.FloatRange(0, 1),
            default=0.0,
            metavar="SHARE",
            help=f"Share of calls that get: {what}.",
        )
        command = option(command)
    return command


@click.command("serve-scripted")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8808, show_default=True, help="0: a free one.")
@click.option(
    "--reply",
    metavar="TEXT",
    help="Always answer this ({digest}: of the prompt), in place of the scripted model.",
)
@click.option("--latency", type=click.FloatRange(min=0), default=0.0, help="Seconds before each reply.")
@_share_options
@click.option("--retry-after", type=click.FloatRange(min=0), help="Seconds told with 429 and 503.")
@click.option("--retry-after-date", is_flag=True, help="Tell Retry-After as an HTTP date.")
@click.option("--poison", metavar="TEXT", help="Prompts that hold TEXT get 400 content_filter, always.")
@click.option("--limit", type=click.IntRange(min=1), help="429 for calls beyond so many at once.")
@click.option("--rate-limit-headers/--no-rate-limit-headers", default=False, help="Send x-ratelimit-*.")
@click.option("--require-key", "key", metavar="KEY", help="401 for any other key.")
@click.option("--quota-after", type=click.IntRange(min=0), help="insufficient_quota after so many answers.")
@click.option("--no-usage", is_flag=True, help="Leave the token counts out of replies.")
@click.option("--batch-seconds", type=click.FloatRange(min=0), default=0.0, help="Seconds a batch takes.")
@click.option(
    "--batch-expired", type=click.FloatRange(0, 1), default=0.0, help="Share a batch leaves unanswered."
)
@click.option("--seed", type=int, default=0, help="Which calls the faults hit.")
def serve_scripted(host: str, port: int, reply: str | None, **switches: Any) -> None:
    """Serve the scripted model as an OpenAI-compatible endpoint, with faults on demand.

    \b
    oceanchat serve-scripted --port 8808 --latency 0.2 --rate-429 0.1 --retry-after 1
    oceanchat build --model scripted-http --base-url http://127.0.0.1:8808/v1

    What a provider would have billed is counted on http://127.0.0.1:8808/counters.
    """
    import asyncio

    from oceanchat.scripted.server.app import fixed, scripted, serve
    from oceanchat.scripted.server.faults import Faults

    answerer = scripted() if reply is None else fixed(reply)
    asyncio.run(serve(answerer, Faults(**switches), host, port))
