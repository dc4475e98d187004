"""Label sentences with a trait's facets.

A label names the facet a sentence shows, at which level and how strongly. It knows the ChatModel protocol
and the prompts; which sentences become seed topics is decided elsewhere (paper, section 3.1 and Table 9).
"""

import asyncio
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatRequest, RecordingModel
from oceanchat.llm.parsing import ask_until_parsed, with_problem
from oceanchat.pipeline.replies.labels import FacetLabel as FacetLabel
from oceanchat.pipeline.replies.labels import parse_label as parse_label
from oceanchat.pipeline.replies.labels import parse_labels as parse_labels
from oceanchat.pipeline.replies.labels import read_label
from oceanchat.prompts import Template
from oceanchat.records import Candidate, Sentence
from oceanchat.traits import FACETS, Trait

LABEL_TOKENS = 300
"""Completion limit of one sentence's label, in tokens."""
UNREAD_LINES = (
    "no line about these sentences could be read; each needs its number, then a facet of the list with its"
    " level and a strength from 1 to 5, or 'neutral'"
)
"""What the second request about several sentences says of the first reply."""


class OrderedSentence(NamedTuple):
    """A sentence and its number in the canonical order."""

    order: int
    """Counted from 0."""
    sentence: Sentence


def _line(label: FacetLabel) -> str:
    """A label as the reply line that `parse_labels` reads."""
    verdict = (
        f"{label.facet.id}-{label.level.value} {label.strength}" if label.facet and label.level else "neutral"
    )
    return f"1. {verdict} | {label.reason}"


@dataclass(frozen=True)
class Labeler:
    """Asks a model to label sentences for one trait."""

    model: RecordingModel
    template: Template
    """Task 'label', or 'label_many' when several sentences go into one call."""
    trait: Trait
    trait_level: str
    """The trait-level the calls are charged to."""
    max_attempts: int
    """How often a sentence is asked about until a reply can be read."""
    sentences_per_call: int = 1
    tokens: int | None = None
    """Completion limit of a call in place of the usual one, in tokens."""

    async def label(self, groups: Sequence[Sequence[OrderedSentence]]) -> list[Candidate]:
        """Label sentences, those of a group in one call.

        The candidates' states are 'neutral', 'off-target' (either level: the choice comes later) and
        'failed'.
        """
        label_group = self._label_alone if self.template.task == "label" else self._label_together
        labeled = await asyncio.gather(*map(label_group, groups))
        return [candidate for candidates in labeled for candidate in candidates]

    async def _label_alone(self, group: Sequence[OrderedSentence]) -> list[Candidate]:
        ((order, sentence),) = group
        request = self._request(sentence=sentence.text)
        try:
            label = await ask_until_parsed(
                self.model, request, lambda reply: read_label(reply, self.trait), self.max_attempts
            )
        except CallFailed as error:
            return [self._failed(order, sentence, error.reason)]
        if label is None:
            return [self._failed(order, sentence, "unparseable")]
        return [self._candidate(order, sentence, label)]

    async def _label_together(self, group: Sequence[OrderedSentence]) -> list[Candidate]:
        """Label a group in one call.

        The ledger stores each sentence's line under a request for that sentence alone, so it is replayed in
        whatever group the sentence comes up.
        """
        labels = {order: await self._recalled(sentence) for order, sentence in group}
        reason = "unparseable"
        try:
            for attempt in range(self.max_attempts):
                unlabeled = group if attempt == 0 else [s for s in group if labels[s.order] is None]
                if all(labels[order] for order, _ in unlabeled):
                    break
                labels |= await self._ask_together(unlabeled, attempt, labels)
        except CallFailed as error:
            reason = error.reason
        return [
            self._candidate(order, sentence, label) if label else self._failed(order, sentence, reason)
            for (order, sentence), label in zip(group, labels.values(), strict=True)
        ]

    async def _ask_together(
        self, group: Sequence[OrderedSentence], attempt: int, known: Mapping[int, FacetLabel | None]
    ) -> dict[int, FacetLabel | None]:
        lines = [f"{number}. {sentence.text}" for number, (_, sentence) in enumerate(group, 1)]
        request = replace(self._request(sentences="\n".join(lines)), sample=attempt)
        if attempt:
            request = replace(request, messages=with_problem(request.messages, UNREAD_LINES, ""))
        answer = await ask_until_parsed(
            self.model, request, functools.partial(self._read_some, count=len(group)), 1
        )
        labels = dict(known)
        for (order, sentence), label in zip(group, answer or [], strict=False):
            if label is not None and labels[order] is None:
                labels[order] = label
                self.model.store_share(self._alone(sentence), _line(label))
        return labels

    async def _recalled(self, sentence: Sentence) -> FacetLabel | None:
        answer = await self.model.stored_answer(self._alone(sentence))
        return None if answer is None else parse_labels(answer.text, self.trait, 1)[0]

    def _alone(self, sentence: Sentence) -> ChatRequest:
        return self._request(sentences=f"1. {sentence.text}")

    def _read_some(self, reply: str, count: int) -> list[FacetLabel | None] | None:
        labels = parse_labels(reply, self.trait, count)
        return labels if any(labels) else None

    def _request(self, **material: str) -> ChatRequest:
        facets = "\n".join(f"{facet.id}: {facet.description}" for facet in FACETS[self.trait])
        return ChatRequest(
            messages=self.template.fill(
                trait=self.trait.label, definition=self.trait.definition, facets=facets, **material
            ),
            task=self.template.task,
            max_tokens=self.tokens or self._usual_tokens,
            temperature=0.0,
            trait_level=self.trait_level,
        )

    @property
    def _usual_tokens(self) -> int:
        return LABEL_TOKENS if self.template.task == "label" else 60 * self.sentences_per_call + 60

    def _failed(self, order: int, sentence: Sentence, reason: str) -> Candidate:
        return Candidate(
            sentence=sentence,
            trait=self.trait,
            order=order,
            state="failed",
            reason=reason,
            prompt=self.template.fingerprint,
        )

    def _candidate(self, order: int, sentence: Sentence, label: FacetLabel) -> Candidate:
        return Candidate(
            sentence=sentence,
            trait=self.trait,
            order=order,
            state="neutral" if label.facet is None else "off-target",
            level=label.level,
            facet=label.facet.id if label.facet else None,
            strength=label.strength or None,
            reason=label.reason,
            prompt=self.template.fingerprint,
        )
