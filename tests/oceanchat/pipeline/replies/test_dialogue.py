"""A dialogue is read whatever its dress, or it is asked for again: nobody's turn holds what was not said."""

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oceanchat.errors import UnreadableReply
from oceanchat.pipeline.replies.dialogue import parse_dialogue, read_dialogue
from oceanchat.records import Turn, transcript
from tests.oceanchat.pipeline.replies.dresses import DRESSED, FORMS, PAIRS, as_json, dialogue, dressed

TURNS = (Turn(role="questioner", text="How are you?"), Turn(role="discloser", text="Fine, thanks."))
LONG = dialogue(1)


@pytest.mark.parametrize(
    "reply",
    [
        "Questioner: How are you?\nSelf-discloser: Fine, thanks.",
        "**Questioner:** How are you?\n\n**Self-Discloser:** Fine, thanks.",
        "Here is the dialogue.\n1. Questioner: How are you?\n2. Self discloser: Fine,\n   thanks.",
        "Character1: How are you?\nCharacter2: Fine, thanks.",
        'Q: "How are you?"\nA: Fine, thanks.',
        "Questioner: How are you? Self-discloser: Fine, thanks.",
        "### Exchange 1\nQuestioner: How are you?\nSelf-discloser: Fine, thanks.",
        "Questioner: How are you?\nSelf-discloser (laughs): Fine, *thanks*. (shrugs)",
        "| Questioner | Self-discloser |\n|---|---|\n| How are you? | Fine, thanks. |",
        '<turn speaker="questioner">How are you?</turn>\n<turn speaker="self-discloser">Fine, thanks.</turn>',
        "Questioner: How are you?\n\n*He smiles.*\n\nSelf-discloser: Fine, thanks.",
        "I'm sorry, but I can't go on for long.\n\nQuestioner: How are you?\nSelf-discloser: Fine, thanks.",
        "Questioner: How are you?\\nSelf-discloser: Fine, thanks.",
        "(Questioner) How are you?\n(Self-discloser) Fine, thanks.",
        "Q1. How are you?\nA1. Fine, thanks.",
        "1.1 Questioner: How are you?\n1.2 Self-discloser: Fine, thanks.",
        "Questioner: what is asked\nSelf-discloser: what is answered\n\nQ: How are you?\nA: Fine, thanks.",
        "Dialogue 1\n\nQ: Who?\nA: I.\n\nDialogue 2\n\nQ: How are you?\nA: Fine, thanks.",
        "[INST]write[/INST] Questioner: How are you?\nSelf-discloser: Fine, thanks.</s>",
        '<div class="q"><b>Questioner</b>: How are you?</div><div>Self-discloser: Fine, thanks.</div>',
        'So:\n{"talk": [{"role": "Q", "text": "How are you?"}, {"role": "A", "text": "Fine, thanks."}]}\nOk?',
    ],
)
def test_a_dialogue_is_read_whatever_its_dress(reply: str) -> None:
    assert parse_dialogue(reply) == TURNS


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_the_speakers_go_by_many_names(pair: tuple[str, str]) -> None:
    assert parse_dialogue(dressed(LONG, pair, 0, ("", "", "{}", "\n"), True)) == LONG
    assert parse_dialogue(as_json(LONG, pair)) == LONG


@pytest.mark.parametrize("form", range(len(FORMS)))
def test_labels_come_in_many_forms(form: int) -> None:
    assert parse_dialogue(dressed(LONG, PAIRS[0], form, ("", "", "{}", "\n"), True)) == LONG


@pytest.mark.parametrize("name", ["Questioner", "Q", "ANNA"])
def test_names_stand_on_lines_of_their_own(name: str) -> None:
    names = {"Questioner": "Self-discloser", "Q": "A", "ANNA": "BEN"}
    for mark in ("**", "") if name == "ANNA" else ("**",):
        lines = (f"{mark}{name if t.role == 'questioner' else names[name]}{mark}\n{t.text}" for t in LONG)
        assert parse_dialogue("\n\n".join(lines)) == LONG


@pytest.mark.parametrize(
    "write",
    [
        lambda pairs: repr([{"role": who, "text": text} for who, text in pairs]),
        lambda pairs: repr(pairs),
        lambda pairs: json.dumps([{"role": who, "text": text} for who, text in pairs]).replace("}]", "},]"),
        lambda pairs: json.dumps({f"turn_{n}": {"speaker": w, "text": t} for n, (w, t) in enumerate(pairs)}),
        lambda pairs: json.dumps([{"speaker": who, "mood": "calm", "dialogue": text} for who, text in pairs]),
        lambda pairs: json.dumps({"dialogue": "\n".join(f"{who}: {text}" for who, text in pairs)}),
    ],
)
def test_other_data_is_read_too(write: Callable[[list[tuple[str, str]]], str]) -> None:
    names = {"questioner": "Questioner", "discloser": "Self-discloser"}
    assert parse_dialogue(write([(names[turn.role], turn.text) for turn in LONG])) == LONG


def test_a_dialogue_that_is_written_twice_counts_once() -> None:
    assert parse_dialogue(f"{transcript(LONG)}\n\n---\n\n{transcript(LONG)}") == LONG


@pytest.mark.parametrize("dress", ["{0}\n{1}", "Sure.\n\n{0}\n\n**Dialogue**\n\n{1}", "{1}\n\n{0}"])
def test_who_the_two_are_is_no_turn(dress: str) -> None:
    cast = "Questioner: a neutral friend\nSelf-discloser: an anxious student"
    assert parse_dialogue(dress.format(cast, transcript(LONG))) in (LONG, None)
    named = transcript(LONG).replace("Questioner:", "Anna:").replace("Self-discloser:", "Ben:")
    assert parse_dialogue(dress.format(cast, named)) in (LONG, None)


@settings(max_examples=300, deadline=None)
@given(DRESSED)
def test_a_dialogue_in_any_dress_comes_back_unchanged_or_not_at_all(
    case: tuple[tuple[Turn, ...], str],
) -> None:
    turns, reply = case
    assert parse_dialogue(reply) in (turns, None)


@given(st.integers(0, 999))
def test_a_clean_dialogue_is_left_exactly_as_it_is(seed: int) -> None:
    assert parse_dialogue(transcript(dialogue(seed))) == dialogue(seed)


@pytest.mark.parametrize(
    "text",
    [
        '"No worries lol." I\'ve been trying to work it out.',
        '"Hey," she said, "no."',
        '"No."',
        "I (finally) got up (it was noon).",
        "She said it's not five-ish.",
        "Five o'clock \u2014 no, six \u2013 and it's 3 * 4 feet.",
        "Well . . . I don't know :-)",
        "Sorry, I can't remember what we had.",
        "An A, the best grade? I got it once.",
        "Note to self, I said: buy bread.",
    ],
)
def test_what_is_said_is_left_exactly_as_it_is(text: str) -> None:
    reply = f"Questioner: How?\nSelf-discloser: {text}\nQuestioner: Why?\nSelf-discloser: I don't know."
    turns = parse_dialogue(reply)
    assert turns is not None and turns[1].text == text


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Just talk.",
        "Questioner: Alone?",
        "Questioner:\nSelf-discloser: Yes.",
        "Questioner: How?\nSelf-discloser: (laughs)",
        "<think>Questioner: How?\nSelf-discloser: So.",
        "Questioner: How?\nHe looks away.\nSelf-discloser: So.\nThen he goes home.\nQuestioner: Why?",
        "Questioner: How?\nSelf-discloser: So.\n\nA bus goes by.\n\nQuestioner: Why?\nSelf-discloser: No.",
        "Questioner: How?\nSelf-discloser: I said so and Questioner: why not?",
        "Questioner: How?\nSelf-discloser: It was <b>so</b> </aside> so.",
        "Questioner: How? Ann: So.\nQuestioner: Why? Ann: No.",
        "Questioner: How?\nSelf-discloser: So.\n\n## Final version\n\nAnn: How?\nBen: So.",
    ],
)
def test_what_is_not_clearly_a_dialogue_is_none(reply: str) -> None:
    assert parse_dialogue(reply) is None


def test_what_is_unclear_is_said() -> None:
    with pytest.raises(UnreadableReply, match=r"'A bus goes by\.' stands between two turns"):
        read_dialogue("Questioner: How?\nSelf-discloser: So.\n\nA bus goes by.\nQuestioner: Why?")


def test_a_sentence_a_line_is_one_utterance_where_a_speaker_follows() -> None:
    reply = (
        "Questioner: How?\nSelf-discloser: In the car.\nI didn't look.\nQuestioner: Why?\nSelf-discloser: So."
    )
    turns = parse_dialogue(reply)
    assert turns is not None and turns[1].text == "In the car. I didn't look."
    assert parse_dialogue("Questioner: How?\nSelf-discloser: In the car.\nI could add more turns.") is None


def test_wrapped_lines_are_one_utterance() -> None:
    reply = (
        "Questioner: What did you do today, and then\nwhat did you do tonight?\n"
        "Self-discloser: I slept till noon. Then I\nlooked for my shoes for an hour."
    )
    turns = parse_dialogue(reply)
    assert turns is not None and turns[1].text == "I slept till noon. Then I looked for my shoes for an hour."


@given(st.text())
def test_any_text_is_a_dialogue_or_none(reply: str) -> None:
    turns = parse_dialogue(reply)
    assert turns is None or (len(turns) >= 2 and all(turn.text for turn in turns))


@given(st.lists(st.sampled_from(["questioner", "discloser"]), min_size=2, max_size=9))
def test_a_written_dialogue_is_read_back(roles: list[str]) -> None:
    labels = {"questioner": "Questioner", "discloser": "Self-discloser"}
    text = "\n".join(f"{labels[role]}: turn {n}." for n, role in enumerate(roles))
    turns = parse_dialogue(text)
    assert turns is not None and [turn.role for turn in turns] == roles


@pytest.mark.parametrize(
    "repeated", ["Questioner: a? ", "A: ", "*", "(laughs ", "### a\n", "| a ", "_a_ ", "\n", "- "]
)
def test_a_long_reply_takes_time_in_proportion(repeated: str) -> None:
    begun = time.process_time()
    parse_dialogue("Questioner: a?\nSelf-discloser: " + repeated * (40_000 // len(repeated)))
    assert time.process_time() - begun < 8
