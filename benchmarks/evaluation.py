"""The whole evaluation, offline: train four methods, interview them, two judges, table and report, timed.

    python benchmarks/evaluation.py RELEASE --work FOLDER [--pretrain-text FILE] [--epochs 1] [--runs 1]

Every step is the command a user would type; the table says what each took. A second call goes on where the
first one stopped, so time it in an empty folder.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

METHODS = ("preact", "auxiliary", "lora", "no-router")
PREACT = (sys.executable, "-c", "from preact.cli.main import main; main()")


def step(*words: object) -> float:
    """Run one `preact` command; its seconds. Ends the benchmark when the command fails."""
    began = time.monotonic()
    done = subprocess.run(
        [*PREACT, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    if done.returncode:
        sys.exit(done.stderr.strip().splitlines()[-1])
    return time.monotonic() - began


def whole_path(given: argparse.Namespace) -> list[tuple[str, float]]:
    """Every step's name and seconds."""
    work, threads = given.work, ("--threads", given.threads)
    runs = {method: work / "runs" / method for method in METHODS}
    texts = [part for text in given.pretrain_text for part in ("--pretrain-text", text)]
    timed: list[tuple[str, float]] = []
    for method, run in runs.items():
        if not (run / "run.json").exists():
            backbone = ("--pretrain-steps", given.pretrain_steps, *texts)
            if method != METHODS[0]:
                backbone = ("--backbone", runs[METHODS[0]] / "backbone", "--precision", "float32")
            common = ("--method", method, "--epochs", given.epochs, "--rank", 64, "--lr", 2e-3, *threads)
            timed.append(
                (f"train {method}", step("train", given.release, "--output", run, *common, *backbone))
            )
    folders = [work / "interviews" / method for method in METHODS]
    drawn = ("--runs", given.runs, "--max-tokens", given.max_tokens, *threads)
    for (method, run), folder in zip(runs.items(), folders, strict=True):
        timed.append((f"interview {method}", step("interview", run, "--output", folder, *drawn)))
    store = ("--store", work / "ledger.db")
    judges = ("--judge", "scripted", "--judge", f"classifier:{given.release}")
    timed.append(("judge, two judges", step("judge", *folders, *judges, *store)))
    compared = ("--baseline", folders[METHODS.index("lora")], "--judge", "scripted")
    timed.append(("compare", step("compare", *folders, *compared)))
    timed.append(("report", step("report", *folders, *compared, "--output", work / "report")))
    return timed


def print_table(timed: Sequence[tuple[str, float]]) -> None:
    """One line per step, and the sum."""
    for name, seconds in (*timed, ("all together", sum(seconds for _, seconds in timed))):
        print(f"{name:<24}{seconds:>9.1f} s")


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("release", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--pretrain-text", action="append", default=[])
    parser.add_argument("--pretrain-steps", type=int, default=200)
    parser.add_argument("--epochs", type=float, default=1)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--max-tokens", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    print_table(whole_path(parser.parse_args()))


if __name__ == "__main__":
    main()
