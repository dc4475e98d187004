"""Choose the build that a command reads.

It is the one that --build names, the only one, or the newest real one, which is then said.
"""

from typing import TYPE_CHECKING

import click

from oceanchat.cli.display.notes import print_note
from oceanchat.errors import InputError

if TYPE_CHECKING:
    from oceanchat.store.database import Store

build_option = click.option(
    "--build", metavar="NAME", help="Build to read. Default: the only one, or the newest by a real model."
)


def chosen_build(store: "Store", name: str | None) -> str | None:
    """The name of the build to read, None where the store holds none. Raises InputError for an unknown one.

    Where it was chosen among several, that goes to stderr.
    """
    from oceanchat.store.builds import build_names

    with store.reading() as connection:
        names = [build.name for build in build_names(connection)]
    if name is not None and name not in names:
        listed = ", ".join(f"'{each}'" for each in names) or "none yet"
        raise InputError(f"--build '{name}' is not in store '{store.url}', which holds: {listed}")
    if name is None and len(names) > 1:
        others = ", ".join(f"'{each}'" for each in names[1:])
        print_note(f"oceanchat: this is build '{names[0]}'; --build NAME reads another: {others}")
    return name or next(iter(names), None)
