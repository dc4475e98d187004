"""Annotators talk with a served model and rate it, in a real browser, against real servers."""

import contextlib
import csv
import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from oceanchat.annotation import accounts, conversations, labels, qualification
from oceanchat.annotation.evaluation import EvaluationConfig, create_evaluation, parse_system
from oceanchat.annotation.starting_questions import load_questions
from oceanchat.prompts import open_prompts
from oceanchat.store.annotators import Annotator
from oceanchat.store.conversations import StoredTurn
from oceanchat.store.ratings import rating_table
from preact.training.train import train
from tests.annotation_app.conftest import sign_in, token, wait_for_other
from tests.annotation_app.running import RunningApp, http_get, http_post, running
from tests.annotation_app.test_leading import faults
from tests.oceanchat.annotation.talks import evaluated
from tests.preact.conftest import micro_config, release_rows, write_rows
from tests.preact.serving.served import SERVE
from tests.processes import children, free_port, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]


class Serving:
    """The app, and a tiny model behind `preact serve` that can be killed and started again."""

    def __init__(self, app: RunningApp, run: Path, spawn: Any) -> None:
        self.app, self._run, self._spawn = app, run, spawn
        self.port = free_port()
        self.model: Any = None

    def serve(self) -> None:
        """Start the model and wait until it answers."""
        line = [
            sys.executable,
            "-c",
            SERVE,
            "serve",
            str(self._run),
            "--port",
            str(self.port),
            "--threads",
            "1",
        ]
        with (self.app.folder / "serve.log").open("ab") as log:
            self.model = self._spawn(line, stderr=log)
        wait_until(self._answers, self.model)

    def _answers(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return http_get(f"http://127.0.0.1:{self.port}/health").status_code == 200
        return False

    def evaluate(self, *names: str, count: int, **config: Any) -> list[Annotator]:
        """A further evaluation for these people, who have described the styles."""
        store = self.app.store
        url = f"http://127.0.0.1:{self.port}/v1"
        settings = {
            "systems": (parse_system(f"tiny={url}#preact:"),),
            "min_seconds": 0,
            "max_tokens": 16,
            "annotators": 9,
        } | config
        questions = [question for question in load_questions("bundled") if question.id.endswith("-01")][
            :count
        ]
        create_evaluation(
            store, EvaluationConfig.model_validate(settings), questions, open_prompts(), another=True
        )
        for name in names:
            self.app.account(name)
        people = [accounts.find(store, name) for name in names]
        for person in people:
            accounts.admit(store, person)
            while (item := qualification.style_status(store, person, open_prompts()).item) is not None:
                labels.save(store, person, item.token, {"high": "says a lot more", "low": "says rather less"})
        return people

    def turns(self, person: Annotator) -> list[StoredTurn]:
        """Of the conversation that somebody is in the middle of."""
        newest = conversations.newest_evaluation(self.app.store)
        assert newest is not None
        item = conversations.next_conversation(self.app.store, person, newest.id).item
        assert item is not None
        return conversations.turns_for(self.app.store, item.assignment)


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("rating")
    release = folder / "ocean-chat-9.9.9"
    for split in ("train", "validation", "test"):
        write_rows(release, split, release_rows(split, 1))
    train(micro_config(release, folder / "preact", max_steps=2), lambda line: None)
    with children() as spawn, running(folder) as app:
        served = Serving(app, folder / "preact", spawn)
        served.serve()
        served.evaluate(count=1)
        app.start()
        yield served


def answered(page: Page, number: int) -> None:
    expect(page.locator(".status")).to_contain_text(f"Answer {number} of 5")


def exchanged(page: Page, number: int) -> None:
    """The same where the answer may have come before a reload, which shows no receipt."""
    expect(page.locator(".lock")).to_contain_text(f"{number} of 5 exchanges")


def say(page: Page, number: int, text: str = "") -> None:
    page.locator("#message").fill(text or f"And what about number {number}?")
    page.keyboard.press("Enter")


def test_three_annotators_rate_five_conversations_each(serving: Serving, visit: Visit) -> None:
    serving.evaluate("Ann", "Ben", "Cas", count=5)
    pages = {name: visit() for name in ("Ann", "Ben", "Cas")}
    for name, page in pages.items():
        sign_in(page, serving.app, name)
    remaining = dict.fromkeys(pages, 5)
    while any(remaining.values()):
        for name, page in pages.items():
            if not remaining[name]:
                continue
            again = page.get_by_role("button", name="Look again")
            item = page.locator(".item[data-token]")
            expect(item.or_(again)).to_be_visible()
            if again.is_visible():
                again.click()
                continue
            remaining[name] -= _hold_and_rate(page)
    for page in pages.values():
        expect(page.get_by_role("heading", name="All done. Thank you!")).to_be_visible()
    with serving.app.store.reading() as connection:
        rows = rating_table(connection)
    assert len(rows) == 15 and len({row["conversation_id"] for row in rows}) == 5
    assert {row["model"] for row in rows} == {f"preact:{t.lower()}-high" for t in "OCEAN"}
    assert all(len(row["answer_hashes"].split()) == 5 for row in rows)
    assert {(row["alignment"], row["naturalness"], row["coherence"]) for row in rows} == {(1, 5, 5)}
    serving.app.account("Lea", "lead")
    answer = http_get(f"{serving.app.url}/annotation/ratings.csv", cookies=serving.app.cookie("Lea"))
    assert len(list(csv.DictReader(io.StringIO(answer.text)))) == 15 and "\r" not in answer.text


def _hold_and_rate(page: Page) -> int:
    """Go on with the conversation on the page, if it is not over, and give full marks."""
    old = token(page)
    if page.locator(".lock").is_visible():
        answered(page, 1)
        for number in range(2, 6):
            say(page, number)
            answered(page, number)
    for key in ("1", "5", "5", "Enter"):
        page.keyboard.press(key)
    wait_for_other(page, old)
    return 1


def test_nothing_is_lost_to_reloads_a_dead_model_and_a_second_tab(serving: Serving, visit: Visit) -> None:
    (eve,) = serving.evaluate("Eve", count=1, unit="live")
    page = visit()
    sign_in(page, serving.app, "Eve")
    answered(page, 1)
    old = token(page)
    cookies, url = serving.app.cookie("Eve"), f"{serving.app.url}/annotation"
    crafted = {"token": old, "answers": {"alignment": "1", "naturalness": "5", "coherence": "5"}}
    refused = http_post(f"{url}/label", json=crafted, cookies=cookies)
    assert refused.status_code == 409 and "scores open after" in refused.json()["error"]
    serving.model.kill()
    serving.model.wait()
    say(page, 2, "Are you still there?")
    expect(page.locator(".status")).to_contain_text("does not answer at the moment")
    page.reload()
    expect(page.get_by_text("Are you still there?")).to_be_visible()
    expect(page.locator(".status")).to_contain_text("does not answer at the moment")
    page.get_by_role("button", name="Later").click()  # nothing else is left: it comes again
    serving.serve()
    exchanged(page, 2)
    page.locator("#message").fill("half a messa")
    wait_until(lambda: _draft(serving, eve) == "half a messa")
    page.reload()
    expect(page.locator("#message")).to_have_value("half a messa")
    serving.app.kill()
    expect(page.get_by_role("dialog", name="Connection error")).to_be_visible()
    page.keyboard.type("ge")
    expect(page.locator("#message")).to_have_value("half a message")
    serving.app.start()
    other = page.context.new_page()
    other.goto(serving.app.url)
    token(other)
    say(page, 3)
    wait_until(lambda: serving.turns(eve)[-1].number == 3)
    page.reload()
    exchanged(page, 3)
    other.locator("#message").fill("Typed in the other tab")
    other.keyboard.press("Enter")
    expect(other.locator(".status")).to_contain_text("went on in another tab")
    expect(other.locator("#message")).to_have_value("Typed in the other tab")
    expect(other.locator(".turn")).to_have_count(6)
    for number in (4, 5):
        assert http_post(f"{url}/label", json=crafted, cookies=cookies).status_code == 409
        say(page, number)
        answered(page, number)
    assert faults(page) == []
    texts = [turn.text for turn in serving.turns(eve) if turn.role == "questioner"]
    assert texts[1:] == ["Are you still there?", *(f"And what about number {n}?" for n in (3, 4, 5))]
    for key in ("1", "4", "Backspace", "3", "5", "Enter"):
        page.keyboard.press(key)
    expect(page.locator(".status")).to_contain_text("needs a comment")
    page.keyboard.type("rather stiff")
    page.keyboard.press("Control+Enter")
    wait_for_other(page, old)
    with serving.app.store.reading() as connection:
        (row,) = rating_table(connection)
    assert (row["alignment"], row["naturalness"], row["coherence"]) == (1, 3, 5)
    assert row["comment"] == "rather stiff"


def _draft(serving: Serving, person: Annotator) -> str:
    newest = conversations.newest_evaluation(serving.app.store)
    assert newest is not None
    item = conversations.next_conversation(serving.app.store, person, newest.id).item
    return "" if item is None else item.answers.get("message", "")


def test_styles_are_described_before_anything_is_rated(app: RunningApp, visit: Visit) -> None:
    evaluated(app.store, ())
    app.account("Dan")
    app.start()
    page = visit(390, 844, "dark")
    sign_in(page, app, "Dan")
    page.get_by_role("button", name="I have read them").click()
    for number in range(5):
        old = token(page)
        expect(page.locator(".caption")).to_contain_text(f"trait {number + 1} of 5")
        page.locator("#high").fill("asks many new questions")
        page.locator("#low").fill("keeps to the point")
        page.keyboard.press("Control+Enter")
        wait_for_other(page, old)
        compared = token(page)
        expect(page.get_by_text("Yours and ours")).to_be_visible()
        page.keyboard.press("Enter")
        wait_for_other(page, compared)
    expect(page.locator(".lock")).to_be_visible()
    assert faults(page) == []
