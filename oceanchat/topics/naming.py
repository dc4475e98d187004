"""Names for topics, from a model.

It hands the model a topic's words and how its closest dialogues begin, and takes back a few plain words;
every call goes through the ledger. A topic that the model cannot name keeps its strongest words. How
topics are computed, and how their labels are shown, it does not know.
"""

import asyncio
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from oceanchat.errors import CallFailed
from oceanchat.llm.answer_text import answer_text
from oceanchat.llm.chat import ChatRequest, RecordingModel
from oceanchat.llm.parsing import ask_until_parsed
from oceanchat.llm.provider import OpenEndpoint
from oceanchat.llm.reply_fields import read_fields
from oceanchat.llm.settings import CallSettings
from oceanchat.llm.usage import Usage
from oceanchat.models import open_session
from oceanchat.prompts import Template, open_prompts
from oceanchat.store.database import Store
from oceanchat.topics.topic_model import LABEL_TERMS, Topics, TopicShare

LABEL_TOKENS = 60
"""Completion limit of a label, in tokens."""
WORDS = (2, 6)
"""Fewest and most words of a label: one more than is asked for passes."""
MAX_CHARACTERS = 48
"""Characters of a label at most, so that it fits beside its bar."""
OWN_WORDS = "its words"
"""Who labeled a topic that no model named."""
EXCERPT = 300
"""Characters of a dialogue that the model is shown."""

_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
# Latin letters only: the plot's typeface has them all, and a dollar sign would begin a formula in it.
_PLAIN = re.compile(r"[A-Za-z0-9\u00c0-\u024f'\u2019&,/ -]+")
_TRAIT_WORD = re.compile(
    r"\b(openness|conscientious|extr[ao]ver|introver|agreeabl|neurotic|personalit)", re.IGNORECASE
)


class TopicLabelConfig(BaseModel):
    """Who names the topics, and how it is asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labeler: str
    prompts: Path | None = None
    """Folder of templates; None: those that ship."""
    calls: CallSettings = CallSettings()


class NamedTopic(NamedTuple):
    """A topic under the label it is shown with."""

    topic: TopicShare
    labelled_by: str
    """The model's name, or OWN_WORDS."""
    reason: str = ""
    """Why a model that was asked did not name it: 'unparseable', 'refused', ...; else empty."""

    @property
    def further_words(self) -> tuple[str, ...]:
        """The strongest words that are not its label."""
        return self.topic.terms[LABEL_TERMS:] if self.labelled_by == OWN_WORDS else self.topic.terms

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {**self.topic._asdict(), "labelled_by": self.labelled_by, "reason": self.reason}


class TopicNames(NamedTuple):
    """All topics of a dataset, named, in their order."""

    topics: tuple[NamedTopic, ...]
    labeler: str
    """The model that was asked."""
    usage: Usage
    """What was asked and paid for it."""

    @property
    def labeler_used(self) -> str | None:
        """The model that was asked, if any label is its own."""
        return self.labeler if any(not named.reason for named in self.topics) else None


def by_words(topics: Topics) -> tuple[NamedTopic, ...]:
    """The topics labeled by their strongest words, which asks nobody."""
    return tuple(NamedTopic(topic, OWN_WORDS) for topic in topics.topics)


def parse_topic_label(reply: str) -> str | None:
    """Read a label from a raw reply: two to six plain words; None when there is none, or two,
    or it names a trait."""
    lines = {re.sub(r"[*_`\"\u201c\u201d.]+", "", line).strip() for line in _labels(reply)}
    if len(lines) != 1:
        return None
    label = " ".join(unicodedata.normalize("NFKC", lines.pop()).split())
    fits = WORDS[0] <= len(_WORD.findall(label)) <= WORDS[1] and len(label) <= MAX_CHARACTERS
    return label if fits and _PLAIN.fullmatch(label) and not _TRAIT_WORD.search(label) else None


def _labels(reply: str) -> list[str]:
    return [field.value for field in read_fields(answer_text(reply), {"label": "label"})]


async def name_topics(
    config: TopicLabelConfig,
    store: Store,
    topics: Topics,
    texts: Sequence[str],
    open_endpoint: OpenEndpoint | None = None,
) -> TopicNames:
    """Ask for the name of each topic of `texts`.

    Raises PromptError and ConfigError before anything is asked, BuildStopped when no more can be asked.
    """
    template = open_prompts(config.prompts)["topic"]
    async with open_session(config.calls, store.engine, open_endpoint) as session:
        model = session.model(config.labeler)
        asked = [
            _ask(model, _request(template, topic, [texts[index] for index in closest]), config)
            for topic, closest in zip(topics.topics, topics.closest, strict=True)
        ]
        answers = await asyncio.gather(*asked)
    return TopicNames(_distinct(config.labeler, topics.topics, answers), config.labeler, session.usage)


class _Answer(NamedTuple):
    label: str
    reason: str


async def _ask(model: RecordingModel, request: ChatRequest, config: TopicLabelConfig) -> _Answer:
    try:
        label = await ask_until_parsed(model, request, parse_topic_label, config.calls.max_attempts)
    except CallFailed as error:
        return _Answer("", error.reason)
    return _Answer("", "unparseable") if label is None else _Answer(label, "")


def _request(template: Template, topic: TopicShare, examples: Sequence[str]) -> ChatRequest:
    begun = "\n".join(" ".join(text.split())[:EXCERPT] for text in examples)
    return ChatRequest(
        messages=template.fill(terms=", ".join(topic.terms), examples=begun),
        task=template.task,
        max_tokens=LABEL_TOKENS,
        temperature=0.0,
    )


def _distinct(
    labeler: str, topics: Sequence[TopicShare], answers: Sequence[_Answer]
) -> tuple[NamedTopic, ...]:
    """Each topic with its label; of equal labels the most frequent topic's stands, so that no two bars of a
    plot read alike."""
    named: list[NamedTopic] = []
    taken: set[str] = set()
    for topic, (label, reason) in zip(topics, answers, strict=True):
        if label and label.lower() not in taken:
            taken.add(label.lower())
            named.append(NamedTopic(topic._replace(label=label), labeler))
        else:
            named.append(NamedTopic(topic, OWN_WORDS, reason or f"'{label}' names another topic"))
    return tuple(named)
