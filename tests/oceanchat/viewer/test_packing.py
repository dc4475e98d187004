"""What is packed is what the script unpacks: all of it, and nothing that could be HTML."""

import base64
import json
import re
import zlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from oceanchat.records import Turn
from oceanchat.viewer.content import PromptText
from oceanchat.viewer.packing import CHUNK, SNIPPET, chunks, index, packed
from tests.oceanchat.viewer.factories import content, mixed, shown


def unpacked(text: str) -> Any:
    return json.loads(zlib.decompress(base64.b64decode(text)))


@given(st.text())
def test_any_text_comes_back_and_is_base64_on_the_way(text: str) -> None:
    on_the_way = packed({"text": text})
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", on_the_way)
    assert unpacked(on_the_way)["text"] == text.encode("utf-8", "replace").decode()


def test_the_index_has_a_row_for_each_dialogue_and_chunks_follow_its_order() -> None:
    dialogues = [shown(number) for number in range(CHUNK + 1)]
    rows = index(content(dialogues))["rows"]
    parts = list(chunks(dialogues))
    assert [row[0] for row in rows] == [d.id for d in dialogues]
    assert [len(part["dialogues"]) for part in parts] == [CHUNK, 1]
    assert parts[1]["dialogues"][0]["sentence"] == f"I once walked {CHUNK} miles."
    assert len(parts[0]["origins"]) == 1  # what all share is there once


def test_the_index_says_what_the_filters_offer() -> None:
    packed_index = index(content(mixed()))
    groups = {each["state"]: each["group"] for each in packed_index["states"]}
    assert groups == {
        "passed": "accepted", "gate:length": "rejected by a gate", "off-trait": "rejected by the checker",
    }  # fmt: skip
    assert {row[3] for row in packed_index["rows"]} == {"", "valid", "invalid", "divided"}
    assert [level["name"] for level in packed_index["levels"]][:2] == ["o-high", "c-high"]


def test_a_snippet_is_the_beginning_of_the_first_answer() -> None:
    answer = "word " * 60
    turns = (Turn(role="questioner", text="And?"), Turn(role="discloser", text=answer))
    [row] = index(content([shown(1, turns=turns)]))["rows"]
    assert row[4].startswith("word word") and row[4].endswith("word\u2026") and len(row[4]) <= SNIPPET + 1
    [without] = index(content([shown(1, turns=(), sentence=None)]))["rows"]
    assert without[4] == ""


def test_a_template_that_cannot_be_read_is_shown_whole_and_a_changed_one_not_at_all() -> None:
    prompts = [PromptText("write", "old", ""), PromptText("unknown", "new", "free text")]
    packed_prompts = index(content([shown(1)], prompts=prompts))["prompts"]
    assert packed_prompts == {"write old": [], "unknown new": [("template", "free text")]}
