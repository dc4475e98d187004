"""Ask the Hub whose token it is.

And whether it may write, before hours of work or megabytes are spent on a repository.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.errors import HTTPError as TransportError  # type: ignore[attr-defined]

from oceanchat.errors import HubError
from oceanchat.hub.explaining import UNREADABLE

_READ = "read"


class TokenOwner(NamedTuple):
    """Who a token speaks for."""

    user: str
    organizations: tuple[str, ...]
    role: str
    """'read', 'write' or 'fineGrained'; empty where the Hub does not say."""

    @property
    def may_write(self) -> bool:
        """Whether it may write to anything; where a fine-grained token may, only the attempt tells."""
        return self.role != _READ


def has_token(token: str | None = None) -> bool:
    """Whether there is a token: this one, or the client's own."""
    return bool(token or get_token())


def token_owner(endpoint: str | None = None, token: str | None = None) -> TokenOwner | None:
    """Who the token speaks for; None where the Hub cannot be reached or does not say.

    `endpoint` and `token` default to the client's own. Raises HubError where there is no token, or the Hub
    does not accept it.
    """
    if not has_token(token):
        raise HubError("there is no token for the Hub; set HF_TOKEN or run 'hf auth login'")
    try:
        answer: Any = HfApi(endpoint=endpoint, token=token).whoami()
    except HfHubHTTPError as error:
        if error.response.status_code == 401:
            raise HubError(
                "the Hub does not accept your token; set HF_TOKEN or run 'hf auth login'"
            ) from None
        return None
    except (TransportError, OSError, ValueError, *UNREADABLE):
        return None
    return _read(answer)


def _read(answer: Any) -> TokenOwner | None:
    if not isinstance(answer, Mapping) or not isinstance(answer.get("name"), str):
        return None
    organizations = tuple(
        str(one["name"]) for one in answer.get("orgs") or () if isinstance(one, Mapping) and "name" in one
    )
    access = _inner(_inner(answer, "auth"), "accessToken")
    return TokenOwner(answer["name"], organizations, str(access.get("role") or ""))


def _inner(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = answer.get(name)
    return value if isinstance(value, Mapping) else {}


def check_may_write(repo_id: str, endpoint: str | None = None, token: str | None = None) -> None:
    """Raises HubError where it is certain that the token cannot write to OWNER/NAME."""
    owner = token_owner(endpoint, token)
    if owner is None:
        return
    if not owner.may_write:
        raise HubError(
            f"your token, of '{owner.user}', may only read; make one with write access on the Hub"
            " (Settings, Access Tokens)"
        )
    namespace = repo_id.partition("/")[0] if "/" in repo_id else owner.user
    if namespace.lower() not in {name.lower() for name in (owner.user, *owner.organizations)}:
        others = " or ".join(f"{name}/…" for name in (owner.user, *owner.organizations))
        raise HubError(
            f"'{repo_id}' belongs to '{namespace}', and your token is of '{owner.user}'; write {others}, or"
            f" use a token of a member of '{namespace}'"
        )
