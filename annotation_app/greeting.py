"""Greet whoever starts the server.

Streamlit's own greeting speaks of Streamlit, and says neither who may sign in nor how to stop.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st

from oceanchat.cli.display.notes import print_note

_ANY = ("0.0.0.0", "::")


@asynccontextmanager
async def greet(app: object) -> AsyncIterator[None]:
    """Print the address, as the server begins to answer."""
    host = str(st.get_option("server.address") or _ANY[0])
    port = int(st.get_option("server.port"))
    print_note(greeting(host, port, str(st.get_option("server.baseUrlPath") or "")))
    yield


def greeting(host: str, port: int, path: str) -> str:
    """What is said of a server that listens at an address and a port, below a path."""
    name = "127.0.0.1" if host in _ANY else f"[{host}]" if ":" in host else host
    address = "/".join([f"http://{name}:{port}", *filter(None, [path.strip("/")])])
    reach = ", and at every address of this machine" if host in _ANY else ""
    return (
        f"The annotation app is at {address}{reach}. People sign in with their name and the passcode that"
        " `oceanchat annotators add` showed. Ctrl-C stops it; what is saved stays."
    )
