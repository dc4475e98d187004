"""Annotators at work in a real browser, against a real server."""

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing

import pytest
from playwright.sync_api import Page, expect

from oceanchat.annotation import accounts, labels, report
from oceanchat.store.presentations import presentations
from tests.annotation_app.conftest import answer, sign_in, token, wait_for_other
from tests.annotation_app.running import Proxy, RunningApp
from tests.processes import PATIENCE, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]


def test_three_annotators_label_twelve_items_each_and_the_lead_decides_the_split(
    app: RunningApp, visit: Visit
) -> None:
    app.sample(6, 2, names=("Ann", "Ben", "Cas"))
    app.start()
    pages = {name: visit() for name in ("Ann", "Ben", "Cas")}
    for name, page in pages.items():
        sign_in(page, app, name)
    for number in range(12):
        tokens = {name: token(page, settled=False) for name, page in pages.items()}
        pages["Ann"].wait_for_timeout(270)
        for name, page in pages.items():
            if name == "Cas" and page.locator(".title").inner_text() == "High Openness":
                for key in "23k":
                    page.keyboard.press(key)
                page.keyboard.type("<b>rather low</b> Openness")
                page.keyboard.press("Control+Enter")
            else:
                for key in ("1", "3", "Enter"):
                    page.keyboard.press(key)
        for name, page in pages.items():
            wait_for_other(page, tokens[name])
            if number < 11:
                expect(page.locator(".caption").first).to_have_text(f"{number + 1} of 12 answered")
    for page in pages.values():
        expect(page.get_by_role("heading", name="All done. Thank you!")).to_be_visible()
    assert Counter(label.annotator_id for label in app.labels()) == {1: 12, 2: 12, 3: 12}
    before = report.report(app.store)
    assert before.disagreements == 2 and before.pass_rate.value == 1.0 and before.decided == 0
    assert before.overall.unanimous.value == pytest.approx(10 / 12)
    lead = visit()
    sign_in(lead, app, "Lea")
    lead.get_by_role("link", name="Disagreements").click()
    expect(lead.get_by_text("<b>rather low</b> Openness")).to_be_visible()
    assert "Cas" not in lead.locator(".item").inner_text()
    answer(lead, "2", "3", "k", "n", "o", "Control+Enter")
    token(lead)
    after = report.report(app.store)
    assert (after.disagreements, after.decided) == (2, 1)
    assert after.pass_rate.value == 1.0
    assert after.pass_rate_after.value == pytest.approx(11 / 12)
    assert after.overall == before.overall
    lead.get_by_role("link", name="Agreement", exact=True).click()
    expect(lead.get_by_text("Pass rate").first).to_be_visible()
    expect(lead.get_by_text("Sample 1: 36 labels on 12 of 12 items")).to_be_visible()


def test_a_reload_in_the_middle_of_a_comment_loses_nothing(app: RunningApp, visit: Visit) -> None:
    app.sample(2, 1)
    app.start()
    page = visit()
    sign_in(page, app, "Ann")
    old = token(page)
    for key in "23k":
        page.keyboard.press(key)
    page.keyboard.type("the answers are the oppos")
    page.reload()
    assert token(page) == old
    assert page.locator("textarea").input_value() == "the answers are the oppos"
    assert page.locator("#trait_shown-no").is_checked() and page.locator("#coherent-yes").is_checked()
    elsewhere = visit()
    sign_in(elsewhere, app, "Ann")
    token(elsewhere)
    assert elsewhere.locator("textarea").input_value() == "the answers are the oppos"
    assert elsewhere.locator("#trait_shown-no").is_checked()


def test_a_server_killed_between_click_and_receipt_still_gets_the_label_once(
    app: RunningApp, visit: Visit
) -> None:
    app.sample(3, 1)
    app.start()
    page = visit()
    sign_in(page, app, "Ann")
    old = token(page)
    page.keyboard.press("1")
    page.keyboard.press("3")
    app.kill()
    page.keyboard.press("Enter")
    expect(page.locator(".status")).to_contain_text("No connection")
    assert app.labels() == []
    app.start()
    wait_for_other(page, old)
    answer(page, "1", "3", "Enter")
    token(page)
    assert len(app.labels()) == 2
    assert all(label.revision == 1 for label in app.labels())


def at_the_second_item(app: RunningApp, visit: Visit) -> tuple[Page, str]:
    """Ann's page, with one item answered, and the token of the next."""
    app.sample(3, 1)
    app.start()
    page = visit()
    sign_in(page, app, "Ann")
    answer(page, "1", "3", "Enter")
    return page, token(page)


def test_a_comment_goes_on_while_the_server_stops_and_starts(app: RunningApp, visit: Visit) -> None:
    """Streamlit's window over a page without a server takes the focus: its words must not become keys."""
    page, old = at_the_second_item(app, visit)
    for key in "23k":
        page.keyboard.press(key)
    comment = "not on the whole: turns 1 to 4 leave it out, u see, "
    page.keyboard.type(comment)
    app.kill()
    expect(page.get_by_role("dialog", name="Connection error")).to_be_visible(timeout=PATIENCE * 1000)
    page.mouse.click(640, 700)  # the pane behind the window, over the box: closes the window, leaves nothing
    starting = threading.Thread(target=app.start)
    starting.start()
    number = 0
    while starting.is_alive() or number < 60:
        words = f"{number}. like 1, 2, 3 and 4, "
        page.keyboard.type(words, delay=30)
        comment += words
        number += 1
        if not starting.is_alive() and page.get_by_role("dialog", name="Connection error").count() == 0:
            break
    for _ in range(2):  # the second time after a reload, which comes back to the box
        page.keyboard.type("and so on, 2 u.", delay=100)
        comment += "and so on, 2 u."
        assert token(page) == old
        assert page.locator("textarea").input_value() == comment
        assert page.locator("#trait_shown-no").is_checked() and page.locator("#coherent-yes").is_checked()
        page.reload()
        token(page)
    page.keyboard.press("Control+Enter")
    wait_for_other(page, old)
    assert sorted(label.answers.get("comment", "") for label in app.labels()) == ["", comment]


def test_an_item_is_answered_while_the_server_is_away(app: RunningApp, visit: Visit) -> None:
    """The first key closes Streamlit's window, and each does what it does without one."""
    page, old = at_the_second_item(app, visit)
    app.kill()
    window = page.get_by_role("dialog", name="Connection error")
    expect(window).to_be_visible(timeout=PATIENCE * 1000)
    page.keyboard.press("Enter")  # on the window's own button
    assert page.locator(".status.bad").count() == 0
    page.keyboard.type("23kno: 1 of 2, u see", delay=40)
    expect(window).to_have_count(0)
    assert page.locator("textarea").input_value() == "no: 1 of 2, u see"
    assert page.locator("#trait_shown-no").is_checked() and page.locator("#coherent-yes").is_checked()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".status")).to_contain_text("No connection")
    app.start()
    wait_for_other(page, old)
    assert sorted(label.answers.get("comment", "") for label in app.labels()) == ["", "no: 1 of 2, u see"]


def test_a_dropped_websocket_does_not_swallow_a_click(app: RunningApp, visit: Visit) -> None:
    app.sample(3, 1)
    app.start()
    with closing(Proxy(app.port)) as proxy:
        page = visit()
        sign_in(page, app, "Ann", proxy.url)
        old = token(page)
        page.keyboard.press("1")
        page.keyboard.press("3")
        proxy.cut()
        page.keyboard.press("Enter")
        expect(page.locator(".status")).to_contain_text("No connection")
        proxy.mend()
        wait_for_other(page, old)
        token(page)
    assert len(app.labels()) == 1


def test_arrow_keys_scroll_after_a_shortcut_and_choose_after_tab(app: RunningApp, visit: Visit) -> None:
    app.sample(2, 1)
    app.start()
    page = visit()
    sign_in(page, app, "Ann")
    token(page)
    for key in ("3", "2", "k"):
        page.keyboard.press(key)
    page.keyboard.type("the opposite level")
    for key in ("Escape", "2", "ArrowUp", "ArrowDown", "ArrowLeft"):
        page.keyboard.press(key)
    assert page.locator("#trait_shown-no").is_checked() and page.locator("#coherent-yes").is_checked()
    page.locator("label[for=coherent-no]").click()
    page.wait_for_timeout(100)
    page.keyboard.press("ArrowUp")
    assert page.locator("#coherent-no").is_checked()
    page.locator("#coherent-no").focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#coherent-yes").is_checked()


def test_keys_without_latin_letters_or_digits_answer_by_where_they_are(app: RunningApp, visit: Visit) -> None:
    app.sample(2, 1)
    app.start()
    page = visit()
    sign_in(page, app, "Ann")
    token(page)
    press = (
        "([key, code]) => document.body.dispatchEvent("
        "new KeyboardEvent('keydown', {key, code, bubbles: true}))"
    )
    for key, code in (("&", "Digit1"), ('"', "Digit3"), ("\u043b", "KeyK")):
        page.evaluate(press, [key, code])
    assert page.locator("#trait_shown-yes").is_checked() and page.locator("#coherent-yes").is_checked()
    assert page.evaluate("document.activeElement.shadowRoot.activeElement.name") == "comment"
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("dialog.keys")).to_contain_text("Go to the comment")
    page.keyboard.press("Escape")
    expect(page.locator("dialog.keys")).to_be_hidden()


def test_two_tabs_with_other_answers_are_told_and_compared(app: RunningApp, visit: Visit) -> None:
    app.sample(2, 1)
    app.start()
    first = visit()
    sign_in(first, app, "Ann")
    item = token(first)
    second = first.context.new_page()
    second.goto(app.url)
    assert token(second) == item
    answer(first, "1", "3", "Enter")
    for key in "23k":
        second.keyboard.press(key)
    second.keyboard.type("the opposite level")
    second.keyboard.press("Control+Enter")
    expect(second.locator(".status")).to_contain_text("answered in another tab")
    assert [label.value for label in app.labels()] == ["yes"]
    second.get_by_role("button", name="Open it again").click()
    expect(second.locator(".notice")).to_contain_text("Not saved")
    expect(second.locator(".notice")).to_contain_text("the opposite level")
    assert second.locator("#trait_shown-yes").is_checked()
    second.get_by_role("button", name="Use these answers").click()
    assert second.locator("#trait_shown-no").is_checked()
    old = token(second)
    second.keyboard.press("Control+Enter")
    wait_for_other(second, old)
    assert [(label.value, label.revision) for label in app.labels()] == [("no", 2)]


def test_back_and_undo_survive_a_restart_between(app: RunningApp, visit: Visit) -> None:
    app.sample(3, 1)
    app.start()
    page = visit()
    sign_in(page, app, "Ann")
    first = page.locator(".title").inner_text()
    answer(page, "1", "3", "Enter")
    old = token(page)
    app.kill()
    page.keyboard.press("b")
    app.start()
    wait_for_other(page, old)
    expect(page.locator(".title")).to_have_text(first)
    page.reload()
    expect(page.locator(".title")).to_have_text(first)
    answer(page, "n")
    old = token(page)
    app.kill()
    page.keyboard.press("u")
    expect(page.locator(".status")).to_contain_text("No connection")
    app.start()
    wait_for_other(page, old)
    expect(page.locator(".title")).to_have_text(first)
    assert app.labels() == []


def test_reading_time_outlives_the_tab(app: RunningApp, visit: Visit) -> None:
    app.sample(2, 1)
    app.start()
    page = visit()
    sign_in(page, app, "Ann")
    token(page)
    page.mouse.move(100, 300)
    page.wait_for_timeout(6500)
    page.close(run_before_unload=True)
    ann = accounts.find(app.store, "Ann")

    def seconds() -> float:
        presented = labels.next_item(app.store, ann)
        return 0.0 if presented is None else presented.active_seconds

    wait_until(lambda: seconds() >= 5)


def test_rapid_keys_label_nothing_that_was_not_read(app: RunningApp, visit: Visit) -> None:
    app.sample(5, 1, min_seconds=600)
    app.start()
    page = visit()
    sign_in(page, app, "Ann")
    token(page)
    for _ in range(5):
        for key in ("1", "3", "Enter"):
            page.keyboard.press(key)
            page.wait_for_timeout(60)
    expect(page.locator(".status")).to_contain_text("quicker than reading")
    assert app.labels() == []
    with app.store.writing() as connection:  # ten minutes later
        connection.execute(presentations.update().values(presented_at=presentations.c.presented_at - 600))
    answer(page, "Enter")
    assert len(app.labels()) == 1


def test_going_back_changes_a_label_and_undo_takes_one_away(app: RunningApp, visit: Visit) -> None:
    app.sample(4, 1)
    app.start()
    page = visit()
    sign_in(page, app, "Ann")
    first = page.locator(".title").inner_text()
    answer(page, "1", "3", "Enter")
    answer(page, "b")
    expect(page.locator(".title")).to_have_text(first)
    assert page.locator("#trait_shown-yes").is_checked()
    answer(page, "2", "k", "x", "Control+Enter")
    token(page)
    [changed] = app.labels()
    assert changed.value == "no" and changed.revision == 2
    answer(page, "u")
    expect(page.locator(".title")).to_have_text(first)
    assert page.locator("textarea").input_value() == "x"
    assert app.labels() == []


def test_scripts_and_markup_in_a_dialogue_stay_text(app: RunningApp, visit: Visit) -> None:
    evil = "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'> **b** [l](http://x)"
    app.sample(1, 1, text=evil)
    app.start()
    page = visit()
    sign_in(page, app, "Ann")
    token(page)
    assert page.locator(".turn.own .text").first.inner_text() == evil
    assert page.locator(".item img, .item script, .item a, .item b").count() == 0
    assert page.evaluate("window.hacked") is None


def test_a_no_without_a_comment_is_asked_for_one(app: RunningApp, visit: Visit) -> None:
    app.sample(1, 1)
    app.start()
    page = visit()
    sign_in(page, app, "Ann")
    token(page)
    page.keyboard.press("Enter")
    expect(page.locator(".status")).to_have_text("Please answer: High Openness shown?")
    for key in ("1", "4", "Enter"):
        page.keyboard.press(key)
    expect(page.locator(".status")).to_contain_text("needs a comment")
    assert page.evaluate("document.activeElement.shadowRoot.activeElement.name") == "comment"
    assert app.labels() == []


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_fit_their_width(app: RunningApp, visit: Visit, width: int) -> None:
    app.sample(2, 1, text="word " * 60 + "x" * 300)
    app.start()
    page = visit(width)
    sign_in(page, app, "Ann")
    token(page)
    wide = (
        "[...document.querySelectorAll('*')].some(e => e.scrollWidth > innerWidth + 1 && e.clientWidth > 0"
        " && !e.closest('[data-testid=stDataFrame]'))"
    )
    assert not page.evaluate(wide)
    lead = visit(width)
    sign_in(lead, app, "Lea")
    expect(lead.get_by_role("heading", name="Progress")).to_be_visible()
    expect(lead.get_by_test_id("stDataFrame").first).to_be_visible()
    assert not lead.evaluate(wide)
