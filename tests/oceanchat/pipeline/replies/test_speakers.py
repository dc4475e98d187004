"""Labels are known under many names, and roles follow from names or from the other name."""

import pytest

from oceanchat.pipeline.replies.speakers import inline_labels, label_at, other_label_at, roles_of


@pytest.mark.parametrize(
    ("line", "name", "words"),
    [
        ("Questioner: How?", "questioner", "How?"),
        ("**Self-Discloser (laughs):** So.", "self-discloser", "So."),
        ("3. [Self discloser 2] So.", "self-discloser", "So."),
        ("Turn 4 - A: So.", "a", "So."),
        ("> Speaker 2 - So.", "speaker-2", "So."),
        ("### Questioner", "questioner", ""),
    ],
)
def test_a_label_is_known_in_its_dress(line: str, name: str, words: str) -> None:
    label = label_at(line)
    assert label is not None and (label.name, line[label.end :]) == (name, words)


@pytest.mark.parametrize(
    "line", ["A dog came by.", "Me", "Questioners ask.", "I asked the questioner: why?", ""]
)
def test_talk_begins_with_no_label(line: str) -> None:
    assert label_at(line) is None


def test_any_name_with_a_colon_may_be_a_speaker_but_notes_are_not() -> None:
    label = other_label_at("Anna: So.")
    assert label is not None and label.name == "anna" and not label.known
    assert other_label_at("Note: no names.") is None and other_label_at("so: no.") is None


def test_roles_depend_on_the_other_name() -> None:
    assert roles_of(["q", "a"]) == {"q": "questioner", "a": "discloser"}
    assert roles_of(["a", "b"]) == {"a": "questioner", "b": "discloser"}
    assert roles_of(["person-1", "person-2"]) == {"person-1": "questioner", "person-2": "discloser"}
    assert roles_of(["anna"]) == {}


def test_labels_inside_a_line_follow_the_end_of_a_sentence() -> None:
    line = "Questioner: How? Self-discloser: I said to the Questioner: so. A: no."
    assert [line[start:][:4] for start in inline_labels(line, letters=False)] == ["Self"]
    assert [line[start:][:2] for start in inline_labels(line, letters=True)] == ["Se", "A:"]
