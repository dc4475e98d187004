"""What `oceanchat` shows on a terminal of 80 columns, command by command."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from oceanchat.annotation import accounts, labels
from oceanchat.store.database import open_store
from tests.endpoint import Endpoint, prices_file
from tests.forks import DATA
from tests.oceanchat.annotation.talks import rate_all
from tests.processes import free_port
from tests.running import clean_environment
from tests.terminals import screen_of

LOADED = (*DATA, "oceanchat.release.verification", "oceanchat.release.writer", "oceanchat.annotation.report")
MODEL = "an-organization/A-Model-Whose-Name-Is-Long-70B-Instruct"
PAID = "--model MODEL --base-url URL --prices prices.toml"
RELEASE = "releases/ocean-chat-1.0.0-scripted"
COMMANDS = f"""
oceanchat
oceanchat demo
oceanchat build all --count 4
oceanchat build O+ --count 4
oceanchat build O+ --count 1 --store paid.db --yes {PAID}
oceanchat build O+ --count 1 --store faulty.db --yes {PAID.replace("URL", "FAULTY")} --concurrency 2
oceanchat build O+ --count 1 --store batched.db --yes {PAID} --batch --batch-poll 1
oceanchat status
oceanchat status --store paid.db
oceanchat show N+
oceanchat stats
oceanchat topics
oceanchat costs
oceanchat costs --store paid.db --prices prices.toml
oceanchat costs --store faulty.db --prices prices.toml
oceanchat retry --store faulty.db --base-url URL --prices prices.toml
oceanchat batches --store batched.db
oceanchat estimate all --model gpt-4o-mini --store new.db
oceanchat estimate O+ --count 2 --store pilot.db --pilot 1 {PAID}
oceanchat pending O+ --count 1 --output pending.jsonl --store asked.db {PAID}
oceanchat answers pending.jsonl --store asked.db; 3
oceanchat export dialogues --output dialogues.jsonl
oceanchat import dialogues.jsonl --store imported.db
oceanchat status --store imported.db
oceanchat backup copy.db
oceanchat sample --plan --annotators 3
oceanchat sample --per-trait-level 2 --annotators 3 --min-seconds 0
oceanchat annotators add Ann
oceanchat annotators add Lea
oceanchat annotators role Lea lead
oceanchat annotators add Ben
oceanchat annotators add Cas
oceanchat annotators admit Ann
oceanchat annotators admit Ben
oceanchat annotators admit Cas
oceanchat annotators profile Ann --background "studies psychology"
oceanchat annotators passcode Ann
oceanchat annotators list
oceanchat agreement
# label
oceanchat agreement
oceanchat export validations --output validations.csv
oceanchat release --version 1.0.0 --license cc0-1.0 --split-ratio 60/20/20
oceanchat release --version 1.1.0 --license cc0-1.0 --split-ratio 60/20/20 --balance length
oceanchat verify {RELEASE}
oceanchat diff {RELEASE} releases/ocean-chat-1.1.0-scripted
oceanchat publish {RELEASE} --repo me/ocean-chat; 1
oceanchat view --output page.html
oceanchat view --release {RELEASE} --output release.html
oceanchat doctor
oceanchat doctor --online --base-url URL --model MODEL; 1
oceanchat evaluation create --questions starts.csv --annotators 1 --min-seconds 0 --system a=URL#a:
oceanchat evaluation status
# rate
oceanchat evaluation status
oceanchat agreement --task evaluation
oceanchat annotators retire Cas --yes
oceanchat serve-scripted --port PORT; -9
oceanchat annotate --port PORT; -9
"""
"""What is typed, with the exit code where it is not 0."""
ENDLESS = {"serve-scripted": "asked for", "annotate": "http"}
"""Commands that run until they are stopped, and the last that they say at first."""


@pytest.fixture(scope="module")
def endpoints() -> Iterator[dict[str, str]]:
    """The scripted model behind two addresses; the second one loses some of its answers."""
    whole = Endpoint(reply=None)
    faulty = Endpoint(reply=None, rate_cut_off=0.2, rate_malformed=0.1, seed=3)
    yield {"URL": whole.url, "FAULTY": faulty.url}
    whole.close()
    faulty.close()


def label(folder: Path) -> None:
    """Three people label everything; one finds some of it not valid."""
    store = open_store(folder / "ocean-chat.db")
    for name in ("Ann", "Ben", "Cas"):
        person, number = accounts.find(store, name), 0
        while (item := labels.next_item(store, person)) is not None:
            shown = "no" if name == "Cas" and number % 5 == 0 else "yes"
            answers = {"trait_shown": shown, "coherent": "yes", "comment": "scripted"}
            labels.save(store, person, item.token, answers, 30.0)
            number += 1
    store.close()


def rate(folder: Path) -> None:
    """One person rates the one conversation."""
    store = open_store(folder / "ocean-chat.db")
    assert sum(rate_all(store, accounts.find(store, name)) for name in ("Ann", "Ben", "Cas")) == 1
    store.close()


@pytest.mark.timeout(600)
def test_no_screen_is_too_wide_or_says_a_thing_twice(tmp_path: Path, endpoints: dict[str, str]) -> None:
    prices = prices_file(tmp_path)
    prices.write_text(prices.read_text().replace('"served"', f'"{MODEL}"'))
    (tmp_path / "starts.csv").write_text("trait,level,question\nN,high,How was your day?\n")
    faults = ""
    for line in COMMANDS.strip().splitlines():
        if line in ("# label", "# rate"):
            {"# label": label, "# rate": rate}[line](tmp_path)
            continue
        command, _, code = line.partition(";")
        for name, value in (endpoints | {"MODEL": MODEL, "PORT": str(free_port())}).items():
            command = command.replace(name, value)
        until = ENDLESS.get(command.split()[-3]) if "--port" in command else None
        screen = screen_of(command, tmp_path, clean_environment(), loaded=LOADED, until=until)
        seen = [] if screen.code == int(code or 0) else [f"code {screen.code}: {screen.text}"]
        faults += "".join(f"{line}\n    {fault}\n" for fault in [*seen, *screen.faults()])
    assert not faults, faults
