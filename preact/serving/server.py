"""Run the endpoint until it is stopped.

uvicorn on a socket; a first signal lets what is being answered end, a second one ends at once.
"""

import contextlib
import resource
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from oceanchat.errors import ConfigError
from preact.serving.app import PersonaEndpoint
from preact.serving.preparing import Limits
from preact.serving.roster import Roster

LOCAL = ("127.0.0.1", "::1", "localhost")


def check_access(host: str, key: str | None) -> None:
    """Raises ConfigError for an address that others reach, without a key."""
    if key is not None and not key.strip():
        raise ConfigError("--api-key is empty; write a key, or leave it out")
    if host not in LOCAL and not key:
        raise ConfigError(
            f"--host '{host}' is open to others; set --api-key or PREACT_API_KEY, or listen on 127.0.0.1"
        )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises ConfigError for what cannot be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"--host '{host}' --port '{port}' cannot be used: {reason}") from None


def raise_file_limit() -> None:
    """Let this process have as many connections as the system allows; many allow 1,024 unless asked."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def serve(
    roster: Roster,
    limits: Limits,
    listener: socket.socket,
    say: Callable[[str], None],
    key: str | None = None,
    patience: int = 30,
) -> None:
    """Say where, and serve until a signal; what is being answered then has `patience` seconds to end."""
    raise_file_limit()
    config = uvicorn.Config(
        PersonaEndpoint(roster, limits, key).app,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=patience,
    )
    server = uvicorn.Server(config)

    def leave(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    # uvicorn raises the signal again when it is done: by then it has done its work.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    host, port = listener.getsockname()[:2]
    address = f"[{host}]" if ":" in host else host
    names = ", ".join(f"{prefix}:o-high" for prefix in roster.runs)
    say(
        f"serving http://{address}:{port}/v1 (models such as {names}): a machine that simulates traits, no"
        " person"
    )
    server.run(sockets=[listener])
