"""Back-validate dialogues with a checker model (stage 3).

The checker says which traits a dialogue shows, and its answer is compared with the dialogue's label: `paper`
passes when the target trait is named; `strict` also wants the right level and no other trait (paper, section
3.1 and Table 11). It knows the ChatModel protocol and the prompts.
"""

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatRequest, RecordingModel
from oceanchat.llm.parsing import ask_until_parsed
from oceanchat.prompts import Template
from oceanchat.records import Dialogue, ObservedTrait, Verdict
from oceanchat.traits import TRAITS, Level, Trait, TraitLevel

Check = Literal["paper", "strict"]
CHECK_TOKENS = 400
"""Completion limit of a verdict, in tokens."""

_RESULT = re.compile(
    r"^[\W_]*(?:result|results|output|traits?)[\W_]*[:=]\s*(.*)$", re.IGNORECASE | re.MULTILINE
)
_REASON = re.compile(r"^[\W_]*(?:reason|reasoning|rationale)[\W_]*[:=]\s*(.*)$", re.IGNORECASE | re.MULTILINE)
_TRAIT = re.compile(
    r"(?:\b(?P<before>high|low)(?: levels?)?(?: of)?(?: in)?[\s:_-]+)?"
    r"\b(?P<trait>openness|conscientiousness|extra?o?version|agreeableness|neuroticism)\b(?: to experience)?"
    r"(?:[\s:_(-]*\b(?P<after>high|low)\b)?",
    re.IGNORECASE,
)
_NONE = re.compile(
    r"\W*(none|no traits?|neutral|n/a)( (is|are) (clearly )?shown| of (them|the five traits))?\W*", re.I
)
_NEGATED = re.compile(r"\b(no|not|non|none|neither|nor|without|lacks?|isn't|doesn't|n't)\b", re.IGNORECASE)
"""Words that negate a result; such a reply is asked for again."""
_BY_NAME = {trait.label.lower(): trait for trait in TRAITS} | {"extroversion": Trait.E}


class CheckerReading(NamedTuple):
    """What a checker's reply says."""

    shown: tuple[ObservedTrait, ...]
    reason: str


def parse_verdict(reply: str) -> CheckerReading | None:
    """Read a checker's reply; None when it has no result line that names traits or none.

    The last result line counts. A trait named with both levels makes the reply unclear.
    """
    results = _RESULT.findall(reply)
    if not results:
        return None
    result = results[-1]
    if _NEGATED.search(result) and not _NONE.fullmatch(result):
        return None
    shown: dict[Trait, Level | None] = {}
    for mention in _TRAIT.finditer(result):
        trait = _BY_NAME.get(mention.group("trait").lower(), Trait.E)
        word = mention.group("after") or mention.group("before")
        level = Level(word.lower()) if word else None
        if shown.get(trait, level) != level:
            return None
        shown[trait] = level
    if not shown and not _NONE.fullmatch(result):
        return None
    reason = _REASON.search(reply)
    return CheckerReading(
        tuple(ObservedTrait(trait=trait, level=level) for trait, level in shown.items()),
        re.sub(r"[*_`]+", "", reason.group(1)).strip() if reason else "",
    )


def judge(shown: tuple[ObservedTrait, ...], target: TraitLevel, check: Check) -> tuple[str, str]:
    """The state a dialogue ends in and why: 'passed', 'off-trait' or 'wrong-level'."""
    saw = f"the checker saw {', '.join(s.code for s in shown) or 'none'}"
    on_target = next((s for s in shown if s.trait is target.trait), None)
    if on_target is None:
        return "off-trait", f"target trait not seen: {saw}"
    if check == "paper":
        return "passed", ""
    if on_target.level is not target.level:
        return "wrong-level", f"{'other level' if on_target.level else 'no level'} seen: {saw}"
    if len(shown) > 1:
        return "off-trait", f"another trait seen too: {saw}"
    return "passed", ""


@dataclass(frozen=True)
class Checker:
    """Back-validates the dialogues of one build."""

    model: RecordingModel
    template: Template
    check: Check
    max_attempts: int
    """How often a request is sent until its reply can be read."""
    tokens: int = CHECK_TOKENS
    """Completion limit of a verdict, in tokens."""

    async def validate(self, dialogue: Dialogue) -> Dialogue:
        """The dialogue in its final state, with the verdict where there is one."""
        try:
            reading = await self._ask(dialogue)
        except CallFailed as error:
            return dialogue.model_copy(update={"state": "failed", "detail": f"{error.reason}: {error}"})
        if reading is None:
            detail = f"unparseable: no result in {self.max_attempts} replies"
            return dialogue.model_copy(update={"state": "failed", "detail": detail})
        state, detail = judge(reading.shown, dialogue.trait_level, self.check)
        verdict = Verdict(
            dialogue_id=dialogue.id,
            checker=self.model.name,
            passed=state == "passed",
            shown=reading.shown,
            reason=reading.reason,
            check=self.check,
            prompt=self.template.fingerprint,
        )
        return dialogue.model_copy(update={"state": state, "detail": detail, "verdict": verdict})

    async def _ask(self, dialogue: Dialogue) -> CheckerReading | None:
        request = ChatRequest(
            messages=self.template.fill(dialogue=dialogue.text),
            task="check",
            max_tokens=self.tokens,
            temperature=0.0,
            trait_level=dialogue.trait_level.code,
        )
        return await ask_until_parsed(self.model, request, parse_verdict, self.max_attempts)
