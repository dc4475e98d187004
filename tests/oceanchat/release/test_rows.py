"""A dialogue becomes a row: roles, ids, seed topics, flags, and what is withheld."""

import pytest

from oceanchat.release.rows import (
    HumanLabel,
    Row,
    author_hash,
    decided_valid,
    rejected_row,
    released_row,
    row_id,
)
from tests.oceanchat.release.factories import make_dialogue


def label(valid: bool, decides: bool = False) -> HumanLabel:
    return HumanLabel(
        annotator="annotator-1", trait_shown=valid, coherent=True, valid=valid, decides=decides, comment=""
    )


def test_the_questioner_is_the_user_and_the_discloser_the_assistant() -> None:
    dialogue = make_dialogue(1)
    row = released_row(dialogue, "train", "text")
    assert [message.role for message in row.messages[:2]] == ["user", "assistant"]
    assert [message.content for message in row.messages] == [turn.text for turn in dialogue.turns]
    assert (row.trait_level, row.turns, row.split) == ("O+", len(dialogue.turns), "train")
    assert row.words == pytest.approx(dialogue.words_a_turn)


def test_the_id_follows_from_what_the_row_holds() -> None:
    row = released_row(make_dialogue(2), "test", "omit")
    assert row_id(row) == row.id
    changed = row.model_copy(update={"messages": row.messages[:-1]})
    assert row_id(changed) != row.id


@pytest.mark.parametrize("choice", ["text", "hash", "omit"])
def test_seed_topics_are_released_as_chosen(choice: str) -> None:
    dialogue = make_dialogue(3)
    row = released_row(dialogue, "train", choice)  # type: ignore[arg-type]
    released = row.model_dump_json()
    assert (str(dialogue.seed_topic) in released) == (choice == "text")
    assert (row.seed_topic or "").startswith("sha256:") == (choice == "hash")
    assert (row.seed_topic is None) == (choice == "omit")


def test_the_author_is_released_as_a_hash_only() -> None:
    dialogue = make_dialogue(4)
    row = released_row(dialogue, "train", "text")
    assert dialogue.author not in row.model_dump_json()
    assert row.provenance.author == author_hash(dialogue.author)
    assert author_hash("") == ""


def test_a_dialogue_that_repeats_its_essay_keeps_its_words_only_where_seed_topics_are_text() -> None:
    dialogue = make_dialogue(5, state="gate:copied")
    shown = rejected_row(dialogue, "gate:copied", "repeats the essay: 'a b c'", "text")
    withheld = rejected_row(dialogue, "gate:copied", "repeats the essay: 'a b c'", "hash")
    assert len(shown.messages) == len(dialogue.turns)
    assert withheld.messages == ()
    assert "words-withheld" in withheld.flags
    # People may have called it invalid beside that, which makes its words nobody else's.
    assert rejected_row(dialogue, "invalid", "turned down", "hash").messages == ()
    assert "a b c" not in withheld.model_dump_json()


def test_flags_name_scripted_rows_states_and_personal_data() -> None:
    turns = make_dialogue(6).turns
    telling = (*turns[:-1], turns[-1].model_copy(update={"text": "Write to me@example.org then."}))
    row = released_row(make_dialogue(6, source="imported", state="unchecked", turns=telling), "train", "text")
    assert row.flags == ("scripted", "imported", "unchecked", "email")
    assert row.scripted
    seed = make_dialogue(6, seed_topic="Write to me@example.org.")
    assert [released_row(seed, "train", choice).flags for choice in ("text", "hash")] == [
        ("scripted", "email"),
        ("scripted",),
    ]
    plain = released_row(make_dialogue(7, model="model-x"), "train", "text")
    assert plain.flags == ()
    assert not plain.scripted
    served = released_row(make_dialogue(7, model="scripted-http"), "train", "text")
    assert served.scripted
    assert served.flags == ("scripted",)


def test_the_majority_decides_unless_there_is_a_decision() -> None:
    assert decided_valid([label(True), label(True), label(False)]) is True
    assert decided_valid([label(True), label(False)]) is None
    assert decided_valid([]) is None
    assert decided_valid([label(True), label(True), label(False, decides=True)]) is False


def test_rows_read_back_as_they_were() -> None:
    row = released_row(make_dialogue(8), "train", "text", (label(True),))
    assert Row.model_validate_json(row.model_dump_json()) == row
