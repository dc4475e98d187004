"""Systems behind the one door to models: any endpoint's model under a persona prompt, or as it is.

`prompted:MODEL` is the paper's Prompt, GPT-3.5 and GPT-4 rows (Table 12's method in our own words).
Answers go through the ledger, so an interview that was killed pays for nothing twice. Local models live
in local_systems.py.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatModel, ChatRequest, Message
from oceanchat.prompts import Prompts
from preact.evaluation.interview.interviewing import InterviewQuestion, SystemReply

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
        at_once: int = 32,
    ) -> None:
        self._chat = chat
        self._prompts = prompts
        self._temperature = temperature
        self._max_tokens = max_tokens
        self.conditioned = conditioned
        self.at_once = at_once

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
        found: dict[str, Any] = {
            "kind": "prompted" if self.conditioned else "backbone",
            "endpoint": self._chat.endpoint,
            "model": self._chat.name,
            "temperature": self._temperature,
            "top_p": TOP_P,
            "max_tokens": self._max_tokens,
        }
        if self.conditioned:
            found["prompt"] = self._prompts["persona"].fingerprint
        return found

    async def answer(self, asked: Sequence[InterviewQuestion]) -> list[SystemReply]:
        """All questions at the same time, each in a conversation of its own."""
        replies = await asyncio.gather(*map(self._answer, asked), return_exceptions=True)
        for reply in replies:
            if isinstance(reply, BaseException):
                raise reply
        return [reply for reply in replies if isinstance(reply, SystemReply)]

    async def _answer(self, asked: InterviewQuestion) -> SystemReply:
        persona = asked.trait_level
        setting = self._prompts["persona"].fill(persona=persona.label) if persona else ()
        request = ChatRequest(
            (*setting, Message("user", asked.question)),
            "persona",
            self._max_tokens,
            self._temperature,
            TOP_P,
            sample=asked.run,
            trait_level=persona.code if persona else "",
        )
        try:
            answer = await self._chat.ask(request)
        except CallFailed as failure:
            return SystemReply("", "failed", failure.reason)
        if answer.refusal is not None or answer.finish_reason == "content_filter":
            return SystemReply(answer.refusal or answer.text, "refused", answer.finish_reason)
        return SystemReply(answer.text)
