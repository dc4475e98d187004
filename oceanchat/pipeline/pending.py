"""Find the requests that a build needs next.

The build is made from the ledger alone, up to where nothing can go on: what it would ask then is what is
pending. Nothing of it is stored but the corpus and, so that answers find their way back, the requests.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from oceanchat.errors import BuildStopped, ConfigError
from oceanchat.llm.chat import as_json
from oceanchat.llm.ledger import SEE_RETRY
from oceanchat.llm.offline import AbsentRequest, AnswersMissing, OfflineEndpoint
from oceanchat.llm.usefulness import RETRY
from oceanchat.models import ModelSession
from oceanchat.pipeline.build import Prepared, open_builder
from oceanchat.pipeline.config import BuildConfig
from oceanchat.pipeline.in_order import all_of
from oceanchat.pipeline.seed_topics import BLOCK
from oceanchat.progress import Progress, Tally
from oceanchat.store import ledger as ledger_rows
from oceanchat.store import ledger_requests
from oceanchat.store.database import Store
from oceanchat.store.ledger_requests import WrittenRequest
from oceanchat.store.ledger_writer import Held

ROWS_AT_ONCE = 1000
ASK_AGAIN = "`oceanchat pending --failed` writes what has failed for good, to ask it again"


class Pending(NamedTuple):
    """What a build needs next."""

    requests: Sequence[AbsentRequest] = ()
    """By model, task and trait-level, so that those that begin alike stand together."""
    asked_elsewhere: Mapping[str, int] = {}
    """Who is asking for requests that were left out -> how many of them."""
    to_others: Mapping[str, int] = {}
    """Models that were not wanted -> how many requests to them the build needs."""
    dialogues_passed: int = 0
    """By the answers that there are, or in the result that is stored, where a larger one has to be labeled
    first."""
    dialogues_passed_anew: int = 0
    """The same by the answers alone."""
    dialogues_wanted: int = 0

    @property
    def is_all_left_out(self) -> bool:
        """Whether the build needs more although there is nothing to write."""
        return not self.requests and bool(self.asked_elsewhere or self.to_others)

    def by_task(self) -> Counter[tuple[str, str]]:
        """(model, task) -> number of requests."""
        return Counter((absent.model, absent.request.task) for absent in self.requests)


class Scope(NamedTuple):
    """Which requests are wanted."""

    only: str | None = None
    """Those to this model; None: to any."""
    sentences_ahead: int = 0
    """Sentences of each trait-level labeled beyond those that are needed for certain."""
    failed: bool = False
    """Whether those that failed for good count as never asked."""


EVERYTHING = Scope()
"""All that is needed for certain."""


async def find_pending(
    prepared: Prepared, store: Store, progress: Progress, scope: Scope = EVERYTHING
) -> Pending:
    """The requests the build needs next, on record in `store`.

    What another run or a batch is asking for is left out. Raises ConfigError where no model is named that
    could be asked, and what a build raises.
    """
    config = prepared.config
    _check_models(config, scope.only)
    # Nothing is spent here, so no cap need hold; and the scripted model answers in this process.
    calls = config.calls.model_copy(update={"offline": False, "max_usd": None})
    prepared = prepared._replace(config=config.model_copy(update={"calls": calls}))
    tally = Tally(progress)
    tallies = {trait_level: Tally(tally) for trait_level in config.trait_levels}
    async with open_builder(prepared, store, tally, OfflineEndpoint) as builder:
        ahead = math.ceil(scope.sentences_ahead / BLOCK)
        builder = replace(builder, blocks_ahead=ahead, all_at_once=True)
        if scope.failed:
            builder.models.session.ask_failed_again()
        needed: Sequence[AbsentRequest] = ()
        try:
            await all_of(
                replace(builder, progress=own).make(trait_level) for trait_level, own in tallies.items()
            )
        except AnswersMissing as missing:
            needed = missing.requests
        except BuildStopped as stopped:
            # Too much has failed for the build to go on: asking that again is the way out.
            if stopped.signal or scope.failed or not _has_failed(config, store):
                raise
            # `retry` would send it to the server, which whoever answers files may not reach.
            problem = str(stopped).replace(SEE_RETRY, "").replace(RETRY, "")
            raise BuildStopped(f"{problem}; {ASK_AGAIN}") from None
        wanted = [absent for absent in needed if scope.only in (None, absent.model)]
        others = Counter(absent.model for absent in needed if scope.only not in (None, absent.model))
        pending = (await _not_asked_elsewhere(builder.models.session, wanted))._replace(
            to_others=others,
            dialogues_passed=sum(
                max(own.dialogues_passed, builder.passed_before(trait_level))
                for trait_level, own in tallies.items()
            ),
            dialogues_passed_anew=tally.dialogues_passed,
            dialogues_wanted=tally.dialogues_wanted,
        )
        await _put_on_record(builder.models.session, pending.requests)
        return pending


def _has_failed(config: BuildConfig, store: Store) -> bool:
    """Whether a request about the build's trait-levels to its models failed for good."""
    models = {config.labeler, config.writer, config.checker}
    codes = {trait_level.code for trait_level in config.trait_levels}
    with store.reading() as connection:
        rows = ledger_rows.failed_rows(connection)
    return any(row["model"] in models and row["trait_level"] in codes for row in rows)


def _check_models(config: BuildConfig, only: str | None) -> None:
    if not config.asks_a_real_model:
        raise ConfigError(
            "the scripted model answers in this process, so it has no pending requests; name the model that"
            " is to answer with --model NAME"
        )
    models = dict.fromkeys((config.labeler, config.writer, config.checker))
    if only is not None and only not in models:
        listed = ", ".join(f"'{model}'" for model in models)
        raise ConfigError(f"--only '{only}' is none of the models of this build: name one of {listed}")


async def _not_asked_elsewhere(session: ModelSession, requests: Sequence[AbsentRequest]) -> Pending:
    keys = [absent.key for absent in requests]
    held: dict[str, Held] = {}
    for start in range(0, len(keys), ROWS_AT_ONCE):
        held |= await session.ledger_writer.held(keys[start : start + ROWS_AT_ONCE])
    free = [absent for absent in requests if absent.key not in held]
    return Pending(sorted(free, key=_alike), Counter(map(_shown, held.values())))


def _shown(holder: Held) -> str:
    if holder.left_with is None:
        return holder.by
    return f"a batch left with '{holder.left_with}' (`oceanchat build --batch` collects it)"


def _alike(absent: AbsentRequest) -> tuple[str, ...]:
    return absent.model, absent.request.task, absent.request.trait_level, absent.key


async def _put_on_record(session: ModelSession, requests: Sequence[AbsentRequest]) -> None:
    for start in range(0, len(requests), ROWS_AT_ONCE):
        rows = [
            WrittenRequest(absent.key, absent.endpoint, absent.model, as_json(absent.request))
            for absent in requests[start : start + ROWS_AT_ONCE]
        ]
        await session.ledger_writer.transaction(partial(ledger_requests.add_requests, requests=rows))
