"""The page as somebody opens it from a mail: by mouse, by keyboard, on a phone, in the dark."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from oceanchat.records import Turn
from oceanchat.traits import CODES
from oceanchat.viewer.content import ShownDialogue
from oceanchat.viewer.page import write_page
from tests.chromium import Visit, browser, faults, visit
from tests.oceanchat.viewer.factories import content, mixed, shown
from tests.oceanchat.viewer.test_page import HOSTILE

__all__ = ["browser", "visit"]
pytestmark = pytest.mark.browser
Open = Callable[..., Page]
PHONE = (390, 844)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Sixty dialogues on a page."""
    return written(tmp_path_factory.mktemp("page") / "page.html", mixed())


def written(path: Path, dialogues: list[ShownDialogue]) -> str:
    write_page(content(dialogues), path)
    return path.as_uri()


def at(page: Page, address: str) -> Page:
    """The page when its list stands, without an error on the way."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    expect(page.locator("#count")).to_contain_text("dialogues")
    assert errors == []
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), PHONE])
def test_every_view_meets_wcag_aa_and_fits_its_width(
    address: str, visit: Visit, width: int, height: int, scheme: str
) -> None:
    page = at(visit(width, height, scheme), address)
    problems = {"list": faults(page)}
    page.goto(f"{address}#people=divided&id={7:016x}")
    page.get_by_role("heading", name="Low Extraversion").wait_for()
    page.locator("summary").first.click()
    page.get_by_role("heading", name="System").wait_for()
    problems["dialogue"] = faults(page)
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert not page.evaluate(wide)
    page.get_by_role("link", name="Funnel").click()
    page.get_by_role("heading", name="Funnel").wait_for()
    problems["figures"] = faults(page)
    assert not page.evaluate(wide)
    assert problems == {"list": [], "dialogue": [], "figures": []}


def test_dialogues_are_searched_by_trait_level_state_votes_and_text(address: str, visit: Visit) -> None:
    page = at(visit(), address)
    count, items = page.locator("#count"), page.locator("#list a")
    expect(count).to_have_text("60 dialogues")
    page.get_by_role("checkbox", name="O+, high Openness").check(force=True)
    expect(count).to_have_text("6 of 60 dialogues")
    page.get_by_label("Search the text").fill("HARBOUR \u201cday 20 was\u201d")
    expect(count).to_have_text("1 of 60 dialogues")
    expect(page.locator("article mark")).to_have_text(["Day 20 was", "harbour"])
    page.get_by_role("button", name="Clear").click()
    expect(count).to_have_text("60 dialogues")
    page.get_by_label("State").select_option("rejected")
    expect(items).to_have_count(2)
    page.get_by_label("State").select_option("gate:length")
    expect(items).to_have_count(1)
    expect(page.locator("article")).to_contain_text("Rejected by the gate \u201clength\u201d: 3 turns.")
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("People say").select_option("invalid")
    expect(count).to_have_text("1 of 60 dialogues")
    page.goto(f"{address}#text=nothing-like-it")
    expect(page.locator("#reading")).to_contain_text("No dialogue fits")


def test_the_lineage_goes_from_the_sentence_to_the_votes(address: str, visit: Visit) -> None:
    page = at(visit(), f"{address}#id={7:016x}")
    steps = page.locator(".lineage > li")
    expect(steps.locator("h3")).to_have_text(["Essay sentence", "Label", "Prompt", "Verdict", "Votes"])
    expect(steps.nth(0)).to_contain_text("I once walked 7 miles.essay e7, sentence 1")
    expect(steps.nth(1)).to_contain_text("E- \u00b7 actions, strength 3 of 5 \u2014 by scripted")
    page.locator("summary", has_text="write").click()
    expect(steps.nth(2).locator("b")).to_contain_text(["Extraversion", "low", "5 exchanges", "7 miles", "12"])
    expect(steps.nth(3)).to_contain_text("scripted saw E-; neutral questions: passed")
    expect(steps.nth(4)).to_contain_text("People are divided.")


def test_the_keyboard_is_enough_and_the_address_holds_the_view(address: str, visit: Visit) -> None:
    page = at(visit(), f"{address}#level=o-high")
    page.locator("#list a").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#list a").nth(1)).to_have_attribute("aria-current", "true")
    expect(page.locator("article")).to_contain_text("Day 10 was")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("article")).to_contain_text("Day 20 was")
    page.get_by_role("link", name="Next").press("Enter")
    expect(page.locator("article")).to_contain_text("Day 30 was")
    page.keyboard.press("Enter")  # the focus stays on what was pressed
    expect(page.locator("article")).to_contain_text("Day 40 was")
    page.get_by_role("link", name="Previous").press("Enter")
    expect(page.locator("article")).to_contain_text("Day 30 was")
    assert page.evaluate("location.hash") == f"#level=o-high&id={30:016x}"
    page.get_by_role("link", name="Costs").press("Enter")
    page.get_by_role("link", name="Dialogues").press("Enter")
    expect(page.locator("article")).to_contain_text("Day 30 was")


def test_a_phone_shows_the_list_or_the_dialogue_and_pages_turn(address: str, visit: Visit) -> None:
    page = at(visit(*PHONE), address)
    expect(page.locator("article")).to_be_hidden()
    page.get_by_role("link", name="Next page").click()
    expect(page.locator("#list a")).to_have_count(20)
    page.locator("#list a").nth(12).click()
    expect(page.locator("#list")).to_be_hidden()
    expect(page.locator("#reading-title")).to_be_focused()
    assert 0 <= page.locator("#reading-title").bounding_box()["y"] < 200
    page.get_by_role("link", name="Back to the list").click()
    expect(page.locator("#list a")).to_have_count(20)
    expect(page.locator("article")).to_be_hidden()


def test_nothing_that_a_dialogue_says_becomes_part_of_the_page(tmp_path: Path, visit: Visit) -> None:
    turns = (Turn(role="questioner", text=HOSTILE), Turn(role="discloser", text=HOSTILE))
    hostile = shown(1, turns=turns, sentence=HOSTILE, label_reason=HOSTILE, facet=HOSTILE, detail=HOSTILE)
    plain = shown(2, CODES[1])
    page = visit()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("dialog", lambda dialog: requests.append(dialog.message))
    address = written(tmp_path / "page.html", [hostile, plain])
    at(page, f"{address}#id={1:016x}")
    expect(page.locator(".said").first).to_contain_text("</script><script>alert(1)</script><img")
    assert page.locator("article img, article script").count() == 0
    assert requests == [address]
    with pytest.raises(Exception, match="Failed to fetch"):
        page.evaluate("fetch('https://example.com/')")


def test_a_file_that_was_cut_off_says_so(tmp_path: Path, visit: Visit) -> None:
    path = tmp_path / "page.html"
    write_page(content([shown(1)]), path)
    text = path.read_text()
    start = text.index('id="index">') + 30
    path.write_text(text[:start] + "AAAA" + text[start + 4 :])
    page = visit()
    page.goto(path.as_uri())
    expect(page.locator("#count")).to_contain_text("cannot be read")


def test_red_is_for_what_failed_and_not_for_what_nobody_checked(visit: Visit, tmp_path: Path) -> None:
    rows = [shown(1, state="unchecked", verdict=None), shown(2, state="gate:length", detail="3 turns")]
    page = at(visit(), written(tmp_path / "page.html", rows))
    expect(page.locator("#list .bad")).to_have_text(["gate: length"])
    page.locator("#list a").first.click()
    expect(page.locator(".pill")).to_have_text("unchecked")
    expect(page.locator(".pill.bad")).to_have_count(0)
