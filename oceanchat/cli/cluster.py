"""Where a build works: here, or on Ray."""

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from oceanchat.cli.endpoint import open_endpoint
from oceanchat.errors import ConfigError

if TYPE_CHECKING:
    from oceanchat.corpus.ingest import Split
    from oceanchat.llm.provider import OpenEndpoint
    from oceanchat.pipeline.build import Prepared
    from oceanchat.store.database import Store

F = TypeVar("F", bound=Callable[..., Any])


class Workplace(NamedTuple):
    """A prepared build, and who works for it."""

    prepared: "Prepared"
    open_endpoint: "OpenEndpoint"
    split: "Split | None" = None


def ray_options(command: F) -> F:
    """The options that have a cluster work for a build."""
    workers = click.option(
        "--ray-workers",
        type=click.IntRange(1, 10_000),
        metavar="N",
        help="Number of workers on the Ray cluster, each with --concurrency requests in flight. Default: one"
        " per machine.",
    )
    ray = click.option(
        "--ray",
        is_flag=False,
        flag_value="",
        metavar="[ADDRESS]",
        help="Have a Ray cluster split essays and call models; needs a PostgreSQL store. ADDRESS: auto (the"
        " cluster of this machine), local (a new one) or HOST:PORT. Default: auto, or else local.",
    )
    return ray(workers(command))


def check_ray(address: str | None, workers: int | None, prepared: "Prepared", store: str) -> None:
    """Raise ConfigError where these options cannot be used, before anything is opened."""
    if address is None:
        if workers is not None:
            raise ConfigError(f"--ray-workers '{workers}' is of no use without --ray")
        return
    from oceanchat.store.address import parse_address

    if parse_address(store).get_backend_name() != "postgresql":
        raise ConfigError(
            f"--ray needs a store that all machines reach, and '{store}' is a file: name a PostgreSQL"
            f" database with --store postgresql://HOST/NAME"
        )
    if prepared.config.calls.batch:
        raise ConfigError("--ray and --batch exclude each other: one process sends a batch as well as many")
    from oceanchat.extras import load_optional

    for package in ("psycopg", "ray", "ray.data"):
        load_optional(package, "ray")
    from oceanchat.cluster.connection import check_address

    check_address(address)


@contextmanager
def workplace(
    address: str | None, workers: int | None, prepared: "Prepared", store: "Store"
) -> Iterator[Workplace]:
    """Where the build works: here, where `address` is None, or on the cluster there. Raises ConfigError."""
    if address is None:
        yield Workplace(prepared, open_endpoint)
        return
    from oceanchat.cluster.connection import check_machines, connect, disconnect
    from oceanchat.cluster.endpoint import ClusterOpener
    from oceanchat.cluster.splitting import split_on_cluster
    from oceanchat.cluster.terminal import quiet_terminal

    # Ray reports lost workers on stdout, which is for results; the build reports them itself.
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), quiet_terminal():
        connect(address)
        try:
            check_machines()
            url = store.engine.url.render_as_string(hide_password=False)
            opener = ClusterOpener(prepared.config.calls, url, workers)
            config = prepared.config.model_copy(update={"calls": opener.driver_settings})
            yield Workplace(prepared._replace(config=config), opener, split_on_cluster)
        finally:
            disconnect()
