"""Who is looking, and at which item: the only reader and writer of cookies and of Streamlit's session state.

Nothing that matters lives here. Who is looking comes from the cookie and the database at every run; a
session that is lost costs nothing.
"""

from typing import Any

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from annotation_app import settings
from annotation_app.routes import COOKIE
from oceanchat.annotation import accounts
from oceanchat.errors import AnnotationError
from oceanchat.store.annotators import Annotator

_VIEWING = "viewing"
_PASS = "pass"
_READ = "read"


def organisation_signs_in() -> bool:
    """Whether sign-in through an organisation (OIDC) is configured in Streamlit's secrets."""
    try:
        return "auth" in st.secrets
    except (StreamlitSecretNotFoundError, FileNotFoundError):
        return False


def signed_in() -> Annotator | None:
    """Whoever holds the cookie, or has signed in through the organisation under an account's name."""
    account = accounts.who(settings.store(), st.context.cookies.get(COOKIE, ""))
    if account is not None or not organisation_signs_in() or not st.user.is_logged_in:
        return account
    return _by_email(str(st.user.get("email", "")), verified=st.user.get("email_verified", True) is not False)


def _by_email(email: str, *, verified: bool) -> Annotator | None:
    held = accounts.who(settings.store(), str(st.session_state.get(_PASS, "")))
    if held is not None and held.name.lower() == email.lower():
        return held
    try:
        account = accounts.find(settings.store(), email)
    except AnnotationError:
        return None
    if not verified or account.retired is not None:
        return None
    st.session_state[_PASS] = accounts.begin(settings.store(), account)
    return account


def sign_in_string() -> str:
    """What the page's requests carry where there is no cookie of ours; empty otherwise."""
    return "" if st.context.cookies.get(COOKIE) else str(st.session_state.get(_PASS, ""))


def viewing() -> int | None:
    """The seat that is looked at again; None: the next one due."""
    found: int | None = st.session_state.get(_VIEWING)
    return found


def view(seat_id: int | None) -> None:
    """Look at a seat again, or go on with the next one."""
    st.session_state[_VIEWING] = seat_id


def has_read_guidelines() -> bool:
    """Whether the guidelines were read in this session."""
    return bool(st.session_state.get(_READ))


def mark_guidelines_read() -> None:
    """Go on from the guidelines."""
    st.session_state[_READ] = True


def acknowledged(what: str) -> Any:
    """What was last acknowledged under a name."""
    return st.session_state.get(f"seen-{what}")


def acknowledge(what: str, value: Any) -> None:
    """Remember that something was seen."""
    st.session_state[f"seen-{what}"] = value
