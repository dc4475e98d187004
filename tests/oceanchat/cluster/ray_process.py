"""A Ray cluster of one machine in a process of its own.

python -m tests.oceanchat.cluster.ray_process FOLDER prints its address and ends with its stdin;
python -m tests.oceanchat.cluster.ray_process check ADDRESS prints what is wrong with its machine, by what is
looked for.
"""

import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import ray

from oceanchat.cluster.connection import check_machines, connect, disconnect
from oceanchat.errors import ConfigError
from tests.processes import PATIENCE, children
from tests.running import clean_environment

SMALLEST_STORE = 80_000_000
"""Bytes of the memory in which Ray keeps objects."""
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
"""The environment of those who may use the cluster."""


@contextmanager
def ray_cluster() -> Iterator[str]:
    """The address of a cluster with two CPUs, which ends with the block."""
    # Ray's sockets lie in the folder, and a socket's path must be short.
    folder = tempfile.mkdtemp(prefix="ray")
    try:
        with children() as spawn:
            process = spawn(
                [sys.executable, "-m", __name__, folder],
                env=clean_environment() | TOKEN,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address, "Ray did not start"
            yield address
            process.communicate("", timeout=PATIENCE)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check(address: str) -> None:
    """Look for this package, for another version of it, for one that is nowhere, and for another Ray."""
    connect(address)
    check_machines()
    for package, version in (("ocean-chat", "0.0.1"), ("not-there", "1.0")):
        try:
            check_machines(package, version)
        except ConfigError as error:
            print(error)
    disconnect()
    ray.__version__ = "0.0.1"
    try:
        connect(address)
    except ConfigError as error:
        print(error)


def run(folder: str) -> None:
    """Run the cluster until stdin ends."""
    ray.init(
        "local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=SMALLEST_STORE,
        _temp_dir=folder,
    )
    print(ray.get_runtime_context().gcs_address, flush=True)
    sys.stdin.read()
    ray.shutdown()


if __name__ == "__main__":
    run(sys.argv[1]) if len(sys.argv) == 2 else check(sys.argv[2])
