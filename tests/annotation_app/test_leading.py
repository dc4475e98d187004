"""The lead's pages, and what everybody can read, hear and reach on all of them."""

import json
import re

import pytest
from playwright.sync_api import expect

from oceanchat.annotation import accounts, revisions
from tests.annotation_app.conftest import sign_in, token
from tests.annotation_app.running import RunningApp, http_get
from tests.chromium import Visit, faults
from tests.oceanchat.annotation.scenes import BAD, GOOD, label_all

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NOT_OURS = ("canvas", "stDataFrame", "vega", "stToolbar", "stAppDeployButton")
"""Parts that Streamlit draws; their faults are theirs."""


def split(app: RunningApp) -> None:
    """Two annotators label everything; they differ on one trait-level."""
    for name in ("Ann", "Ben"):
        person = accounts.find(app.store, name)
        label_all(app.store, person, lambda level, name=name: BAD if (name, level) == ("Ben", "C+") else GOOD)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_meets_wcag_aa(app: RunningApp, visit: Visit, scheme: str) -> None:
    app.sample(3, 1, names=("Ann", "Ben"), annotators=2)
    split(app)
    app.account("New")  # now, so that the items of the others are theirs already
    ann = accounts.find(app.store, "Ann")
    reopened = revisions.neighbours(app.store, ann).back
    app.start()
    problems: dict[str, list[str]] = {}
    page = visit(1280, 800, scheme)
    page.goto(f"{app.url}/login")
    problems["sign in"] = faults(page, NOT_OURS)
    sign_in(page, app, "Ann")
    expect(page.get_by_role("heading", name="All done")).to_be_visible()
    assert page.title() == "Validate · OCEAN-Chat"
    page.goto(f"{app.url}/?item={reopened}")
    token(page)
    problems["validate"] = faults(page, NOT_OURS)
    page.keyboard.press("?")
    problems["keys"] = faults(page, NOT_OURS)
    new = visit(1280, 800, scheme)
    sign_in(new, app, "New")
    new.get_by_role("button", name="I have read them").wait_for()
    problems["guidelines"] = faults(new, NOT_OURS)
    new.get_by_role("button", name="I have read them").click()
    token(new)
    problems["describe"] = faults(new, NOT_OURS)
    lead = visit(1280, 800, scheme)
    sign_in(lead, app, "Lea")
    for name in ("Progress", "Agreement", "Items"):
        lead.goto(f"{app.url}/{name.lower()}")
        lead.get_by_role("heading", name=name, exact=True).wait_for()
        lead.get_by_test_id("stDataFrame").first.wait_for()
        problems[name] = faults(lead, NOT_OURS)
    lead.goto(f"{app.url}/disagreements")
    token(lead)
    problems["disagreements"] = faults(lead, NOT_OURS)
    assert {name: each for name, each in problems.items() if each} == {}


def test_the_lead_reads_downloads_and_sends_an_item_back(app: RunningApp, visit: Visit) -> None:
    app.sample(3, 1, names=("Ann", "Ben"), annotators=2)
    split(app)
    app.start()
    lead = visit()
    sign_in(lead, app, "Lea")
    lead.get_by_role("link", name="Agreement", exact=True).click()
    for name in ("Pass rate", "Unanimous", "Fleiss' kappa", "Gwet's AC1"):
        expect(lead.get_by_test_id("stMetric").filter(has_text=name)).to_be_visible()
    head = lead.locator("[role=columnheader]").filter(has_text="Cohen's kappa interval")
    expect(head).to_be_attached()
    written = lead.locator("[role=gridcell]").filter(has_text=re.compile("^66.7%$"))
    expect(written.first).to_be_attached()  # unanimous, as per cent beside its interval in per cent
    expect(lead.locator("[role=gridcell]").filter(has_text="None")).to_have_count(0)
    with lead.expect_download() as download:
        lead.get_by_role("link", name="Download the labels (CSV)").click()
    assert download.value.suggested_filename == "labels.csv"
    written_rows = download.value.path().read_bytes()
    assert b"\r" not in written_rows
    rows = written_rows.decode().splitlines()
    assert rows[0].startswith("item,annotator,value,stratum") and len(rows) == 7
    with lead.expect_download() as download:
        lead.get_by_role("link", name="Download the figures (JSON)").click()
    assert json.loads(download.value.path().read_text())["splits"] == 1
    own = app.cookie("Ann")
    for file in ("labels.csv", "agreement.json"):
        assert http_get(f"{app.url}/annotation/{file}", cookies=own).status_code == 403
        assert http_get(f"{app.url}/annotation/{file}").status_code == 401
    lead.get_by_role("link", name="Items", exact=True).click()
    grid = lead.get_by_test_id("stDataFrame").first
    grid.wait_for()
    lead.get_by_label("Id contains").fill("no such id")
    lead.keyboard.press("Enter")
    expect(lead.get_by_text("0 of 3 items")).to_be_visible()
    lead.get_by_label("Id contains").fill("")
    lead.keyboard.press("Enter")
    expect(lead.get_by_text("3 of 3 items")).to_be_visible()
    box = grid.bounding_box()
    assert box is not None
    lead.mouse.click(box["x"] + 24, box["y"] + 52)
    lead.get_by_label("What should they look at?").fill("mind the level")
    lead.get_by_role("button", name="Send back to its annotators").click()
    expect(lead.get_by_text("Sent back to 2 annotators.")).to_be_visible()
    page = visit()
    sign_in(page, app, "Ann")
    token(page)
    expect(page.locator(".notice")).to_contain_text("look at this one again: mind the level")
    assert page.locator("#trait_shown-yes").is_checked()
