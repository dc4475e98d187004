"""Print a result for scripts.

It is one JSON value on stdout, whatever the command also says on stderr. Figures are not rounded, and null
stands for what is no number.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click


def print_json(value: Any) -> None:
    """`value` on one line: mappings, lists, tuples, sets, paths and plain values."""
    click.echo(json.dumps(_plain(value), allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, set | frozenset):
        return [_plain(each) for each in sorted(value)]
    return str(value) if isinstance(value, Path) else value
