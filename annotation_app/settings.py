"""The store and prompts of the running app.

Read once from the arguments after `--`; `oceanchat annotate` passes them, a plain `streamlit run` uses the
store in the current folder.
"""

import argparse
import functools
import sys
import threading
from pathlib import Path
from typing import NamedTuple

from oceanchat.annotation.guidelines import RATING_GUIDELINES, Guidelines, read_guidelines
from oceanchat.annotation.live_answers import LiveAnswers
from oceanchat.cli.flags import call_settings
from oceanchat.llm.settings import CallSettings
from oceanchat.prompts import Prompts, open_prompts
from oceanchat.store.database import Store, open_store
from oceanchat.store.location import DEFAULT_STORE


class Settings(NamedTuple):
    """What the app was started with."""

    store: str
    prompts: Path | None
    sample: int | None
    """Number of the sample that is worked on; None: the newest."""
    allowed_origins: tuple[str, ...]
    """Addresses under which browsers know the app, where a proxy does not pass them on."""


_FIRST = threading.RLock()
"""A cached function called by several threads before it returns is run by each of them: what there may be
only one of is made under this."""


@functools.cache
def settings() -> Settings:
    """The arguments of this process; unknown ones are Streamlit's."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--store", default=DEFAULT_STORE)
    parser.add_argument("--prompts", type=Path, default=None)
    parser.add_argument("--sample", type=int, default=None)
    parser.add_argument("--allowed-origin", action="append", default=[])
    known, _ = parser.parse_known_args(sys.argv[1:])
    origins = tuple(origin.rstrip("/").lower() for origin in known.allowed_origin)
    return Settings(known.store, known.prompts, known.sample, origins)


def store() -> Store:
    """The store, opened once per process."""
    with _FIRST:
        return _store()


@functools.cache
def _store() -> Store:
    return open_store(settings().store)


def sample() -> int | None:
    """The number of the sample that is worked on; None: the newest."""
    return settings().sample


@functools.cache
def prompts() -> Prompts:
    """The prompt folder."""
    return open_prompts(settings().prompts)


@functools.cache
def guidelines() -> Guidelines:
    """The guidelines of the prompt folder."""
    return read_guidelines(prompts())


@functools.cache
def rating_guidelines() -> Guidelines:
    """The guidelines for rating models."""
    return read_guidelines(prompts(), RATING_GUIDELINES)


def live_answers() -> LiveAnswers:
    """The answers of models that this process waits for, in the event loop that serves the routes."""
    with _FIRST:
        return _live_answers()


@functools.cache
def _live_answers() -> LiveAnswers:
    return LiveAnswers(store(), _call_settings)


def _call_settings(url: str) -> CallSettings:
    """How the endpoint of a system is called: with OPENAI_API_KEY, and the proxy of the environment."""
    return call_settings(base_url=url)
