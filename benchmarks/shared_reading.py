"""What two processes take of main memory while they read a backbone and share it (`preact train --fsdp`).

    python benchmarks/shared_reading.py --layers 8

A Llama of random weights is saved in bfloat16. Then two processes on the CPU read it in several ways: each
all of it, to share it afterwards, or each its part, in the number format of the files, in another one, in 4
bits. Printed is what a process took beyond what imports took: of memory of its own (anonymous) at most and at
the end, when the allocator has given back what is free, and at most with the pages of mapped files, which the
system shares among processes and takes back at will. Sampled every 5 ms.
"""

import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import torch
from tokenizers import Tokenizer, models
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from preact.backbones.backbone import load, outline
from preact.training.processes import Processes, join, leave
from preact.training.shard_weights import fill
from preact.training.sharding import shard

MB = 1e6
WAYS: dict[str, tuple[str, Literal["float32", "bfloat16"], Literal["none", "4bit"]]] = {
    "all": ("all", "bfloat16", "none"),
    "its part": ("part", "bfloat16", "none"),
    "all, in float32": ("all", "float32", "none"),
    "its part, in float32": ("part", "float32", "none"),
    "all, in 4 bits": ("all", "bfloat16", "4bit"),
    "its part, in 4 bits": ("part", "bfloat16", "4bit"),
}


def save(folder: Path, layers: int) -> int:
    """A backbone of random weights; the bytes of its weights."""
    config = LlamaConfig(
        hidden_size=2048, intermediate_size=5632, num_hidden_layers=layers, num_attention_heads=16,
        num_key_value_heads=16, vocab_size=32000,
    )  # fmt: skip
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    model.save_pretrained(folder, max_shard_size="200MB")
    words = Tokenizer(models.WordLevel({"<pad>": 0}, unk_token="<pad>"))
    PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>").save_pretrained(folder)
    return sum(p.numel() * p.element_size() for p in model.parameters())


def taken() -> tuple[int, int]:
    """Bytes of this process's own memory, and with those of mapped files."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text("utf-8").splitlines())
    own, mapped = (int(lines[name].split()[0]) * 1024 for name in ("RssAnon", "RssFile"))
    return own, own + mapped


@contextmanager
def watched(into: list[int]) -> Iterator[None]:
    """Put into the list, beyond what was taken before: own at most, own at the end, with files at most."""
    before, most, ended = taken(), [0, 0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.005):
            most[:] = map(max, most, taken())

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    ended.set()
    thread.join()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    into.extend([most[0] - before[0], taken()[0] - before[0], most[1] - before[1]])


def read(folder: str, way: str, processes: Processes) -> None:
    """Read and share the backbone in that way."""
    how, precision, quantise = WAYS[way]
    if how == "all":
        shard(load(folder, precision=precision, quantise=quantise).model, processes)
        return
    outlined = outline(folder, precision=precision, quantise=quantise)
    if outlined is None:
        raise SystemExit("the backbone has no outline")
    shard(outlined.model, processes)
    fill(outlined.model, outlined.files, getattr(torch, precision))


def one_process(folder: str, way: str) -> None:
    """What torchrun starts twice."""
    processes = join()
    figures: list[int] = []
    processes.wait()
    began = time.monotonic()
    with watched(figures):
        read(folder, way, processes)
    print(json.dumps([*figures, time.monotonic() - began]) + "\n", end="", flush=True)
    leave()
    os._exit(0)


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--read", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.read:
        one_process(*options.read)
        return
    with tempfile.TemporaryDirectory() as folder:
        size = save(Path(folder), options.layers)
        print(f"a backbone of {size / MB:,.0f} MB in bfloat16, two processes")
        print("| each process reads | own MB at most | own MB at the end | MB at most with files | seconds |")
        print("|---|---|---|---|---|")
        start = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", __file__, "--read"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        for way in WAYS:
            command = [sys.executable, *start, folder, way]
            done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
            rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
            *memory, seconds = (max(row[n] for row in rows) for n in range(4))
            figures = " | ".join(f"{part / MB:,.0f}" for part in memory)
            print(f"| {way} | {figures} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
