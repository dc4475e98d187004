"""Read personality inventories and their keys.

An inventory says which item measures which trait, in which direction, and the question it asks. IPIP-50's
structure ships with interview questions of our own (its items' wording stays out; factor IV, Emotional
Stability, is reversed into Neuroticism). BFI-44 ships as keys only: the wording is its author's, so the user
supplies it. A file is CSV with the columns id, trait, reversed, question. Nothing here knows who is
interviewed.
"""

import csv
import hashlib
import io
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from oceanchat.errors import EvaluationError
from oceanchat.traits import TRAITS, Trait

BUNDLED = "ipip50"
BFI = "bfi44"
_TRUE = frozenset({"yes", "true", "1", "r", "reversed"})
_FALSE = frozenset({"no", "false", "0", "", "+"})
_DIMENSIONS = {name: trait for trait in TRAITS for name in (trait.value.lower(), trait.label.lower())}


@dataclass(frozen=True)
class InventoryItem:
    """One item of an inventory."""

    id: str
    trait: Trait
    """The trait the item measures."""
    reversed: bool
    """Whether agreeing with the item speaks for the low level."""
    question: str
    """The question to the interviewee, in the second person."""


@dataclass(frozen=True)
class Inventory:
    """A set of items with a name and the sha256 of the file it came from."""

    name: str
    items: tuple[InventoryItem, ...]
    sha256: str
    """64 hex digits over the file's bytes: equal only for equal questions."""

    def of_trait(self, trait: Trait) -> tuple[InventoryItem, ...]:
        """The trait's items in the inventory's own order."""
        return tuple(item for item in self.items if item.trait is trait)

    def in_order(self, trait: Trait, run: int) -> tuple[InventoryItem, ...]:
        """The trait's items in the order of run `run`: run 0 as listed, run k shuffled with seed k."""
        items = list(self.of_trait(trait))
        if run:
            random.Random(run).shuffle(items)
        return tuple(items)


def load_inventory(name: str) -> Inventory:
    """'ipip50', a CSV file, or 'bfi44:FILE' where FILE holds id and question. Raises EvaluationError."""
    if name == BUNDLED:
        return parse_inventory(BUNDLED, _bundled("ipip50.csv"))
    if name == BFI:
        raise EvaluationError(
            "inventory 'bfi44' ships without its wording, which is its author's; put your own copy in a CSV "
            "file with the columns id and question and write bfi44:FILE"
        )
    if name.startswith(f"{BFI}:"):
        return parse_inventory(BFI, _read(name.removeprefix(f"{BFI}:")), keys=bfi_keys())
    return parse_inventory(Path(name).stem, _read(name))


def bfi_keys() -> dict[str, tuple[Trait, bool]]:
    """BFI-44's trait and reversed mark by item id, '1' to '44'."""
    rows = csv.DictReader(io.StringIO(_bundled("bfi44-keys.csv").decode()))
    return {row["id"]: (Trait(row["trait"]), row["reversed"] == "yes") for row in rows}


def parse_inventory(
    name: str, content: bytes, keys: Mapping[str, tuple[Trait, bool]] | None = None
) -> Inventory:
    """An inventory from a CSV file's bytes; with `keys`, traits and directions come from there.

    Raises EvaluationError that names the row and what is wrong with it.
    """

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EvaluationError(f"inventory '{name}' is not UTF-8 text; save it as UTF-8") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise EvaluationError(f"inventory '{name}' is not a CSV file ({error}); quote its commas") from error
    columns = [column.strip().lower() for column in reader.fieldnames or ()]
    _require_columns(name, columns, keyed=keys is not None)
    original_names = dict(zip(columns, reader.fieldnames or (), strict=True))
    items: list[InventoryItem] = []
    for number, row in enumerate(rows, start=2):
        cells = {column: (row.get(original) or "").strip() for column, original in original_names.items()}
        items.append(_item(f"inventory '{name}', line {number}", cells, keys))
    _check(name, items, keys)
    return Inventory(name, tuple(items), hashlib.sha256(content).hexdigest())


def _bundled(file: str) -> bytes:
    return (files("preact") / "data" / file).read_bytes()


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise EvaluationError(
            f"inventory '{path}' cannot be read ({error.strerror}); write {BUNDLED}, {BFI}:FILE or a CSV path"
        ) from error


def _require_columns(name: str, columns: Sequence[str], keyed: bool) -> None:
    needed = ("id", "question") if keyed else ("id", "trait", "reversed", "question")
    for column in needed:
        if column not in columns:
            raise EvaluationError(
                f"inventory '{name}' has no column '{column}'; its first line must name {', '.join(needed)}"
            )
    for column in columns:
        if columns.count(column) > 1:
            raise EvaluationError(f"inventory '{name}' has the column '{column}' twice; keep one of them")


def _item(
    where: str, cells: Mapping[str, str], keys: Mapping[str, tuple[Trait, bool]] | None
) -> InventoryItem:
    for column in ("id", "question"):
        if not cells[column]:
            raise EvaluationError(f"{where} has an empty {column}; give every item an id and a question")
    if keys is not None:
        if cells["id"] not in keys:
            raise EvaluationError(f"{where}: id '{cells['id']}' is not known; write 1 to {len(keys)}")
        trait, is_reversed = keys[cells["id"]]
        return InventoryItem(cells["id"], trait, is_reversed, cells["question"])
    dimension = _DIMENSIONS.get(cells["trait"].lower())
    if dimension is None:
        raise EvaluationError(f"{where}: dimension '{cells['trait']}' is unknown; write {', '.join(TRAITS)}")
    mark = cells["reversed"].lower()
    if mark not in _TRUE | _FALSE:
        raise EvaluationError(f"{where}: reversed mark '{cells['reversed']}' is not known; write yes or no")
    return InventoryItem(cells["id"], dimension, mark in _TRUE, cells["question"])


def _check(name: str, items: Sequence[InventoryItem], keys: Mapping[str, tuple[Trait, bool]] | None) -> None:
    seen: set[str] = set()
    for item in items:
        if item.id in seen:
            raise EvaluationError(f"inventory '{name}' has the id '{item.id}' twice; give each item its own")
        seen.add(item.id)
    missing = [key for key in keys or () if key not in seen]
    if missing:
        raise EvaluationError(f"inventory '{name}' lacks the items '{', '.join(missing)}'; add them")
    few = [trait.label for trait in TRAITS if sum(item.trait is trait for item in items) < 2]
    if few:
        raise EvaluationError(
            f"inventory '{name}' has fewer than two items for '{', '.join(few)}'; give each trait two or"
            " more, in some of which agreeing speaks for the low level"
        )
    if not any(item.reversed for item in items):
        raise EvaluationError(
            f"inventory '{name}' has no item with a reversed mark; mark those that speak for the low level"
        )
