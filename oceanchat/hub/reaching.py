"""Do without a Hub that does not answer.

Its client asks six times with growing pauses, for each file anew: over a minute for one model. One question
beforehand tells whether that is of any use.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from oceanchat.extras import load_optional

PATIENCE = 10.0
"""Seconds to wait for the one answer."""


@contextmanager
def hub_or_cache(extra: str = "release") -> Iterator[str]:
    """Within, what is asked of a Hub that does not answer comes from the cache of what was fetched before.

    Yields why the Hub does not answer; '' where it does. `extra` installs the client.
    """
    constants = load_optional("huggingface_hub.constants", extra=extra)
    problem = _problem(constants, extra)
    before, constants.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE or bool(problem)
    try:
        yield problem
    finally:
        constants.HF_HUB_OFFLINE = before


def _problem(constants: Any, extra: str) -> str:
    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    hub = load_optional("huggingface_hub", extra=extra)
    errors = load_optional("huggingface_hub.errors", extra=extra)
    try:
        hub.get_session().head(constants.ENDPOINT, timeout=PATIENCE)
    except (errors.HTTPError, OSError) as error:
        return f"'{constants.ENDPOINT}' cannot be reached ({type(error).__name__})"
    except ValueError as error:
        return f"'{constants.ENDPOINT}' is no address: {error}"
    return ""
