"""Segmentation never fails, keeps every offset and names what it sets aside."""

from hypothesis import given
from hypothesis import strategies as st

from oceanchat.corpus.cleaning import readable
from oceanchat.corpus.segmentation import segment, sentences_of
from oceanchat.records import Essay

MESSY = st.lists(
    st.one_of(
        st.sampled_from(
            [". ", ". . .", "...", "! ", "?!", "\n", "\r\n", "  ", "&quot;", "&amp;", "\x05", "\x85",
             "â€™", ":)", '"', "Dr. ", "I ", "i ", "and ", "http://a.b ", "(", ")", "---- ", "\u2028",
             "\ud800", "U.S. ", "word "]
        ),
        st.text(max_size=12),
    ),
    max_size=60,
).map("".join)  # fmt: skip


def essay(text: str) -> Essay:
    return Essay(id="e1", author="a1", text=text)


@given(MESSY)
def test_any_text_gives_spans_in_order_that_leave_out_only_blanks(text: str) -> None:
    at, outside = 0, ""
    for span in segment(text):
        assert at <= span.start < span.end <= len(text)
        assert span.text == text[span.start : span.end]
        outside += text[at : span.start]
        at = span.end
    assert readable(outside + text[at:]) == ""


@given(MESSY)
def test_every_span_is_a_sentence_or_set_aside_by_name(text: str) -> None:
    segmented = sentences_of(essay(text))
    assert len(segmented.sentences) + segmented.set_aside.total() == len(segment(text))
    assert len({sentence.id for sentence in segmented.sentences}) == len(segmented.sentences)
    for sentence in segmented.sentences:
        assert sentence.text in readable(text[sentence.start : sentence.end])
        sentence.text.encode("utf-8")


def test_sentences_are_repaired_and_keep_the_place_of_the_damaged_ones() -> None:
    text = "Short one.  He said &quot;it\u00e2\u20ac\u2122s over.&quot; I did\x05not believe him at all."
    sentences = sentences_of(essay(text)).sentences
    assert [sentence.text for sentence in sentences] == [
        'He said "it\u2019s over."',
        "I did not believe him at all.",
    ]
    assert text[sentences[0].start : sentences[0].end] == "He said &quot;it\u00e2\u20ac\u2122s over.&quot;"
    assert (sentences[0].essay_id, sentences[0].author) == ("e1", "a1")


def test_stray_marks_are_left_to_the_neighbours() -> None:
    segmented = sentences_of(
        essay("... and it is a lovely song. .\n\nmy room is always cold,\n\nI like it. . .")
    )
    assert [sentence.text for sentence in segmented.sentences] == [
        "and it is a lovely song.",
        "my room is always cold",
    ]
    assert segmented.set_aside == {"too-short": 1}


def test_each_kind_of_unusable_sentence_has_its_name() -> None:
    text = "*** !\n\nOh well.\n\nI like my new room. I like my new room.\n\n" + "blah " * 70
    segmented = sentences_of(essay(text))
    assert segmented.set_aside == {"no-words": 1, "too-short": 1, "repeated": 1, "too-long": 1}
    assert [sentence.text for sentence in segmented.sentences] == ["I like my new room."]


def test_an_essay_without_a_full_stop_gives_usable_sentences() -> None:
    thought = "i do not know what to write and my roommate is singing again so i just type what i hear "
    segmented = sentences_of(essay("".join(f"{thought}{number} times " for number in range(50))))
    assert len(segmented.sentences) >= 50
    assert not segmented.set_aside
    assert max(len(sentence.text.split()) for sentence in segmented.sentences) <= 60


def test_the_same_text_gives_the_same_sentences() -> None:
    text = "I woke up late. My phone was dead! Then what? I ran..."
    assert sentences_of(essay(text)) == sentences_of(essay(text))
