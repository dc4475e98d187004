"""Importing: names are read forgivingly, and what is missing is named line by line."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import InputError
from oceanchat.facets import FACETS
from oceanchat.pipeline.import_format import parse_dialogue, read_dialogues
from oceanchat.records import Dialogue
from oceanchat.traits import CODES, Level, Trait

ASKED, TOLD = "How was it?", "Loud and lovely."
TURNS = [{"role": "questioner", "text": ASKED}, {"role": "discloser", "text": TOLD}]
GOOD: dict[str, Any] = {
    "trait": "E",
    "level": "high",
    "facet": "activity level",
    "author": "a1",
    "seed": "I ran all day.",
    "reason": "always on the move",
    "turns": TURNS,
}


def line(**changes: Any) -> str:
    return json.dumps({key: value for key, value in {**GOOD, **changes}.items() if value is not None})


def test_every_field_finds_its_place() -> None:
    dialogue = parse_dialogue(line(), 7, "elsewhere.jsonl")
    assert (dialogue.trait, dialogue.level, dialogue.facet) == (Trait.E, Level.HIGH, "activity-level")
    assert (dialogue.seed_topic, dialogue.author, dialogue.seed_reason) == (
        "I ran all day.",
        "a1",
        "always on the move",
    )
    assert (dialogue.source, dialogue.state, dialogue.order, dialogue.provenance.corpus) == (
        "imported",
        "unchecked",
        7,
        "elsewhere.jsonl",
    )
    assert [turn.role for turn in dialogue.turns] == ["questioner", "discloser"]


@pytest.mark.parametrize(
    "changes",
    [
        {"trait": "extraversion", "level": "High"},
        {"trait": None, "level": None, "trait_level": "E+"},
        {"turns": None, "messages": [{"role": "user", "content": ASKED}, {"role": "gpt", "text": TOLD}]},
        {"turns": [{"from": "human", "value": ASKED}, {"from": "gpt", "value": TOLD}]},
        {"turns": [{"role": " Questioner", "text": f" {ASKED} "}, {"role": "Self_Discloser", "text": TOLD}]},
        {"facet": None, "seed": None, "author": None, "reason": None},
        {"unknown_key": [1, 2]},
    ],
)  # fmt: skip
def test_other_spellings_mean_the_same_dialogue(changes: dict[str, Any]) -> None:
    assert parse_dialogue(line(**changes), 1, "f").id == parse_dialogue(line(), 1, "f").id


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[1]", "not a JSON object"),
        (line(trait="X"), "trait 'X' is not known"),
        (line(trait="all"), "must be one trait and one level"),
        (line(level="medium"), "level 'medium' is not known"),
        (line(trait=None), "'trait' is missing"),
        (line(level=3), "'level' is missing"),
        (line(facet="kindness"), "facet 'kindness' is unknown"),
        (line(facet="anxiety"), "belongs to Neuroticism, not to Extraversion"),
        (line(turns=None), "'turns' is missing"),
        (line(turns=TURNS[:1]), "1 turn; a dialogue has at least a question and an answer"),
        (line(turns=[]), "0 turns"),
        (line(turns=[TURNS[0], {"role": "narrator", "text": "x"}]), "turn 2 has the role 'narrator'"),
        (line(turns=[TURNS[0], {"role": "discloser", "text": "  "}]), "turn 2 has no text"),
        (line(turns=[TURNS[0], {"role": "discloser"}]), "turn 2 has no text"),
        (line(turns=["hello", "you"]), "turn 1 is not an object"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_dialogue(text, 1, "f")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "trait": JSON | st.sampled_from("OCEAN"),
        "level": JSON | st.sampled_from(["high", "low"]),
        "trait_level": JSON | st.sampled_from(CODES),
        "facet": JSON | st.sampled_from([facet.id for facets in FACETS.values() for facet in facets]),
        "seed": JSON,
        "author": JSON,
        "turns": JSON
        | st.lists(
            st.fixed_dictionaries({"role": JSON | st.sampled_from(["user", "assistant"]), "text": JSON}),
            max_size=4,
        ),
    },
)


@given(NEARLY.map(json.dumps) | JSON.map(json.dumps) | st.text() | st.binary())
def test_any_line_is_a_dialogue_or_a_problem(text: str | bytes) -> None:
    try:
        dialogue = parse_dialogue(text, 1, "f")
    except InputError as error:
        assert str(error)
    else:
        assert Dialogue.model_validate_json(dialogue.model_dump_json()) == dialogue


def test_problems_carry_their_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.jsonl"
    rows = [line().encode(), b"", b"\xff\xfe not utf-8", line(author="b").encode(), b"{}"]
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(rows))
    content = read_dialogues(path)
    assert [d.order for d in content.dialogues] == [1, 4]
    assert [problem.line for problem in content.problems] == [3, 5]


def test_characters_no_database_takes_are_left_out() -> None:
    turns = [TURNS[0], {"role": "discloser", "text": "a\x00b \ud800 c"}]
    assert parse_dialogue(line(turns=turns), 1, "f").turns[1].text == "ab ? c"


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_dialogues(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="holds no dialogues"):
        read_dialogues(tmp_path)
    (tmp_path / "empty.jsonl").write_text("\n \n")
    with pytest.raises(InputError, match="is empty"):
        read_dialogues(tmp_path / "empty.jsonl")


def test_verdicts_of_our_own_are_kept_if_they_are_about_these_words() -> None:
    key = parse_dialogue(line(), 1, "f").id
    verdict = {
        "dialogue_id": key,
        "checker": "m",
        "passed": True,
        "reason": "lively",
        "check": "strict",
        "prompt": "p",
        "shown": [{"trait": "E", "level": "high"}],
    }
    own = parse_dialogue(line(state="passed", verdict=verdict), 1, "f")
    assert own.state == "passed" and own.verdict is not None and own.verdict.shown[0].code == "E+"
    released = {**verdict, "shown": ["E+", "N"]}
    del released["dialogue_id"], released["prompt"]
    other = parse_dialogue(
        line(provenance={"state": "off-trait", "verdict": {**released, "passed": False}}), 1, "f"
    )
    assert other.state == "off-trait" and other.verdict is not None
    assert [seen.code for seen in other.verdict.shown] == ["E+", "N"]
    for changes in (
        {"state": "passed", "verdict": {**verdict, "dialogue_id": "another"}},
        {"state": "passed", "verdict": {**verdict, "passed": False}},
        {"state": "passed", "verdict": {**verdict, "shown": [7]}},
        {"state": "passed", "verdict": "yes"},
        {"state": "passed"},
        {"state": "failed", "verdict": verdict},
    ):
        dialogue = parse_dialogue(line(**changes), 1, "f")
        assert (dialogue.state, dialogue.verdict) == ("unchecked", None)
