"""From a model's first token to the annotator's page, in a real browser.

An endpoint that speaks word by word notes when it sends its first word; the page notes when text appears in
the model's bubble (both by the clock of this machine). Beside it, as the floor: the same conversation by a
plain HTTP client straight from the endpoint.

Usage: python benchmarks/first_token.py [--conversations 8]
"""

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import uvicorn
from playwright.sync_api import Page, sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from oceanchat.annotation import accounts, labels, qualification
from oceanchat.annotation.evaluation import EvaluationConfig, create_evaluation, parse_system
from oceanchat.annotation.launcher import Serving, command
from oceanchat.annotation.starting_questions import load_questions
from oceanchat.prompts import open_prompts
from oceanchat.store.database import Store, open_store

CHROMIUM = "/usr/bin/chromium"
EXCHANGES = 5
WATCH = """(list) => {
  window.firstWords = [];
  new MutationObserver(() => {
    const bubbles = list.querySelectorAll('.turn.own .text');
    const last = bubbles[bubbles.length - 1];
    if (!last || !last.textContent || last.noted) return;
    last.noted = true;
    window.firstWords.push(Date.now() / 1000);
  }).observe(list, { childList: true, subtree: true, characterData: true });
  for (const bubble of list.querySelectorAll('.turn.own .text')) bubble.noted = true;
}"""


class SpeakingEndpoint:
    """Word by word, with the moment of each answer's first word."""

    def __init__(self) -> None:
        self.port = free_port()
        self.first_words: list[float] = []
        app = Starlette(routes=[Route("/v1/chat/completions", self.chat, methods=["POST"])])
        server = uvicorn.Server(uvicorn.Config(app, port=self.port, log_level="error"))
        threading.Thread(target=server.run, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def chat(self, request: Request) -> StreamingResponse | JSONResponse:
        """One answer of twelve words after a moment's thought."""
        model = (await request.json())["model"]
        return StreamingResponse(self.words(model), media_type="text/event-stream")

    async def words(self, model: str) -> AsyncIterator[str]:
        await asyncio.sleep(0.3)
        self.first_words.append(time.time())
        for number in range(13):
            delta = {"content": f"word{number} "} if number < 12 else {}
            choice = {"index": 0, "delta": delta, "finish_reason": None if delta else "stop"}
            chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": model}
            yield f"data: {json.dumps(chunk | {'choices': [choice]})}\n\n"
            await asyncio.sleep(0.02)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def straight(endpoint: SpeakingEndpoint, count: int) -> list[float]:
    """Milliseconds from the first word to a plain client."""
    times = []
    with httpx.Client(timeout=60) as client:
        for _ in range(count):
            with client.stream("POST", f"{endpoint.url}/chat/completions", json={"model": "m"}) as answer:
                parts = answer.iter_bytes()
                next(parts)
                times.append(1000 * (time.time() - endpoint.first_words[-1]))
                for _ in parts:
                    pass
    return times


def prepared(store: Store, endpoint: SpeakingEndpoint, conversations: int) -> str:
    """An evaluation for one annotator who may begin; returns the passcode."""
    system = parse_system(f"m=prompted:{endpoint.url}#m")
    create_evaluation(
        store,
        EvaluationConfig(systems=(system,), annotators=1, min_seconds=0),
        load_questions("bundled")[:conversations],
        open_prompts(),
    )
    passcode = accounts.add(store, "Ann").passcode
    ann = accounts.find(store, "Ann")
    while (item := qualification.style_status(store, ann, open_prompts()).item) is not None:
        labels.save(store, ann, item.token, {"high": "more of it all", "low": "less of it all"})
    return passcode


def talk(page: Page, conversations: int) -> list[float]:
    """Hold and rate all conversations; the moments at which first words appeared."""
    moments: list[float] = []
    for _ in range(conversations):
        page.locator(".lock").wait_for()
        token = page.locator(".item[data-token]").get_attribute("data-token")
        page.locator(".status", has_text="Answer 1 of").wait_for()
        page.locator(".turns").evaluate(WATCH)
        for exchange in range(2, EXCHANGES + 1):
            page.locator("#message").fill("And what came of that?")
            page.keyboard.press("Enter")
            page.locator(".status", has_text=f"Answer {exchange} of").wait_for()
        moments += page.evaluate("window.firstWords")
        for key in ("1", "5", "5", "Enter"):
            page.keyboard.press(key)
        page.locator(f".item[data-token='{token}']").wait_for(state="detached")
    return moments


def to_the_page(endpoint: SpeakingEndpoint, folder: Path, conversations: int) -> list[float]:
    """Milliseconds from the endpoint's first words to the page.

    Each conversation's first answer is left out: it comes while the page is still being built.
    """
    store = open_store(folder / "store.db")
    passcode = prepared(store, endpoint, conversations)
    port = free_port()
    server = subprocess.Popen(
        command(Serving(str(folder / "store.db"), port=port)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health")
        before = len(endpoint.first_words)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{port}/login")
            page.fill("#name", "Ann")
            page.fill("#passcode", passcode)
            page.click("button")
            moments = talk(page, conversations)
            browser.close()
        sent = [
            moment
            for number, moment in enumerate(endpoint.first_words[before:])
            if number % EXCHANGES  # not the answers to the starting questions
        ]
        assert len(sent) == len(moments), (len(sent), len(moments))
        return [1000 * (seen - written) for written, seen in zip(sent, moments, strict=True)]
    finally:
        server.kill()
        server.wait()
        store.close()


def wait_for(url: str) -> None:
    """Wait until a server answers."""
    for _ in range(600):
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    sys.exit(f"{url} does not answer")


def row(name: str, times: list[float]) -> str:
    """Quantiles of milliseconds as a line of the table."""
    p95 = statistics.quantiles(times, n=20)[-1]
    return f"| {name} | {len(times)} | {statistics.median(times):.1f} | {p95:.1f} | {max(times):.1f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=8)
    conversations = parser.parse_args().conversations
    endpoint = SpeakingEndpoint()
    time.sleep(1)
    print(
        "| milliseconds from the model's first token | answers | p50 | p95 | longest |\n|---|---|---|---|---|"
    )
    print(row("straight from the endpoint, plain client", straight(endpoint, 4 * conversations)))
    with tempfile.TemporaryDirectory() as folder:
        print(row("annotator's page, chromium", to_the_page(endpoint, Path(folder), conversations)))


if __name__ == "__main__":
    main()
