"""Explain the Hub's errors in one line.

A token that the Hub repeats is masked on the way. It loads huggingface_hub only when there is an error to
explain.
"""

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

from oceanchat.errors import HubError
from oceanchat.extras import load_optional

UNREADABLE = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError)
"""What the client raises for a reply of another form than it expects, beside ValueError and OSError."""
_LONGEST = 300
"""Characters that are repeated of what the Hub says."""
_SECRETS = re.compile(r"\bhf_\w+|\bapi_org_\w+|(?<=//)[^\s/@]+(?=@)|(?<=[Bb]earer )\S+")
_FEWEST = 4
"""Characters from which a token is masked; masking a shorter one would give it away and hide the message."""


def explained(error: BaseException, repo_id: str, token: str | None = None) -> HubError:
    """One line for a user: what the Hub did not do, and what to do about it.

    `token` is the one that was sent, where it is not the one the user is logged in with.
    """
    errors = load_optional("huggingface_hub.errors", extra="release")
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        if status == 401:
            return HubError(
                f"the Hub does not accept your token for '{repo_id}'; set HF_TOKEN or run 'hf auth login'"
            )
        if status == 403:
            return HubError(
                f"your token has no right to write to '{repo_id}'; use one with write access to its owner"
            )
        if status == 404:
            return HubError(f"'{repo_id}' is not on the Hub, or is private and not yours; check the name")
        if status in (409, 412):
            return HubError(
                f"someone else keeps writing to '{repo_id}'; publish again when they have finished"
            )
        message = without_tokens(error.server_message or "", token)
        return HubError(
            f"the Hub answered {status} for '{repo_id}'{': ' + message if message else ''}; try again later"
        )
    if isinstance(error, errors.HTTPError):
        return HubError(
            f"the Hub is out of reach for '{repo_id}' ({type(error).__name__}); check the network, try again"
        )
    text = without_tokens(first_line(error), token)
    if isinstance(error, OSError):
        return HubError(f"'{repo_id}' cannot be reached: {text}")
    if isinstance(error, (*UNREADABLE, json.JSONDecodeError)):
        return HubError(
            f"what the Hub answers about '{repo_id}' cannot be read ({type(error).__name__}: {text}); try"
            " again later, and check HF_ENDPOINT"
        )
    return HubError(f"the Hub client refuses '{repo_id}': {text}; write it as OWNER/NAME and check the files")


def first_line(error: BaseException) -> str:
    """What an error says, or its name where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def without_tokens(text: str, token: str | None = None) -> str:
    """The start of a text, on one line, with everything masked that is a token or looks like one."""
    for secret in _secrets(token):
        text = text.replace(secret, "***")
    return " ".join(_SECRETS.sub("***", text).split())[:_LONGEST]


def _secrets(token: str | None) -> Iterable[str]:
    """The tokens in use, as they are and as they look in a URL or in JSON."""
    hub = load_optional("huggingface_hub", extra="release")
    for secret in {token, hub.get_token()}:
        if secret is not None and len(secret) >= _FEWEST:
            yield from sorted(
                {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}, key=len, reverse=True
            )
