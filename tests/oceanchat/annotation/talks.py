"""Evaluations under way, for tests: what the models say is scripted here."""

import time
from collections.abc import Callable, Sequence

import httpx

from oceanchat.annotation import conversations, labels
from oceanchat.annotation.conversations import Request, newest_evaluation
from oceanchat.annotation.evaluation import EvaluationConfig, create_evaluation, parse_system
from oceanchat.annotation.labels import PresentedItem
from oceanchat.annotation.starting_questions import StartingQuestion
from oceanchat.prompts import open_prompts
from oceanchat.store.annotators import Annotator
from oceanchat.store.conversations import StoredTurn
from oceanchat.store.database import Store
from oceanchat.store.samples import Sample
from oceanchat.traits import TRAIT_LEVELS
from tests.oceanchat.annotation.scenes import people
from tests.processes import PATIENCE

FULL = {"alignment": "1", "naturalness": "5", "coherence": "5"}
URL = "http://127.0.0.1:9/v1"
SYSTEMS = (f"preact={URL}#preact:", f"prompt=prompted:{URL}#base")


def questions(levels: int) -> list[StartingQuestion]:
    return [
        StartingQuestion(f"{level.name}-01", level, f"How was day {number}?")
        for number, level in enumerate(TRAIT_LEVELS[:levels])
    ]


def evaluated(
    store: Store,
    names: Sequence[str] = ("Ann", "Ben", "Cas"),
    levels: int = 1,
    systems: Sequence[str] = SYSTEMS,
    **config: object,
) -> list[Annotator]:
    """One starting question a trait-level, shared among qualified annotators."""
    team = people(store, *names)
    settings = {"systems": tuple(map(parse_system, systems)), "min_seconds": 0} | config
    create_evaluation(store, EvaluationConfig.model_validate(settings), questions(levels), open_prompts())
    return team


def evaluation_of(store: Store) -> Sample:
    newest = newest_evaluation(store)
    assert newest is not None
    return newest


def next_cell(store: Store, person: Annotator) -> PresentedItem:
    item = conversations.next_conversation(store, person, evaluation_of(store).id).item
    assert item is not None
    return item


def exchange(store: Store, person: Annotator, token: str, number: int, text: str = "") -> StoredTurn:
    """Say something and let the scripted model answer."""
    asked = conversations.say(store, person, token, number, text or f"Message {number}?")
    if isinstance(asked, StoredTurn):
        return asked
    assert isinstance(asked, Request)
    return conversations.store_answer(store, asked, f"Scripted answer {number}.")


def hold(store: Store, person: Annotator, presented: PresentedItem) -> None:
    """All five exchanges."""
    for number in range(1, 6):
        exchange(store, person, presented.token, number)


def talk(store: Store, person: Annotator, presented: PresentedItem) -> None:
    """All five exchanges with the model behind its endpoint."""
    for number in range(1, 6):
        asked = conversations.say(store, person, presented.token, number, f"Message {number}?")
        assert isinstance(asked, Request)
        body = asked.body | {"stream": False}
        reply = httpx.post(f"{asked.url}/chat/completions", json=body, timeout=PATIENCE).raise_for_status()
        conversations.store_answer(store, asked, reply.json()["choices"][0]["message"]["content"])


def rate_all(
    store: Store, person: Annotator, hold: Callable[[Store, Annotator, PresentedItem], None] = hold
) -> int:
    """Hold and rate all that somebody can reach now; returns how many."""
    done = 0
    while (item := conversations.next_conversation(store, person, evaluation_of(store).id).item) is not None:
        if not any(turn.number == 5 for turn in conversations.turns_for(store, item.assignment)):
            hold(store, person, item)
        labels.save(store, person, item.token, FULL, 30.0, now=time.time() + 60)
        done += 1
    return done
