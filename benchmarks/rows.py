"""The rows of the table of methods: a training method, its prompt, its learning rate.

`lora-short@1e-3` is the method lora under the short persona prompt at a rate of 1e-3. What is not named takes
its default. LoRA is shown under both prompts and at several rates, so that no peer loses by a poor setting.
"""

from collections.abc import Sequence
from typing import NamedTuple

from preact.methods import METHODS

SHORT = "-short"
PROMPTED = ("lora", "lora-short")
SWEEP = {"tiny": ("5e-4", "1e-3", "4e-3", "8e-3"), "real": ("5e-5", "2e-4", "1e-3", "5e-3")}
"""Rates beside the default, which is 2e-3 on tiny and 5e-4 on a real backbone."""


class Row(NamedTuple):
    """What one row trains."""

    method: str
    short: bool
    rate: str
    """As it is written on the command line; empty for the default."""

    @property
    def options(self) -> list[str]:
        """The options of `preact train` that the row adds."""
        prompt = ["--prompt", "short"] if self.short else []
        return ["--method", self.method, *prompt, *(["--lr", self.rate] if self.rate else [])]


def row_of(name: str) -> Row:
    """Read a row's name. Raises ValueError for a method that is not known."""
    method, _, rate = name.partition("@")
    short = method.endswith(SHORT)
    method = method.removesuffix(SHORT)
    if method not in METHODS or (rate and not float(rate) > 0):
        raise ValueError(name)
    return Row(method, short, rate)


def default_rows(backbone: str) -> list[str]:
    """Every method once, LoRA under both prompts."""
    rows = [name for name in METHODS if name != "no-moe"]
    rows.insert(rows.index("lora") + 1, "lora-short")
    return ["prompt", "prompt-short", "controllm", "persona-vectors", *rows] if backbone == "real" else rows


def sweep_rows(backbone: str) -> list[str]:
    """LoRA under both prompts at every rate but the default."""
    return [f"{name}@{rate}" for name in PROMPTED for rate in SWEEP[backbone]]


def is_row(name: str, untrained: Sequence[str]) -> bool:
    """Whether a name is that of a row."""
    try:
        return name in untrained or bool(row_of(name))
    except ValueError:
        return False
