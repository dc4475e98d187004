"""A real chromium, and apps to look at with it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.annotation_app.running import RunningApp, running

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
def app(tmp_path: Path) -> Iterator[RunningApp]:
    """An app with an empty store, not started yet."""
    with running(tmp_path) as running_app:
        yield running_app


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
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


def sign_in(page: Page, app: RunningApp, name: str, url: str | None = None) -> None:
    """Fill in the form."""
    page.goto(f"{url or app.url}/login")
    page.fill("#name", name)
    page.fill("#passcode", app.codes[name])
    page.click("button")


def token(page: Page, *, settled: bool = True) -> str:
    """The token of the item on the page, once there is one, and by default once it takes answers."""
    item = page.locator(".item[data-token]")
    item.wait_for()
    data_token = item.get_attribute("data-token")
    assert data_token
    if settled:
        page.wait_for_timeout(270)  # keys held over from the item before are ignored for 250 ms
    return data_token


def wait_for_other(page: Page, old: str) -> None:
    """Wait until another item is shown, or none."""
    page.locator(f".item[data-token='{old}']").wait_for(state="detached")


def answer(page: Page, *keys: str) -> None:
    """Answer the item on the page by keyboard and wait for what comes next."""
    old = token(page)
    for key in keys:
        page.keyboard.press(key)
    wait_for_other(page, old)
