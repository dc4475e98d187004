"""Cookies and the state of a session.

The only module that uses cookies, query parameters and Streamlit's session state. Nothing that matters lives
here. The account comes from the cookie and the database at every run, and before every action of a page; a
session that is lost costs nothing.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from annotation_app import settings
from annotation_app.sign_in import COOKIE
from oceanchat.annotation import accounts
from oceanchat.errors import AnnotationError
from oceanchat.store.annotators import Annotator

_ITEM = "item"
_SIGN_IN = "sign-in"


def organization_sign_in_configured() -> bool:
    """Whether sign-in through an organization (OIDC) is configured in Streamlit's secrets."""
    try:
        return "auth" in st.secrets
    except (StreamlitSecretNotFoundError, FileNotFoundError):
        return False


def signed_in() -> Annotator | None:
    """The account of the cookie, or of a sign-in through the organization under an account's name."""
    account = accounts.signed_in(settings.store(), st.context.cookies.get(COOKIE, ""))
    if account is not None or not organization_sign_in_configured() or not st.user.is_logged_in:
        return account
    return _by_email(str(st.user.get("email", "")), verified=st.user.get("email_verified", True) is not False)


def as_lead(action: Callable[[Annotator], object]) -> None:
    """Do what a lead's button asks for, if a lead is still signed in now: a page may be open longer."""
    account = signed_in()
    if account is None or account.role != "lead":
        return
    action(account)


def _by_email(email: str, *, verified: bool) -> Annotator | None:
    current = accounts.signed_in(settings.store(), str(st.session_state.get(_SIGN_IN, "")))
    if current is not None and current.name.lower() == email.lower():
        return current
    try:
        account = accounts.find(settings.store(), email)
    except AnnotationError:
        return None
    if not verified or account.retired_at is not None:
        return None
    st.session_state[_SIGN_IN] = accounts.start_sign_in(settings.store(), account)
    return account


def sign_in_string() -> str:
    """The string that the page's requests carry where there is no cookie of ours; empty otherwise."""
    return "" if st.context.cookies.get(COOKIE) else str(st.session_state.get(_SIGN_IN, ""))


def viewing() -> int | None:
    """The assignment or item that the address names; None: the next one."""
    value = str(st.query_params.get(_ITEM, ""))
    return int(value) if value.isdecimal() and len(value) < 12 else None


def view(item: int | str | None) -> None:
    """Name an assignment or item in the address, where a reload finds it again; None: the next one."""
    if item:
        st.query_params[_ITEM] = str(item)
    elif _ITEM in st.query_params:
        del st.query_params[_ITEM]


def typed(key: str) -> str:
    """What a text box of the page holds by now: in a button's callback newer than when the page was drawn."""
    return str(st.session_state.get(key, ""))


def remembered(name: str) -> Any:
    """The value that was last remembered under a name."""
    return st.session_state.get(f"remembered-{name}")


def remember(name: str, value: Any) -> None:
    """Remember a value for this session."""
    st.session_state[f"remembered-{name}"] = value
