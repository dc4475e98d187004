"""Build dialogues from Python."""

from collections.abc import Iterable
from typing import Any

from oceanchat.cli.build import build as build_command
from oceanchat.cli.display.build import print_build_notes, print_prepared_notes
from oceanchat.cli.endpoint import open_endpoint
from oceanchat.cli.flags import build_config
from oceanchat.cli.trait_levels import chosen_trait_levels
from oceanchat.errors import ConfigError
from oceanchat.notebook.arguments import in_python_words, read_options
from oceanchat.notebook.bars import BuildBar
from oceanchat.notebook.loops import run_anywhere
from oceanchat.notebook.tables import StoreTables
from oceanchat.pipeline import build as service
from oceanchat.pipeline.failures import failed_steps
from oceanchat.store.database import open_store
from oceanchat.store.location import DEFAULT_STORE
from oceanchat.traits import levels_named, traits_named

ROLES = ("labeler", "writer", "checker")
NOT_OPTIONS = ("dry_run", "yes", "store", "as_json")
"""Options of the command that are no options here, by their names there."""


@in_python_words(build_command)
def build(
    *trait_levels: str | Iterable[str],
    trait: str | None = None,
    level: str | None = None,
    count: int = 20,
    model: str | None = None,
    essays: str | None = None,
    store: str = DEFAULT_STORE,
    max_usd: float | None = None,
    progress: bool = True,
    **options: Any,
) -> StoreTables:
    """Build `count` dialogues of each trait-level, as `oceanchat build` does, and return the store's tables.

    They are named as in `build("O+", "n-low")`, alone or in lists, by `trait` and `level`, or with "all".
    `options` are the other options of the command, with underscores: `answer_words`, `concurrency` and so on.
    Without `model` the scripted model answers, free of charge; a named model is paid from the first call on,
    up to `max_usd` US dollars. What the command would note goes to stderr. Works in a cell of Jupyter, whose
    interrupt keeps every answer. Raises OceanChatError.

    >>> build(trait="O", level="high", count=2, progress=False)
    <store 'ocean-chat.db'>
    """
    flags = dict.fromkeys((*ROLES, "base_url")) | read_options(build_command, options, NOT_OPTIONS)
    if flags["base_url"] is not None and model is None and not any(map(flags.get, ROLES)):
        raise ConfigError(f"base_url '{flags['base_url']}' is of no use without a model; name one with model")
    traits = None if trait is None else traits_named(trait)
    levels = None if level is None else levels_named(level)
    named = [str(word) for each in trait_levels for word in ([each] if isinstance(each, str) else each)]
    flags |= {"trait_levels": chosen_trait_levels(named, traits, levels), "count": count}
    config = build_config(flags | {"model": model, "essays": essays, "max_usd": max_usd})
    prepared = service.prepare(config)
    print_prepared_notes(prepared)
    opened = open_store(store)
    tables = StoreTables(opened)
    with BuildBar(progress) as bar:
        report = run_anywhere(service.build(prepared, opened, bar, open_endpoint))
    print_build_notes(report, failed_steps(opened, config), config.calls.offline)
    return tables
