"""Fields are found under any dress."""

import pytest

from oceanchat.llm.reply_fields import read_fields

NAMES = {"reason": "reason", "label": "label", "result": "label"}


@pytest.mark.parametrize(
    "text",
    [
        "Reason: a walk\nLabel: neutral",
        "**Reason:** a walk\n**Label**: `neutral`",
        "### Reason\na walk\n\n### Label\nneutral",
        "reason = a walk\n- LABEL: neutral",
        "Reason: a walk. Final label: neutral",
        "Reason: a walk | Label: neutral",
        "Reason:\n\na walk\nResult:\n- neutral",
        "Reason\uff1aa walk\nLabel\u00a0: neutral",
        "| Reason | a walk |\n| Label | neutral |",
    ],
)
def test_fields_are_read(text: str) -> None:
    assert [(name, value.strip(".- ")) for name, value in read_fields(text, NAMES)] == [
        ("reason", "a walk"),
        ("label", "neutral"),
    ]


def test_list_lines_belong_to_their_field_and_paragraphs_do_not() -> None:
    (field,) = read_fields("Result: a\n- b\n- c\n\nNote that this is no list.", NAMES)
    assert field.value == "a\n- b\n- c"


def test_a_name_inside_a_sentence_is_no_field() -> None:
    assert read_fields("The result is clear, for this reason too", NAMES) == []
