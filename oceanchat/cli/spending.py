"""Ask before a build spends money."""

import os
import sys
from typing import TYPE_CHECKING

import click

from oceanchat.cli.flags import BASE_URL

if TYPE_CHECKING:
    from oceanchat.pipeline.build import Prepared
    from oceanchat.pipeline.config import BuildConfig


ESTIMATING = (
    "oceanchat: estimating: counts the sentences and rehearses the calls with the scripted model, which sends"
    " nothing; a few seconds"
)
"""Said at a terminal before a forecast."""


def say_rehearsed(config: "BuildConfig", store: str) -> None:
    """Say on stderr where the answers of a rehearsal would be taken for those of the models named.

    And where the endpoint is the environment's, which a rehearsal may have left there.
    """
    from oceanchat.cli.display.notes import print_note
    from oceanchat.pipeline.build import rehearsal_note
    from oceanchat.store.database import existing_or_empty

    with existing_or_empty(store) as opened:
        note = rehearsal_note(config, opened)
    if note is not None:
        print_note(f"oceanchat: {note}")
    endpoint = config.calls.base_url
    if endpoint and endpoint == os.environ.get(BASE_URL, "").strip() and config.asks_a_real_model:
        print_note(f"note: the models are asked at {config.calls.endpoint}, which {BASE_URL} names")


def may_spend(prepared: "Prepared", store: str, yes: bool) -> bool:
    """Whether the build may ask its models: by --yes, by --max-usd, or because the forecast was agreed to.

    Nobody is asked where no real model is, where nothing is left to be asked, and where there is no terminal.
    """
    config = prepared.config
    calls = config.calls
    if yes or calls.max_usd is not None or calls.offline or not config.asks_a_real_model:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    from oceanchat.cli.display.costs import forecast
    from oceanchat.cli.display.notes import print_note, print_wait
    from oceanchat.pipeline.build import check_build
    from oceanchat.pipeline.estimate import estimate_build
    from oceanchat.store.database import existing_or_empty

    print_wait(ESTIMATING)
    with existing_or_empty(store) as opened:
        check_build(prepared, opened)
        estimate = estimate_build(config, opened)
    if not estimate.missing:
        return True
    print_note(forecast(estimate))
    if click.confirm("Build them? (--yes skips this question, --max-usd USD sets a limit)", err=True):
        return True
    print_note("oceanchat: nothing was sent, and nothing spent")
    return False
