"""Time and memory of `oceanchat release` and `verify` against the number of rows.

The rows are scripted: the exchanges of a small build are recombined, one word in six replaced by another of
theirs (a build of that size does not say the same sentence forty times). The floor is `datasets` writing the
same messages to Parquet, with no split, figure, plot or card. CPU time tells whether it grows with the rows,
however busy the machine is.

    python benchmarks/release_scale.py --rows 2606 5212 10424
    python benchmarks/release_scale.py --rows 10424 --dialogues dialogues.jsonl
    python benchmarks/release_scale.py --rows 25000 100000 --no-floor
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from oceanchat.pipeline.import_format import read_dialogues
from oceanchat.records import Dialogue, Turn, dialogue_id
from oceanchat.store import builds as build_rows
from oceanchat.store.database import open_store
from oceanchat.store.imports import add_imported
from oceanchat.traits import TRAIT_LEVELS, TraitLevel

ROWS_PER_AUTHOR = 3
Exchanges = dict[TraitLevel, list[tuple[Turn, ...]]]


class Cost(NamedTuple):
    """What one process took."""

    seconds: float
    cpu_seconds: float
    megabytes: float
    """Peak resident memory."""


def exchanges(dialogues: Sequence[Dialogue]) -> Exchanges:
    """The exchanges of these dialogues by trait-level."""
    by_level: Exchanges = defaultdict(list)
    for dialogue in dialogues:
        for start in range(0, len(dialogue.turns) - 1, 2):
            by_level[dialogue.trait_level].append(dialogue.turns[start : start + 2])
    return by_level


def scripted_dialogues(folder: Path) -> list[Dialogue]:
    """A small build of the bundled essays by the scripted model."""
    program = Path(sys.executable).with_name("oceanchat")
    options = ("--trait", "all", "--level", "all", "--store", folder / "small.db", "--json")
    # An exit code of 3 says that the essays gave fewer dialogues than asked for, which is no matter here.
    subprocess.run(
        [program, "build", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    store = open_store(folder / "small.db", must_exist=True)
    with store.reading() as connection:
        return list(build_rows.stored_dialogues(connection))


def recombined(parts: Exchanges, rows: int) -> list[Dialogue]:
    """So many dialogues of four exchanges each, the same every time."""
    lottery = random.Random(0)
    vocabulary = sorted(
        {word for own in parts.values() for part in own for t in part for word in t.text.split()}
    )
    levels = [level for level in TRAIT_LEVELS if len(parts[level]) >= 4]
    dialogues = []
    for number in range(rows):
        level = levels[number % len(levels)]
        chosen = [turn for part in lottery.sample(parts[level], 4) for turn in part]
        turns = tuple(
            turn.model_copy(update={"text": varied(turn.text, vocabulary, lottery)}) for turn in chosen
        )
        dialogues.append(
            Dialogue(
                id=dialogue_id(level, turns),
                order=number,
                source="imported",
                trait=level.trait,
                level=level.level,
                author=f"author {lottery.randrange(max(1, rows // ROWS_PER_AUTHOR))}",
                turns=turns,
                state="passed",
            )
        )
    return dialogues


def varied(text: str, vocabulary: Sequence[str], lottery: random.Random) -> str:
    """The text with one word in six replaced."""
    return " ".join(lottery.choice(vocabulary) if lottery.random() < 1 / 6 else word for word in text.split())


RELEASE = """
import sys; from pathlib import Path
from oceanchat.release.writer import ReleaseConfig, write_release
from oceanchat.store.database import open_store
config = ReleaseConfig(version="1.0.0", license="cc0-1.0", seed_topics="omit", output=Path(sys.argv[2]))
write_release(config, open_store(sys.argv[1]))
"""
VERIFY = """
import sys; from pathlib import Path
from oceanchat.release.verification import verify_release
verification = verify_release(Path(sys.argv[2]) / "ocean-chat-1.0.0")
assert not verification.problems, verification.problems
"""
FLOOR = """
import json, sys; from datasets import Dataset, disable_progress_bars; disable_progress_bars()
Dataset.from_list([json.loads(line) for line in open(sys.argv[1])]).to_parquet(sys.argv[2] + "/floor.parquet")
"""


def run(code: str, *arguments: object) -> Cost:
    """Run code in a process of its own."""
    measured = code + "\nimport resource; u = resource.getrusage(resource.RUSAGE_SELF)"
    measured += "\nprint(u.ru_utime + u.ru_stime, u.ru_maxrss / 1024)"
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", measured, *map(str, arguments)], stdout=subprocess.PIPE, text=True, check=True
    )
    cpu, megabytes = map(float, done.stdout.split()[-2:])
    return Cost(time.perf_counter() - started, cpu, megabytes)


def measure(
    parts: Exchanges, rows: int, folder: Path, with_floor: bool
) -> tuple[int, Cost, Cost, Cost | None]:
    """Rows really there (equal words are one), and the cost of release, verify and floor."""
    folder.mkdir()
    dialogues = recombined(parts, rows)
    store = open_store(folder / "store.db")
    with store.writing() as connection:
        there = add_imported(connection, dialogues)
    store.close()
    release = run(RELEASE, folder / "store.db", folder)
    verify = run(VERIFY, folder / "store.db", folder)
    if not with_floor:
        return there, release, verify, None
    lines = [
        json.dumps({"id": d.id, "messages": [{"role": t.role, "content": t.text} for t in d.turns]})
        for d in dialogues
    ]
    (folder / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return there, release, verify, run(FLOOR, folder / "rows.jsonl", folder)


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[2606, 5212, 10424])
    parser.add_argument("--dialogues", type=Path, help="JSONL whose exchanges are recombined")
    parser.add_argument(
        "--floor", default=True, action=argparse.BooleanOptionalAction, help="write with `datasets` alone too"
    )
    options = parser.parse_args()
    print(
        f"{'rows':>7} {'release':>9} {'CPU ms/row':>11} {'peak':>8} {'verify':>8} {'peak':>8} {'floor':>8}"
        f" {'x floor':>8}"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dialogues = (
            read_dialogues(options.dialogues).dialogues if options.dialogues else scripted_dialogues(folder)
        )
        parts = exchanges(dialogues)
        for rows in options.rows:
            there, release, verify, floor = measure(parts, rows, folder / str(rows), options.floor)
            beside = f"{floor.seconds:>6.1f} s {release.seconds / floor.seconds:>7.1f}x" if floor else ""
            print(
                f"{there:>7,} {release.seconds:>7.1f} s {1000 * release.cpu_seconds / there:>11.2f}"
                f" {release.megabytes:>5,.0f} MB {verify.seconds:>6.1f} s {verify.megabytes:>5,.0f} MB"
                f" {beside}",
                flush=True,
            )


if __name__ == "__main__":
    main()
