"""What counts as an answer, for any task."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.annotation.tasks import MAX_CHARACTERS, VALIDATE, Option, Question, Task, task_named
from oceanchat.errors import AnnotationError

RATE = Task(
    "rate",
    (
        Question("alignment", "Alignment", options=(Option("0", "No", "1"), Option("1", "Yes", "2"))),
        Question(
            "natural", "Natural", options=tuple(Option(str(n), str(n), "34567"[n - 1]) for n in range(1, 6))
        ),
    ),
    value=lambda answers: answers["alignment"],
)
anything = st.dictionaries(
    st.sampled_from(["trait_shown", "coherent", "comment", "other"]),
    st.one_of(st.text(), st.none(), st.integers(), st.sampled_from(["yes", "no"])),
)


def test_valid_is_both_criteria_and_a_no_says_why() -> None:
    assert VALIDATE.value({"trait_shown": "yes", "coherent": "yes"}) == "yes"
    for trait, coherent in (("yes", "no"), ("no", "yes"), ("no", "no")):
        answers = {"trait_shown": trait, "coherent": coherent}
        assert VALIDATE.value(answers) == "no"
        with pytest.raises(AnnotationError, match="comment"):
            VALIDATE.check(answers)
        assert VALIDATE.check({**answers, "comment": " why "})["comment"] == "why"


@given(anything)
def test_any_answers_are_kept_as_text_every_database_stores_or_refused(answers: dict[str, Any]) -> None:
    draft = VALIDATE.draft(answers)
    for text in draft.values():
        text.encode("utf-8")
        assert "\0" not in text and 0 < len(text) <= MAX_CHARACTERS
    try:
        checked = VALIDATE.check(answers)
    except AnnotationError:
        return
    assert {"trait_shown", "coherent"} <= set(checked) <= {"trait_shown", "coherent", "comment"}


def test_a_task_of_scores_needs_nothing_but_its_questions() -> None:
    assert RATE.value(RATE.check({"alignment": "1", "natural": "4"})) == "1"
    with pytest.raises(AnnotationError, match="'Natural' has no answer"):
        RATE.check({"alignment": "1", "natural": "6"})


def test_a_task_of_a_newer_version_is_named() -> None:
    with pytest.raises(AnnotationError, match="task 'sing' is not known"):
        task_named("sing")
