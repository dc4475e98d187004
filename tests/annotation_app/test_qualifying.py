"""The way in: guidelines, descriptions, practice, and the lead's say."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from oceanchat.annotation import accounts, qualification
from oceanchat.annotation.guidelines import PRACTICE_ITEMS, known_items
from oceanchat.prompts import open_prompts
from tests.annotation_app.conftest import answer, sign_in, token, wait_for_other
from tests.annotation_app.running import RunningApp

pytestmark = [pytest.mark.browser, pytest.mark.slow]
KNOWN = {
    known.turns[0].text: known.item("practice", "").answer_key["answers"]  # type: ignore[index]
    for known in known_items(open_prompts())
}


def practise(page: Page, *, wrong: bool) -> None:
    """Answer the practice item on the page, read beside it what is right, and go on."""
    old = token(page)
    expect(page.locator(".turn").first).to_be_in_viewport(ratio=1)
    known = KNOWN[page.locator(".turn .text").first.inner_text()]
    trait = "2" if (known["trait_shown"] == "yes") == wrong else "1"
    answer(page, trait, "3" if known["coherent"] == "yes" else "4", "Enter")
    title = "Not quite" if wrong else "That is right"
    expect(page.get_by_role("heading", name=title)).to_be_in_viewport(ratio=1)
    expect(page.locator(".turn").first).to_be_visible()
    expect(page.get_by_role("button", name="Go on")).to_be_in_viewport(ratio=1)
    shown = token(page)
    assert shown != old
    page.keyboard.press("Enter")
    wait_for_other(page, shown)


def test_qualifying_shows_why_and_the_lead_reads_the_descriptions_and_admits(
    app: RunningApp, visit: Callable[..., Page]
) -> None:
    app.sample(2, 1, names=())
    app.account("New")
    app.start()
    page = visit(390, 664, "dark")
    sign_in(page, app, "New")
    expect(page.get_by_role("heading", name="What you decide")).to_be_visible()
    expect(page.get_by_text("and two colleagues judge the same")).to_be_visible()
    page.get_by_role("button", name="I have read them").click()
    token(page)
    page.reload()
    for number in range(5):
        old = token(page)
        expect(page.locator(".title")).to_contain_text("Describe")
        expect(page.locator("button.primary kbd")).to_have_text("Ctrl+Enter")
        expect(page.locator("textarea").nth(0)).to_be_focused()
        page.locator("textarea").nth(0).fill(f"speaks of many new things {number}")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".status")).to_have_text("Please answer: Low")
        page.locator("textarea").nth(1).fill("sticks to what is known")
        expect(page.locator(".status")).to_have_text("")
        page.keyboard.press("Control+Enter")
        wait_for_other(page, old)
    token(page)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Please answer: ")).to_be_in_viewport(ratio=1)
    for number in range(PRACTICE_ITEMS):
        practise(page, wrong=number < 3)
    expect(page.locator(".caption")).to_contain_text("Second try 1 of 3")
    for _ in range(3):
        practise(page, wrong=True)
    expect(page.get_by_text("7 of 10 practice items were right")).to_be_visible()
    lead = visit()
    sign_in(lead, app, "Lea")
    practice = "New: 7 of 10 practice items right, 7 after a second try; waits for you"
    expect(lead.get_by_text(practice)).to_be_visible()
    lead.get_by_text("Their descriptions of the traits").click()
    expect(lead.get_by_text("speaks of many new things 4")).to_be_visible()
    lead.get_by_text("Practice items that were wrong at first").click()
    expect(lead.get_by_role("row")).not_to_have_count(0)
    lead.get_by_role("button", name="Let them validate").click()
    expect(lead.get_by_role("button", name="Let them validate")).to_have_count(0)
    page.reload()
    token(page)
    expect(page.locator(".caption")).to_have_text("0 of 2 answered")
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_test_id("stSidebarNavLink").filter(has_text="Guidelines").click()
    expect(page.get_by_test_id("stExpandSidebarButton")).to_be_visible()
    expect(page.get_by_test_id("stHeader")).not_to_have_css("background-color", "rgba(0, 0, 0, 0)")
    status = qualification.status(app.store, accounts.find(app.store, "New"), open_prompts())
    assert status.stage == "ready"
