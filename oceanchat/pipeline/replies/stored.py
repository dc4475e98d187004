"""Read what models replied, word for word.

Every reply is in the ledger, whether or not a stage could use it; a request that failed has what the endpoint
said in its place.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from oceanchat.errors import InputError
from oceanchat.llm.completions import read_completion
from oceanchat.store import ledger as ledger_rows
from oceanchat.store.database import Store
from oceanchat.store.ledger import ANSWERED, Row

SHOWN_ID = 12
"""Digits of an id that messages give: enough to be found by."""


class StoredReply(NamedTuple):
    """One reply of a model, or what the endpoint said in its place."""

    id: str
    """The ledger's key: 64 hex digits."""
    model: str
    endpoint: str
    task: str
    trait_level: str
    state: str
    """'answered' or 'failed'."""
    outcome: str
    """'kept', 'retried', 'rejected', or why it failed."""
    text: str
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None
    recorded_at: float
    """Seconds since 1970."""


def reply(store: Store, prefix: str) -> StoredReply:
    """The reply whose id begins with `prefix`. Raises InputError when there is none or more than one."""
    with store.reading() as connection:
        rows = ledger_rows.calls_by_key(connection, prefix)
    if len(rows) != 1:
        problem = "is not known" if not rows else "fits several replies; write more of its digits"
        raise InputError(f"reply '{prefix}' {problem}; `oceanchat export answers` lists all ids")
    return _read(rows[0])


def reply_rows(store: Store) -> Iterator[dict[str, Any]]:
    """All replies, oldest first, as rows for export."""
    with store.reading() as connection:
        for row in ledger_rows.replied_calls(connection):
            yield _read(row)._asdict()


def useless_reply(store: Store, tasks: Sequence[str], trait_levels: Sequence[str]) -> StoredReply | None:
    """The newest reply to one of these tasks that was of no use."""
    with store.reading() as connection:
        row = ledger_rows.newest_useless(connection, tasks, trait_levels)
    return None if row is None else _read(row)


def _read(row: Row) -> StoredReply:
    body = row["body"] or b""
    answer = read_completion(body)
    text = body.decode("utf-8", "replace") if answer is None else answer.refusal or answer.text
    outcome = row["outcome"] or ("kept" if row["state"] == ANSWERED else row["reason"] or "failed")
    names = ("model", "endpoint", "task", "trait_level", "state", "prompt_tokens", "completion_tokens")
    return StoredReply(
        id=row["key"],
        outcome=outcome,
        text=text,
        finish_reason="" if answer is None else answer.finish_reason,
        recorded_at=row["recorded_at"],
        **{name: row[name] for name in names},
    )
