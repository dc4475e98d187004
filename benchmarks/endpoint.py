"""Our ledger and client beside a bare AsyncOpenAI + semaphore loop, against the same endpoint process.

    python benchmarks/endpoint.py [--pairs 9] [--requests 600] [--latency 0.2] [--concurrency 64]

Prints one table. The loop is the floor: nothing that uses this client can be faster. Pairs alternate, so a
machine that grows slower meanwhile slows both. Every run is a process of its own.
"""

import argparse
import asyncio
import json
import re
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SERVE = "from oceanchat.cli.serve import serve_scripted; serve_scripted()"
FILLER = "one more plain word of the sentence that is asked about " * 10


def prompt(number: int) -> str:
    """About a hundred words, none like another."""
    return f"question {number}: {FILLER}"


async def ask_bare(url: str, requests: int, concurrency: int) -> dict[str, Any]:
    """The floor: the client, a semaphore, no retries, nothing kept."""
    from openai import AsyncOpenAI

    client = AsyncOpenAI(api_key="none", base_url=url, max_retries=0)
    semaphore = asyncio.Semaphore(concurrency)

    async def ask(number: int) -> str:
        async with semaphore:
            answer = await client.chat.completions.create(
                model="served",
                messages=[{"role": "user", "content": prompt(number)}],
                max_tokens=300,
                temperature=0.0,
                top_p=1.0,
            )
        return answer.choices[0].message.content or ""

    started = time.time()
    texts = await asyncio.gather(*map(ask, range(requests)))
    return {"first": started, "loop": time.time() - started, "texts": texts}


async def ask_ours(url: str, requests: int, concurrency: int, path: str) -> dict[str, Any]:
    """The same through throttle, ledger and budget."""
    from oceanchat.errors import CallFailed
    from oceanchat.llm.chat import ChatRequest, Message
    from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
    from oceanchat.llm.settings import CallSettings
    from oceanchat.models import open_session
    from oceanchat.store.database import open_store

    store = open_store(path)
    settings = CallSettings(base_url=url, concurrency=concurrency)
    async with open_session(settings, store.engine, OpenAIEndpoint) as session:
        model = session.model("served")

        async def ask(number: int) -> str | None:
            messages = (Message("user", prompt(number)),)
            try:
                return (await model.ask(ChatRequest(messages, "label", 300, 0.0, trait_level="O+"))).text
            except CallFailed:
                return None

        started = time.time()
        texts = await feed(ask, requests)
        return {"first": started, "loop": time.time() - started, "texts": texts}


async def feed(ask: Callable[[int], Awaitable[str | None]], requests: int) -> list[str | None]:
    """Ask for all, 600 at a time at most: what else is pending is the caller's memory, not the client's."""
    texts: dict[int, str | None] = {}
    numbers = iter(range(requests))

    async def asker() -> None:
        for number in numbers:
            texts[number] = await ask(number)

    await asyncio.gather(*(asker() for _ in range(min(requests, 600))))
    return [texts[number] for number in range(requests)]


def child(which: str, url: str, requests: str, concurrency: str, path: str) -> None:
    """One run in a process of its own; prints its figures as JSON."""
    if which == "bare":
        figures = asyncio.run(ask_bare(url, int(requests), int(concurrency)))
    else:
        figures = asyncio.run(ask_ours(url, int(requests), int(concurrency), path))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps(figures | {"cpu": used.ru_utime + used.ru_stime, "memory": used.ru_maxrss / 1024}))


class Bench:
    """The settings of all runs and a folder for their stores."""

    def __init__(self, requests: int, latency: float, concurrency: int, folder: Path) -> None:
        self.requests = requests
        self.latency = latency
        self.concurrency = concurrency
        self._folder = folder
        self._stores = 0

    @contextmanager
    def endpoint(self, *switches: str) -> Iterator[str]:
        """A fresh endpoint process; its URL."""
        command = [sys.executable, "-c", SERVE, "--port", "0", "--reply", "Label: neutral {digest}"]
        command += ["--latency", str(self.latency), *switches]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            address = re.search(r"http://\S+/v1", process.stderr.readline())
            assert address is not None
            try:
                yield address.group()
            finally:
                process.kill()

    def store(self) -> str:
        """A path where no store is yet."""
        self._stores += 1
        return str(self._folder / f"{self._stores}.db")

    def start(self, which: str, url: str, path: str, requests: int | None = None) -> "subprocess.Popen[str]":
        """Start one run."""
        arguments = (which, url, str(requests or self.requests), str(self.concurrency), path)
        return subprocess.Popen(
            [sys.executable, __file__, "--child", *arguments], stdout=subprocess.PIPE, text=True
        )

    def run(
        self, which: str, url: str, path: str | None = None, requests: int | None = None
    ) -> dict[str, Any]:
        """One run from start to end."""
        started = time.time()
        process = self.start(which, url, path or self.store(), requests)
        out, _ = process.communicate()
        figures: dict[str, Any] = json.loads(out)
        return figures | {"wall": time.time() - started, "start": figures["first"] - started}


def counters(url: str) -> dict[str, Any]:
    """The endpoint's counters."""
    with urllib.request.urlopen(f"{url}/counters") as response:
        counted: dict[str, Any] = json.load(response)
    return counted


def ratio(ours: list[dict[str, Any]], bare: list[dict[str, Any]], name: str) -> float:
    """Median of the pairs' ratios."""
    return statistics.median(our[name] / their[name] for our, their in zip(ours, bare, strict=True))


def row(what: str, target: str, measured: str) -> None:
    """One line of the table."""
    print(f"| {what} | {target} | {measured} |", flush=True)


def pairs(bench: Bench, count: int) -> None:
    """Speed, CPU, memory and start against the bare loop."""
    ours, bare = [], []
    with bench.endpoint("--no-rate-limit-headers") as url:
        bench.run("bare", url)
        for _ in range(count):
            bare.append(bench.run("bare", url))
            ours.append(bench.run("ours", url))
    with bench.endpoint("--no-rate-limit-headers") as url:
        bench.run("ours", url)
        peak = counters(url)["most_in_flight"]
    med = {name: statistics.median(run[name] for run in ours) for name in ("loop", "wall", "cpu", "memory")}
    floor = {name: statistics.median(run[name] for run in bare) for name in ("loop", "wall", "cpu", "memory")}
    for what, target, name in (
        ("first request to last reply", "1.10 x", "loop"),
        ("whole process, wall", "1.20 x", "wall"),
        ("CPU seconds, whole process", "1.35 x", "cpu"),
    ):
        measured = f"{ratio(ours, bare, name):.2f} x ({med[name]:.2f} s, the loop {floor[name]:.2f} s)"
        row(what, f"at most {target}", measured)
    row("peak memory", "at most 120 MB", f"{med['memory']:.0f} MB (the loop {floor['memory']:.0f} MB)")
    later = statistics.median(our["start"] - their["start"] for our, their in zip(ours, bare, strict=True))
    row("start to first request", "at most 0.6 s more", f"{later:+.2f} s")
    row("no rate-limit headers", f"{bench.concurrency} in flight", f"{peak} in flight")


def faults(bench: Bench) -> None:
    """10 % 429 and 5 % 500; one poisoned prompt."""
    with bench.endpoint("--rate-429", "0.1", "--retry-after", "1", "--rate-500", "0.05") as url:
        figures = bench.run("ours", url)
        lost = figures["texts"].count(None)
    row("10 % 429 (Retry-After 1), 5 % 500", "0 lost, at most 10 s", f"{lost} lost, {figures['wall']:.1f} s")
    with bench.endpoint("--poison", "question 77:") as url:
        figures = bench.run("ours", url)
        lost, tries = figures["texts"].count(None), counters(url)["by_status"]["400"]
    row("one poisoned prompt", "1 lost, 1 try", f"{lost} lost, {tries} try")


def kill(bench: Bench) -> None:
    """kill -9 at half of the requests, then the same run again."""
    with bench.endpoint() as url:
        whole = bench.run("ours", url)["texts"]
    with bench.endpoint() as url:
        path = bench.store()
        process = bench.start("ours", url, path)
        while counters(url)["paid"] < bench.requests // 2:
            time.sleep(0.005)
        process.kill()
        process.communicate()
        same = bench.run("ours", url, path)["texts"] == whole
        twice = counters(url)["paid_twice"]
        with sqlite3.connect(path) as connection:
            in_flight = connection.execute("select count(*) from ledger_lost_attempts").fetchone()[0]
    measured = f"{twice} paid twice ({in_flight} in flight), {'same' if same else 'OTHER'} data"
    row(f"kill -9 near {bench.requests // 2}, run again", "at most those in flight, same data", measured)


def scale(bench: Bench) -> None:
    """Ten times the requests."""
    with bench.endpoint() as url:
        small = bench.run("ours", url)
        large = bench.run("ours", url, requests=10 * bench.requests)
    per_small, per_large = small["loop"] / bench.requests, large["loop"] / bench.requests / 10
    measured = (
        f"{per_large / per_small:.2f} x the time a request, {large['memory'] - small['memory']:+.0f} MB"
    )
    row(f"{10 * bench.requests:,} requests", "time a request and memory flat", measured)


def main() -> None:
    """Run everything and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--requests", type=int, default=600)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return child(*options.child)
    shape = f"{options.requests} requests, {options.latency} s each, {options.concurrency} at once"
    print(f"{shape}, {options.pairs} pairs\n")
    print("| | target | measured |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options.requests, options.latency, options.concurrency, Path(folder))
        pairs(bench, options.pairs)
        faults(bench)
        kill(bench)
        scale(bench)


if __name__ == "__main__":
    main()
