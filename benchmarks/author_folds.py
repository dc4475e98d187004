"""Dialogues of an import file as releases that hold authors out."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The dialogues of an import file, a dictionary a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def author_folds(lines: Sequence[dict[str, Any]], folds: int) -> dict[str, int]:
    """Author -> fold, shuffled once and for all."""
    authors = sorted({line["author"] for line in lines})
    random.Random(0).shuffle(authors)
    return {author: index % folds for index, author in enumerate(authors)}


def write_release(lines: Sequence[dict[str, Any]], fold_of: dict[str, int], fold: int, folder: Path) -> None:
    """The fold as a release folder: its authors are the test split."""
    rows: dict[str, list[dict[str, Any]]] = {"train": [], "test": []}
    for number, line in enumerate(lines):
        split = "test" if fold_of[line["author"]] == fold else "train"
        messages = [
            {"role": "user" if t["role"] == "questioner" else "assistant", "content": t["text"]}
            for t in line["turns"]
        ]
        row = {"id": f"{number:05d}", "trait": line["trait"], "level": line["level"], "messages": messages}
        row |= {"provenance": {"author": line["author"]}}
        rows[split].append({**row, "seed_topic": line.get("seed"), "split": split})
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for split, own in rows.items():
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(own), folder / "data" / f"{split}.parquet")


def first_of_each(lines: Sequence[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """The first dialogues of each trait-level."""
    seen: Counter[tuple[str, str]] = Counter()
    chosen = []
    for line in lines:
        seen[line["trait"], line["level"]] += 1
        if seen[line["trait"], line["level"]] <= count:
            chosen.append(line)
    return chosen
