"""Systems behind an endpoint.

Any served model under a persona prompt, or as it is. `prompted:MODEL` is the paper's Prompt, GPT-3.5 and
GPT-4 rows (Table 12's method in our own words). Answers go through the ledger, so an interview that was
killed pays for nothing twice. Models on this machine are not known here.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from oceanchat.errors import CallFailed
from oceanchat.llm.answer_text import never_stops_thinking, without_thoughts
from oceanchat.llm.chat import ChatModel, ChatRequest, Message
from oceanchat.prompts import Prompts
from preact.systems.system import InterviewQuestion, SystemReply

MAX_TOKENS = 256
"""The paper's output length (section 5.3)."""
TEMPERATURE = 0.7
TOP_P = 1.0


class ChatSystem:
    """A ChatModel that plays trait-levels by prompt, or answers as it is."""

    def __init__(
        self,
        chat: ChatModel,
        prompts: Prompts,
        *,
        conditioned: bool = True,
        temperature: float = TEMPERATURE,
        max_tokens: int = MAX_TOKENS,
        batch_size: int = 32,
    ) -> None:
        self._chat = chat
        self._prompts = prompts
        self._temperature = temperature
        self._max_tokens = max_tokens
        self.conditioned = conditioned
        self.batch_size = batch_size

    @property
    def backbone(self) -> str:
        """The model's own name: it is its own backbone."""
        return self._chat.name

    @property
    def model(self) -> str:
        """As the paper's tables call it."""
        return "Prompt" if self.conditioned else "Backbone"

    def provenance(self) -> Mapping[str, Any]:
        """Endpoint, model, sampling and the persona template's fingerprint."""
        facts: dict[str, Any] = {
            "kind": "prompted" if self.conditioned else "backbone",
            "endpoint": self._chat.endpoint,
            "model": self._chat.name,
            "temperature": self._temperature,
            "top_p": TOP_P,
            "max_tokens": self._max_tokens,
        }
        if self.conditioned:
            facts["prompt"] = self._prompts["persona"].fingerprint
        return facts

    async def answer(self, questions: Sequence[InterviewQuestion]) -> list[SystemReply]:
        """All questions at the same time, each in its own conversation."""
        replies = await asyncio.gather(*map(self._answer, questions), return_exceptions=True)
        for reply in replies:
            if isinstance(reply, BaseException):
                raise reply
        return [reply for reply in replies if isinstance(reply, SystemReply)]

    async def _answer(self, question: InterviewQuestion) -> SystemReply:
        persona = question.trait_level
        setting = self._prompts["persona"].fill(persona=persona.label) if persona else ()
        request = ChatRequest(
            (*setting, Message("user", question.question)),
            "persona",
            self._max_tokens,
            self._temperature,
            TOP_P,
            sample=question.run,
            trait_level=persona.code if persona else "",
        )
        try:
            answer = await self._chat.ask(request)
        except CallFailed as failure:
            return SystemReply("", "failed", failure.reason)
        if answer.refusal is not None or answer.finish_reason == "content_filter":
            return SystemReply(answer.refusal or answer.text, "refused", answer.finish_reason)
        if never_stops_thinking(answer.text):
            return SystemReply("", "failed", "length")
        return SystemReply(without_thoughts(answer.text))
