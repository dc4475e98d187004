"""The store and prompts of the running app.

Read once from the arguments after `--`; `oceanchat annotate` passes them, a plain `streamlit run` uses the
store in the current folder.
"""

import argparse
import functools
import sys
from pathlib import Path
from typing import NamedTuple

from oceanchat.annotation.guidelines import Guidelines, read_guidelines
from oceanchat.prompts import Prompts, open_prompts
from oceanchat.store.database import Store, open_store
from oceanchat.store.location import DEFAULT_STORE


class Settings(NamedTuple):
    """The store and the prompt folder that the app was started with."""

    store: str
    prompts: Path | None


@functools.cache
def settings() -> Settings:
    """The arguments of this process; unknown ones are Streamlit's."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--store", default=DEFAULT_STORE)
    parser.add_argument("--prompts", type=Path, default=None)
    known, _ = parser.parse_known_args(sys.argv[1:])
    return Settings(known.store, known.prompts)


@functools.cache
def store() -> Store:
    """The store, opened once per process."""
    return open_store(settings().store)


@functools.cache
def prompts() -> Prompts:
    """The prompt folder."""
    return open_prompts(settings().prompts)


@functools.cache
def guidelines() -> Guidelines:
    """The guidelines of the prompt folder."""
    return read_guidelines(prompts())
