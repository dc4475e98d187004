"""Explain the Hub's errors in one line.

It loads huggingface_hub only when there is an error to explain.
"""

from oceanchat.errors import HubError
from oceanchat.extras import load_optional


def explained(error: BaseException, repo_id: str) -> HubError:
    """One line for a user: what the Hub did not do, and what to do about it."""
    errors = load_optional("huggingface_hub.errors", extra="release")
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        message = (error.server_message or "").strip().replace("\n", " ")
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
        return HubError(
            f"the Hub answered {status} for '{repo_id}'{': ' + message if message else ''}; try again later"
        )
    if isinstance(error, errors.HTTPError):
        return HubError(
            f"the Hub is out of reach for '{repo_id}' ({type(error).__name__}); check the network, try again"
        )
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, OSError):
        return HubError(f"'{repo_id}' cannot be reached: {text}")
    return HubError(f"the Hub client refuses '{repo_id}': {text}; write it as OWNER/NAME and check the files")
