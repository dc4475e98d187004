"""Send failed requests again, on their own.

It works on the ledger only, which holds each request beside its failure or its unusable answer. A new answer
replaces that, and the next build replays it.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from oceanchat.errors import CallFailed, ConfigError
from oceanchat.llm.chat import ChatAnswer, from_json
from oceanchat.llm.completions import read_completion
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.ledger import Ledger
from oceanchat.llm.settings import SCRIPTED, CallSettings
from oceanchat.llm.usage import Usage
from oceanchat.llm.usefulness import why_useless
from oceanchat.models import open_session
from oceanchat.progress import Progress, Silence
from oceanchat.store import ledger as ledger_rows
from oceanchat.store.database import Store
from oceanchat.store.ledger import ANSWERED, Row


@dataclass
class RetryReport:
    """The result of sending failed requests again."""

    usage: Usage
    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """Still failed, by reason."""

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"answered": self.answered, "failed": dict(self.failed), "calls": self.usage.as_json()}


def failed_rows(store: Store, reason: str | None) -> list[Row]:
    """The requests that failed or whose answer was unusable, for one reason or for any."""
    with store.reading() as connection:
        rejected = ledger_rows.rejected_rows(connection)
        failed = ledger_rows.failed_rows(connection, reason)
    return failed + [row for row in rejected if reason in (None, why_rejected(row["body"]))]


def why_rejected(body: bytes) -> str:
    """'refused', 'length', 'empty', or 'unparseable' for a reply that is complete but says nothing clear."""
    return why_useless(read_completion(body) or ChatAnswer("")).reason


def endpoint_of(rows: Sequence[Row]) -> str | None:
    """The endpoint the failed requests went to, None where only the scripted model failed.

    Raises ConfigError where there are several.
    """
    endpoints = {row["endpoint"] for row in rows} - {SCRIPTED}
    if len(endpoints) > 1:
        listed = ", ".join(f"'{endpoint}'" for endpoint in sorted(endpoints))
        raise ConfigError(f"failed requests went to several endpoints: {listed}; name one with --base-url")
    return next(iter(endpoints), None)


async def ask_again(
    store: Store, settings: CallSettings, rows: Sequence[Row], progress: Progress | None = None
) -> RetryReport:
    """Ask `rows` again, wherever their model lives now. Raises BuildStopped, and ConfigError where they were
    asked with other parameters."""
    async with open_session(settings, store.engine, OpenAIEndpoint) as session:
        report = RetryReport(session.usage)
        (progress or Silence()).watch(session.usage)

        async def ask(row: Row, model: Ledger) -> None:
            if row["state"] == ANSWERED:
                await session.ledger_writer.transaction(
                    lambda store: ledger_rows.archive_rejected(store, row["key"])
                )
            try:
                await model.ask_again(from_json(row["request"]))
                report.answered += 1
            except CallFailed as failure:
                report.failed[failure.reason] += 1

        models = {row["model"]: session.model(row["model"]) for row in rows}
        if any(models[row["model"]].key(from_json(row["request"])) != row["key"] for row in rows):
            raise ConfigError(
                "some failed requests were asked under another --endpoint-name or --reasoning-effort; name"
                " the same ones"
            )
        await asyncio.gather(*(ask(row, models[row["model"]]) for row in rows))
    return report
