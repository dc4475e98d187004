"""The annotators' questions, and what answers amount to.

Answers are a mapping from question to text whatever the task, so assignments, drafts, receipts and agreement
know no question by name. A new kind of annotation is a new Task here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from oceanchat.errors import AnnotationError

MAX_CHARACTERS = 5000
"""Characters a free text may have."""


class Option(NamedTuple):
    """One answer to choose from."""

    value: str
    label: str
    key: str
    """The key that chooses it; one character, unique in its task or, by question, in its question."""


@dataclass(frozen=True)
class Question:
    """One question; without options it is answered in one's own words."""

    name: str
    label: str
    hint: str = ""
    options: tuple[Option, ...] = ()
    required: bool = True
    scale: Literal["nominal", "ordinal"] = "nominal"
    """Whether its options are points of a scale, in their order."""


@dataclass(frozen=True)
class Task:
    """A set of questions asked about one item."""

    name: str
    questions: tuple[Question, ...]
    value: Callable[[Mapping[str, str]], str]
    """The outcome of complete answers: the value whose agreement is reported."""
    complaint: Callable[[Mapping[str, str]], str | None] = lambda answers: None
    """The problem with answers that are complete, or None."""
    keys_by_question: bool = False
    """Whether a key answers the question that is current, and the next one becomes current."""

    def draft(self, answers: Mapping[str, object]) -> dict[str, str]:
        """The usable part of unfinished answers."""
        usable = {}
        for question in self.questions:
            text = _clean(answers.get(question.name))
            if text and (not question.options or text in {option.value for option in question.options}):
                usable[question.name] = text
        return usable

    def tidy(self, answers: Mapping[str, object]) -> dict[str, str]:
        """The usable answers in the order of the questions, stripped, as they would be saved."""
        return self.draft({name: _clean(value).strip() for name, value in answers.items()})

    def check(self, answers: Mapping[str, object]) -> dict[str, str]:
        """The tidy answers. Raises AnnotationError for what is missing."""
        checked = self.tidy(answers)
        for question in self.questions:
            if question.required and question.name not in checked:
                raise AnnotationError(f"'{question.label}' has no answer yet; answer it and save again")
        complaint = self.complaint(checked)
        if complaint is not None:
            raise AnnotationError(complaint)
        return checked


def _clean(value: object) -> str:
    """Text that every database stores: no NUL, no lone surrogate, no endless paste."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "")[:MAX_CHARACTERS]


def _valid(answers: Mapping[str, str]) -> str:
    return "yes" if answers["trait_shown"] == answers["coherent"] == "yes" else "no"


def _needs_comment(answers: Mapping[str, str]) -> str | None:
    if _valid(answers) == "no" and "comment" not in answers:
        return "a 'No' needs a comment: please say in a few words what is wrong"
    return None


def _needs_words(answers: Mapping[str, str]) -> str | None:
    short = next((text for text in answers.values() if len(text.split()) < 3), None)
    if short is None:
        return None
    return f"'{short}' is very short; please describe the typical response in a sentence"


_CRITERIA = (
    Question(
        "trait_shown",
        "Trait shown?",
        "The answers show the trait on the label, at that level.",
        (Option("yes", "Yes", "1"), Option("no", "No", "2")),
    ),
    Question(
        "coherent",
        "Coherent?",
        "Every turn follows from the one before.",
        (Option("yes", "Yes", "3"), Option("no", "No", "4")),
    ),
)
VALIDATE = Task(
    "validate",
    (*_CRITERIA, Question("comment", "Comment", "Needed for a No, otherwise optional.", required=False)),
    value=_valid,
    complaint=_needs_comment,
)
"""Table 13: both criteria are answered separately, valid when both are met, with a reason for a No."""
PRACTICE = Task("practice", _CRITERIA, value=_valid)
DESCRIBE = Task(
    "describe",
    (
        Question("high", "High", "How does someone high on it typically respond in a conversation?"),
        Question("low", "Low", "And someone low on it?"),
    ),
    value=lambda answers: "described",
    complaint=_needs_words,
)
"""Appendix E: annotators describe typical responses in their own words before they start."""

STYLE = Task(
    "style",
    (
        Question("high", "High", "Which style of answering do you expect of a model that plays it high?"),
        Question("low", "Low", "And of one that plays it low?"),
    ),
    value=lambda answers: "described",
    complaint=_needs_words,
)
"""Appendix F: before they rate, annotators describe the style they expect of each trait-level."""
FULL_MARKS = {"alignment": "1", "naturalness": "5", "coherence": "5"}


def _needs_reason(answers: Mapping[str, str]) -> str | None:
    below = [question.label for question in SCORES if answers[question.name] != FULL_MARKS[question.name]]
    if below and "comment" not in answers:
        return f"'{below[0]}' is below full marks and needs a comment: please say in a few words why"
    return None


def _scale(*values: int) -> tuple[Option, ...]:
    return tuple(Option(str(value), str(value), str(value)) for value in values)


SCORES = (
    Question("alignment", "Trait shown?", "Alignment. 0 no, 1 yes.", _scale(0, 1)),
    Question(
        "naturalness",
        "Natural?",
        "1: hardly language; 3: readable, but stiff; 5: like a person talking.",
        _scale(1, 2, 3, 4, 5),
        scale="ordinal",
    ),
    Question(
        "coherence",
        "Coherent?",
        "1: no thread; 3: one answer misses its question; 5: every answer fits.",
        _scale(1, 2, 3, 4, 5),
        scale="ordinal",
    ),
)
RATE = Task(
    "rate",
    (*SCORES, Question("comment", "Comment", "Needed below 1, 5 and 5.", required=False)),
    value=lambda answers: " ".join(answers[name] for name in FULL_MARKS),
    complaint=_needs_reason,
    keys_by_question=True,
)
"""Table 14: three scores for a model's answers in a conversation, with a reason for less than full marks."""
TALK = Task("talk", (Question("message", "Your message"),), value=lambda answers: "")
"""What is asked while the conversation is not over: its drafts are messages, and nothing is saved by it."""

_TASKS = {task.name: task for task in (VALIDATE, PRACTICE, DESCRIBE, STYLE, RATE, TALK)}


def task_named(name: str) -> Task:
    """The task of that name; AnnotationError when there is none."""
    if name not in _TASKS:
        raise AnnotationError(f"task '{name}' is not known; this store was written by a newer version")
    return _TASKS[name]
