"""Write dialogues about seed topics (stage 2).

`screenplay` asks one call for the whole dialogue; `dual` lets a questioner, who is given a neutral theme
only, and a self-discloser, who is given everything, speak in turn (paper, section 3.1 and Table 10). It
knows the ChatModel protocol and the prompts; whether a dialogue is good enough is for the gates and the
checker to say.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

from oceanchat.errors import CallFailed
from oceanchat.llm.chat import ChatRequest, RecordingModel
from oceanchat.llm.parsing import ask_until_parsed
from oceanchat.near_duplicates import words_of
from oceanchat.prompts import Prompts
from oceanchat.records import Role, SeedState, SeedTopic, Turn, transcript
from oceanchat.traits import FACETS, TRAITS, facet_named

T = TypeVar("T")
Mode = Literal["screenplay", "dual"]
WRITE_TEMPERATURE = 0.9
THEME_TOKENS = 60
"""Completion limit of a theme, in tokens."""
TOKENS_PER_WORD = 2
"""Room for each allowed word in a completion limit."""

TASKS: dict[Mode, tuple[str, ...]] = {"screenplay": ("write",), "dual": ("theme", "question", "disclose")}
"""The prompt templates each mode needs."""

_ROLES: dict[str, Role] = {
    "questioner": "questioner",
    "character1": "questioner",
    "character 1": "questioner",
    "q": "questioner",
    "self-discloser": "discloser",
    "self discloser": "discloser",
    "selfdiscloser": "discloser",
    "character2": "discloser",
    "character 2": "discloser",
    "a": "discloser",
}
_SPEAKER = re.compile(
    r"^[\s>*_#-]*(?:\d+\s*[.)]\s*)?[*_]*(questioner|self[- ]?discloser|character ?[12]|[qa])[*_]*"
    r"\s*[:\uff1a][*_]*\s*(.*)$",
    re.IGNORECASE,
)
_THEME = re.compile(r"^[\W_]*theme[\W_]*[:=]\s*(.*)$", re.IGNORECASE | re.MULTILINE)
_THEME_WORDS = 6
_TRAIT_WORD = re.compile(
    r"\b(openness|conscientious\w*|extraver\w*|extrover\w*|introver\w*|agreeabl\w*|neurotic\w*|personality)\b",
    re.IGNORECASE,
)


class WrittenDialogue(NamedTuple):
    """A seed topic's dialogue, or why there is none."""

    state: SeedState
    turns: tuple[Turn, ...] = ()
    detail: str = ""
    """Why it is not written."""
    requests: tuple[ChatRequest, ...] = ()
    """The requests whose replies it consists of, for the costs."""


def parse_dialogue(reply: str) -> tuple[Turn, ...] | None:
    """Read lines `Questioner: ...` / `Self-discloser: ...`; None unless there are two turns or more.

    Forgives bold marks, numbers, blank lines and continuation lines without a label; text before the first
    label is ignored.
    """
    turns: list[tuple[Role, list[str]]] = []
    for line in reply.splitlines():
        speaker = _SPEAKER.match(line)
        if speaker:
            turns.append((_ROLES[speaker.group(1).lower()], [speaker.group(2)]))
        elif turns and line.strip():
            turns[-1][1].append(line)
    dialogue = tuple(Turn(role=role, text=_spoken(" ".join(lines))) for role, lines in turns)
    return dialogue if len(dialogue) >= 2 and all(turn.text for turn in dialogue) else None


def parse_utterance(reply: str) -> str | None:
    """Read one turn; None when nothing is left after labels and quotation marks are removed."""
    lines = [line for line in reply.splitlines() if line.strip()]
    if not lines:
        return None
    label = _SPEAKER.match(lines[0])
    if label:
        lines[0] = label.group(2)
    return _spoken(" ".join(lines)) or None


def parse_theme(reply: str, seed: SeedTopic) -> str | None:
    """Read a theme of two to six words; None when it gives away what the questioner must not know.

    That is the trait, the level, the facet, or the sentence: three of its words in a row are too many, and so
    are two long words of it that make up more than half of the theme's.
    """
    labeled = _THEME.search(reply)
    lines = (labeled.group(1) if labeled else reply).strip().splitlines()
    theme = re.sub(r"[*_`\"'.]+", "", lines[0]).strip() if lines else ""
    words = words_of(theme)
    runs = {tuple(words[i : i + 3]) for i in range(len(words) - 2)}
    sentence = words_of(seed.text)
    quoted = any(tuple(sentence[i : i + 3]) in runs for i in range(len(sentence) - 2))
    quoted = quoted or len(words) >= len(sentence)
    long_words = [word for word in words if len(word) > 3]
    shared = [word for word in long_words if word in sentence]
    paraphrased = len(shared) >= 2 and len(shared) > len(long_words) / 2
    stems = {part[:5] for facet in FACETS[seed.trait] for part in facet.id.split("-") if len(part) > 4}
    named = _TRAIT_WORD.search(theme) or any(word in ("high", "low") or word[:5] in stems for word in words)
    return None if not 2 <= len(words) <= _THEME_WORDS or quoted or paraphrased or named else theme


def _spoken(text: str) -> str:
    plain = re.sub(r"\s+", " ", re.sub(r"\*+|\b_|_\b", "", text)).strip()
    if len(plain) > 1 and plain[0] in '"\u201c' and plain[-1] in '"\u201d':
        plain = plain[1:-1].strip()
    return plain


@dataclass(frozen=True)
class Writer:
    """Writes the dialogues of one build."""

    model: RecordingModel
    prompts: Prompts
    mode: Mode
    exchanges: int
    """Questions with their answers in a dialogue."""
    words: int
    """Maximum words in a turn."""
    max_attempts: int
    """How often a request is sent until its reply can be read."""
    dialogue_tokens: int | None = None
    """Completion limit of a whole dialogue in place of the usual one, in tokens."""
    turn_tokens: int | None = None
    """Completion limit of one turn in place of the usual one, in tokens."""

    async def write(self, seed: SeedTopic) -> WrittenDialogue:
        """Write about `seed`; a reply that cannot be read is asked for again under a new sample number."""
        used: list[ChatRequest] = []
        try:
            written = await (
                self._screenplay(seed, used) if self.mode == "screenplay" else self._dual(seed, used)
            )
            return written._replace(requests=tuple(used))
        except CallFailed as error:
            refused = error.reason in ("refused", "content-filter")
            return WrittenDialogue("refused" if refused else "failed", detail=f"{error.reason}: {error}")

    async def _screenplay(self, seed: SeedTopic, used: list[ChatRequest]) -> WrittenDialogue:
        values = self._seed_values(seed) | {"exchanges": str(self.exchanges)}
        limit = self.dialogue_tokens or 2 * self.exchanges * self.words * TOKENS_PER_WORD
        turns = await self._ask("write", seed, used, values, limit, parse_dialogue)
        if turns is None:
            return WrittenDialogue("unparseable", detail=f"no dialogue in {self.max_attempts} replies")
        return WrittenDialogue("written", turns)

    async def _dual(self, seed: SeedTopic, used: list[ChatRequest]) -> WrittenDialogue:
        theme = await self._ask(
            "theme",
            seed,
            used,
            {"seed_topic": seed.text},
            self.turn_tokens or THEME_TOKENS,
            lambda reply: parse_theme(reply, seed),
        )
        if theme is None:
            return WrittenDialogue("unparseable", detail=f"no neutral theme in {self.max_attempts} replies")
        turns: tuple[Turn, ...] = ()
        limit = self.turn_tokens or 2 * self.words * TOKENS_PER_WORD
        shape = {"exchanges": str(self.exchanges), "words": str(self.words), "theme": theme}
        speakers: tuple[tuple[Role, str, dict[str, str]], ...] = (
            ("questioner", "question", shape),
            ("discloser", "disclose", self._seed_values(seed)),
        )
        for _ in range(self.exchanges):
            for role, task, known in speakers:
                values = known | {"conversation": transcript(turns)}
                text = await self._ask(task, seed, used, values, limit, parse_utterance)
                if text is None:
                    return WrittenDialogue("unparseable", detail=f"no {task} in {self.max_attempts} replies")
                turns += (Turn(role=role, text=text),)
        return WrittenDialogue("written", turns)

    async def _ask(
        self,
        task: str,
        seed: SeedTopic,
        used: list[ChatRequest],
        values: dict[str, str],
        limit: int,
        read: Callable[[str], T | None],
    ) -> T | None:
        request = ChatRequest(
            messages=self.prompts[task].fill(**values),
            task=task,
            max_tokens=limit,
            temperature=WRITE_TEMPERATURE,
            trait_level=seed.trait_level.code,
        )
        return await ask_until_parsed(self.model, request, read, self.max_attempts, used)

    def _seed_values(self, seed: SeedTopic) -> dict[str, str]:
        facet = facet_named(seed.facet)
        if facet is None:
            raise ValueError(f"seed topic {seed.id} has no known facet: {seed.facet}")
        return {
            "trait": seed.trait.label,
            "level": seed.level.value,
            "description": seed.trait_level.description,
            "facet": facet.id,
            "facet_description": f"{facet.description}; someone like this {facet.manner(seed.level)}",
            "other_traits": ", ".join(trait.label for trait in TRAITS if trait is not seed.trait),
            "words": str(self.words),
            "seed_topic": seed.text,
        }
