"""Train from a small release and from one ten times as large, whose bytes the memory could not hold.

    python benchmarks/release_memory.py --dialogues 2000

Both runs take three steps on the same tiny Llama, each in a process of its own. The large one runs under a
limit (RLIMIT_DATA: private memory that can be written, which mapped files are not): what the small run took
at most, and a tenth of the bytes of the large release on top. Bytes of a release are those of its text and of
its tokens with their labels (8 a token), as they lie in files. Printed is what each process took of memory of
its own, at most, beyond what it had before it read the release, sampled every 5 ms.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from oceanchat.traits import TRAIT_LEVELS
from preact.backbones import tiny
from preact.config import TINY_RECIPE, TinyShape, TrainConfig
from preact.dialogues.encoding import encode_all
from preact.dialogues.release import read_release
from preact.training.train import train

MB = 1e6
SHAPE = TinyShape(vocabulary=400, hidden=64, layers=2, feed_forward=128, heads=2, steps=2, batch=2, width=64)
RECIPE = TINY_RECIPE.model_copy(
    update={"rank": 16, "batch_size": 4, "micro_batch": 4, "precision": "float32", "packing": False}
)
WORDS = ("weather", "walk", "river", "garden", "morning", "letter", "window", "music", "winter", "station")
ROWS_AT_ONCE = 500


def text(generator: random.Random, words: int) -> str:
    """That many words."""
    return " ".join(generator.choices(WORDS, k=words))


def write_release(folder: Path, dialogues: int) -> None:
    """A release of dialogues of eight turns, of about as many tokens as a recipe takes."""
    generator = random.Random(1)
    (folder / "data").mkdir(parents=True)
    writer: Any = None
    for start in range(0, dialogues, ROWS_AT_ONCE):
        rows = []
        for number in range(start, min(dialogues, start + ROWS_AT_ONCE)):
            trait_level = TRAIT_LEVELS[number % len(TRAIT_LEVELS)]
            roles = ("user", "assistant") * 4
            rows.append(
                {
                    "id": f"{number}",
                    "trait": trait_level.trait.value,
                    "level": trait_level.level.value,
                    "messages": [{"role": role, "content": text(generator, 90)} for role in roles],
                    "split": "train",
                    "seed_topic": f"topic {number}",
                }
            )
        table = pyarrow.Table.from_pylist(rows)
        writer = writer or pyarrow.parquet.ParquetWriter(folder / "data" / "train.parquet", table.schema)
        writer.write_table(table)
    writer.close()


def release_bytes(folder: Path, tokenizer: Any, dialogues: int) -> int:
    """Text and tokens of so many dialogues, by the first ones: all are alike."""
    everything = read_release(str(folder)).split("train")
    sample = [everything[number] for number in range(50)]
    characters = sum(len(message.content) for d in sample for message in d.messages)
    tokens = sum(len(e.ids) for e in encode_all(tokenizer, sample, "preact", RECIPE).examples)
    return dialogues * (characters + 8 * tokens) // len(sample)


def status(name: str) -> int:
    """Bytes, of /proc/self/status."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def one_run(release: str, backbone: str, output: str, limit: int) -> None:
    """Train in this process and print what it took, as JSON."""
    if limit:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    config = TrainConfig(
        release=release, output=output, backbone=backbone, recipe=RECIPE, max_steps=3, threads=1
    )
    before, most, ended = status("RssAnon"), [0, 0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.005):
            most[:] = max(most[0], status("RssAnon")), max(most[1], status("VmData"))

    thread = threading.Thread(target=watch)
    thread.start()
    began = time.monotonic()
    try:
        record = train(config, lambda line: None)
    finally:
        ended.set()
        thread.join()
    figures = {"own": most[0] - before, "data": most[1], "steps": record.steps}
    print(json.dumps({**figures, "seconds": time.monotonic() - began}))


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dialogues", type=int, default=2000)
    parser.add_argument("--run", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        release, backbone, output, limit = options.run
        one_run(release, backbone, output, int(limit))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = [text(random.Random(2), 3000)]
        built = tiny.build(words, [], shape=SHAPE, seed=1, progress=lambda *figures: None)
        tiny.save(built, folder / "model", SHAPE, 1)
        print("| dialogues | MB of text and tokens | own MB at most | limit | steps | seconds |")
        print("|---|---|---|---|---|---|")
        most = 0
        for dialogues in (options.dialogues, 10 * options.dialogues):
            write_release(folder / f"{dialogues}", dialogues)
            size = release_bytes(folder / f"{dialogues}", built.tokenizer, dialogues)
            above = size // 10
            paths = [str(folder / part) for part in (f"{dialogues}", "model", f"run-{dialogues}")]
            command = [sys.executable, __file__, "--run", *paths, str(most + above if most else 0)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{dialogues} dialogues: {done.stderr.strip().splitlines()[-1]}")
            figures = json.loads(done.stdout.splitlines()[-1])
            held = f"the small run's and {above / MB:,.0f} MB" if most else "none"
            own, steps, seconds = figures["own"] / MB, figures["steps"], figures["seconds"]
            print(f"| {dialogues:,} | {size / MB:,.0f} | {own:,.0f} | {held} | {steps} | {seconds:.0f} |")
            most = figures["data"]


if __name__ == "__main__":
    main()
