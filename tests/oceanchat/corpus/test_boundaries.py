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
        ["We lost the match. \U0001f62d", "My legs still hurt."],
        ["So happy today \U0001f389\U0001f389", "I could sing."],
        ["Finally home! \U0001f602 \U0001f602", "Bed is calling."],
        ["Lee et al. (2019) say the same.", "I doubt it."],
        ["Compare fig. 3 and pp. 4-7 with vol. 2 of it.", "They differ."],
        ['"Who took my bike?" he yelled.', "Nobody answered."],
        ["\u201cWhere were you?\u201d my mom asked me.", "I lied."],
        ['"Stop it!" Anna shouted.', "We ran."],
        ['"Is that all?"', "Shaw told the opening session that it was."],
        ["To do:", "1. Call the bank.", "2. Sleep.", "3. Find my keys."],
        ["1. Eat.", "2. Sleep."],
        ["My number is 1.", "I have 2.", "It is fine."],
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


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It was late.<br>We walked home.<BR />Nobody spoke", 3),
        ("<p>It was late</p><p>We walked home</p>", 2),
        ("It was late &lt;br&gt; we walked home", 2),
        ("I was <b>so</b> tired of it.", 1),
        ("I love you <3 and my cat.", 1),
    ],
)
def test_tags_of_web_pages_break_lines_or_say_nothing(text: str, sentences: int) -> None:
    assert len(pieces(text)) == sentences
    assert all("<br" not in piece.casefold() and "<p>" not in piece for piece in pieces(text))


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
        "<br ",
        "&lt;",
        "1. ",
        "1. a 2. b ",
        '?" she ',
        "\U0001f602",
    ):
        assert sum(len(span.text) for span in segment(unit * 20_000)) <= len(unit) * 20_000
