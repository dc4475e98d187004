"""Boundaries that people type without telling Punkt."""

import pytest

from oceanchat.corpus.segmentation import segment


def pieces(text: str) -> list[str]:
    return [span.text for span in segment(text)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["I met Dr. Brown at 5 p.m. in St. Paul.", "He was late."],
        ["We moved to the U.S. in May.", "It rained."],
        ["What a day ! !", "I slept."],
        ["Take a look !!!!", ":-)"][:1],
        ["I love her. :)", "She knows."],
        ["It was great! :P", "You get a view."],
        ["I was tired...", "Then I slept."],
        ["The end came . . .", "This operation is new."],
        ["That is my way .", "Everyone else has theirs."],
        ["the tv is on.", "i need food."],
        ['She said "stop."', "He did not."],
        ["(I was there.)", "Nobody saw me."],
        ["I like Yahoo! and the others."],
        ["See No. 5 on the list."],
        ["He asked for help!?!", "Nobody came."],
        ["Best wishes to all of you.", "Regards,", "Anna Smith"],
        ["Hi,", "Can you come over?"],
        ["Look at http://example.org/a.b?c=1", "The page is good."],
        ["See below.", "==========", "The rest is private."],
    ],
)
def test_sentences_joined_by_a_space_are_found_again(sentences: list[str]) -> None:
    assert pieces(" ".join(sentences)) == sentences


def test_a_missing_space_does_not_hide_a_boundary() -> None:
    assert pieces("I did it.Then I left!She stayed with kevin@example.com today.") == [
        "I did it.",
        "Then I left!",
        "She stayed with kevin@example.com today.",
    ]


def test_an_ellipsis_before_a_small_letter_goes_on() -> None:
    assert pieces("I was... well... tired.") == ["I was... well... tired."]


def test_wrapped_lines_belong_together_and_typed_ones_do_not() -> None:
    wrapped = (
        "this is a line that some program broke where the\n"
        "next word did not fit any more and that goes on to\na third one"
    )
    assert len(pieces(wrapped)) == 1
    assert pieces("buy milk\ncall mom\nsleep") == ["buy milk", "call mom", "sleep"]
    assert pieces("my first thought\n\nmy second thought") == ["my first thought", "my second thought"]
    assert pieces("one line\r\nanother line\r\n") == ["one line", "another line"]


def test_no_pattern_needs_more_than_linear_time() -> None:
    for unit in (
        "!",
        ".",
        ". ",
        "-",
        ") ",
        ".) ",
        " :)",
        "http://",
        "&amp;",
        "1/",
        "a ",
        "\n ",
        "?! ",
        "Dear A ",
    ):
        assert sum(len(span.text) for span in segment(unit * 20_000)) <= len(unit) * 20_000
