"""Stores in the middle of a validation, for tests."""

from collections.abc import Callable, Sequence

from oceanchat.annotation import accounts, adjudication, labels
from oceanchat.annotation.adjudication import Disagreement
from oceanchat.annotation.guidelines import KnownItem, known_items
from oceanchat.annotation.sample import SampleConfig, draw_sample
from oceanchat.prompts import open_prompts
from oceanchat.records import Dialogue, Turn, dialogue_id
from oceanchat.store import imports as import_rows
from oceanchat.store.annotators import Annotator
from oceanchat.store.database import Store
from oceanchat.traits import TRAIT_LEVELS, TraitLevel

GOOD = {"trait_shown": "yes", "coherent": "yes"}
BAD = {"trait_shown": "no", "coherent": "yes", "comment": "shows the opposite level"}
LATER = 10_000_000_000.0
"""A moment at which every least time is over."""


def dialogue(trait_level: TraitLevel, number: int, state: str = "passed") -> Dialogue:
    turns = (
        Turn(role="questioner", text=f"What was day {number} like?"),
        Turn(role="discloser", text=f"Day {number} was {trait_level.label}, as ever."),
    )
    return Dialogue(
        id=dialogue_id(trait_level, turns),
        order=number,
        source="imported",
        trait=trait_level.trait,
        level=trait_level.level,
        turns=turns,
        state=state,
    )


def fill(store: Store, each: int, rejected: int = 0) -> None:
    """Put dialogues of every trait-level into a store."""
    dialogues = [dialogue(level, n) for level in TRAIT_LEVELS for n in range(each)]
    dialogues += [dialogue(level, 1000 + n, "off-trait") for level in TRAIT_LEVELS for n in range(rejected)]
    with store.writing() as connection:
        import_rows.add_imported(connection, dialogues)


def people(store: Store, *names: str) -> list[Annotator]:
    """Annotators who have passed the qualification."""
    for name in names:
        accounts.admit(store, accounts.add(store, name).annotator)
    return [accounts.find(store, name) for name in names]


def sampled(
    store: Store, names: Sequence[str] = ("Ann", "Ben", "Cas"), each: int = 1, **config: object
) -> list[Annotator]:
    """Ten dialogues a unit of `each`, drawn and assigned to qualified annotators."""
    fill(store, each)
    team = people(store, *names)
    draw_sample(
        store, SampleConfig.model_validate({"per_trait_level": each, "min_seconds": 0} | config), gold()
    )
    return team


def gold() -> list[KnownItem]:
    return known_items(open_prompts())[10:]


def label_all(store: Store, person: Annotator, answer: Callable[[str], dict[str, str]]) -> int:
    """Answer everything on someone's list, by trait-level; returns how many."""
    done = 0
    while (presented := labels.next_item(store, person)) is not None:
        labels.save(store, person, presented.token, answer(presented.assignment.item.stratum), 30.0)
        done += 1
    return done


def disagreeing(store: Store) -> Annotator:
    """Ann and Ben find all valid; Cas finds O+ and C+ not, Ben neither C+. Returns the lead."""
    team = sampled(store, each=1)
    no = {"Ann": set(), "Ben": {"C+"}, "Cas": {"O+", "C+"}}
    for person in team:
        label_all(store, person, lambda level, who=person.name: BAD if level in no[who] else GOOD)
    return accounts.add(store, "Lea", "lead").annotator


def decide(store: Store, lead: Annotator, disagreement: Disagreement, answers: dict[str, str]) -> None:
    presented = adjudication.open_disagreement(store, lead, disagreement.item_id)
    labels.save(store, lead, presented.token, answers)
