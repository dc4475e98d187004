"""Read a judge's reply: a score from 1 to 5, or the state that says why there is none.

A score that cannot be read never becomes a number. The reply's last JSON object that has the key score
counts; null is the judge's own word for answers that give no ground.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

LOWEST, MIDPOINT, HIGHEST = 1.0, 3.0, 5.0
State = Literal["scored", "no-ground", "unreadable", "refused", "failed", "no-answers"]
UNSCORED: tuple[State, ...] = ("no-ground", "unreadable", "refused", "failed", "no-answers")
_LONGEST = 20_000
"""Characters of a reply's end that are searched: the score stands on the last line."""
_NUMBER = re.compile(r"[1-5](\.\d{1,12})?")


class Score(NamedTuple):
    """What a reply says."""

    value: float | None
    """1 (not at all) to 5 (strongly); None unless the state is 'scored'."""
    state: State


def read_score(reply: str) -> Score:
    """The score of one judge reply; any text at all gives a Score, none raises."""
    value: Any = ...
    for found in _objects(reply[-_LONGEST:]):
        if "score" in found:
            value = found["score"]
    if value is None:
        return Score(None, "no-ground")
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Score(None, "unreadable")
    if not LOWEST <= value <= HIGHEST or not math.isfinite(value):
        return Score(None, "unreadable")
    return Score(float(value), "scored")


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Every JSON object that begins at some brace of the text and is not inside an earlier one."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        end = start + 1
        try:
            found, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            pass
        else:
            if isinstance(found, dict):
                yield found
        start = text.find("{", end)
