"""All training methods on a real backbone: a queue of `preact` commands, several at a time.

Called by `benchmarks/methods.py --backbone NAME`. A cell is a method and a seed: train, identify, keep the
figures, remove the run. What is done is not done again, and an unfinished run goes on from its checkpoint.
"""

import argparse
import json
import os
import shlex
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import torch
from author_folds import author_folds, first_of_each, read_lines, write_release
from rows import row_of

from oceanchat.statistics.intervals import clustered_share

UNTRAINED = ("prompt", "prompt-short", "controllm", "persona-vectors")
"""Rows without training: the persona prompt, whole and short, ControlLM, persona vectors."""
PEERS = {"tfidf": "TF-IDF + LR", "tfidf_length": "TF-IDF + length", "length": "length alone"}
FIGURES = ("accuracy", "length_out", "trait_given_level", "level_given_trait")

Interval = Callable[[Sequence[float], Sequence[str]], str]
"""The mean of paired differences with its interval, by author."""


class Job(NamedTuple):
    """One row's cell."""

    method: str
    seed: int
    """0 for what has none."""

    @property
    def name(self) -> str:
        return f"{self.method}-seed{self.seed}"


class Queue:
    """Runs jobs side by side and keeps each one's figures in WORK/results."""

    def __init__(self, options: argparse.Namespace, release: Path) -> None:
        self.release = release
        self.work: Path = options.work
        self.backbone: str = options.backbone
        self.train_options = shlex.split(options.train_options)
        self.at_once: int = options.at_once or (6 if torch.cuda.is_available() else 1)
        self.threads: int = options.threads or max(1, (os.cpu_count() or 1) // self.at_once)
        self._ends = time.monotonic() + options.minutes * 60
        self._lock = threading.Lock()

    def run(self, jobs: Sequence[Job]) -> dict[Job, dict[str, Any]]:
        """The figures of all jobs that are done, once nothing more is to be begun."""
        (self.work / "results").mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(self.at_once) as pool:
            list(pool.map(self._finish, jobs))
        return {job: json.loads(path.read_text()) for job in jobs if (path := self.result(job)).is_file()}

    def result(self, job: Job) -> Path:
        """The file of a job's figures."""
        return self.work / "results" / f"{job.name}.json"

    def _finish(self, job: Job) -> None:
        if self.result(job).is_file() or time.monotonic() > self._ends:
            return
        began = time.monotonic()
        folder = self.work / "runs" / job.name
        figures = self._untrained(job, folder) if job.method in UNTRAINED else self._trained(job, folder)
        if figures is None:
            return
        figures["wall_seconds"] = time.monotonic() - began
        draft = self.result(job).with_suffix(".new")
        draft.write_text(json.dumps(figures), encoding="utf-8")
        draft.replace(self.result(job))
        shutil.rmtree(folder, ignore_errors=True)
        self._say(f"{job.name}: {figures['accuracy']['value']:.3f} in {figures['wall_seconds']:.0f} s")

    def _trained(self, job: Job, folder: Path) -> dict[str, Any] | None:
        if (folder / "run.json").is_file():
            train = ["train", "--resume", "--output", str(folder)]
        else:
            shutil.rmtree(folder, ignore_errors=True)
            train = ["train", str(self.release), "--output", str(folder), "--backbone", self.backbone]
            train += ["--seed", str(job.seed), *self.train_options, *row_of(job.method).options]
        state = json.loads((folder / "run.json").read_text())["state"] if "--resume" in train else ""
        if state != "finished" and self._preact(job, train) is None:
            return None
        figures = self._preact(job, ["identify", str(folder), "--split", "test", "--json"])
        if figures is None:
            return None
        record = json.loads((folder / "run.json").read_text())
        return {**json.loads(figures), "run": record}

    def _untrained(self, job: Job, folder: Path) -> dict[str, Any] | None:
        system = f"prompted:{self.backbone}"
        prompt = ["--prompt", "short"] if job.method == "prompt-short" else []
        if job.method not in ("prompt", "prompt-short"):
            method = {"controllm": "controllm", "persona-vectors": "persona"}[job.method]
            built = ["control-vectors", self.backbone, "--method", method, "--output", str(folder)]
            if not (folder / "control.json").is_file() and self._preact(job, built) is None:
                return None
            system = f"control:{folder}"
        data = ["--data", str(self.release), "--split", "test", "--json"]
        figures = self._preact(job, ["identify", system, *prompt, *data])
        return None if figures is None else {**json.loads(figures)}

    def _preact(self, job: Job, words: Sequence[str]) -> str | None:
        """What a command prints; None, and its last line on stderr, where it fails."""
        environment = {**os.environ, "OMP_NUM_THREADS": str(self.threads)}
        command = [sys.executable, "-m", "preact.cli.main", *words]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        log = self.work / "logs"
        log.mkdir(exist_ok=True)
        (log / f"{job.name}-{words[0]}.txt").write_text(done.stderr, encoding="utf-8")
        if done.returncode == 0:
            return done.stdout
        self._say(f"{job.name}: {words[0]} failed: {(done.stderr.strip() or 'no message').splitlines()[-1]}")
        return None

    def _say(self, line: str) -> None:
        with self._lock:
            print(line, file=sys.stderr, flush=True)


def on_real_backbone(options: argparse.Namespace, paired_interval: Interval) -> Iterator[str]:
    """The table on a real backbone: the first fold's authors are held out."""
    lines = read_lines(options.dialogues)
    if options.each:
        lines = first_of_each(lines, options.each)
    fold_of = author_folds(lines, options.folds)
    release = options.work / "release"
    write_release(lines, fold_of, 0, release)
    authors = [line["author"] for line in lines if fold_of[line["author"]] == 0]
    results = Queue(options, release).run(jobs_of(options.methods, options.seeds))
    yield f"{options.backbone}: {len(lines) - len(authors)} dialogues for training, {len(authors)} by others"
    if results:
        yield from table(results, authors, paired_interval)


def jobs_of(methods: Sequence[str], seeds: Sequence[int]) -> list[Job]:
    """The cells, seed by seed, those without a seed once."""
    seeded = [Job(method, seed) for seed in seeds for method in methods if method not in UNTRAINED]
    return [Job(method, 0) for method in methods if method in UNTRAINED] + seeded


def table(results: dict[Job, dict[str, Any]], authors: Sequence[str], against: Interval) -> Iterator[str]:
    """The table of methods; `against` gives the interval of paired differences, by author."""
    yield (
        "| method | of ten (95 %) | each seed | preact minus it (95 %, paired) | length out"
        " | trait given level | level given trait | eff. experts | s/step | minutes |"
    )
    yield "|" + "---|" * 10
    some = next(iter(results.values()))
    for peer, title in PEERS.items():
        if peer in some["peers"]:
            out = some["peers_length_out"].get(peer, {}).get("value")
            yield _line(title, _bounds(some["peers"][peer]), "", "", _number(out), *[""] * 5)
    ours = _credit(results, "preact", len(authors))
    for method in dict.fromkeys(job.method for job in results):
        own = [figures for job, figures in results.items() if job.method == method]
        if not own:
            continue
        credit = _credit(results, method, len(authors))
        paired = [a - b for a, b in zip(ours, credit, strict=True)] if ours and credit else []
        means = [_mean(figures[name] and figures[name]["value"] for figures in own) for name in FIGURES[1:]]
        steps = [f["run"]["seconds"] / f["run"]["steps"] for f in own if "run" in f]
        yield _line(
            method,
            _bounds(clustered_share(credit, authors).bounds()) if credit else _mean_of(own),
            ", ".join(f"{figures['accuracy']['value']:.3f}" for figures in own),
            against(paired, authors) if paired and method != "preact" else "",
            *means,
            _mean(figures["experts"] and figures["experts"]["effective"] for figures in own),
            f"{statistics.median(steps):.2f}" if steps else "",
            f"{statistics.median(f['wall_seconds'] for f in own) / 60:.1f}",
        )


def _credit(results: dict[Job, dict[str, Any]], method: str, dialogues: int) -> list[float]:
    """Each dialogue's credit, seeds averaged; empty where some dialogues could not be scored."""
    rows = [figures["credit"] for job, figures in results.items() if job.method == method]
    if not rows or any(len(row) != dialogues for row in rows):
        return []
    return [statistics.fmean(values) for values in zip(*rows, strict=True)]


def _mean_of(own: Sequence[dict[str, Any]]) -> str:
    return _mean(figures["accuracy"]["value"] for figures in own)


def _mean(values: Iterator[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.fmean(known):.3f}" if known else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _bounds(figure: Mapping[str, float | None]) -> str:
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
