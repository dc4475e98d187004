"""Keep the lead's figures until a label changes.

Computing a report of ten thousand items takes a second, and every click runs a page again. Nothing is shown
to anybody here: who may see what is decided where the figures are computed.
"""

import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from annotation_app import settings
from oceanchat.annotation import accounts, adjudication, items, report
from oceanchat.annotation.adjudication import Disagreement
from oceanchat.annotation.items import ListedItem
from oceanchat.annotation.report import Report
from oceanchat.store import labels as label_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.labels import Newest

T = TypeVar("T")


class _Held(NamedTuple):
    newest: Newest
    value: Any


_values: dict[str, _Held] = {}
_lock = threading.Lock()


def current_report(lead: Annotator) -> Report:
    """The report on the app's sample; AnnotationError when there is none."""
    return _current("report", lead, lambda: report.report(settings.store(), settings.sample()))


def current_items(lead: Annotator) -> list[ListedItem]:
    """The items of the app's sample."""
    return _current("items", lead, lambda: items.item_list(settings.store(), lead, settings.sample()))


def current_disagreements(lead: Annotator) -> list[Disagreement]:
    """The disagreements in the app's sample."""
    return _current(
        "disagreements", lead, lambda: adjudication.disagreements(settings.store(), lead, settings.sample())
    )


def _current(name: str, lead: Annotator, compute: Callable[[], T]) -> T:
    """What was computed last for any lead, unless something has changed since."""
    accounts.require_lead(lead)
    with settings.store().reading() as connection:
        newest = label_rows.newest(connection)
    with _lock:  # two leads wait for one computation instead of doing it twice
        if name not in _values or _values[name].newest != newest:
            _values[name] = _Held(newest, compute())
        value: T = _values[name].value
        return value
