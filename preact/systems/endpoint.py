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
from oceanchat.llm.chat import ChatModel, ChatRequest
from oceanchat.prompts import Message, Prompts
from preact.methods import PromptStyle
from preact.persona import Persona, persona_label, persona_prompt, prompt_facts, short_title
from preact.systems.system import DEFAULT_SAMPLING, Conversation, Sampling, SystemReply


class ChatSystem:
    """A ChatModel that plays trait-levels by prompt, or answers as it is."""

    def __init__(
        self,
        chat: ChatModel,
        prompts: Prompts,
        *,
        conditioned: bool = True,
        style: PromptStyle = "full",
        sampling: Sampling = DEFAULT_SAMPLING,
        batch_size: int = 32,
    ) -> None:
        self._chat = chat
        self._prompts = prompts
        self._style = style
        self._sampling = sampling
        self.conditioned = conditioned
        self.batch_size = batch_size

    @property
    def backbone(self) -> str:
        """The model's own name: it is its own backbone."""
        return self._chat.name

    @property
    def model(self) -> str:
        """As the paper's tables call it."""
        return short_title("Prompt", self._style) if self.conditioned else "Backbone"

    def provenance(self) -> Mapping[str, Any]:
        """Endpoint, model, sampling and the persona template's fingerprint."""
        facts: dict[str, Any] = {
            "kind": "prompted" if self.conditioned else "backbone",
            "endpoint": self._chat.endpoint,
            "model": self._chat.name,
            **self._sampling.provenance(),
        }
        if self.conditioned:
            facts |= prompt_facts(self._prompts.folder, self._style)
        return facts

    async def answer(self, conversations: Sequence[Conversation]) -> list[SystemReply]:
        """All conversations at the same time, each on its own."""
        replies = await asyncio.gather(*map(self._answer, conversations), return_exceptions=True)
        for reply in replies:
            if isinstance(reply, BaseException):
                raise reply
        return [reply for reply in replies if isinstance(reply, SystemReply)]

    def _setting(self, persona: Persona) -> tuple[Message, ...]:
        if self._style == "short":
            return (Message("system", persona_prompt(persona, self._prompts.folder, self._style)),)
        return self._prompts["persona"].fill(persona=persona_label(persona))

    async def _answer(self, conversation: Conversation) -> SystemReply:
        persona = conversation.persona
        setting = self._setting(persona) if persona else ()
        request = ChatRequest(
            (*setting, *conversation.messages),
            "persona",
            self._sampling.max_tokens,
            self._sampling.temperature,
            self._sampling.top_p,
            sample=conversation.run,
            trait_level=next(iter(persona)).code if persona and len(persona) == 1 else "",
        )
        try:
            answer = await self._chat.ask(request)
        except CallFailed as failure:
            return SystemReply("", "failed", failure.reason)
        if answer.refusal is not None or answer.finish_reason == "content_filter":
            text = answer.refusal or answer.text
            return SystemReply(text, "refused", answer.finish_reason, answer.finish_reason)
        if never_stops_thinking(answer.text):
            return SystemReply("", "failed", "length", answer.finish_reason)
        return SystemReply(without_thoughts(answer.text), finish_reason=answer.finish_reason)
