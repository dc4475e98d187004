"""A server that is killed over and over loses no label and doubles none."""

import threading
import time

import httpx
import pytest

from oceanchat.annotation import accounts, labels
from tests.annotation_app.running import RunningApp

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]
ANSWERS = {"trait_shown": "yes", "coherent": "yes"}


def test_three_annotators_label_through_twelve_crashes(app: RunningApp) -> None:
    app.sample(10, 6, names=("Ann", "Ben", "Cas"))
    app.start()
    receipts: dict[str, int] = {}
    failures: list[BaseException] = []

    def work(name: str, cookie: dict[str, str]) -> None:
        try:
            person = accounts.find(app.store, name)
            while (presented := labels.next_item(app.store, person)) is not None:
                receipts[f"{name} {presented.assignment.item.id}"] = send(app, presented.token, cookie)
                time.sleep(0.1)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name, app.cookie(name))) for name in ("Ann", "Ben", "Cas")]
    for thread in threads:
        thread.start()
    crashes = 0
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.7)
        app.kill()
        app.start()
        crashes += 1
    assert not failures and crashes >= 12
    saved = app.labels()
    assert len(saved) == len(receipts) == 180
    assert all(label.revision == receipts[key] == 1 for label, key in zip(saved, receipts, strict=True))


def send(app: RunningApp, token: str, cookie: dict[str, str]) -> int:
    """Send a label until there is a receipt, as the page does; its revision."""
    while True:
        try:
            answer = httpx.post(
                f"{app.url}/annotation/label",
                json={"token": token, "answers": ANSWERS},
                cookies=cookie,
                timeout=5,
            )
            if answer.status_code == 200:
                return int(answer.json()["revision"])
        except httpx.HTTPError:
            time.sleep(0.1)
