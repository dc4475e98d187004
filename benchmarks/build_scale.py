"""How a whole build scales with its corpus: wall time and peak memory at 1x, 4x and 16x the essays.

    python benchmarks/build_scale.py essays.csv

Each run is a process of its own: `oceanchat build --trait all --level all --count 100` with the scripted
model on a
fresh store. The larger corpora repeat the file under new authors, each essay opening with a sentence of its
own.
"""

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

csv.field_size_limit(10**9)
OCEANCHAT = str(Path(sys.executable).with_name("oceanchat"))
MAX_SECONDS, MAX_MB, MAX_GROWTH = 120, 400, 1.10


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("essays", type=Path, help="an Essays CSV")
    parser.add_argument("--count", type=int, default=100, help="dialogues for each trait-level")
    parser.add_argument("--times", type=int, nargs="+", default=[1, 4, 16])
    options = parser.parse_args()
    print(
        f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {options.count} dialogues x 10"
        f" trait-levels"
    )
    print(
        f"{'essays':>10} {'sentences':>10} {'seconds':>9} {'ms/essay':>9} {'peak MB':>8} {'passed':>7}"
        f" {'calls':>8}"
    )
    rates, peaks = [], []
    for times in options.times:
        with tempfile.TemporaryDirectory() as folder:
            essays = repeat(options.essays, Path(folder) / "essays.csv", times)
            seconds, peak, report = measured(Path(folder), options.count)
            sentences = sum(1 for _ in (Path(folder) / "sentences.jsonl").open("rb"))
        rates.append(seconds / essays)
        peaks.append(peak)
        figures = (
            f"{essays:,}",
            f"{sentences:,}",
            f"{seconds:.1f}",
            f"{1000 * seconds / essays:.2f}",
            f"{peak:.0f}",
            f"{report['dialogues']['passed']:,}",
            f"{report['calls']['made']:,}",
        )
        print("".join(f"{figure:>11}" for figure in figures))
        if times == 1:
            say("1x within 2 minutes", seconds <= MAX_SECONDS)
            say("1x under 400 MB", peak <= MAX_MB)
    say("time an essay grows by at most 10 %", max(rates) <= MAX_GROWTH * rates[0])
    say("memory grows by at most 10 %", max(peaks) <= MAX_GROWTH * peaks[0])


def repeat(source: Path, target: Path, times: int) -> int:
    """Write the corpus `times` times over under new authors; returns the rows written."""
    with source.open(newline="", encoding="utf-8", errors="replace") as file:
        rows = list(csv.DictReader(file))
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for copy in range(times):
            for number, row in enumerate(rows):
                own = f"This is text number {number} of series {copy}. " if copy else ""
                writer.writerow(row | {"#AUTHID": f"{copy}-{row['#AUTHID']}", "TEXT": own + row["TEXT"]})
    return len(rows) * times


def measured(folder: Path, count: int) -> tuple[float, float, dict[str, dict[str, int]]]:
    """Seconds, peak resident MB and the report of one build in a process of its own."""
    command = [OCEANCHAT, "build", "--trait", "all", "--level", "all", "--count", str(count), "--json"]
    started = time.perf_counter()
    build = subprocess.Popen(
        [*command, "--essays", "essays.csv"], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    assert build.stdout is not None
    out = build.stdout.read()
    _, status, usage = os.wait4(build.pid, 0)
    seconds = time.perf_counter() - started
    if os.waitstatus_to_exitcode(status) not in (0, 3):
        sys.exit(f"the build failed: {out}")
    with (folder / "sentences.jsonl").open("wb") as file:
        subprocess.run([OCEANCHAT, "export", "sentences"], cwd=folder, stdout=file, check=True)
    return seconds, peak_mb(usage), json.loads(out)


def peak_mb(usage: resource.struct_rusage) -> float:
    """Peak resident memory in MB."""
    return usage.ru_maxrss / 1024


def say(target: str, met: bool) -> None:
    """One line per target."""
    print(f"  {'met   ' if met else 'MISSED'} {target}")


if __name__ == "__main__":
    main()
