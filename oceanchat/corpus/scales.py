"""Read label columns: words and scales.

Words such as y and n name a level. Numbers are scores, which are read on the scale that their whole column's
range tells: above its middle high, below it low, in the middle neither. A column whose range fits no scale
gives no labels, because a score must never be taken for a level.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from oceanchat.traits import Level

_WORDS = dict.fromkeys(("y", "yes", "high", "h", "true", "t", "+"), Level.HIGH) | dict.fromkeys(
    ("n", "no", "low", "l", "false", "f", "-"), Level.LOW
)
_NO_NUMBER = ("", "none", "null", "nan", "na", "n/a", "#n/a", "<na>", ".", "?", "missing", "unknown")
_MIDDLE = ("medium", "mid", "middle", "average", "neutral", "moderate", "neither")
_NO_LABEL = frozenset((*_NO_NUMBER, *_MIDDLE))
_NUMBER = re.compile(r"[-+\u2212]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:e[-+]?\d{1,3})?\s*%?", re.IGNORECASE)
_MISSING = frozenset((-999.0, -99.0, -9.0, -1.0, 99.0, 999.0, 9999.0))
"""Numbers that statistics programs write where there is none."""


class Scale(NamedTuple):
    """How the numbers of a column are read."""

    name: str
    low: float
    high: float
    middle: float

    @property
    def rule(self) -> str:
        """In words which numbers are which level."""
        if self == _CLASSES:
            return "1 high, 0 low"
        return f"above {self.middle:g} high, below it low"


_CLASSES = Scale("as the classes 0 and 1", 0, 1, 0.5)
_SCALES = (
    Scale("on a scale of 0 to 1", 0, 1, 0.5),
    Scale("on a scale of 1 to 5", 1, 5, 3),
    Scale("on a scale of 1 to 7", 1, 7, 4),
    Scale("on a scale of 1 to 9", 1, 9, 5),
    Scale("on a scale of 1 to 10", 1, 10, 5.5),
    Scale("on a scale of 0 to 4", 0, 4, 2),
    Scale("on a scale of 0 to 5", 0, 5, 2.5),
    Scale("on a scale of 0 to 6", 0, 6, 3),
    Scale("on a scale of 0 to 10", 0, 10, 5),
)
"""The first that holds a column's range is its scale."""
_HUNDRED = Scale("on a scale of 0 to 100", 0, 100, 50)
_AROUND_ZERO = Scale("as scores around 0", float("-inf"), float("inf"), 0)
KNOWN_SCALES = "0 to 1, 1 to 5, 1 to 7, 0 to 10, 0 to 100, or around 0"


def word_of(value: Any) -> str:
    """A label as it is compared."""
    if isinstance(value, dict | list):
        return "not a word"
    return "" if value is None else str(value).strip().casefold()


def number_in(word: str) -> float | None:
    """The number a label is; None for words."""
    if not _NUMBER.fullmatch(word):
        return None
    return float(word.rstrip("% ").replace(",", ".").replace("\u2212", "-"))


@dataclass
class NumberRange:
    """What the numbers of one label column are like."""

    count: int = 0
    low: float = float("inf")
    high: float = float("-inf")
    """Both without the numbers that may stand for a missing one."""
    whole: bool = True
    codes: set[float] = field(default_factory=set)
    """Of the numbers that may stand for a missing one, those that occur."""
    few: set[float] = field(default_factory=set)
    """The first ten different numbers."""

    def add(self, number: float) -> None:
        """Count one more number."""
        self.count += 1
        if len(self.few) < 10:
            self.few.add(number)
        if number in _MISSING:
            self.codes.add(number)
            return
        self.low, self.high = min(self.low, number), max(self.high, number)
        self.whole = self.whole and number.is_integer()

    def settled(self) -> tuple["NumberRange", frozenset[float]]:
        """The range with those codes that are numbers, and the codes that stand for a missing one."""
        missing = {code for code in self.codes if self._stands_for_none(code)}
        real = self.codes - missing
        low, high = min((self.low, *real)), max((self.high, *real))
        return NumberRange(self.count, low, high, self.whole, set(), self.few - missing), frozenset(missing)

    def _stands_for_none(self, code: float) -> bool:
        if self.low > self.high:
            return False
        if code > 0:
            return self.high <= 10
        return self.low >= 0 and self.whole and (code < -1 or self.high > 1)


class ReadColumn(NamedTuple):
    """A label column, ready to be read."""

    scale: Scale | None
    """None where its numbers fit no scale."""
    missing: frozenset[float] = frozenset()

    def level(self, word: str) -> Level | None:
        """The level a label names, None for no label. Raises ValueError for what is neither."""
        if word in _NO_LABEL:
            return None
        if word in _WORDS:
            return _WORDS[word]
        number = number_in(word)
        if number is None:
            raise ValueError(word)
        if self.scale is None or number in self.missing or number == self.scale.middle:
            return None
        return Level.HIGH if number > self.scale.middle else Level.LOW


def read_columns(ranges: Sequence[NumberRange]) -> list[ReadColumn]:
    """How each of a corpus's label columns is read, from the numbers in all of them."""
    settled = [numbers.settled() for numbers in ranges]
    hundreds = [numbers for numbers, _ in settled if 10 < numbers.high <= 100 and numbers.low >= 0]
    spread = any(n.low < 25 for n in hundreds) and any(n.high > 75 for n in hundreds)
    own = [_own_scale(numbers, spread) for numbers, _ in settled]
    columns = []
    for index, (numbers, missing) in enumerate(settled):
        others = {other for at, other in enumerate(own) if at != index and other is not None}
        columns.append(ReadColumn(_scale(numbers, own[index], others), missing))
    return columns


def _scale(numbers: NumberRange, own: Scale | None, others: set[Scale]) -> Scale | None:
    """The column's own scale, or that of all the others where its own numbers are too few to tell."""
    unclear = len(numbers.few) == 1 or numbers.few == {1.0, 2.0}
    if unclear and len(others) == 1:
        (other,) = others
        if other.low <= numbers.low and numbers.high <= other.high:
            return other
    return None if numbers.few == {1.0, 2.0} else own


def _own_scale(numbers: NumberRange, spread: bool) -> Scale | None:
    low, high = numbers.low, numbers.high
    if low > high:
        return None
    if numbers.few <= {0.0, 1.0}:
        return _CLASSES
    if low < 0:
        return _AROUND_ZERO if max(-low, high) <= 10 or (low <= -10 and high >= 10) else None
    if high > 10:
        return _HUNDRED if spread and high <= 100 else None
    if numbers.whole and (high == 9 and not numbers.few & {6.0, 7.0, 8.0}):
        return None  # 9 may stand for a missing number
    if low == 0 and numbers.whole and high <= 2:
        return None  # three classes, or a scale whose upper part does not occur
    scale = next(scale for scale in _SCALES if scale.low <= low and high <= scale.high)
    return None if scale.low == 0 and high <= scale.middle else scale


def scale_notes(columns: Mapping[str, tuple[NumberRange, ReadColumn]]) -> list[str]:
    """One line for each way in which columns with numbers were read."""
    grouped: dict[Scale | None, list[str]] = {}
    for name, (numbers, column) in columns.items():
        if numbers.count:
            grouped.setdefault(column.scale, []).append(name)
    notes = []
    for scale, names in grouped.items():
        settled = [columns[name][0].settled()[0] for name in names]
        low, high = min(n.low for n in settled), max(n.high for n in settled)
        listed = ", ".join(f"'{name[:40]}'" for name in names)
        span = f"label column{'s' * (len(names) > 1)} {listed}: numbers from {low:g} to {high:g}"
        if scale is None:
            notes.append(
                f"{span} are on no scale we know ({KNOWN_SCALES}) and give no labels; write high and low, or"
                " name other columns with --label-columns"
            )
        else:
            notes.append(f"{span}, read {scale.name}: {scale.rule}")
    return notes
