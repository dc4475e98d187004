"""Every layout gives the same dialogue, and whatever a record holds it is a dialogue or a problem."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import InputError
from oceanchat.pipeline.import_format import dialogue_of
from oceanchat.pipeline.import_layouts import opened
from oceanchat.records import Dialogue
from oceanchat.traits import TraitLevel

ASKED, TOLD = "How was the exam?", "I shook all through it."
PLAIN = {
    "trait": "N",
    "level": "high",
    "turns": [{"role": "questioner", "text": ASKED}, {"role": "discloser", "text": TOLD}],
}
SHAREGPT = [
    {"from": "system", "value": "Be kind."},
    {"from": "human", "value": ASKED},
    {"from": "gpt", "value": TOLD},
]
OPENAI = [
    {"role": "developer", "content": "Be kind."},
    {"role": "user", "content": [{"type": "text", "text": ASKED}, {"type": "image_url", "image_url": {}}]},
    {"role": "assistant", "content": TOLD, "refusal": None, "tool_calls": []},
]
SDIALOG = {
    "version": "0.4.2",
    "model": {"name": "m"},
    "id": "x",
    "context": None,
    "events": [{"agent": "Ada", "action": "utter", "content": ASKED}],
    "turns": [{"speaker": "Ada", "text": ASKED}, {"speaker": "Ben", "text": TOLD}],
}
LAYOUTS: list[dict[str, Any]] = [
    {"trait_level": "N+", "conversations": SHAREGPT},
    {"trait": "Neuroticism", "level": "High", "conversation": json.dumps(SHAREGPT)},
    {"metadata": {"trait": "N", "level": "high"}, "messages": OPENAI},
    {"label": "high Neuroticism", "messages": str(OPENAI)},
    {**SDIALOG, "scenario": {"trait": "N", "level": "high"}},
    {**SDIALOG, "personas": {"Ada": {"name": "Ada"}, "Ben": {"personality": "N+", "_metadata": None}}},
    {**SDIALOG, "personas": {"Ada": {"politeness": "high"}, "Ben": {"trait": "N", "level": "high"}}},
    {
        "id": 7,
        "project": 1,
        "data": {**PLAIN, "id": "d1"},
        "annotations": [{"id": 1, "result": []}],
        "meta": {},
    },
    {"id": "d1", "fields": {"talk": OPENAI, "note": "x"}, "metadata": {"trait_level": "N+"}, "responses": {}},
    {"id": "d1", "fields": {"messages": OPENAI}, "metadata": {"trait_level": "N+"}, "responses": {}},
    {"id": "d1", "chat": OPENAI, "trait_level": "N+", "shown.responses": None},
    {"trait_level": "N+", "turn_1_role": "questioner", "turn_1_text": ASKED, "turn_2_role": "discloser"}
    | {"turn_2_text": TOLD, "turn_3_role": "", "turn_3_text": ""},
]


@pytest.mark.parametrize("record", LAYOUTS)
def test_every_layout_gives_the_same_dialogue(record: dict[str, Any]) -> None:
    dialogue = dialogue_of(record, 1, "f")
    assert dialogue.id == dialogue_of(PLAIN, 1, "f").id


def test_the_speaker_whom_the_label_describes_is_the_discloser() -> None:
    personas = {"Ada": {"trait": "N", "level": "low"}, "Ben": {"name": "Ben"}}
    roles = [turn.role for turn in dialogue_of({**SDIALOG, "personas": personas}, 1, "f").turns]
    assert roles == ["discloser", "questioner"]


def test_records_without_a_label_take_the_default_or_say_what_is_missing() -> None:
    record = {"conversations": SHAREGPT}
    assert dialogue_of(record, 1, "f", TraitLevel.parse("N+")).trait_level.code == "N+"
    with pytest.raises(InputError, match=r"'trait' is missing.*--trait-level"):
        dialogue_of(record, 1, "f")


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        ([*SDIALOG["turns"], {"speaker": "Cleo", "text": "Me too."}], "turn 1 has the role 'Ada'"),
        ([{"text": ASKED}, {"text": TOLD}], "turn 1 has the role ''"),
        (SHAREGPT[:2], "1 turn; a dialogue"),
        ([{"role": "user", "content": [{"type": "image"}]}, *OPENAI[1:]], "turn 1 has no text"),
    ],
)
def test_what_is_wrong_with_turns_is_named(turns: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        dialogue_of({**PLAIN, "turns": turns}, 1, "f")


def test_cells_that_hold_lists_are_opened() -> None:
    for value, content in (
        ('[{"a": 1}]', [{"a": 1}]),
        ("[{'a': None}]", [{"a": None}]),
        ("[" * 5000, "[" * 5000),
        ("{not", "{not"),
        ("plain", "plain"),
        (None, None),
    ):
        assert opened(value) == content


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    (
        "trait",
        "level",
        "turns",
        "messages",
        "fields",
        "data",
        "verdict",
        "provenance",
        "personas",
        "speakers",
        "meta",
        "state",
    )
) | st.sampled_from(("conversations", "scenario", "turn_1_text", "turn_2_role", "author", "seed", "facet"))


@given(st.sampled_from([*LAYOUTS, PLAIN]), st.dictionaries(KEYS, JSON, max_size=4))
def test_any_record_is_a_dialogue_or_a_problem(record: dict[str, Any], changes: dict[str, Any]) -> None:
    try:
        dialogue = dialogue_of({**record, **changes}, 1, "f")
    except InputError as error:
        assert str(error)
    else:
        assert Dialogue.model_validate_json(dialogue.model_dump_json()) == dialogue
