"""Join a Ray cluster, or start one here.

Whatever keeps a build from running there is said before anything is asked: no cluster, another version, a
machine without this package.
"""

import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from oceanchat.errors import ConfigError

PACKAGE = "ocean-chat"
CONNECT_SECONDS = 5.0
"""How long a cluster's machine may take to answer at all."""
MAX_SHOWN = 400
"""Characters of an error of Ray that are shown."""
MAX_PORT = 65_535
SETTINGS = b"\4"
"""The kind of the first frame that a server of HTTP/2 sends."""
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""What a client of HTTP/2, which Ray speaks, says first."""
ATTEMPTS = "RAY_gcs_server_port_wait_time_s"
"""How often Ray tries a cluster; 20 times where this is not in the environment, half a minute where the token
is wrong and a quarter of an hour where something else answers."""
CHECK_SECONDS = 120.0
"""How long a machine may take to start its first process."""


def connect(address: str) -> None:
    """Join the cluster at a checked `address`; '': one that runs on this machine, or else start one.

    Raises ConfigError for an address without a cluster, and a cluster of another version.
    """
    try:
        with _one_attempt(address):
            ray.init(
                address or None, log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False
            )
    except (ConnectionError, RuntimeError, ValueError, RayError) as error:
        if "any running Ray instance" in str(error):
            raise ConfigError(
                f"--ray '{address}' cannot be used: no cluster runs on this machine; start one with `ray"
                " start --head`, or leave the address out for one that lasts as long as the build"
            ) from None
        raise ConfigError(
            f"--ray '{address}' cannot be used: {in_one_line(error)} (a cluster that asks for a token takes"
            f" it with RAY_AUTH_MODE=token and RAY_AUTH_TOKEN)"
        ) from None


def check_address(address: str) -> None:
    """Raise ConfigError where no cluster can be at `address`, or nobody listens there: Ray itself would try
    for a minute."""
    if "://" in address:
        raise ConfigError(
            f"--ray '{address}' cannot be used: a build drives a cluster from one of its machines; run it"
            f" there (`ray job submit` does) with --ray auto, or with HOST:PORT of its head"
        )
    if address in ("", "auto", "local"):
        return
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal() and int(port) <= MAX_PORT):
        raise ConfigError(
            f"--ray '{address}' is no address of a cluster: write auto, local or HOST:PORT; what follows"
            f" --ray is taken for its address, so name trait-levels before it"
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS) as connection:
            speaks = _speaks_as_ray(connection)
    except OSError as error:
        raise ConfigError(
            f"--ray '{address}' cannot be reached ({error}): start a cluster with `ray start --head` and name"
            f" the HOST:PORT it prints, or leave the address out to use this machine alone"
        ) from None
    if not speaks:
        raise ConfigError(
            f"--ray '{address}' is no Ray cluster: something else answers there; name the HOST:PORT that `ray"
            f" start --head` prints, whose port is 6379 unless you chose another"
        )


def _speaks_as_ray(connection: socket.socket) -> bool:
    connection.settimeout(CONNECT_SECONDS)
    try:
        connection.sendall(HELLO)
        return connection.recv(len(HELLO))[3:4] == SETTINGS
    except OSError:
        return False


@contextlib.contextmanager
def _one_attempt(address: str) -> Iterator[None]:
    """Have Ray try a cluster that was named once: what answers at all answers at once."""
    if address in ("", "auto", "local") or ATTEMPTS in os.environ:
        yield
        return
    os.environ[ATTEMPTS] = "1"
    try:
        yield
    finally:
        del os.environ[ATTEMPTS]


def machines() -> dict[str, str]:
    """The names of the cluster's machines by Ray's ids."""
    return {node["NodeID"]: node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"]}


def check_machines(package: str = PACKAGE, version: str | None = None) -> None:
    """Check that each machine has `package` in this machine's version, or in `version`.

    Raises ConfigError for one that has not.
    """
    ours = version or metadata.version(package)
    # A function of the standard library, which machines without this package know too.
    look_up: Any = ray.remote(metadata.version)
    names = machines()
    lookups = {
        node: look_up.options(
            num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)
        ).remote(package)
        for node in names
    }
    for node, lookup in lookups.items():
        machine = f"machine '{names[node]}' of the Ray cluster"
        try:
            theirs = ray.get(lookup, timeout=CHECK_SECONDS)
        except metadata.PackageNotFoundError:
            raise ConfigError(
                f"{machine} lacks the package '{package}': run pip install '{package}[ray]=={ours}' there"
            ) from None
        except GetTimeoutError:
            raise ConfigError(
                f"{machine} started no process within {CHECK_SECONDS:g} s: see `ray status`"
            ) from None
        except RayError as error:
            raise ConfigError(f"{machine} cannot work: {in_one_line(error)}") from None
        if theirs != ours:
            raise ConfigError(
                f"{machine} has {package} '{theirs}' and this one has '{ours}': install the same version"
                f" everywhere"
            )


def disconnect() -> None:
    """Leave the cluster; one that was started here ends."""
    ray.shutdown()


def in_one_line(error: BaseException) -> str:
    """What an error of Ray says: of one that was raised elsewhere, the last line of its traceback."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[-1][:MAX_SHOWN] if isinstance(error, RayTaskError) else " ".join(lines)[:MAX_SHOWN]
