"""A language model as judge.

It fills the judge templates, asks again when a score cannot be read, and reports refusals and failures as
what they are. The scripted model and any endpoint judge alike; which model it is and where its answers are
stored is not known here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from oceanchat.errors import CallFailed
from oceanchat.facets import FACETS
from oceanchat.llm.chat import ChatAnswer, ChatModel, ChatRequest
from oceanchat.prompts import Prompts
from oceanchat.traits import Trait
from preact.evaluation.judge.verdicts import JudgeVerdict, Mode, Pair, read_score

MAX_TOKENS = 400
NO_ANSWER = "-"


class ModelJudge:
    """A ChatModel that rates answers at temperature 0."""

    def __init__(self, model: ChatModel, prompts: Prompts, attempts: int = 2, concurrency: int = 16) -> None:
        self._model = model
        self._prompts = prompts
        self._attempts = attempts
        self.concurrency = concurrency

    @property
    def name(self) -> str:
        """The model's own name."""
        return self._model.name

    def provenance(self, mode: Mode) -> Mapping[str, Any]:
        """Endpoint, model, sampling and the template's fingerprint."""
        return {
            "endpoint": self._model.endpoint,
            "model": self._model.name,
            "temperature": 0.0,
            "max_tokens": MAX_TOKENS,
            "attempts": self._attempts,
            "prompt": self._prompts[f"judge_{mode}"].fingerprint,
        }

    async def rate(self, trait: Trait, pairs: Sequence[Pair], mode: Mode, sample: int) -> JudgeVerdict:
        """Ask until a score can be read, at most `attempts` times; a refusal or failure is final."""
        verdict = JudgeVerdict(None, "unreadable", attempts=0)
        for attempt in range(self._attempts):
            try:
                answer = await self._model.ask(self._request(trait, pairs, mode, sample * 10 + attempt))
            except CallFailed as failure:
                return JudgeVerdict(None, "failed", f"{failure.reason}: {failure}", attempt + 1)
            if _refused(answer):
                return JudgeVerdict(None, "refused", answer.refusal or answer.text, attempt + 1)
            score = read_score(answer.text)
            verdict = JudgeVerdict(score.value, score.state, answer.text, attempt + 1)
            if score.state != "unreadable":
                break
        return verdict

    def _request(self, trait: Trait, pairs: Sequence[Pair], mode: Mode, sample: int) -> ChatRequest:
        task = f"judge_{mode}"
        messages = self._prompts[task].fill(
            trait=trait.label,
            definition=trait.definition,
            facets="\n".join(f"{facet.id}: {facet.description}" for facet in FACETS[trait]),
            answers=numbered(pairs),
        )
        return ChatRequest(messages, task, MAX_TOKENS, temperature=0.0, sample=sample)


def numbered(pairs: Sequence[Pair]) -> str:
    """The pairs as the judge reads them; an answer keeps to its line, so it cannot pose as another pair."""
    return "\n".join(
        f"{number}. Question: {_one_line(pair.question)}\n   Answer: {_one_line(pair.answer) or NO_ANSWER}"
        for number, pair in enumerate(pairs, start=1)
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _refused(answer: ChatAnswer) -> bool:
    return answer.refusal is not None or answer.finish_reason == "content_filter"
