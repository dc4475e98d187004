"""Stage 1: label sentences with a trait's facets and choose seed topics among them.

Candidates come in a canonical order and are labelled in blocks of fixed size; what is chosen depends on
that order alone, never on which answer came first, so a longer run begins with what a shorter one chose
(paper, section 3.1 and Table 9). It knows the ChatModel protocol and the prompts, no store and no file.
"""

import asyncio
import functools
import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import AccountedModel, ChatRequest
from oceanchat.llm.parsing import ask_until_read
from oceanchat.near_duplicates import NearDuplicates
from oceanchat.prompts import Template
from oceanchat.records import Candidate, SeedTopic, Sentence, content_id
from oceanchat.traits import FACET_NAMES, FACETS, Facet, Level, Trait, TraitLevel, facet_named

BLOCK = 48
"""Candidates labelled before the next choice is made."""
CHOSEN_PER_BLOCK = 12
"""Seed topics chosen at most for each block: a quarter, so that 'strongest first' means something."""
SIMILAR = 0.5
"""Jaccard similarity of word pairs from which two seed topics are near-duplicates."""
FACET_LEAD_COST = 0.5
"""How much strength (1 to 5) a facet gives up for each seed topic it is ahead of the least used one."""
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


Placed = tuple[int, Sentence]
"""A sentence with its place in the canonical order."""


class Label(NamedTuple):
    """What a reply says of one sentence; facet and level are None for a neutral one."""

    facet: Facet | None
    level: Level | None
    strength: int
    """1 to 5; 0 for neutral."""
    reason: str


def parse_label(reply: str, trait: Trait) -> Label | None:
    """Read a labeller's reply; None when it says nothing clear about this trait's facets.

    Forgives case, quotes, markdown and order of lines. Several facets count when they agree on one level
    (the first of this trait is taken); a facet of another trait or both levels of this one make it unclear.
    """
    lines = {line.strip(" *_`\"'.").lower() for line in _LABEL_LINE.findall(reply)}
    if len(lines) > 1:
        return None
    reason = _REASON_LINE.search(reply)
    said = lines.pop() if lines else re.sub(_REASON_LINE, "", reply)
    strength = _STRENGTH_LINE.search(reply)
    return _read_label(
        said, trait, strength.group(1) if strength else "", _plain(reason.group(1) if reason else "")
    )


def _read_label(said: str, trait: Trait, strength: str, reason: str) -> Label | None:
    if _NEGATED.search(said):
        return None
    found = [*_facets_with_level(said)]
    ours = [(facet, level) for facet, level in found if facet.trait is trait]
    if found and (not ours or _NEUTRAL.search(said)):
        return None
    if not found:
        return Label(None, None, 0, reason) if _NEUTRAL.search(said) else None
    if len({level for _, level in ours}) > 1:
        return None
    given = _STRENGTH.match(strength)
    return Label(*ours[0], int(given.group(1)), reason) if given else None


def _facets_with_level(said: str) -> Iterator[tuple[Facet, Level]]:
    for pattern, facet_group, level_group in ((_FACET_LEVEL, 1, 2), (_LEVEL_FACET, 2, 1)):
        pairs = [
            (facet_named(m.group(facet_group)), Level(m.group(level_group).lower()))
            for m in pattern.finditer(said)
        ]
        known = [(facet, level) for facet, level in pairs if facet is not None]
        if known:
            yield from known
            return


def _plain(text: str) -> str:
    return re.sub(r"[*_`#]+", "", text).strip()


def parse_labels(reply: str, trait: Trait, count: int) -> list[Label | None]:
    """Read a reply about several numbered sentences: one label a sentence, None where its line is unclear."""
    labels: list[Label | None] = [None] * count
    seen: Counter[int] = Counter()
    for number, rest in _NUMBERED.findall(reply):
        if len(number) > 4 or not 1 <= int(number) <= count:
            continue
        said, _, reason = rest.partition("|")
        strength = re.search(r"(?<![-\d.])(\d+)\W*$", said)
        place = int(number) - 1
        seen[place] += 1
        label = _read_label(said, trait, strength.group(1) if strength else "", _plain(reason))
        labels[place] = label if seen[place] == 1 else None
    return labels


def _line(label: Label) -> str:
    """A label as the reply line that `parse_labels` reads."""
    said = (
        f"{label.facet.id}-{label.level.value} {label.strength}" if label.facet and label.level else "neutral"
    )
    return f"1. {said} | {label.reason}"


@dataclass(frozen=True)
class Labeller:
    """Asks a model for the label of sentences on one trait."""

    model: AccountedModel
    template: Template
    """Task 'label', or 'label_many' when several sentences go into one call."""
    trait: Trait
    about: str
    """The trait-level whose account the calls are on."""
    max_attempts: int
    """Tries of one sentence whose reply cannot be read."""
    sentences_per_call: int = 1

    async def label(self, groups: Sequence[Sequence[Placed]]) -> list[Candidate]:
        """Label sentences, those of a group in one call; states 'neutral', 'off-target' (either level: the
        choice comes later) and 'failed'."""
        one = self._label_one if self.template.task == "label" else self._label_group
        return [candidate for found in await asyncio.gather(*map(one, groups)) for candidate in found]

    async def _label_one(self, group: Sequence[Placed]) -> list[Candidate]:
        ((order, sentence),) = group
        request = self._request(sentence=sentence.text)
        try:
            label = await ask_until_read(
                self.model, request, lambda reply: parse_label(reply, self.trait), self.max_attempts
            )
        except CallFailed as error:
            return [self._failed(order, sentence, error.reason)]
        if label is None:
            return [self._failed(order, sentence, "unparseable")]
        return [self._candidate(order, sentence, label)]

    async def _label_group(self, group: Sequence[Placed]) -> list[Candidate]:
        """Label a group in one call. Each sentence's line is kept in the ledger under a request of its own,
        so that it is found again in whatever group the sentence comes."""
        labels = {order: await self._recalled(sentence) for order, sentence in group}
        reason = "unparseable"
        try:
            for attempt in range(self.max_attempts):
                left = group if attempt == 0 else [place for place in group if labels[place[0]] is None]
                if all(labels[order] for order, _ in left):
                    break
                labels |= await self._ask_together(left, attempt, labels)
        except CallFailed as error:
            reason = error.reason
        return [
            self._candidate(order, sentence, label) if label else self._failed(order, sentence, reason)
            for (order, sentence), label in zip(group, labels.values(), strict=True)
        ]

    async def _ask_together(
        self, group: Sequence[Placed], attempt: int, known: Mapping[int, Label | None]
    ) -> dict[int, Label | None]:
        lines = [f"{number}. {sentence.text}" for number, (_, sentence) in enumerate(group, 1)]
        request = replace(self._request(sentences="\n".join(lines)), sample=attempt)
        read = await ask_until_read(
            self.model, request, functools.partial(self._read_some, count=len(group)), 1
        )
        labels = dict(known)
        for (order, sentence), label in zip(group, read or [], strict=False):
            if label is not None and labels[order] is None:
                labels[order] = label
                self.model.keep_share(self._alone(sentence), _line(label))
        return labels

    async def _recalled(self, sentence: Sentence) -> Label | None:
        answer = await self.model.recall(self._alone(sentence))
        return None if answer is None else parse_labels(answer.text, self.trait, 1)[0]

    def _alone(self, sentence: Sentence) -> ChatRequest:
        return self._request(sentences=f"1. {sentence.text}")

    def _read_some(self, reply: str, count: int) -> list[Label | None] | None:
        labels = parse_labels(reply, self.trait, count)
        return labels if any(labels) else None

    def _request(self, **material: str) -> ChatRequest:
        facets = "\n".join(f"{facet.id}: {facet.description}" for facet in FACETS[self.trait])
        return ChatRequest(
            messages=self.template.fill(
                trait=self.trait.label, definition=self.trait.definition, facets=facets, **material
            ),
            task=self.template.task,
            max_tokens=LABEL_TOKENS if self.template.task == "label" else 60 * self.sentences_per_call + 60,
            temperature=0.0,
            about=self.about,
        )

    def _failed(self, order: int, sentence: Sentence, reason: str) -> Candidate:
        return Candidate(
            sentence=sentence,
            trait=self.trait,
            order=order,
            state="failed",
            reason=reason,
            prompt=self.template.fingerprint,
        )

    def _candidate(self, order: int, sentence: Sentence, label: Label) -> Candidate:
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


@dataclass
class SeedStream:
    """The seed topics of one trait-level in their canonical order, labelled only as far as they are taken."""

    trait_level: TraitLevel
    labeller: Labeller
    places: Iterator[Sequence[Sequence[Placed]]]
    """Blocks of about BLOCK candidates in canonical order, in the groups that share a call."""
    seeds_per_essay: int
    labelled_a_block: Callable[[Sequence[Candidate]], None] = lambda block: None
    """Told of each labelled block, for the progress display."""
    candidates: list[Candidate] = field(default_factory=list)
    """All that were labelled so far, in order."""
    _pool: list[Candidate] = field(default_factory=list)
    _chosen: list[SeedTopic] = field(default_factory=list)
    _taken: int = 0
    _exhausted: bool = False
    _per_essay: Counter[str] = field(default_factory=Counter)
    _per_facet: Counter[str] = field(default_factory=Counter)
    _seen: NearDuplicates = field(default_factory=lambda: NearDuplicates(n=2))

    async def take(self, count: int) -> list[SeedTopic]:
        """The next `count` seed topics, fewer when the corpus gives no more."""
        while (missing := count - (len(self._chosen) - self._taken)) > 0:
            if not self._exhausted:
                # A block gives at most CHOSEN_PER_BLOCK, so this many are needed whatever they hold: no
                # call is # wasted.
                await self._label_blocks(math.ceil(missing / CHOSEN_PER_BLOCK))
            elif not self._choose():
                break
        taken = self._chosen[self._taken : self._taken + count]
        self._taken += len(taken)
        return taken

    async def _label_blocks(self, number: int) -> None:
        blocks = list(itertools.islice(self.places, number))
        for block in await asyncio.gather(*map(self._label_block, blocks)):
            self.candidates += block
            self._pool += [c for c in block if c.level is self.trait_level.level]
            self._choose()
        self._exhausted = len(blocks) < number

    async def _label_block(self, block: Sequence[Sequence[Placed]]) -> list[Candidate]:
        found = await self.labeller.label(block)
        self.labelled_a_block(found)
        return found

    def _choose(self) -> bool:
        """Choose up to CHOSEN_PER_BLOCK of the pool, strongest first and spread over the facets; whether
        any was left to look at."""
        facets = FACETS[self.trait_level.trait]
        looked = False
        for _ in range(CHOSEN_PER_BLOCK):
            self._pool = [
                c for c in self._pool if self._per_essay[c.sentence.essay_id] < self.seeds_per_essay
            ]
            if not self._pool:
                break
            looked = True
            least = min(self._per_facet[facet.id] for facet in facets)
            best = max(self._pool, key=lambda c: self._worth(c, least))
            self._pool.remove(best)
            closest = self._seen.closest(best.sentence.text)
            if closest is None or closest.jaccard < SIMILAR:
                self._take_in(best)
        return looked

    def _worth(self, candidate: Candidate, least: int) -> tuple[float, int]:
        lead = self._per_facet[candidate.facet or ""] - least
        return (candidate.strength or 0) - FACET_LEAD_COST * lead, -candidate.order

    def _take_in(self, candidate: Candidate) -> None:
        sentence = candidate.sentence
        self._seen.add(sentence.id, sentence.text)
        self._per_essay[sentence.essay_id] += 1
        self._per_facet[candidate.facet or ""] += 1
        self._chosen.append(
            SeedTopic(
                id=content_id(self.trait_level.code, candidate.facet or "", sentence.id),
                order=len(self._chosen),
                sentence_id=sentence.id,
                essay_id=sentence.essay_id,
                author=sentence.author,
                trait=self.trait_level.trait,
                level=self.trait_level.level,
                facet=candidate.facet or "",
                strength=candidate.strength or 1,
                text=sentence.text,
                reason=candidate.reason,
            )
        )

    def settled(self, used: Sequence[SeedTopic]) -> list[Candidate]:
        """All labelled candidates with their final states: those in `used` are 'selected', other sentences
        of the right level 'surplus'."""
        selected = {seed.sentence_id for seed in used}
        return [self._settle(candidate, selected) for candidate in self.candidates]

    def _settle(self, candidate: Candidate, selected: set[str]) -> Candidate:
        if candidate.level is not self.trait_level.level:
            return candidate
        state = "selected" if candidate.sentence.id in selected else "surplus"
        return candidate.model_copy(update={"state": state})
