"""Build a little and eight times as much, whose bytes the memory could not hold.

    python benchmarks/build_memory.py essays.csv [--counts 100 800]

Both builds are of all ten trait-levels by the scripted model, each in a process of its own. The large one
runs under a limit (RLIMIT_DATA: private memory that can be written): what the small one took of it at most,
and a tenth of the large one's bytes on top, those of the corpus and of the store. Memory is sampled every
50 ms.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

OCEANCHAT = str(Path(sys.executable).with_name("oceanchat"))
MB = 1e6
TENTH = 0.1
BYTES_A_DIALOGUE = 34_000
"""Of a store, roughly, to know the limit before the large build."""


class Peak(NamedTuple):
    """What a build took at most, and what it left."""

    passed: int
    resident: float
    """MB of private memory in use."""
    data: float
    """MB of private memory that can be written, in use or not."""
    size: float
    """MB of the corpus and the store."""


def build(essays: Path, count: int, limit: float | None = None) -> Peak:
    """Build so many dialogues a trait-level within `limit` MB of private memory."""

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_DATA, (int(limit * MB), int(limit * MB)))

    with tempfile.TemporaryDirectory() as name:
        command = [OCEANCHAT, "build", "all", "--count", str(count), "--essays", str(essays), "--json"]
        command += ["--store", f"{name}/store.db"]
        report = Path(name) / "report.json"
        with report.open("w") as out:
            process = subprocess.Popen(command, stdout=out, preexec_fn=limited)
        resident = data = 0.0
        while process.poll() is None:
            status = Path(f"/proc/{process.pid}/status").read_text()
            lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
            if "VmData" in lines:
                resident = max(resident, int(lines["RssAnon"].split()[0]) * 1024 / MB)
                data = max(data, int(lines["VmData"].split()[0]) * 1024 / MB)
            time.sleep(0.05)
        if process.returncode not in (0, 3):  # 3: the corpus gave fewer than were asked for
            sys.exit(f"the build of {count} a trait-level ended with {process.returncode}")
        passed = json.loads(report.read_text())["dialogues"]["passed"]
        size = (essays.stat().st_size + (Path(name) / "store.db").stat().st_size) / MB
        return Peak(passed, resident, data, size)


def main() -> None:
    """Print what both took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("essays", type=Path, help="an Essays CSV")
    parser.add_argument("--counts", type=int, nargs=2, default=[100, 800], help="dialogues a trait-level")
    options = parser.parse_args()
    few, many = options.counts
    essays = options.essays.resolve()
    small = build(essays, few)
    bytes_of_large = essays.stat().st_size + 10 * many * BYTES_A_DIALOGUE
    limit = small.data + TENTH * bytes_of_large / MB
    large = build(essays, many, limit)
    print("dialogues  corpus and store  memory in use  that can be written  limit")
    for peak, shown in ((small, "none"), (large, f"{limit:.0f} MB")):
        memory = f"{peak.resident:>10.0f} MB  {peak.data:>16.0f} MB"
        print(f"{peak.passed:>9,}  {peak.size:>13.0f} MB  {memory}  {shown}")
    more = large.resident - small.resident
    print(f"each further dialogue: {more / (large.passed - small.passed) * 1000:.1f} kB of memory")
    print(f"bytes of the large build: {large.size / more:.0f} times what it took above the small one")


if __name__ == "__main__":
    main()
