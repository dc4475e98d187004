"""The manifest of a release.

What is in it, file by file, and what it was made with. Its own bytes are the only ones it cannot vouch
for. It carries no date, so that equal content gives equal bytes.
"""

from collections.abc import Mapping
from typing import Any, Literal

from oceanchat.records import Record
from oceanchat.release.rows import SeedTopics

FORMAT = 6
"""Version of the layout and of the card's wording; the card of another one is not compared word by word."""
Require = Literal["validated", "checked", "imported"]
Balance = Literal["none", "length"]


class ReleasedFile(Record):
    """One file."""

    path: str
    """Within the folder."""
    sha256: str
    bytes: int
    rows: int | None
    """None for files that are no tables."""


class Counts(Record):
    """How many rows are where."""

    splits: Mapping[str, Mapping[str, int]]
    """Split -> trait-level -> rows of the `default` config."""
    unmatched: Mapping[str, Mapping[str, int]] = {}
    """Split -> trait-level -> rows of the `unmatched` config: those without a pair of equal length."""
    rejected: Mapping[str, int]
    """State -> rows of the `rejected` config."""
    withheld: Mapping[str, int]
    """Why -> dialogues of the store that are in neither."""

    @property
    def rows(self) -> int:
        """Rows of the `default` config."""
        return sum(sum(split.values()) for split in self.splits.values())

    @property
    def unpaired(self) -> list[str]:
        """Letters of the traits that balance left no pair of."""
        without = {code[0] for split in self.unmatched.values() for code in split}
        return sorted(without - {code[0] for split in self.splits.values() for code in split})


class Manifest(Record):
    """manifest.json."""

    format: int
    name: str
    """The folder's name."""
    version: str
    scripted: bool
    """Whether any row was made or checked by the embedded scripted model."""
    license: str
    """As the publisher gave it."""
    language: str
    require: Require
    balance: Balance = "none"
    """Whether the `default` config holds only pairs of either level with answers of about equal length."""
    seed_topics: SeedTopics
    split_ratio: tuple[int, int, int]
    split_seed: int
    code: Mapping[str, str]
    """Package -> version that wrote the release."""
    builds: Mapping[str, Mapping[str, Any]]
    """Trait-level -> config of its build."""
    corpora: tuple[Mapping[str, Any], ...]
    """Name, fingerprint and counts of each corpus the dialogues come from."""
    counts: Counts
    rows_sha256: str = ""
    """Hash over every column of every row; empty in format 1, which had none."""
    rows_without_author: int | None = None
    """Rows of which nobody knows who wrote their essay; None in older releases, which did not count them."""
    files: tuple[ReleasedFile, ...]

    @property
    def tag(self) -> str:
        """The tag of this release on the Hub."""
        return f"v{self.version}" + ("-scripted" if self.scripted else "")
