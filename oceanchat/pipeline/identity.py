"""Keep a build from taking another's place.

A build is known by its name. What may change under one name is how much is asked for, how fast, at what price
and with which prompts; anything else makes another build, which is kept beside it or replaces it when that is
asked for. The scripted model never replaces a real one.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from oceanchat.errors import ConfigError
from oceanchat.llm.settings import SCRIPTED
from oceanchat.pipeline.answer_words import FREE
from oceanchat.pipeline.config import OPTIONAL, BuildConfig
from oceanchat.store.builds import ROLES, StoredBuild

DECIDING = (
    *ROLES,
    "mode",
    "check",
    "exchanges",
    "words",
    "answer_words",
    "seeds_per_essay",
    "min_strength",
    "sentences_per_call",
    "dialogues_per_check",
    "seed",
    *OPTIONAL,
    "extra_body",
    "endpoint_name",
)
"""Options that make another build."""


def check_identity(config: BuildConfig, corpus_id: str, recipe: str, stored: Sequence[StoredBuild]) -> None:
    """Check that `config` may go on with what is `stored` under its name. Raises ConfigError."""
    ways_out = "keep both with --build NAME, or replace it with --replace"
    wanted = config.saved()
    for build in stored:
        if _is_scripted_over_real(wanted, build.config):
            raise ConfigError(
                f"build '{config.build_name}' was made by real models, and the scripted model never replaces"
                f" them; name another with --build NAME"
            )
        if config.replace:
            continue
        difference = _difference(wanted, build.config)
        if difference is None and build.corpus_id != corpus_id:
            difference = f"from other essays ('{build.config.get('essays') or 'bundled'}')"
        if difference is not None:
            raise ConfigError(f"build '{config.build_name}' was made {difference}; {ways_out}")
        asked_now = build.trait_level in [level.code for level in config.trait_levels]
        if asked_now and build.recipe != recipe and config.count < build.requested:
            raise ConfigError(
                f"build '{config.build_name}' has {build.trait_level} at --count {build.requested} with other"
                f" prompts, and --count '{config.count}' would drop some; ask for as many, {ways_out}"
            )


def rehearsed(config: BuildConfig, stored: Sequence[StoredBuild]) -> str | None:
    """What to know where a build that now goes elsewhere was answered by this machine; None where it was not.

    An answer is known by its model's name and not by the address, so what a stand-in here said as
    'gpt-4o-mini' would be gpt-4o-mini's.
    """
    now = config.calls.endpoint
    if not config.asks_a_real_model or _is_here(now):
        return None
    here = sorted({each.config["endpoint"] for each in stored if _is_here(each.config.get("endpoint", ""))})
    if not here:
        return None
    return (
        f"build '{config.build_name}' was answered by {', '.join(here)}, and what was answered is not asked"
        f" again at {now}; if that was a rehearsal, name another store with --store"
    )


def _is_here(endpoint: str) -> bool:
    return urlsplit(endpoint).hostname in ("localhost", "127.0.0.1", "::1")


def _is_scripted_over_real(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    return any(wanted[role] == SCRIPTED != stored.get(role, SCRIPTED) for role in ROLES)


def _difference(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> str | None:
    """The first option in which two builds differ, in words."""
    for name in DECIDING:
        # Builds that ask for no lengths have none, as all had before there were any.
        unsaid = FREE if name == "answer_words" else None
        before, now = stored.get(name, unsaid), wanted.get(name, unsaid)
        if before != now and (name in stored or now is not None):
            flag = f"--{name.replace('_', '-')}"
            was = f"with {flag} '{before}'" if before is not None else f"without {flag}"
            return f"{was}, not '{now}'" if now is not None else was
    return None
