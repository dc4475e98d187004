"""Open an endpoint, loading its client late.

The client takes half a second and 40 MB, which scripted and offline runs need not pay.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oceanchat.llm.provider import Endpoint
    from oceanchat.llm.settings import CallSettings
    from oceanchat.llm.throttle import Throttle
    from oceanchat.store.ledger_writer import LedgerWriter


def open_endpoint(
    settings: "CallSettings", throttle: "Throttle", ledger_writer: "LedgerWriter"
) -> "Endpoint":
    """The endpoint that `settings` name, for the services that ask models."""
    from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint

    return OpenAIEndpoint(settings, throttle, ledger_writer)
