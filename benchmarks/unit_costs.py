"""What one dialogue takes: calls, tokens, rows and bytes in the store, release bytes, seconds and memory.

    python benchmarks/unit_costs.py --essays essays.csv [--counts 25 100] [--dialogues dialogues.jsonl]

Builds all ten trait-levels by the scripted model in stores of their own, at two counts with the defaults and
at the smaller one as in the paper (one sentence a label call, one dialogue a check). Bytes are those of the
tables' pages in the SQLite file, indices included; tokens are words times the factor of a rough estimate.
Bytes in a release are those of dialogues written by people (DIALOGUES.jsonl), which repeat less than scripted
ones. `oceanchat/pipeline/growth.py` holds the figures as constants.
"""

import argparse
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from oceanchat.pipeline.rough_estimate import PROMPT_TOKENS

OCEANCHAT = str(Path(sys.executable).with_name("oceanchat"))
AS_IN_PAPER = ("--sentences-per-call", "1", "--dialogues-per-check", "1")
TABLES = ("essays", "sentences", "candidates", "seeds", "dialogues", "ledger_calls")


class Table(NamedTuple):
    """What a table of a store holds."""

    rows: int
    bytes: int


class Built(NamedTuple):
    """What a build took."""

    passed: int
    written: int
    labeled: int
    """Sentences."""
    calls: int
    tokens: float
    cpu_seconds: float
    peak_mb: float
    tables: dict[str, Table]
    store_bytes: int


def run(arguments: Sequence[str], folder: Path) -> tuple[str, resource.struct_rusage]:
    """The output of `oceanchat` in a process of its own, and what the process used."""
    process = subprocess.Popen([OCEANCHAT, *arguments], cwd=folder, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 3):
        sys.exit(f"oceanchat {' '.join(arguments)} failed: {out}")
    return out, usage


def tables(file: Path) -> dict[str, Table]:
    """Rows and bytes of the tables that grow with a build."""
    with sqlite3.connect(file) as store:
        pages = (
            "select m.tbl_name, sum(pgsize) from dbstat s join sqlite_master m on m.name = s.name group by 1"
        )
        sizes = dict(store.execute(pages).fetchall())
        rows = {table: store.execute(f"select count(*) from {table}").fetchone()[0] for table in TABLES}
    return {table: Table(rows[table], sizes[table]) for table in TABLES}


def build(essays: str | None, count: int, options: Sequence[str] = ()) -> Built:
    """Build so many dialogues a trait-level in a store of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = ["--essays", str(Path(essays).resolve())] if essays else []
        command = ["build", "all", "--count", str(count), "--json"]
        out, usage = run([*command, "--store", "store.db", *corpus, *options], folder)
        report = json.loads(out)
        steps = report["funnel"].values()
        words = report["calls"]["prompt_tokens"] + report["calls"]["completion_tokens"]
        return Built(
            passed=report["dialogues"]["passed"],
            written=sum(sum(step["dialogues"].values()) for step in steps),
            labeled=sum(sum(step["candidates"].values()) for step in steps),
            calls=report["calls"]["made"],
            tokens=words * PROMPT_TOKENS.value,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            peak_mb=usage.ru_maxrss / 1024,
            tables=tables(folder / "store.db"),
            store_bytes=(folder / "store.db").stat().st_size,
        )


def released_bytes(dialogues: str) -> float:
    """Bytes of the Parquet files of a release for each of these dialogues."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(["import", str(Path(dialogues).resolve()), "--store", "store.db"], folder)
        release = ["release", "--version", "1.0.0", "--license", "cc0-1.0", "--require", "imported"]
        run([*release, "--seed-topics", "text", "--store", "store.db"], folder)
        files = list((folder / "releases").rglob("data/*.parquet"))
        manifest = json.loads(next((folder / "releases").rglob("manifest.json")).read_text())
        rows = sum(count for split in manifest["counts"]["splits"].values() for count in split.values())
        return float(sum(file.stat().st_size for file in files) / rows)


def show(name: str, built: Built) -> None:
    """What each dialogue of a build took."""
    print(f"\n{name}: {built.passed:,} dialogues; for each of them")
    for figure in ("written", "labeled", "calls", "tokens"):
        print(f"  {figure:<22} {getattr(built, figure) / built.passed:>10,.2f}")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--essays", help="a corpus; the bundled essays are too few for larger counts")
    parser.add_argument("--counts", type=int, nargs=2, default=[25, 100], help="dialogues a trait-level")
    parser.add_argument("--dialogues", help="dialogues to import and release")
    options = parser.parse_args()
    small, large = (build(options.essays, count) for count in options.counts)
    paper = build(options.essays, options.counts[0], AS_IN_PAPER)
    show("defaults", large)
    show("as in the paper", paper)
    print("\nbytes a row in the store")
    for table in TABLES:
        sizes = (f"{built.tables[table].bytes / built.tables[table].rows:>8,.0f}" for built in (large, paper))
        print(f"  {table:<22} {' '.join(sizes)}   (defaults, as in the paper)")
    corpus = [large.tables[table] for table in ("essays", "sentences")]
    sentences = corpus[1].rows
    print(f"  {'sentence with its essay':<22} {sum(table.bytes for table in corpus) / sentences:>8,.0f}")
    more = large.passed - small.passed
    print(f"\neach further dialogue: {(large.cpu_seconds - small.cpu_seconds) / more * 1000:.1f} ms of CPU,")
    print(f"{(large.peak_mb - small.peak_mb) / more * 1000:.0f} kB of memory ({large.peak_mb:.0f} MB in all)")
    if options.dialogues:
        print(f"a dialogue in a release: {released_bytes(options.dialogues):,.0f} bytes")


if __name__ == "__main__":
    main()
