"""Tell whether numbered answers fit the questions.

A model that leaves one of several things out, adds one or counts from 0 may number the others on, and then
every answer would be another thing's. It knows numbers alone.
"""

from collections.abc import Collection


def fits(numbers: Collection[int], count: int) -> bool:
    """Whether answers with these numbers can be told apart as those to questions 1 to `count`: the last is
    among them and nothing beyond. A gap before the last is no harm: it shows that nothing was renumbered."""
    return bool(numbers) and min(numbers) >= 1 and max(numbers) == count
