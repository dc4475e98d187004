"""Keep the lead's figures until a label changes.

Computing a report of ten thousand items takes a second, and every click runs a page again.
"""

import threading
from typing import NamedTuple

from annotation_app import settings
from oceanchat.annotation import report
from oceanchat.annotation.report import Report
from oceanchat.store import labels as label_rows
from oceanchat.store.labels import Newest


class _Held(NamedTuple):
    newest: Newest
    report: Report


_reports: dict[int | None, _Held] = {}
_lock = threading.Lock()


def current_report() -> Report:
    """The report on the app's sample; AnnotationError when there is none."""
    number = settings.sample()
    with settings.store().reading() as connection:
        newest = label_rows.newest(connection)
    with _lock:  # two leads wait for one computation instead of doing it twice
        if number not in _reports or _reports[number].newest != newest:
            _reports[number] = _Held(newest, report.report(settings.store(), number))
        return _reports[number].report
