"""Dialogues and stores for release tests: varied words from a seeded lottery, states as wished."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oceanchat.facets import FACETS
from oceanchat.records import (
    Candidate,
    Dialogue,
    Essay,
    ObservedTrait,
    Provenance,
    Role,
    SeedTopic,
    Sentence,
    Turn,
    Verdict,
    dialogue_id,
)
from oceanchat.store import builds as build_rows
from oceanchat.store.builds import BuildResult, StoredBuild
from oceanchat.store.corpora import StoredCorpus, add_essays, end_corpus
from oceanchat.store.database import Store
from oceanchat.traits import CODES, TraitLevel
from tests.stores import open_for_test

_THEMES = """
kitchen: soup pepper oven pan butter recipe onion flour stew garlic bakery spoon
sea: boat harbour tide anchor gull sail pier captain wave rope lighthouse crab
music: violin choir drum concert melody rehearsal trumpet stage ballad chord piano tuning
garden: tulip spade compost hedge seedling orchard rake watering bulb ivy petal greenhouse
school: teacher homework exam lecture chalk classroom essay library tutor campus grammar grade
mountain: summit glacier trail hut cliff backpack ridge avalanche valley boots meadow goat
"""
THEMES = {name: words.split() for name, words in (line.split(":") for line in _THEMES.strip().splitlines())}
_FILLER_WORDS = """
before after under beside while because almost never always quickly slowly gently roughly twice nearly between
against without toward behind across around perhaps instead however meanwhile
"""
_FILLER = _FILLER_WORDS.split()
NAMES = ("labeler", "writer", "checker")


def make_dialogue(number: int, code: str = "O+", *, model: str = "scripted", **changes: Any) -> Dialogue:
    """A passed dialogue about one theme; the same number and code give the same words."""
    trait_level = TraitLevel.parse(code)
    lottery = random.Random(f"{number} {code}")
    theme = list(THEMES)[number % len(THEMES)]
    words = THEMES[theme]
    speakers: tuple[tuple[Role, str], ...] = (("questioner", "?"), ("discloser", "."))
    turns = tuple(
        Turn(role=role, text=" ".join(lottery.sample(words, 4) + lottery.sample(_FILLER, 5)) + end)
        for _ in range(lottery.choice((3, 4, 5)))
        for role, end in speakers
    )
    state = str(changes.get("state", "passed"))
    number_id = dialogue_id(trait_level, turns)
    verdict = Verdict(
        dialogue_id=number_id,
        checker=model,
        passed=state == "passed",
        shown=(ObservedTrait(trait=trait_level.trait, level=trait_level.level),) if state == "passed" else (),
        reason="as the words show",
        check="strict",
    )
    fields: dict[str, Any] = {
        "id": number_id,
        "order": number,
        "trait": trait_level.trait,
        "level": trait_level.level,
        "facet": FACETS[trait_level.trait][number % 6].id,
        "seed_topic": f"I once wrote about {' '.join(lottery.sample(words, 3))} number {number} {code}.",
        "seed_topic_id": f"seed-{code}-{number}",
        "author": f"author-{number % 40}",
        "turns": turns,
        "state": state,
        "verdict": None if state.startswith("gate:") else verdict,
        "provenance": Provenance(
            corpus="corpus-1",
            sentence_id=f"sentence-{number}",
            mode="screenplay",
            prompts={},
            sampling={"temperature": 1.0, "top_p": 1.0},
            seed=0,
            **dict.fromkeys(NAMES, model),
        ),
    }
    return Dialogue(**{**fields, **changes})


def make_dialogues(each: int, **changes: Any) -> list[Dialogue]:
    """So many dialogues of every trait-level."""
    return [make_dialogue(n, code, **changes) for code in CODES for n in range(each)]


def make_store(path: Path | str, dialogues: Sequence[Dialogue], *, shareable: bool = True) -> Store:
    """A store whose builds ended with these dialogues, with seed topics and candidates that add up.

    It is closed after the test.
    """
    store = open_for_test(path)
    facts = {"essays": 1, "sentences": 1, "shareable": shareable, "licence": "CC0-1.0"}
    essay = Essay(id="e", author="author-1", text="I once wrote.")
    sentence = Sentence(id="s", essay_id="e", author="author-1", start=0, end=13, text="I once wrote.")
    with store.writing() as connection:
        add_essays(connection, "corpus-1", 0, [(essay, [sentence])])
        end_corpus(connection, StoredCorpus("corpus-1", "/home/somebody/essays.csv", facts))
        for code in CODES:
            mine = [d for d in dialogues if d.trait_level.code == code]
            if mine:
                result = BuildResult([_candidate(d) for d in mine], [_seed(d) for d in mine], mine)
                config = {"essays": "/home/somebody/essays.csv", "writer": mine[0].provenance.writer}
                build = StoredBuild("scripted", code, "corpus-1", "recipe", len(mine), config, 1.0)
                build_rows.replace_result(connection, build, result)
    return store


def _candidate(dialogue: Dialogue) -> Candidate:
    text = dialogue.seed_topic or ""
    sentence = Sentence(
        id=dialogue.seed_topic_id, essay_id="e", author=dialogue.author, start=0, end=len(text), text=text
    )
    return Candidate(
        sentence=sentence,
        trait=dialogue.trait,
        order=dialogue.order,
        state="selected",
        level=dialogue.level,
        facet=dialogue.facet,
        strength=3,
    )


def _seed(dialogue: Dialogue) -> SeedTopic:
    return SeedTopic(
        id=dialogue.seed_topic_id,
        order=dialogue.order,
        sentence_id="s",
        essay_id="e",
        author=dialogue.author,
        trait=dialogue.trait,
        level=dialogue.level,
        facet=dialogue.facet or "",
        strength=3,
        text=dialogue.seed_topic or "",
    )
