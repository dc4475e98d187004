"""The bundled questions are 20 different, short, neutral ones a trait-level; bad files get one clear line."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.annotation.starting_questions import BUNDLED, load_questions
from oceanchat.errors import InputError
from oceanchat.facets import FACETS
from oceanchat.near_duplicates import words_of
from oceanchat.near_pairs import near_pairs
from oceanchat.pipeline.replies.character_words import leading_words
from oceanchat.traits import TRAIT_LEVELS, TRAITS, Level, Trait, TraitLevel

QUESTIONS = load_questions(BUNDLED)
TEXTS = [question.text for question in QUESTIONS]
NAMES = {
    *(trait.label.lower() for trait in TRAITS),
    *(word for facets in FACETS.values() for facet in facets for word in facet.id.split("-")),
    *("open", "conscientious", "extrovert", "introvert", "extravert", "agreeable", "high", "low", "trait"),
    *(
        "personality",
        "organise",
        "organize",
        "tidy",
        "worry",
        "stress",
        "trust",
        "habit",
        "routine",
        "lonely",
    ),
}
"""Names of traits and facets, and words that would give one away."""
PEOPLE = {"one", "man", "man's", "woman", "people", "person"}
"""Words after 'you seem' that say nothing of character."""


def test_there_are_twenty_for_each_trait_level_in_paper_order() -> None:
    assert Counter(question.trait_level for question in QUESTIONS) == dict.fromkeys(TRAIT_LEVELS, 20)
    assert [QUESTIONS[at].trait_level for at in range(0, 200, 20)] == list(TRAIT_LEVELS)
    assert (QUESTIONS[0].id, QUESTIONS[-1].id) == ("o-high-01", "n-low-20")
    assert len({question.id for question in QUESTIONS}) == 200


def test_no_two_are_alike() -> None:
    assert near_pairs(TEXTS, threshold=0.35, n=3) == []
    assert near_pairs(TEXTS, threshold=0.45, n=2) == []


def test_each_is_short_and_ends_in_a_question() -> None:
    assert [text for text in TEXTS if not text.endswith("?") or text.count("?") != 1 or len(text) > 120] == []
    assert [text for text in TEXTS if not 4 <= len(words_of(text)) <= 25] == []


def test_none_names_a_trait_or_puts_one_into_anybody_s_mouth() -> None:
    assert [text for text in TEXTS if NAMES & set(words_of(text)) or leading_words(text)] == []
    words = {word for text in TEXTS for word in words_of(text)} - PEOPLE
    assert [word for word in sorted(words) if leading_words(f"You seem {word}")] == []
    assert leading_words("You seem careless") is not None


def test_the_levels_of_a_trait_are_asked_at_equal_length() -> None:
    for trait in TRAITS:
        high, low = (
            sum(len(words_of(q.text)) for q in QUESTIONS if q.trait_level == TraitLevel(trait, level)) / 20
            for level in Level
        )
        assert abs(high - low) < 2


def test_a_file_of_one_s_own_may_have_more_columns_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(
        "Question,note,LEVEL,trait\n"
        '"How are you, then?",mine,Low,neuroticism\n\nWhat now?,,high,O\n  And\tyou? ,,low,N\n',
        encoding="utf-8-sig",
    )
    assert [(question.id, question.text) for question in load_questions(path)] == [
        ("o-high-01", "What now?"),
        ("n-low-01", "How are you, then?"),
        ("n-low-02", "And you?"),
    ]
    assert load_questions(str(path))[0].trait_level == TraitLevel(Trait.O, Level.HIGH)


HEADER = "trait,level,question\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "lacks the column 'trait' (it has: nothing)"),
        ("trait;level;question\nO;high;Why?\n", "lacks the column 'trait' (it has: trait;level;question)"),
        ("trait,question\nO,Why?\n", "lacks the column 'level'"),
        ("trait,level,question,level\nO,high,Why?,low\n", "has the column 'level' 2 times"),
        (HEADER, "has no question; write one a row"),
        (HEADER + "O,high,\n", "line 2 has no question"),
        (HEADER + "O,medium,Why?\n", "the level 'medium'; write one of"),
        (HEADER + "Q,high,Why?\n", "has the trait 'Q'"),
        (HEADER + "O,high,Well, why?\n", "line 2 has 4 fields, the header 3"),
        (HEADER + 'O,high,"Why?\n', "is not valid CSV"),
        (HEADER + "O,high,Why?\nE,low, why?\n", "line 3 repeats the question of line 2, 'why?'"),
        (HEADER + f"O,high,{'a' * 501}\n", "has a question of 501 characters, over 500"),
    ],
)
def test_a_bad_file_gets_one_line(content: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_questions(path)
    assert words in str(caught.value) and str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_no_text_file_gets_one_line_too(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(HEADER.encode() + "O,high,Café?\n".encode("latin-1"))
    for path, words in (
        (tmp_path / "latin.csv", "is not UTF-8 text"),
        (tmp_path / "absent.csv", "does not exist; name a CSV file, or 'bundled'"),
        (tmp_path, "cannot be read"),
        ("a\0b", "is not a path"),
    ):
        with pytest.raises(InputError, match=words):
            load_questions(path)


@given(st.text() | st.text(alphabet='OhighlowN,"\n\r ?').map(HEADER.__add__))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_text(content, encoding="utf-8", errors="replace", newline="")
    try:
        assert load_questions(path)
    except InputError as error:
        assert "\n" not in str(error)
