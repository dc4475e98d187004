"""`preact serve` on unlike personas beside one plain LoRA, and the export of ten adapters beside one.

    python benchmarks/serving.py RELEASE --work FOLDER [--backbone smollm2]

A run is trained for one step on the backbone (the speed does not depend on how well it was trained) and kept
in FOLDER. Serving: 16 requests over a real socket to `preact serve` in a process of its own, ten trait-levels
and six mixtures, some at another strength. A turn asks them one after the other, all together, and together
for one plain LoRA (the run's own o-high export, loaded by peft, with no gate); ratios are medians over the
turns. The ends of answers are switched off, so that every answer has the same number of tokens. Export: the
command for all ten beside the command for one, and what `--rank auto` chooses, weighs and takes.
"""

import argparse
import asyncio
import multiprocessing
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import openai
import psutil

from oceanchat.traits import TRAIT_LEVELS
from preact.backbones.backbone import load
from preact.backbones.cpu import prepare_cpu
from preact.config import make_config
from preact.export.adapter import export_adapter
from preact.persona import parse_persona
from preact.serving import answering
from preact.serving.preparing import Limits
from preact.serving.roster import Roster
from preact.serving.server import listen, serve
from preact.systems.trained import TrainedModel, open_run
from preact.training.adapters import load_adapters
from preact.training.train import train

MIXTURES = (
    "o-high*0.7,e-low*0.3",
    "n-low,a-high",
    "c-high*2,n-high@0.5",
    "e-high,o-low@1.5",
    "a-low*0.2,c-low",
    "n-high@0.7",
)
UNLIKE = [f"preact:{name}" for name in (*(trait_level.name for trait_level in TRAIT_LEVELS), *MIXTURES)]
ALIKE = ["plain:o-high"] * len(UNLIKE)
QUESTION = "What do you do when plans change at the last minute?"


def trained_run(options: argparse.Namespace) -> Path:
    """The folder of a run of one step."""
    folder: Path = options.work / f"{options.backbone}-run"
    if not folder.is_dir():
        tiny = options.backbone == "tiny"
        recipe = {"batch_size": 4, "micro_batch": 4, "learning_rate": 1e-2, "warmup": 0.0}
        shape: dict[str, Any] = {"tiny_shape": {"steps": 20}} if tiny else {}
        config = make_config(
            tiny=tiny,
            recipe=recipe,
            release=str(options.release),
            output=str(folder),
            backbone=options.backbone,
            max_steps=1,
            threads=options.threads,
            **shape,
        )
        train(config, lambda line: print(line, flush=True))
    return folder


def run_server(run: Path, plain: Path, threads: int, channel: Connection) -> None:
    """Serve the run, and its export as what it is to any server: a LoRA without a gate."""
    prepare_cpu(threads)
    answering.stop_ids = lambda model, tokenizer: []  # type: ignore[attr-defined]
    gated = open_run(run, threads)
    recipe = gated.record.config.recipe
    backbone = load(gated.backbone, precision=recipe.stored, quantise=recipe.quantise)
    config = gated.record.config.model_copy(update={"method": "lora-sep"})
    record = gated.record.model_copy(update={"config": config, "adapters": ("O+",)})
    lora = TrainedModel(run, record, load_adapters(backbone.model, {"O+": plain}), backbone.tokenizer)
    listener = listen("127.0.0.1", 0)
    channel.send(listener.getsockname()[1])
    serve(Roster({"preact": gated, "plain": lora}), Limits(), listener, print)


class Pace(NamedTuple):
    """How fast answers came."""

    rate: float
    """Tokens a second, by the clock."""
    cost: float
    """CPU seconds of the server a token, which other work on the machine hardly changes."""


async def pace(
    client: openai.AsyncOpenAI, server: psutil.Process, models: Sequence[str], tokens: int, *, together: bool
) -> Pace:
    """That of one question to each of the models."""

    async def ask(model: str, seed: int) -> int:
        answer = await client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": QUESTION}], max_tokens=tokens, seed=seed
        )
        assert answer.usage and answer.usage.completion_tokens == tokens
        return answer.usage.completion_tokens

    start, used = time.perf_counter(), sum(server.cpu_times()[:2])
    if together:
        number = sum(await asyncio.gather(*(ask(model, seed) for seed, model in enumerate(models))))
    else:
        number = sum([await ask(model, seed) for seed, model in enumerate(models)])
    return Pace(number / (time.perf_counter() - start), (sum(server.cpu_times()[:2]) - used) / number)


async def measure_serving(port: int, server: psutil.Process, options: argparse.Namespace) -> None:
    client = openai.AsyncOpenAI(
        base_url=f"http://127.0.0.1:{port}/v1", api_key="any", max_retries=0, timeout=1200
    )
    for models in (UNLIKE, ALIKE):
        await pace(client, server, models, 4, together=True)
    turns: list[dict[str, Pace]] = []
    for number in range(options.turns):
        one = await pace(client, server, UNLIKE, options.tokens, together=False)
        turns.append({"one": one})
        # Whichever is second meets another machine: the order changes from turn to turn.
        order = [("unlike", UNLIKE), ("plain", ALIKE)]
        for name, models in order if number % 2 == 0 else reversed(order):
            turns[-1][name] = await pace(client, server, models, options.tokens, together=True)
        rates = ", ".join(f"{name} {speed.rate:.1f}/s" for name, speed in turns[-1].items())
        print(f"turn {number + 1}: {rates}", flush=True)
    medians = {name: statistics.median(turn[name].rate for turn in turns) for name in turns[0]}
    print(
        f"\n| {options.backbone}, {len(UNLIKE)} x {options.tokens} tokens | tokens/s | clock | CPU seconds |"
    )
    print("|---|---|---|---|")
    for name, title in (
        ("one", "unlike personas, one after the other"),
        ("plain", "one plain LoRA, together"),
    ):
        print(f"| {title} | {medians[name]:.1f} | | |")
    for peer, title in (("one", "one after the other"), ("plain", "one plain LoRA")):
        clock = ratios([turn["unlike"].rate / turn[peer].rate for turn in turns])
        work = ratios([turn[peer].cost / turn["unlike"].cost for turn in turns])
        print(f"| unlike personas together, beside {title} | {medians['unlike']:.1f} | {clock} | {work} |")


def ratios(values: Sequence[float]) -> str:
    """Their median, and how far they spread."""
    return f"{statistics.median(values):.2f} x ({min(values):.2f} to {max(values):.2f})"


def exporting(run: Path, folder: Path, *options: str) -> tuple[float, float, str]:
    """Seconds by the clock and of CPU that `preact export` takes, and what it prints."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "preact.cli.main", "export", str(run), *options, "--output", str(folder)]
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    clock, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def measure_export(run: Path, options: argparse.Namespace) -> None:
    """The command for all ten beside the command for one, in turn; and the table of --rank auto."""
    folder: Path = options.work / f"{options.backbone}-exports"
    turns = []
    for _ in range(options.exports):
        one = exporting(run, folder, "--trait", "O", "--level", "high")
        turns.append((one, exporting(run, folder, "--all")))
    if turns:
        seconds = [statistics.median(turn[index][0] for turn in turns) for index in (0, 1)]
        clock, work = (ratios([ten[index] / one[index] for one, ten in turns]) for index in (0, 1))
        print(f"\n| {options.backbone} | one, s | all ten, s | clock | CPU seconds |\n|---|---|---|---|---|")
        print(f"| export at the run's rank | {seconds[0]:.1f} | {seconds[1]:.1f} | {clock} | {work} |")
    if options.auto:
        print(
            "\n" + exporting(run, folder, "--all", "--rank", "auto", "--max-loss", str(options.max_loss))[2]
        )
    shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("release", type=Path, help="a release folder")
    parser.add_argument("--work", type=Path, required=True, help="where the run and exports go")
    parser.add_argument("--backbone", default="tiny", help="tiny, smollm2, a folder or OWNER/NAME")
    parser.add_argument("--tokens", type=int, default=64, help="tokens an answer")
    parser.add_argument("--turns", type=int, default=5, help="turns of serving; 0 for none")
    parser.add_argument("--exports", type=int, default=3, help="turns of exports; 0 for none")
    parser.add_argument("--auto", action="store_true", help="also export with --rank auto")
    parser.add_argument("--max-loss", type=float, default=0.01, help="nats a token for --rank auto")
    parser.add_argument("--threads", type=int, default=2, help="threads of the server")
    options = parser.parse_args()
    print(f"load of this machine at the start: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    run = trained_run(options)
    if options.turns:
        plain = options.work / f"{options.backbone}-o-high"
        if not plain.is_dir():
            export_adapter(run, parse_persona("O+"), plain)
        context = multiprocessing.get_context("spawn")
        mine, theirs = context.Pipe()
        server = context.Process(target=run_server, args=(run, plain, options.threads, theirs), daemon=True)
        server.start()
        asyncio.run(measure_serving(mine.recv(), psutil.Process(server.pid), options))
        server.terminate()
        server.join()
    if options.exports or options.auto:
        measure_export(run, options)
    print(f"load at the end: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
