"""A figure with its interval and name.

Every reported share and coefficient of the project is one of these, so that a terminal, a page and a dataset
card write the same number the same way. It computes nothing.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

SHARE = ".1%"
"""The form of a share: per cent."""
COEFFICIENT = ".3f"

NAMES: Mapping[str, str] = {
    "pass_rate": "pass rate (majority)",
    "pass_rate_after_adjudication": "pass rate (after adjudication)",
    "precision": "checker against humans, precision",
    "recall": "checker against humans, recall",
    "observed": "observed agreement",
    "unanimous": "unanimous",
    "fleiss_kappa": "Fleiss' kappa",
    "alpha_nominal": "Krippendorff's alpha, nominal",
    "alpha_ordinal": "Krippendorff's alpha, ordinal",
    "alpha_interval": "Krippendorff's alpha, interval",
    "ac1": "Gwet's AC1",
}
"""What a figure is called in front of readers, by its name in JSON."""
_COEFFICIENTS = frozenset({"fleiss_kappa", "alpha_nominal", "alpha_ordinal", "alpha_interval", "ac1"})


class Figure(NamedTuple):
    """A figure with its 95 % interval; where `value` is None the note says why."""

    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""

    def cells(self, form: str = COEFFICIENT) -> tuple[str, str]:
        """The value and the interval as two cells of a table; '-' where there is no value."""
        if self.value is None:
            return "-", ""
        if self.low is None or self.high is None:
            return _written(self.value, form), ""
        return _written(self.value, form), f"{_written(self.low, form)} to {_written(self.high, form)}"

    def text(self, form: str = COEFFICIENT) -> str:
        """The value with its interval in brackets, such as '83.3% (64.1% to 93.3%)', or why there is none."""
        if self.value is None:
            return self.note or "undefined"
        value, interval = self.cells(form)
        return f"{value} ({interval})" if interval else value

    def noted(self, note: str) -> "Figure":
        """The same with one more note."""
        return self._replace(note="; ".join(filter(None, [self.note, note])))

    def bounds(self) -> dict[str, float | None]:
        """Value, low and high for JSON that has no note."""
        return {"value": self.value, "low": self.low, "high": self.high}


def number(value: float | None, digits: int) -> str:
    """A number for people: a dash for what is not known, words for the infinite, no negative zero."""
    if value is None or math.isnan(value):
        return "-"
    if math.isinf(value):
        return "infinite" if value > 0 else "-infinite"
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def signed(value: float) -> str:
    """A difference to two decimals with its sign; what rounds to zero has none."""
    return "-" if math.isnan(value) else _written(value, "+.2f")


def _written(value: float, form: str) -> str:
    """A number in a form; what rounds to zero has no sign."""
    text = format(value, form)
    return text if text.strip("+-0.%") else text.lstrip("+-")


def form_of(name: str) -> str:
    """The form of the figure with this name in JSON."""
    return COEFFICIENT if name in _COEFFICIENTS else SHARE
