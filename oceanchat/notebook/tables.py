"""Read a store as pandas DataFrames."""

import weakref
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from oceanchat.cli.chosen_build import chosen_build
from oceanchat.cli.trait_levels import chosen_trait_levels
from oceanchat.llm.costs import CostKey, CostLine, cost_report
from oceanchat.llm.prices import load_prices
from oceanchat.pipeline import results
from oceanchat.store.database import Store, open_store
from oceanchat.store.export import ExportFilter, selected_rows
from oceanchat.store.export_columns import KINDS_OF
from oceanchat.store.location import DEFAULT_STORE
from oceanchat.traits import TRAIT_LEVELS

LABEL_COLUMNS = ("item", "annotator", "value", "stratum", "purpose")
COST_COLUMNS = ("task", "model", "endpoint", "trait_level", "outcome")
AMOUNTS = ("calls", "prompt_tokens", "completion_tokens", "cached_tokens", "usd")
"""Columns that a table has although it may have no row."""


class StoreTables:
    """The tables of an open store; every method reads it anew and returns a DataFrame of its own.

    The store is closed by `close`, or with the last reference to its tables.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        # A cell such as `open().labels()` leaves nothing that could be closed.
        weakref.finalize(self, store.close)

    def __repr__(self) -> str:
        return f"<store '{self._store.url}'>"

    def dialogues(
        self,
        *trait_levels: str,
        state: str | None = None,
        wide: bool = False,
        build: str | None = None,
    ) -> pd.DataFrame:
        """Dialogues of these trait-levels, or of all: a row each, as `oceanchat export dialogues` has it.

        `turns` holds a list of dictionaries with role and text; `wide` gives every turn columns of its own
        instead. Without `state` there are those that passed, and imported ones; 'all' gives every dialogue.
        Raises OceanChatError for a trait-level, state or build that cannot be.
        """
        chosen = ExportFilter(
            chosen_trait_levels(trait_levels, None, None, TRAIT_LEVELS),
            state,
            chosen_build(self._store, build),
        )
        rows = selected_rows(self._store, "dialogues", chosen, wide)
        return _frame(rows, KINDS_OF["wide" if wide else "dialogues"])

    def labels(self, sample: int | None = None) -> pd.DataFrame:
        """The current labels of a sample, a row each, with the columns of `oceanchat export validations`.

        Without `sample` it is the newest that has labels. `oceanchat.agreement` reads what it returns.
        """
        rows = selected_rows(self._store, "validations", ExportFilter(sample=sample))
        return _frame(rows, LABEL_COLUMNS)

    def costs(self) -> pd.DataFrame:
        """What was paid, a row for each task, model, endpoint, trait-level and outcome of the calls.

        An outcome is kept, rejected, retried or lost, as `oceanchat costs` explains; tokens are counts, `usd`
        is in US dollars by the price table and missing where it is unknown.
        """
        lines = cost_report(self._store, load_prices()).lines.items()
        rows = [row for key, line in lines for row in _cost_rows(key, line)]
        return _frame(rows, (*COST_COLUMNS, *AMOUNTS))

    def status(self, build: str | None = None) -> pd.DataFrame:
        """What became of the rows of a build: a row for each trait-level, step and state, with their number.

        Raises OceanChatError where the store holds no build.
        """
        rows = [
            {"trait_level": status.build.trait_level, "step": step, "state": state, "rows": count}
            for status in results.status(self._store, chosen_build(self._store, build))
            for step, states in status.outcome.funnel.record().items()
            for state, count in states.items()
        ]
        return _frame(rows, ("trait_level", "step", "state", "rows"))

    def close(self) -> None:
        """Close the connections to the store."""
        self._store.close()


def open(store: str = DEFAULT_STORE) -> StoreTables:
    """Open the store at a path or PostgreSQL URL. Raises OceanChatError where there is none.

    >>> store = open()
    >>> store.dialogues("O+").loc[0, ["trait", "level", "state"]].tolist()
    ['O', 'high', 'passed']
    """
    return StoreTables(open_store(store, must_exist=True))


def _cost_rows(key: CostKey, line: CostLine) -> Iterator[dict[str, Any]]:
    for outcome, cost in line.kinds.items():
        if cost.calls:
            yield {**key._asdict(), "outcome": outcome, **cost.as_json()}


def _frame(rows: Iterable[dict[str, Any]], columns: Iterable[str]) -> pd.DataFrame:
    """The rows as a frame; without any, a frame of these columns."""
    records = list(rows)
    return pd.DataFrame(records) if records else pd.DataFrame(columns=list(columns))
