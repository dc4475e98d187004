"""Label sentences with a trait's facets.

A label names the facet a sentence shows, at which level and how strongly. Replies are read forgivingly and
never guessed. It knows the ChatModel protocol and the prompts; which sentences become seed topics is decided
elsewhere (paper, section 3.1 and Table 9).
"""

import asyncio
import functools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatRequest, RecordingModel
from oceanchat.llm.parsing import ask_until_parsed
from oceanchat.prompts import Template
from oceanchat.records import Candidate, Sentence
from oceanchat.traits import FACET_NAMES, FACETS, Facet, Level, Trait, facet_named

LABEL_TOKENS = 300
"""Completion limit of one sentence's label, in tokens."""

_FIELD = r"^[\W_]*{name}[\W_]*[:=]\s*(.*)$"
_LABEL_LINE = re.compile(_FIELD.format(name="(?:label|output|category|answer|result)"), re.I | re.M)
_STRENGTH_LINE = re.compile(_FIELD.format(name="strength"), re.I | re.M)
_REASON_LINE = re.compile(_FIELD.format(name="(?:reason|reasoning|rationale)"), re.I | re.M)
_FACET = "|".join(name.replace("-", "[ _-]") for name in FACET_NAMES)
_FACET_LEVEL = re.compile(rf"\b({_FACET})[\s_:*'\"`(-]+(high|low)\b", re.IGNORECASE)
_LEVEL_FACET = re.compile(rf"\b(high|low)[\s_:*'\"`-]+(?:on |in )?({_FACET})\b", re.IGNORECASE)
_NEGATED = re.compile(r"\b(no|not|non|neither|nor|without|isn't|n't)\b", re.IGNORECASE)
_STRENGTH = re.compile(r"[\s*_`\"']*([1-5])(?![\d.,]\d|\d)")
_NEUTRAL = re.compile(r"\bneutral\b", re.I)
_NUMBERED = re.compile(r"^\W*(\d+)\s*[.):]\s*(.+)$", re.M)


class OrderedSentence(NamedTuple):
    """A sentence and its number in the canonical order."""

    order: int
    """Counted from 0."""
    sentence: Sentence


class FacetLabel(NamedTuple):
    """What a reply says about one sentence; facet and level are None for a neutral one."""

    facet: Facet | None
    level: Level | None
    strength: int
    """1 to 5; 0 for neutral."""
    reason: str


def parse_label(reply: str, trait: Trait) -> FacetLabel | None:
    """Read a labeler's reply; None when it says nothing clear about this trait's facets.

    Forgives case, quotes, markdown and order of lines. Several facets count when they agree on one level
    (the first of this trait is taken); a facet of another trait or both levels of this one make it unclear.
    """
    lines = {line.strip(" *_`\"'.").lower() for line in _LABEL_LINE.findall(reply)}
    if len(lines) > 1:
        return None
    reason = _REASON_LINE.search(reply)
    verdict = lines.pop() if lines else re.sub(_REASON_LINE, "", reply)
    strength = _STRENGTH_LINE.search(reply)
    return _read_label(
        verdict, trait, strength.group(1) if strength else "", _plain(reason.group(1) if reason else "")
    )


def _read_label(verdict: str, trait: Trait, strength: str, reason: str) -> FacetLabel | None:
    if _NEGATED.search(verdict):
        return None
    pairs = [*_facets_with_level(verdict)]
    of_trait = [(facet, level) for facet, level in pairs if facet.trait is trait]
    if pairs and (not of_trait or _NEUTRAL.search(verdict)):
        return None
    if not pairs:
        return FacetLabel(None, None, 0, reason) if _NEUTRAL.search(verdict) else None
    if len({level for _, level in of_trait}) > 1:
        return None
    digit = _STRENGTH.match(strength)
    return FacetLabel(*of_trait[0], int(digit.group(1)), reason) if digit else None


def _facets_with_level(verdict: str) -> Iterator[tuple[Facet, Level]]:
    for pattern, facet_group, level_group in ((_FACET_LEVEL, 1, 2), (_LEVEL_FACET, 2, 1)):
        pairs = [
            (facet_named(m.group(facet_group)), Level(m.group(level_group).lower()))
            for m in pattern.finditer(verdict)
        ]
        known = [(facet, level) for facet, level in pairs if facet is not None]
        if known:
            yield from known
            return


def _plain(text: str) -> str:
    return re.sub(r"[*_`#]+", "", text).strip()


def parse_labels(reply: str, trait: Trait, count: int) -> list[FacetLabel | None]:
    """Read a reply about several numbered sentences: one label per sentence, None where its line is
    unclear."""
    labels: list[FacetLabel | None] = [None] * count
    lines_for: Counter[int] = Counter()
    for number, rest in _NUMBERED.findall(reply):
        if len(number) > 4 or not 1 <= int(number) <= count:
            continue
        verdict, _, reason = rest.partition("|")
        strength = re.search(r"(?<![-\d.])(\d+)\W*$", verdict)
        index = int(number) - 1
        lines_for[index] += 1
        label = _read_label(verdict, trait, strength.group(1) if strength else "", _plain(reason))
        labels[index] = label if lines_for[index] == 1 else None
    return labels


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
                self.model, request, lambda reply: parse_label(reply, self.trait), self.max_attempts
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
