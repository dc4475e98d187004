"""Write dialogues about seed topics (stage 2).

`screenplay` asks one call for the whole dialogue; `dual` lets a questioner, who is given a neutral theme
only, and a self-discloser, who is given everything, speak in turn (paper, section 3.1 and Table 10). It
knows the ChatModel protocol and the prompts; whether a dialogue is good enough is for the gates and the
checker to say.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

from oceanchat.errors import CallFailed
from oceanchat.facets import facet_named
from oceanchat.llm.chat import ChatRequest, RecordingModel
from oceanchat.llm.parsing import ask_until_parsed
from oceanchat.pipeline.gates import Bounds, GateRejection, early_rejection
from oceanchat.pipeline.replies.dialogue import parse_dialogue as parse_dialogue
from oceanchat.pipeline.replies.dialogue import read_dialogue
from oceanchat.pipeline.replies.utterance import parse_theme as parse_theme
from oceanchat.pipeline.replies.utterance import parse_utterance as parse_utterance
from oceanchat.pipeline.replies.utterance import read_theme, read_utterance
from oceanchat.pipeline.trait_blanks import exchanges_blank, facet_blanks, level_blanks
from oceanchat.prompts import Prompts
from oceanchat.records import Role, SeedState, SeedTopic, Turn, transcript

T = TypeVar("T")
Mode = Literal["screenplay", "dual"]
WRITE_TEMPERATURE = 0.9
THEME_TOKENS = 60
"""Completion limit of a theme, in tokens."""
TOKENS_PER_WORD = 2
"""Room for each allowed word in a completion limit."""

TASKS: dict[Mode, tuple[str, ...]] = {"screenplay": ("write",), "dual": ("theme", "question", "disclose")}
"""The prompt templates each mode needs."""


class WrittenDialogue(NamedTuple):
    """A seed topic's dialogue, or why there is none."""

    state: SeedState
    turns: tuple[Turn, ...] = ()
    detail: str = ""
    """Why it is not written."""
    rejection: GateRejection | None = None
    """The gate that ended it before all its turns were written."""
    requests: tuple[ChatRequest, ...] = ()
    """The requests whose replies it consists of, for the costs."""


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
        values = self._seed_values(seed) | {"exchanges": exchanges_blank(self.exchanges)}
        if seed.answer_words:
            values["answer_words"] = ", ".join(map(str, seed.answer_words))
        limit = self.dialogue_tokens or 2 * self.exchanges * self.words * TOKENS_PER_WORD
        turns = await self._ask("write", seed, used, values, limit, read_dialogue)
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
            lambda reply: read_theme(reply, seed),
        )
        if theme is None:
            return WrittenDialogue("unparseable", detail=f"no neutral theme in {self.max_attempts} replies")
        turns: tuple[Turn, ...] = ()
        limit = self.turn_tokens or 2 * self.words * TOKENS_PER_WORD
        shape = {"words": str(self.words), "theme": theme}
        speakers: tuple[tuple[Role, str, dict[str, str]], ...] = (
            ("questioner", "question", shape),
            ("discloser", "disclose", self._seed_values(seed)),
        )
        for number in range(1, self.exchanges + 1):
            last = ", the last" if number == self.exchanges else ""
            for role, task, known in speakers:
                values = known | {
                    "conversation": transcript(turns),
                    "number": f"{number} of {self.exchanges}{last}",
                }
                if task == "disclose" and seed.answer_words:
                    values["answer_words"] = str(seed.answer_words[number - 1])
                read = functools.partial(read_utterance, role=role)
                text = await self._ask(task, seed, used, values, limit, read)
                if text is None:
                    return WrittenDialogue("unparseable", detail=f"no {task} in {self.max_attempts} replies")
                turns += (Turn(role=role, text=text),)
                rejection = early_rejection(turns, Bounds(self.exchanges, self.words))
                if rejection is not None:  # no further call is paid for a dialogue that is lost
                    return WrittenDialogue("written", turns, rejection=rejection)
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
            **level_blanks(seed.trait_level),
            **facet_blanks(seed.trait_level, facet),
            "words": str(self.words),
            "seed_topic": seed.text,
        }
