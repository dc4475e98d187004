"""Personas behind an endpoint, scored there.

A server's models by trait-level, and the loss of dialogues under each, from the log-probabilities that the
server gives of its prompts. The answers are found in the server's own tokens, so no tokenizer is needed here.
Models on this machine are not known here.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from oceanchat.errors import EvaluationError
from oceanchat.llm.endpoint.prompt_logprobs import NoPromptLogprobs, PromptReader, ScoredToken, ServedModel
from oceanchat.llm.endpoint.request_errors import RequestError
from oceanchat.prompts import Message
from oceanchat.traits import TRAIT_LEVELS, Level, Trait, TraitLevel

_NAME = re.compile(r"(?P<prefix>|.*[:/_.-])(?P<trait>[ocean])[-_](?P<level>high|low)", re.I | re.DOTALL)
_NOT_PLAIN = re.compile(r"[^!-~]")
Encode = Callable[[Sequence[Message]], list[int]]


class ServedNames(NamedTuple):
    """The models of one server that are trait-levels of one run."""

    prefix: str
    names: Mapping[TraitLevel, str]
    """In paper order."""
    backbone: str | None
    """The model without any adapter, where there is one."""
    own: bool
    """Whether it is `preact serve`."""


class ScoredDialogue(NamedTuple):
    """A dialogue as a server sees it."""

    tokens: list[ScoredToken]
    answers: list[int]
    """Which of them are the self-discloser's."""

    @property
    def loss(self) -> float:
        """Nats a token of the answers."""
        return -sum(self.tokens[n].logprob or 0.0 for n in self.answers) / len(self.answers)

    @property
    def ids(self) -> list[int] | None:
        """The tokens' ids, the first left out; None where the server does not say them."""
        ids = [token.id for token in self.tokens[1:] if token.id is not None]
        return ids if len(ids) == len(self.tokens) - 1 else None


def served_names(models: Sequence[ServedModel], prefix: str | None = None) -> ServedNames:
    """The trait-levels among a server's models, such as 'o-high' or 'preact:o-high'.

    Raises EvaluationError where there are none, or those of several runs and no prefix is named.
    """
    groups: dict[str, dict[TraitLevel, ServedModel]] = {}
    others = []
    for model in models:
        match = _NAME.fullmatch(model.id)
        if match is None:
            others.append(model)
            continue
        trait_level = TraitLevel(Trait(match["trait"].upper()), Level(match["level"].lower()))
        groups.setdefault(match["prefix"], {})[trait_level] = model
    if not groups:
        listed = ", ".join(f"'{model.id[:60]}'" for model in models[:12]) or "none"
        raise EvaluationError(f"no model's name ends in a trait-level, such as o-high; there are: {listed}")
    # The colon may be left out, as in the names of `preact serve`'s prefixes.
    meant = [name for name in groups if prefix is None or prefix in (name, name[:-1])]
    if len(meant) != 1:
        listed = ", ".join(f"'{name}'" for name in groups)
        what = "the server has several runs" if prefix is None or meant else f"no run is served as '{prefix}'"
        raise EvaluationError(f"{what}; name one with --prefix: {listed}")
    chosen = meant[0]
    group = groups[chosen]
    own = all(model.owner == "preact" for model in group.values())
    names = {t: group[t].id for t in TRAIT_LEVELS if t in group}
    parents = {model.parent for model in group.values()} & {model.id for model in others}
    backbone = f"{next(iter(names.values()))}@0" if own else None
    if len(parents) == 1:
        backbone = parents.pop()
    elif not own and len(others) == 1:
        backbone = others[0].id
    return ServedNames(chosen, names, backbone, own)


async def score_dialogues(
    reader: PromptReader,
    model: str,
    dialogues: Sequence[Sequence[Message]],
    system: str = "",
    encode: Encode | None = None,
) -> list[ScoredDialogue | None]:
    """Each dialogue under a served model; None for one that the server refuses or whose answers are not
    in its tokens. `system` goes before the dialogue as a system message.

    `encode` gives the token ids of a conversation for servers that score echoed prompts alone.

    Raises EvaluationError where the server gives no prompt log-probabilities, answers nothing or refuses all.
    """
    opening = (Message("system", system),) if system else ()

    async def one(messages: Sequence[Message]) -> ScoredDialogue | RequestError | None:
        try:
            tokens = await _read(reader, model, (*opening, *messages), encode)
        except RequestError as error:
            return error
        answers = answer_tokens([token.text for token in tokens], messages)
        return ScoredDialogue(tokens, answers) if answers else None

    results = await asyncio.gather(*map(one, dialogues))
    refusals = [result for result in results if isinstance(result, RequestError)]
    if refusals and len(refusals) == len(results):
        reason = " ".join(refusals[0].message.split())[:300]
        raise EvaluationError(f"model '{model}' refuses every dialogue: {reason}")
    return [None if isinstance(result, RequestError) else result for result in results]


async def _read(
    reader: PromptReader, model: str, messages: Sequence[Message], encode: Encode | None
) -> list[ScoredToken]:
    try:
        return await reader.of_messages(model, messages)
    except NoPromptLogprobs:
        if encode is None:
            raise
        return await reader.of_ids(model, encode(messages))


def answer_tokens(texts: Sequence[str], messages: Sequence[Message]) -> list[int]:
    """Which tokens of a rendered conversation are the answers; none where a message is not in them.

    White space and what is not ASCII is passed over: tokens may hold parts of characters, or come without
    the space before them. The messages are looked for from the last one, since what a server puts before a
    conversation comes first, and as whole tokens, since a short one may stand within the template's own.
    """
    plain, owners = [], []
    for number, text in enumerate(texts):
        characters = _NOT_PLAIN.sub("", text)
        plain.append(characters)
        owners += [number] * len(characters)
    whole, end = "".join(plain), len(owners)
    answers: list[int] = []
    for message in reversed(messages):
        content = _NOT_PLAIN.sub("", message.content)
        start = _last_whole(whole, owners, content, end) if content else -1
        if start < 0:
            return []
        if message.role == "assistant":
            answers += range(owners[start], owners[start + len(content) - 1] + 1)
        end = start
    return sorted(set(answers) - {0})


def _last_whole(whole: str, owners: Sequence[int], content: str, end: int) -> int:
    """Where the content stands last before `end` from the beginning of a token to the end of one; -1."""
    start = whole.rfind(content, 0, end)
    while start >= 0:
        after = start + len(content)
        begins = start == 0 or owners[start - 1] != owners[start]
        if begins and (after == len(owners) or owners[after] != owners[after - 1]):
            return start
        start = whole.rfind(content, 0, after - 1)
    return -1
