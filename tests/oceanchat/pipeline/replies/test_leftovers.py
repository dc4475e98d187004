"""What no mouth says is found, and ordinary talk is not."""

import pytest

from oceanchat.pipeline.replies.leftovers import markup_in, placeholder_in, repeated_label


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Well, no. Questioner: And then?", "a label"),
        ("Well, no. **Self\u2011discloser:** And then", "a label"),
        ("Well, no. A: Yes.", "a label"),
        ("Well, no. ### Exchange 2", "a heading"),
        ("Well, no. ---", "a rule"),
        ("Well, no. ``` Done.", "a fence"),
        ("Well, **no.", "a mark"),
        ("Well, </think> no.", "a tag"),
        ("Well, no.<|im_end|>", "a tag"),
        ("Tom &amp; I.", "an entity"),
        ("Well, no. [End of conversation]", "an end mark"),
        ("Well, no.\\n", "a code"),
    ],
)
def test_markup_is_found_and_named(text: str, what: str) -> None:
    seen = markup_in(text)
    assert seen is not None and seen.startswith(what)


@pytest.mark.parametrize(
    "text", ["I went to LOCNAME.", "I met [Name] there.", "{city} was cold.", "Ask PROPNAME."]
)
def test_a_blank_that_nobody_filled_is_found(text: str) -> None:
    assert placeholder_in(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "Two - no, three -- and a half... I <3 it & her :-)",
        "The questioner on that show was rude.",
        "I got an A. It's #1, 5 * 3, snake_case.",
        "She wrote: no. He said: yes.",
        "THE NAME on the door was mine, in the USA.",
        "It's 50/50 (in the end) [sic].",
    ],
)
def test_ordinary_talk_holds_no_leftovers(text: str) -> None:
    assert markup_in(text) is None and placeholder_in(text) is None


def test_a_name_that_speaks_inside_two_turns_is_found() -> None:
    assert repeated_label(["How? Ann: So.", "Why? Ann: No."]) == "Ann"
    assert repeated_label(["One thing: bread.", "How? Well: no."]) is None
