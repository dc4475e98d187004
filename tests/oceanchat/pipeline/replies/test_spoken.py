"""Stage directions and marks are taken out of a turn, and its words stay."""

import pytest

from oceanchat.pipeline.replies.spoken import direction_in, is_aside, is_quoted, spoken, without_end_mark


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("(laughs) Well.", "Well."),
        ("Well. (shrugs) No.", "Well. No."),
        ("Well (laughing), no.", "Well, no."),
        ("Well. [long pause] No.", "Well. No."),
        ("*chuckles* Well.", "Well."),
        ("Well. _sighs_ No.", "Well. No."),
        ("Well. *looks down at her hands* No.", "Well. No."),
        ("It was **really** *so* __bad__.", "It was really so bad."),
        ("She told me to *smile*.", "She told me to smile."),
        ("It was (finally) over (or so I thought).", "It was (finally) over (or so I thought)."),
        ("Two * three, and a_b_c.", "Two * three, and a_b_c."),
        ("Well  \n so.", "Well so."),
    ],
)
def test_only_what_is_spoken_stays(written: str, words: str) -> None:
    assert spoken(written) == words


def test_quotation_marks_around_a_whole_turn_are_known() -> None:
    assert is_quoted('"Well, no."') and is_quoted("\u201cWell.\u201d") and is_quoted("'Don't go.'")
    assert not is_quoted('"No," I said, "go."') and not is_quoted("Well.") and not is_quoted('"')


def test_asides_and_end_marks_are_no_speech() -> None:
    assert (
        is_aside("(She looks away.)") and is_aside("[End of conversation]") and is_aside("*A bus goes by.*")
    )
    assert not is_aside("I said (twice) no.") and not is_aside("**bold** and *thin*")
    assert without_end_mark("Well. [End of dialogue]") == "Well."
    assert without_end_mark("Well. (Word count: 63)") == "Well."
    assert without_end_mark("Well (in the end).") == "Well (in the end)."


@pytest.mark.parametrize(
    "text", ["(shrugs) Well.", "Well. (opens the window)", "*turns away* Well.", "[He sits.] Well."]
)
def test_a_direction_that_is_left_is_seen(text: str) -> None:
    assert direction_in(text) is not None


@pytest.mark.parametrize(
    "text", ["Well (or so I thought).", "It was *his* turn.", "He wrote teh [sic].", "I left (it was noon)."]
)
def test_an_aside_of_the_speaker_is_no_direction(text: str) -> None:
    assert direction_in(text) is None
