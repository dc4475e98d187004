"""Back-validate dialogues with a checker model (stage 3).

The checker says which traits a dialogue shows, and its answer is compared with the dialogue's label: `paper`
passes when the target trait is named; `strict` also wants the right level and no other trait (paper, section
3.1 and Table 11). It knows the ChatModel protocol and the prompts.
"""

from dataclasses import dataclass
from typing import Literal

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatRequest, RecordingModel
from oceanchat.llm.parsing import ask_until_parsed
from oceanchat.pipeline.replies.verdict import CheckerReading, read_verdict
from oceanchat.pipeline.replies.verdict import parse_verdict as parse_verdict
from oceanchat.prompts import Template
from oceanchat.records import Dialogue, ObservedTrait, Verdict
from oceanchat.traits import TraitLevel

Check = Literal["paper", "strict"]
CHECK_TOKENS = 400
"""Completion limit of a verdict, in tokens."""


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
        return await ask_until_parsed(self.model, request, read_verdict, self.max_attempts)
