"""Sums over the ledger: calls, tokens, days.

Functions take a connection and only read.
"""

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, case, func, select

from oceanchat.store.ledger import ANSWERED, SHARE, Row, ledger_calls, ledger_lost_attempts


class Period(NamedTuple):
    """A time in which calls were recorded, in epoch seconds, without its end."""

    start: float
    end: float

    def holds(self, table: Table) -> ColumnElement[bool]:
        """Whether a row of `table` was recorded in it."""
        return (table.c.recorded_at >= self.start) & (table.c.recorded_at < self.end)


ALWAYS = Period(0.0, float("inf"))


def spending(connection: Connection, when: Period = ALWAYS) -> list[Row]:
    """Calls and tokens of all that was paid and answered, by model, task, trait-level and what became of it.

    `uncounted` counts replies without token counts; `failed` rows count only where a reply was paid.
    """
    table = ledger_calls
    by = (table.c.endpoint, table.c.model, table.c.task, table.c.trait_level, table.c.batched, table.c.state)
    sums = (
        func.count().label("calls"),
        func.sum(table.c.prompt_tokens).label("prompt_tokens"),
        func.sum(table.c.completion_tokens).label("completion_tokens"),
        func.sum(table.c.cached_tokens).label("cached_tokens"),
        (func.count() - func.count(table.c.completion_tokens)).label("uncounted"),
    )
    paid = (table.c.state == ANSWERED) | (table.c.completion_tokens.is_not(None))
    own = func.coalesce(table.c.outcome, "") != SHARE
    query = (
        select(*by, table.c.outcome, *sums).where(paid, own, when.holds(table)).group_by(*by, table.c.outcome)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def lost_attempts(connection: Connection, when: Period = ALWAYS) -> list[Row]:
    """Attempts that may have been paid for nothing, by reason too, with the bounds of what they can have
    cost."""
    table = ledger_lost_attempts
    by = (
        table.c.endpoint,
        table.c.model,
        table.c.task,
        table.c.trait_level,
        table.c.batched,
        table.c.reason,
    )
    sums = (
        func.count().label("calls"),
        func.sum(table.c.max_prompt_tokens).label("prompt_tokens"),
        func.sum(table.c.max_tokens).label("completion_tokens"),
    )
    query = select(*by, *sums).where(when.holds(table)).group_by(*by)
    return [dict(row) for row in connection.execute(query).mappings()]


def answered_in_files(connection: Connection, endpoint: str) -> set[str]:
    """The models recorded at `endpoint` of which every answer came in a file: none was asked for there."""
    table = ledger_calls
    asked = func.sum(case((table.c.batched & table.c.batch.is_(None), 0), else_=1))
    query = select(table.c.model).where(table.c.endpoint == endpoint, table.c.state == ANSWERED)
    return set(connection.execute(query.group_by(table.c.model).having(asked == 0)).scalars())


def period(connection: Connection, when: Period = ALWAYS) -> tuple[float, float] | None:
    """When the first and the last call was recorded, in epoch seconds."""
    recorded_at = ledger_calls.c.recorded_at
    ends = select(func.min(recorded_at), func.max(recorded_at)).where(when.holds(ledger_calls))
    first, last = connection.execute(ends).one()
    return None if first is None else (first, last)


def pilot_sums(connection: Connection, model: str, task: str) -> list[Row]:
    """Calls, token means and mean squares of what one model answered for one task, by trait-level."""
    table = ledger_calls
    prompt, completion = table.c.prompt_tokens, table.c.completion_tokens
    sums = (
        func.count().label("calls"),
        func.count(completion).label("counted"),
        func.sum(prompt).label("prompt"),
        func.sum(prompt * prompt).label("prompt_squares"),
        func.sum(completion).label("completion"),
        func.sum(completion * completion).label("completion_squares"),
        func.sum(table.c.cached_tokens).label("cached"),
    )
    mine = (table.c.model == model) & (table.c.task == task)
    paid = (table.c.state == ANSWERED) & (func.coalesce(table.c.outcome, "") != SHARE)
    query = select(table.c.trait_level, *sums).where(mine, paid).group_by(table.c.trait_level)
    return [dict(row) for row in connection.execute(query).mappings()]
