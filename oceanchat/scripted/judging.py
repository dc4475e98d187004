"""Judge answers on one trait.

The score runs from 1 to 5, by the evidence in the answers. Numbered questions and answers come as text; of a
line 'Answer: ...' or 'A: ...' only what follows counts. Little text gives a score near 3; no sign of either
level gives null.
"""

import json
import math
import re
from collections.abc import Mapping

from oceanchat.errors import InputError
from oceanchat.scripted.evidence import balance
from oceanchat.traits import Trait, traits_named

_QUESTION = re.compile(r"^\s*(?:\d+[.)]\s*)?(?:question|q)\s*\d*\s*:", re.IGNORECASE)
_ANSWER = re.compile(r"^\s*(?:\d+[.)]\s*)?(?:answer|a)\s*\d*\s*:\s*", re.IGNORECASE)
_SCALE = 8.0
"""Evidence for a hundred words at which the score is about three quarters of the way from 3 to an end."""


def answers_in(text: str) -> list[str]:
    """The answers of a list of questions and answers; every line where none is marked as a question."""
    answers: list[str] = []
    in_question = False
    for line in filter(None, map(str.strip, text.splitlines())):
        if _QUESTION.match(line):
            in_question = True
        elif _ANSWER.match(line):
            in_question = False
            answers.append(_ANSWER.sub("", line))
        elif not in_question:
            answers.append(line)
    return [answer for answer in answers if re.search(r"[A-Za-z]", answer)]


def judge_reply(tags: Mapping[str, str]) -> str:
    """The reply to the judge tasks."""
    answers = answers_in(tags.get("answers", ""))
    try:
        trait = traits_named(tags.get("trait", ""))[0]
    except InputError:
        return _verdict("the trait to judge is not one of the five", None)
    if not answers:
        return _verdict("there is no answer to judge", None)
    lean = balance(answers, trait)
    if lean is None:
        return _verdict(f"the answers hold no evidence of {trait.label} either way", None)
    score = round(3 + 2 * math.tanh(lean / _SCALE), 1)
    return _verdict(_reason(trait, lean), score)


def _reason(trait: Trait, lean: float) -> str:
    if abs(lean) < 1e-9:
        return f"the scripted judge weighs words and habits; they speak for and against {trait.label} alike"
    direction = "for" if lean > 0 else "against"
    return f"the scripted judge weighs words and habits; on balance they speak {direction} {trait.label}"


def _verdict(reason: str, score: float | None) -> str:
    return f"Reason: {reason}.\n{json.dumps({'score': score})}"
