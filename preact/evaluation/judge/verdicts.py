"""What judges see, and what they answer.

Records, one protocol and one reader, by which a judge's reply becomes a score or a state. Any judge, a
language model or a classifier, scripted or paid, speaks the protocol; none of them is known here. A score
that cannot be read never becomes a number: the reply's last JSON object that has the key score counts, and
null says that the answers give no ground for a score.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, Field

from oceanchat.llm.answer_text import without_thoughts
from oceanchat.traits import Trait

Mode = Literal["batch", "dimension", "item"]
MODES: tuple[Mode, ...] = ("batch", "dimension", "item")

LOWEST, MIDPOINT, HIGHEST = 1.0, 3.0, 5.0
VerdictState = Literal["scored", "no-ground", "unreadable", "refused", "failed", "no-answers"]
UNSCORED: tuple[VerdictState, ...] = ("no-ground", "unreadable", "refused", "failed", "no-answers")
WHY_UNSCORED: Mapping[VerdictState, str] = {
    "no-ground": "the answers gave the judge no ground for one",
    "unreadable": "the replies held none that can be read",
    "refused": "the judge refused",
    "failed": "the judge's calls failed",
    "no-answers": "there was no answer to judge",
}
QUOTED = 120
"""Characters of a judge's words that are shown."""
_SEARCHED = 20_000
"""Characters of a reply's end that are searched: the score stands on the last line."""
_NUMBER = re.compile(r"[1-5](\.\d{1,12})?")


class Pair(NamedTuple):
    """One anonymous question and answer as a judge sees it."""

    question: str
    answer: str


class JudgeVerdict(NamedTuple):
    """A judge's score for some pairs, or why there is none."""

    score: float | None
    state: VerdictState
    reply: str = ""
    """The judge's own words, if it has any."""
    attempts: int = 1
    """How often it was asked before a score could be read."""


class Judge(Protocol):
    """Something that rates answers."""

    @property
    def name(self) -> str:
        """The name in tables and folders; a scripted judge's says so."""

    @property
    def concurrency(self) -> int:
        """How many batches it rates at the same time."""

    def provenance(self, mode: Mode) -> Mapping[str, Any]:
        """Model, parameters and prompt hashes: what decides its verdicts, as plain JSON data."""

    async def rate(self, trait: Trait, pairs: Sequence[Pair], mode: Mode, sample: int) -> JudgeVerdict:
        """Rate the pairs for one trait; another `sample` is another opinion on the same pairs."""


class Judgement(BaseModel):
    """One batch and its verdict as they are stored."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    trait_level: str
    run: int
    trait: Trait
    number: int
    repeat: int
    items: tuple[str, ...]
    score: float | None = Field(ge=1, le=5)
    """1 to 5; null unless the state is 'scored'."""
    state: VerdictState
    reply: str
    attempts: int

    @property
    def key(self) -> tuple[str, int, Trait, int, int]:
        """Identifies the batch: each is judged only once."""
        return self.trait_level, self.run, self.trait, self.number, self.repeat


class JudgeHeader(BaseModel):
    """Which judge, in which mode, under which prompts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    judge: str
    mode: Mode
    runs: int
    repeats: int = Field(ge=1)
    provenance: dict[str, Any]
    started: str
    """UTC, ISO 8601."""


def why_unscored(judgements: Iterable[Judgement]) -> str:
    """Why batches have no score, the most frequent reason with what the judge said most often; '' where all
    have one."""
    unscored = [judgement for judgement in judgements if judgement.state in UNSCORED]
    if not unscored:
        return ""
    state, count = Counter(judgement.state for judgement in unscored).most_common(1)[0]
    replies = Counter(" ".join(each.reply.split()) for each in unscored if each.state == state)
    quoted = replies.most_common(1)[0][0][:QUOTED]
    return f"{WHY_UNSCORED[state]} ({count:,} of {len(unscored):,})" + (f": '{quoted}'" if quoted else "")


class JudgeScore(NamedTuple):
    """What a reply says."""

    value: float | None
    """1 (not at all) to 5 (strongly); None unless the state is 'scored'."""
    state: VerdictState


def read_score(reply: str) -> JudgeScore:
    """The score of one raw judge reply, its thoughts left out; any text gives a JudgeScore, none raises."""
    value: Any = ...
    for candidate in _objects(without_thoughts(reply)[-_SEARCHED:]):
        if "score" in candidate:
            value = candidate["score"]
    if value is None:
        return JudgeScore(None, "no-ground")
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return JudgeScore(None, "unreadable")
    if not LOWEST <= value <= HIGHEST or not math.isfinite(value):
        return JudgeScore(None, "unreadable")
    return JudgeScore(float(value), "scored")


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Every JSON object that begins at some brace of the text and is not inside an earlier one."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        end = start + 1
        try:
            parsed, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            pass
        else:
            if isinstance(parsed, dict):
                yield parsed

        start = text.find("{", end)
