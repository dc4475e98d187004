"""Apps to look at with a real chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.annotation_app.running import RunningApp, running
from tests.chromium import browser, visit

__all__ = ["browser", "visit"]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[RunningApp]:
    """An app with an empty store, not started yet."""
    with running(tmp_path) as running_app:
        yield running_app


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
