"""Back-validate dialogues with a checker model (stage 3).

The checker says which traits a dialogue shows, and its answer is compared with the dialogue's label: `paper`
passes when the target trait is named (paper, section 3.1 and Table 11); `main` wants it as the main trait, at
the right level, from neutral questions and named by nobody; `strict` also wants no other trait. It knows the
ChatModel protocol and the prompts.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatRequest, RecordingModel
from oceanchat.llm.parsing import ask_until_parsed
from oceanchat.llm.sharing import SharedForm, ask_about_all
from oceanchat.pipeline.replies.verdict import CheckerReading, parse_verdicts, read_verdict
from oceanchat.pipeline.replies.verdict import parse_verdict as parse_verdict
from oceanchat.prompts import Template
from oceanchat.records import Check, Dialogue, ObservedTrait, Verdict
from oceanchat.traits import TraitLevel

CHECK_TOKENS = 400
"""Completion limit of a verdict, in tokens."""
TOKENS_FOR_ANOTHER = 200
"""What each further dialogue adds to the limit of a call about several."""


def judge(
    shown: tuple[ObservedTrait, ...],
    target: TraitLevel,
    check: Check,
    leading: bool | None = None,
    named: bool | None = None,
) -> tuple[str, str]:
    """The state a dialogue ends in and why: 'passed' or one of REJECTED_BY_CHECK.

    `shown` begins with the main trait; `leading` and `named` are what the checker said of the questions and
    of a trait named outright, which `paper` does not ask.
    """
    saw = f"the checker saw {', '.join(s.code for s in shown) or 'none'}"
    on_target = next((s for s in shown if s.trait is target.trait), None)
    if on_target is None:
        return "off-trait", f"target trait not seen: {saw}"
    if check == "paper":
        return "passed", ""
    if on_target.level is not target.level:
        return "wrong-level", f"{'other level' if on_target.level else 'no level'} seen: {saw}"
    if check == "strict" and len(shown) > 1:
        return "off-trait", f"another trait seen too: {saw}"
    if on_target is not shown[0]:
        return "off-trait", f"another trait is the main one: {saw}"
    if leading:
        return "leading-question", "the checker saw a leading question"
    if named:
        return "trait-named", "the checker saw a trait named outright"
    return "passed", ""


@dataclass(frozen=True)
class Checker:
    """Back-validates the dialogues of one build."""

    model: RecordingModel
    template: Template
    check: Check
    max_attempts: int
    """How often a request is sent until its reply can be read."""
    tokens: int | None = None
    """Completion limit of a call in place of the usual one, in tokens."""

    dialogues_per_check: int = 1
    """Dialogues checked in one call."""
    charged_to: str | None = None
    """The trait-level that calls are charged to; None: the dialogue's."""

    async def validate(self, dialogue: Dialogue) -> Dialogue:
        """The dialogue in its final state, with the verdict where there is one."""
        try:
            reading = await ask_until_parsed(
                self.model, self._request_alone(dialogue), read_verdict, self.max_attempts
            )
        except CallFailed as error:
            return _failed(dialogue, error)
        if reading is None:
            detail = f"unparseable: no result in {self.max_attempts} replies"
            return dialogue.model_copy(update={"state": "failed", "detail": detail})
        return self._judged(dialogue, reading)

    async def validate_together(self, dialogues: Sequence[Dialogue]) -> list[Dialogue]:
        """Dialogues of one trait-level in their final states, checked in one call; one of which that call
        says nothing clear is checked in a call of its own."""
        if self.dialogues_per_check == 1:
            return list(await asyncio.gather(*map(self.validate, dialogues)))
        form = SharedForm(self._request_together, parse_verdicts, _lines, self._request_alone)
        readings, failure = await ask_about_all(self.model, form, dialogues)

        async def validated(dialogue: Dialogue, reading: CheckerReading | None) -> Dialogue:
            if reading is not None:
                return self._judged(dialogue, reading)
            return await self.validate(dialogue) if failure is None else _failed(dialogue, failure)

        return list(await asyncio.gather(*map(validated, dialogues, readings)))

    def _judged(self, dialogue: Dialogue, reading: CheckerReading) -> Dialogue:
        state, detail = judge(reading.shown, dialogue.trait_level, self.check, reading.leading, reading.named)
        verdict = Verdict(
            dialogue_id=dialogue.id,
            checker=self.model.name,
            passed=state == "passed",
            shown=reading.shown,
            leading=reading.leading,
            named=reading.named,
            reason=reading.reason,
            check=self.check,
            prompt=self.template.fingerprint,
        )
        return dialogue.model_copy(update={"state": state, "detail": detail, "verdict": verdict})

    def _request_alone(self, dialogue: Dialogue) -> ChatRequest:
        return self._request(dialogue.text, self.tokens or CHECK_TOKENS, dialogue.trait_level)

    def _request_together(self, dialogues: Sequence[Dialogue]) -> ChatRequest:
        numbered = [f"Dialogue {number}\n{dialogue.text}" for number, dialogue in enumerate(dialogues, 1)]
        usual = CHECK_TOKENS + TOKENS_FOR_ANOTHER * (self.dialogues_per_check - 1)
        return self._request("\n\n".join(numbered), self.tokens or usual, dialogues[0].trait_level)

    def _request(self, text: str, tokens: int, trait_level: TraitLevel) -> ChatRequest:
        return ChatRequest(
            messages=self.template.fill(dialogue=text),
            task="check",
            max_tokens=tokens,
            temperature=0.0,
            trait_level=trait_level.code if self.charged_to is None else self.charged_to,
        )


def _failed(dialogue: Dialogue, failure: CallFailed) -> Dialogue:
    return dialogue.model_copy(update={"state": "failed", "detail": f"{failure.reason}: {failure}"})


def _lines(reading: CheckerReading) -> str:
    """A reading as the reply that `parse_verdicts` reads."""
    traits = [f"{s.trait.label}-{s.level.value}" if s.level else s.trait.label for s in reading.shown]
    main, *also = traits or ["none"]
    lines = [f"Reason: {reading.reason}", f"Main trait: {main}", f"Also: {', '.join(also) or 'none'}"]
    if reading.leading is not None:
        lines.append(f"Questioner: {'leading' if reading.leading else 'neutral'}")
    if reading.named is not None:
        lines.append(f"Trait named outright: {'yes' if reading.named else 'no'}")
    return "\n".join(lines)
