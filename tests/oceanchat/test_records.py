"""Records are frozen, ids are content, and every record survives the store's JSON."""

from hypothesis import given
from hypothesis import strategies as st

from oceanchat.records import Dialogue, Turn, content_id, dialogue_id, storable, transcript
from oceanchat.traits import TRAIT_LEVELS

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
TURNS = st.lists(
    st.builds(Turn, role=st.sampled_from(["questioner", "discloser"]), text=TEXT), min_size=1
).map(tuple)


@given(TURNS, st.sampled_from(TRAIT_LEVELS), TEXT)
def test_a_dialogue_survives_json(turns: tuple[Turn, ...], trait_level: object, topic: str) -> None:
    dialogue = Dialogue(
        id=dialogue_id(trait_level, turns),  # type: ignore[arg-type]
        trait=trait_level.trait,  # type: ignore[attr-defined]
        level=trait_level.level,  # type: ignore[attr-defined]
        turns=turns,
        seed_topic=topic,
    )
    assert Dialogue.model_validate_json(dialogue.model_dump_json()) == dialogue
    assert dialogue.text.count("uestioner: ") + dialogue.text.count("-discloser: ") >= len(turns)


@given(st.lists(st.text(), min_size=1), st.lists(st.text(), min_size=1))
def test_different_content_has_different_ids(one: list[str], other: list[str]) -> None:
    joined = [part.replace("\x1f", "") for part in one], [part.replace("\x1f", "") for part in other]
    assert (content_id(*joined[0]) == content_id(*joined[1])) == (joined[0] == joined[1])


def test_the_label_is_part_of_a_dialogues_id() -> None:
    turns = (Turn(role="questioner", text="How?"), Turn(role="discloser", text="So."))
    assert len({dialogue_id(trait_level, turns) for trait_level in TRAIT_LEVELS}) == 10
    assert transcript(turns) == "Questioner: How?\nSelf-discloser: So."


@given(st.text())
def test_any_text_becomes_one_that_can_be_stored(text: str) -> None:
    stored = storable(text)
    stored.encode("utf-8")
    assert "\x00" not in stored and len(stored) == len(text)
