"""Say what was seen of one thing."""

from typing import Literal, NamedTuple

State = Literal["ok", "note", "missing"]


class Finding(NamedTuple):
    """What was seen of one thing that a study may need."""

    name: str
    state: State
    """'missing' only for what was named, by an option, the environment or the project file."""
    text: str


class Named(NamedTuple):
    """What the user named, and so needs."""

    extras: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """Other than the scripted one."""
    store: bool = False
    """Whether the store was named, and is not only the default."""
    planned: bool = False
    """Whether it was named in the project file, for whatever is built: a new project's is not there yet."""


def lacking(named: bool, name: str, text: str) -> Finding:
    """A finding about something that is not there: missing where it was named, otherwise a note."""
    return Finding(name, "missing" if named else "note", text)
