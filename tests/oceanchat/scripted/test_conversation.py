"""Scripted dialogues: they pass the gates, keep to their topic, vary, and dual mode hangs together."""

import random
import re
from collections import Counter

import pytest

from oceanchat.llm.chat import Message
from oceanchat.near_duplicates import NearDuplicates
from oceanchat.pipeline.gates import GATES, Bounds, GateInput
from oceanchat.pipeline.synthesis import parse_dialogue, parse_theme
from oceanchat.prompts import open_prompts
from oceanchat.records import SeedTopic, Turn, transcript
from oceanchat.scripted.answers import answer
from oceanchat.scripted.conversation import DISCLOSER, QUESTIONER, intent_of, read_lines
from oceanchat.scripted.grammar import parts, readings
from oceanchat.scripted.lexica import FACET_LEVELS, FacetLevel
from oceanchat.scripted.model import reply_to
from oceanchat.scripted.topics import kind_of_theme, kinds, topics_in
from oceanchat.scripted.voice import voice_for
from oceanchat.traits import TRAIT_LEVELS, Level, Trait, TraitLevel

SEEDS = (
    "My roommate never washes a plate.",
    "I have a calculus test tomorrow at nine.",
    "My mom called while I was at the gym.",
    "I don't know what to write.",
    "The rain keeps coming through the window in my room.",
    "We drove to the beach with the whole team.",
)


def messages_for(facet_level: FacetLevel, seed_topic: str) -> tuple[Message, ...]:
    return open_prompts(None)["write"].fill(
        trait=facet_level.facet.trait.label,
        level=facet_level.level.value,
        description=facet_level.trait_level.description,
        facet=facet_level.facet.id,
        facet_description=facet_level.facet.description,
        other_traits="the other four",
        exchanges="5",
        words="80",
        seed_topic=seed_topic,
    )


def dialogue(facet_level: FacetLevel, seed_topic: str, sample: int = 0) -> tuple[Turn, ...]:
    turns = parse_dialogue(reply_to(messages_for(facet_level, seed_topic), sample))
    assert turns is not None
    return turns


@pytest.fixture(scope="module")
def written() -> list[tuple[FacetLevel, tuple[Turn, ...]]]:
    return [
        (facet_level, dialogue(facet_level, seed)) for facet_level in FACET_LEVELS.values() for seed in SEEDS
    ]


def test_every_dialogue_passes_the_gates(written: list[tuple[FacetLevel, tuple[Turn, ...]]]) -> None:
    for facet_level, turns in written:
        draft = GateInput(turns, "", Bounds(5, 80))
        for name, gate in GATES:
            assert gate(draft) is None, (name, facet_level.key, turns)


def test_no_slot_or_choice_is_left_unfilled(written: list[tuple[FacetLevel, tuple[Turn, ...]]]) -> None:
    for _, turns in written:
        assert not re.search(r"[{}|]|\(\w+\|", transcript(turns))


def test_few_dialogues_resemble_each_other(written: list[tuple[FacetLevel, tuple[Turn, ...]]]) -> None:
    seen, close = NearDuplicates(), 0
    for number, (_, turns) in enumerate(written):
        nearest = seen.closest(transcript(turns))
        close += nearest is not None and nearest.jaccard >= 0.5
        seen.add(str(number), transcript(turns))
    assert close / len(written) < 0.05


def test_opening_questions_vary(written: list[tuple[FacetLevel, tuple[Turn, ...]]]) -> None:
    openings = Counter(turns[0].text for _, turns in written)
    assert openings.most_common(1)[0][1] / len(written) <= 0.05


def test_high_extraversion_talks_longest(written: list[tuple[FacetLevel, tuple[Turn, ...]]]) -> None:
    means = {
        of: [
            len(t.text.split())
            for facet_level, turns in written
            if facet_level.trait_level == of
            for t in turns
        ]
        for of in TRAIT_LEVELS
    }
    longest = max(means, key=lambda of: sum(means[of]) / len(means[of]))
    assert longest == TraitLevel.parse("E+")


def test_the_seed_topic_is_taken_up() -> None:
    facet_level = FACET_LEVELS["self-discipline-low"]
    texts = [
        transcript(dialogue(facet_level, "I have a calculus test tomorrow.", sample)) for sample in range(20)
    ]
    assert sum("calculus" in text for text in texts) >= 18


def test_the_opening_question_does_not_know_the_seed_topic() -> None:
    for sample in range(20):
        opening = dialogue(FACET_LEVELS["anxiety-high"], "My roommate lost the calculus book.", sample)[
            0
        ].text
        assert not re.search("roommate|calculus|book", opening, re.IGNORECASE)


def test_every_line_of_the_parts_can_be_said() -> None:
    intents = ["start", "detail", "others", "after", "why", "usual", "ordinary", "next"]
    for facet_level in FACET_LEVELS.values():
        voice = voice_for(SEEDS[0], facet_level, "")._replace(weak=False)
        for story in range(4):
            for intent in intents:
                reply = answer(voice._replace(story=story), intent, random.Random(story))
                assert reply.strip()
                assert reply[0].isupper() or not reply[0].isalpha()


def test_a_weak_conversation_shows_less() -> None:
    facet_level = FACET_LEVELS["anxiety-high"]
    voice = voice_for(SEEDS[0], facet_level, "")
    plain = [answer(voice._replace(weak=True), "detail", random.Random(n)) for n in range(40)]
    telling = [answer(voice._replace(weak=False), "detail", random.Random(n)) for n in range(40)]
    assert len(set(plain)) > len(set(telling))


def test_dual_mode_asks_one_question_at_a_time_and_answers_it() -> None:
    prompts, conversation = open_prompts(None), ""
    facet_level = FACET_LEVELS["orderliness-low"]
    theme = reply_to(prompts["theme"].fill(seed_topic=SEEDS[1])).removeprefix("Theme: ")
    for _ in range(5):
        question = reply_to(
            prompts["question"].fill(theme=theme, number="1 of 5", words="80", conversation=conversation)
        )
        assert question.endswith(("?", ".")), question
        conversation += f"{QUESTIONER}: {question}\n"
        reply = reply_to(
            prompts["disclose"].fill(
                trait=facet_level.facet.trait.label,
                level=facet_level.level.value,
                description=facet_level.trait_level.description,
                facet=facet_level.facet.id,
                facet_description=facet_level.facet.description,
                other_traits="the other four",
                words="80",
                seed_topic=SEEDS[1],
                number="1 of 5",
                conversation=conversation,
            )
        )
        conversation += f"{DISCLOSER}: {reply}\n"
    lines = read_lines(conversation)
    assert [line.speaker for line in lines] == [QUESTIONER, DISCLOSER] * 5
    assert len({line.text for line in lines}) == 10


def test_follow_ups_are_recognised_for_what_they_ask() -> None:
    for intent, asks in parts("questions")["follow_up"].items():
        for ask in asks:
            for reading in readings(ask):
                assert intent_of(f"The kettle? {reading}", first=False) == intent


@pytest.mark.parametrize(
    ("question", "intent"),
    [
        ("Why do you think that is?", "why"),
        ("What will you do next?", "next"),
        ("What did your friends say?", "others"),
        ("Hm.", "detail"),
    ],
)
def test_other_questions_are_understood_by_what_they_ask_about(question: str, intent: str) -> None:
    assert intent_of(question, first=False) == intent


def test_themes_are_a_few_neutral_words_that_lead_back_to_their_kind() -> None:
    for kind, theme in kinds().items():
        assert 2 <= len(theme.split()) <= 5
        assert kind_of_theme(theme) == kind


def test_a_theme_is_accepted_even_for_a_short_seed_topic() -> None:
    for text in ("I am not worried.", "I hate him.", "My room is messy."):
        seed = SeedTopic(
            id="1",
            order=0,
            sentence_id="s",
            essay_id="e",
            author="a",
            trait=Trait.N,
            level=Level.LOW,
            facet="anxiety",
            strength=3,
            text=text,
        )
        reply = reply_to(open_prompts(None)["theme"].fill(seed_topic=text))
        assert parse_theme(reply, seed) is not None


def test_topics_are_found_in_the_order_they_are_named() -> None:
    assert [topic.phrase for topic in topics_in("My mom lost her keys.")] == ["my mother", "my keys"]
    assert topics_in("Zzz.") == []
