"""Size and speed of the page that `oceanchat view` writes, against the number of dialogues.

Dialogues with their whole lineage: a small scripted build's, with recombined exchanges and one word in six
replaced (see release_scale.py). The floor is the same texts as plain JSON, and an empty page in the same
chromium. Paint and list are counted from the start of the navigation; the search is for a word, the first
time (all chunks are unpacked) and once more.

    python benchmarks/view.py --rows 1042 10424
    python benchmarks/view.py --rows 10424 --dialogues dialogues.jsonl
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, sync_playwright
from release_scale import Exchanges, exchanges, recombined, scripted_dialogues

from oceanchat.llm.costs import cost_report
from oceanchat.llm.prices import load_prices
from oceanchat.pipeline.import_format import read_dialogues
from oceanchat.prompts import open_prompts
from oceanchat.store.database import open_store
from oceanchat.viewer.content import PageContent, ShownDialogue
from oceanchat.viewer.page import write_page
from oceanchat.viewer.sections import no_agreement
from oceanchat.viewer.store_content import store_content

CHROMIUM = "/usr/bin/chromium"
ROUNDS = 5
EMPTY = "<!doctype html><title>empty</title><p>Nothing."
PAINT = """() => new Promise((resolve) => {
  const painted = () => performance.getEntriesByName('first-contentful-paint')[0];
  const wait = () => painted() ? resolve(painted().startTime) : setTimeout(wait, 5);
  wait();
})"""
LISTED = """() => new Promise((resolve) => {
  const wait = () => document.querySelector('#list a') && document.querySelector('article')
    ? resolve(performance.now()) : setTimeout(wait, 5);
  wait();
})"""
SEARCH = """(words) => new Promise((resolve) => {
  const started = performance.now();
  const before = document.querySelector('#count').textContent;
  location.hash = '#text=' + words;
  const wait = () => {
    const text = document.querySelector('#count').textContent;
    const done = text !== before && !text.startsWith('Searching');
    done ? resolve(performance.now() - started) : setTimeout(wait, 2);
  };
  wait();
})"""


class Opened(NamedTuple):
    """Milliseconds that opening a page took; medians."""

    paint: float
    listed: float
    first_search: float
    next_search: float


def shown(folder: Path) -> PageContent:
    """What the page shows of a small scripted build."""
    scripted_dialogues(folder)
    store = open_store(folder / "small.db", must_exist=True)
    costs = cost_report(store, load_prices())
    return store_content(store, None, open_prompts(), costs, no_agreement("Nobody was asked."))


def enlarged(content: PageContent, parts: Exchanges, rows: int) -> PageContent:
    """The same with so many dialogues, each with the lineage of one of the small build."""
    lottery = random.Random(0)
    lineages: dict[str, list[ShownDialogue]] = {}
    for d in content.dialogues:
        lineages.setdefault(d.trait_level, []).append(d)
    dialogues = [
        lottery.choice(lineages[d.trait_level.code]).model_copy(update={"id": d.id, "turns": d.turns})
        for d in recombined(parts, rows)
        if d.trait_level.code in lineages
    ]
    order = list(lineages)
    dialogues.sort(key=lambda d: order.index(d.trait_level))
    return content._replace(dialogues=dialogues)


def opened(browser: Browser, page_file: Path, searches: bool) -> Opened:
    """Open a page in contexts of their own, which have cached nothing."""
    rounds = []
    for _ in range(ROUNDS):
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        page.goto(page_file.as_uri(), wait_until="commit")
        paint = page.evaluate(PAINT)
        listed = page.evaluate(LISTED) if searches else 0.0
        searching = [page.evaluate(SEARCH, words) if searches else 0.0 for words in ("monday", "morning")]
        rounds.append(Opened(paint, listed, *searching))
        context.close()
    return Opened(*(statistics.median(column) for column in zip(*rounds, strict=True)))


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that goes with the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def measure(content: PageContent, folder: Path, browser: Browser) -> str:
    """A line of the table."""
    page_file = folder / "page.html"
    started = time.perf_counter()
    size = write_page(content, page_file)
    seconds = time.perf_counter() - started
    floor = len(
        json.dumps([d.model_dump(mode="json") for d in content.dialogues], ensure_ascii=False).encode()
    )
    times = opened(browser, page_file, searches=True)
    return (
        f"{len(content.dialogues):>9,} {seconds:>7.1f} s {size / 1e6:>6.1f} MB {size / floor:>9.2f}x"
        f" {times.paint:>8.0f} {times.listed:>8.0f} {times.first_search:>13.0f} {times.next_search:>12.0f}"
    )


def parts_of(path: Path | None, folder: Path) -> Exchanges:
    """The exchanges that are recombined."""
    dialogues = read_dialogues(path).dialogues if path else scripted_dialogues(folder)
    return exchanges(dialogues)


def main(arguments: Sequence[str] = sys.argv[1:]) -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[1042, 10424])
    parser.add_argument("--dialogues", type=Path, help="JSONL whose exchanges are recombined")
    options = parser.parse_args(arguments)
    print(f"{'dialogues':>9} {'write':>9} {'page':>9} {'of JSON':>10} {'paint ms':>8} {'list ms':>8}"
          f" {'first search':>13} {'next search':>12}")  # fmt: skip
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        folder = Path(name)
        content = shown(folder)
        parts = parts_of(options.dialogues, folder)
        empty = folder / "empty.html"
        empty.write_text(EMPTY, encoding="utf-8")
        print(f"{'none':>9} {'':>9} {'':>9} {'':>10} {opened(browser, empty, searches=False).paint:>8.0f}")
        for rows in options.rows:
            print(measure(enlarged(content, parts, rows), folder, browser), flush=True)


if __name__ == "__main__":
    main()
