"""Label sentences with a trait's facets.

A label names the facet a sentence shows, at which level and how strongly. It knows the ChatModel protocol
and the prompts; which sentences become seed topics is decided elsewhere (paper, section 3.1 and Table 9).
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatRequest, RecordingModel
from oceanchat.llm.parsing import ask_until_parsed
from oceanchat.llm.sharing import SharedForm, ask_about_all
from oceanchat.pipeline.replies.labels import FacetLabel as FacetLabel
from oceanchat.pipeline.replies.labels import parse_label as parse_label
from oceanchat.pipeline.replies.labels import parse_labels as parse_labels
from oceanchat.pipeline.replies.labels import read_label
from oceanchat.pipeline.trait_blanks import label_blanks
from oceanchat.prompts import Template
from oceanchat.records import Candidate, Sentence
from oceanchat.traits import Trait

LABEL_TOKENS = 300
"""Completion limit of one sentence's label, in tokens."""


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
    alone: Template | None = None
    """Task 'label', for sentences that a call about several leaves unread; None: `template` is that."""
    _read: Counter[bool] = field(default_factory=Counter)
    """Sentences of calls about several, by whether they were read."""

    @property
    def reads_together(self) -> bool:
        """Whether calls about several sentences were read well so far: half of the sentences or more."""
        return self._read[True] >= self._read[False]

    async def label(
        self, groups: Sequence[Sequence[OrderedSentence]], together: bool = True
    ) -> list[Candidate]:
        """Label sentences, those of a group in one call if `together`, else each in a call of its own.

        The candidates' states are 'neutral', 'off-target' (either level: the choice comes later) and
        'failed'.
        """
        together = together and self.template.task != "label"
        label_group = self._label_together if together else self._label_each
        labeled = await asyncio.gather(*map(label_group, groups))
        return [candidate for candidates in labeled for candidate in candidates]

    async def _label_each(self, group: Sequence[OrderedSentence]) -> list[Candidate]:
        return list(await asyncio.gather(*map(self._label_alone, group)))

    async def _label_alone(self, entry: OrderedSentence) -> Candidate:
        template = self.alone or self.template
        request = self._request_alone(entry.sentence)
        try:
            label = await ask_until_parsed(
                self.model, request, lambda reply: read_label(reply, self.trait), self.max_attempts
            )
        except CallFailed as error:
            return self._failed(entry, error.reason, template)
        if label is None:
            return self._failed(entry, "unparseable", template)
        return self._candidate(entry, label, template)

    async def _label_together(self, group: Sequence[OrderedSentence]) -> list[Candidate]:
        """Label a group in one call, and each sentence that could not be read there in a call of its own."""
        form = SharedForm(self._request_together, self._read_lines, _line, self._request_alone)
        labels, failure = await ask_about_all(self.model, form, [entry.sentence for entry in group])
        self._read.update(label is not None for label in labels)
        unread = [entry for entry, label in zip(group, labels, strict=True) if label is None]
        if failure is None:
            others = await self._label_each(unread)
        else:
            others = [self._failed(entry, failure.reason, self.template) for entry in unread]
        by_order = {candidate.order: candidate for candidate in others}
        return [
            self._candidate(entry, label, self.template) if label else by_order[entry.order]
            for entry, label in zip(group, labels, strict=True)
        ]

    def _request_alone(self, sentence: Sentence) -> ChatRequest:
        return self._request(self.alone or self.template, LABEL_TOKENS, sentence=sentence.text)

    def _request_together(self, sentences: Sequence[Sentence]) -> ChatRequest:
        lines = [f"{number}. {sentence.text}" for number, sentence in enumerate(sentences, 1)]
        return self._request(self.template, 60 * self.sentences_per_call + 60, sentences="\n".join(lines))

    def _read_lines(self, reply: str, count: int) -> list[FacetLabel | None]:
        return parse_labels(reply, self.trait, count)

    def _request(self, template: Template, usual_tokens: int, **material: str) -> ChatRequest:
        return ChatRequest(
            messages=template.fill(**label_blanks(self.trait), **material),
            task=template.task,
            max_tokens=self.tokens or usual_tokens,
            temperature=0.0,
            trait_level=self.trait_level,
        )

    def _failed(self, entry: OrderedSentence, reason: str, template: Template) -> Candidate:
        return Candidate(
            sentence=entry.sentence,
            trait=self.trait,
            order=entry.order,
            state="failed",
            reason=reason,
            prompt=template.fingerprint,
        )

    def _candidate(self, entry: OrderedSentence, label: FacetLabel, template: Template) -> Candidate:
        return Candidate(
            sentence=entry.sentence,
            trait=self.trait,
            order=entry.order,
            state="neutral" if label.facet is None else "off-target",
            level=label.level,
            facet=label.facet.id if label.facet else None,
            strength=label.strength or None,
            reason=label.reason,
            prompt=template.fingerprint,
        )
