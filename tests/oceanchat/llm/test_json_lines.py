"""Replies in JSON are read as the lines they stand for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.json_lines import lines_of_json


@pytest.mark.parametrize(
    ("reply", "lines"),
    [
        ('{"label": "neutral", "strength": 4}', "label: neutral\nstrength: 4"),
        ('{"turns": [{"role": "Questioner", "text": "How?"}]}', "Questioner: How?"),
        ('{"speaker": "Q", "line": "How?"}\n{"speaker": "A", "line": "So."}', "Q: How?\nA: So."),
        (
            '{"conversation": ["Questioner: How?", "Self-discloser: So."]}',
            "Questioner: How?\nSelf-discloser: So.",
        ),
        ('{"result": ["Openness-high", "Neuroticism-low"]}', "result: Openness-high, Neuroticism-low"),
        ('{"result": {"Openness": "high"}}', "result: Openness-high"),
        ('{"result": [{"trait": "Openness", "level": "high"}]}', "result: Openness-high"),
        ('{"label": null}', "label:"),
        ('Here you are:\n{"label": "neutral"}\nDone.', "label: neutral"),
        ("[End of conversation]", None),
        ("{broken", None),
        ("Label: neutral", None),
        ("[" * 5000, None),
    ],
)
def test_json_becomes_lines(reply: str, lines: str | None) -> None:
    read = lines_of_json(reply)
    assert (read if read is None else read.strip()) == lines


@given(st.text() | st.text().map("{{{}".format))
def test_any_text_is_json_or_none(reply: str) -> None:
    assert lines_of_json(reply) is None or isinstance(lines_of_json(reply), str)
