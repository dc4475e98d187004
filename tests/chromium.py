"""A real chromium for tests of pages, and what axe-core says of a page."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

MILLISECONDS = 60_000
"""How long a busy machine may take to show something."""
expect.set_options(timeout=MILLISECONDS)
CHROMIUM = "/usr/bin/chromium"
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; in CI a missing one fails, elsewhere it skips.

    Not for the whole run: while it is open an event loop is running, which asynchronous tests cannot bear.
    """
    if not Path(CHROMIUM).exists() and not os.environ.get("CI"):
        pytest.skip("no chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Opens pages in contexts of their own: other people at other machines."""
    contexts = []

    def open_page(width: int = 1280, height: int = 800, scheme: str = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        context.set_default_timeout(MILLISECONDS)
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


def faults(page: Page, others: Sequence[str] = ()) -> list[str]:
    """What axe-core finds in violation of WCAG 2.1 A and AA, but for parts of a page that others draw."""
    rules = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
    violations = Axe().run(page, options=rules).response["violations"]
    return [
        f"{violation['id']}: {node['html'][:160]}"
        for violation in violations
        for node in violation["nodes"]
        if not any(part in json.dumps(node["target"]) + node["html"] for part in others)
    ]
