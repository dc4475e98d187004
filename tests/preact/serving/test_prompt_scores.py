"""Log-probabilities of prompts, in the form of vLLM's server, against the run's own."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import torch
from torch.nn.functional import log_softmax

from oceanchat.llm.endpoint import prompt_logprobs
from oceanchat.llm.endpoint.prompt_logprobs import PromptReader, read_echo, read_prompt
from oceanchat.llm.settings import CallSettings
from oceanchat.prompts import Message
from preact.dialogues.conversation import render
from preact.persona import parse_persona
from preact.serving import prompt_scores
from preact.serving.preparing import Limits
from preact.serving.roster import Roster, open_roster
from preact.systems.served import score_dialogues
from tests.preact.serving.inside import Inside, inside

TALK: list[Any] = [
    {"role": "user", "content": "What are you like?"},
    {"role": "assistant", "content": "Calm, mostly."},
]
WHOLE = {"prompt_logprobs": 2, "add_generation_prompt": False}


@pytest.fixture(scope="module")
def roster(runs: dict[str, Path]) -> Roster:
    return open_roster([runs["preact"], runs["lora"]], threads=1)


@pytest.fixture(scope="module")
def server(roster: Roster) -> Iterator[Inside]:
    with inside(roster, Limits()) as running:
        yield running


def expected(roster: Roster, persona: str) -> tuple[list[int], list[float]]:
    """Token ids of the talk, and their log-probabilities from the second on, as the run has them."""
    run = roster.runs["preact"]
    text = render(run.tokenizer, [Message(m["role"], m["content"]) for m in TALK])
    ids = run.tokenizer(text, add_special_tokens=False)["input_ids"]
    with run.portraying(parse_persona(persona)) as portrayal, torch.inference_mode():
        logits = run.model(input_ids=torch.tensor([ids]), **portrayal.arguments).logits[0, :-1]
    return ids, log_softmax(logits.float(), -1).gather(1, torch.tensor(ids[1:])[:, None])[:, 0].tolist()


def test_a_finished_conversation_is_scored_as_the_run_scores_it(
    server: Inside, roster: Roster, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Parts of one row each: what stands beside a prompt changes nothing.
    for largest in (prompt_scores._LARGEST, 1):
        monkeypatch.setattr(prompt_scores, "_LARGEST", largest)
        answer = server.client().chat.completions.create(
            model="preact:n-high", messages=TALK, max_tokens=1, extra_body=WHOLE
        )
        ids, logprobs = expected(roster, "N+")
        tokens = read_prompt(answer.model_dump())
        assert tokens is not None and tokens[0].logprob is None
        assert [token.id for token in tokens[1:]] == ids[1:]
        assert [token.logprob for token in tokens[1:]] == pytest.approx(logprobs, abs=1e-5)
    entries: Any = answer.model_extra and answer.model_extra["prompt_logprobs"]
    for entry in entries[1:]:
        own, *others = entry.values()
        assert own["rank"] >= 1 and 1 <= len(others) <= 2
        assert own["rank"] == 1 or own["logprob"] <= others[0]["logprob"]


def test_an_echoed_prompt_of_ids_or_text_has_the_same_log_probabilities(
    server: Inside, roster: Roster
) -> None:
    ids, logprobs = expected(roster, "N+")
    client = server.client()
    alone = client.completions.create(
        model="preact:n-high", prompt=ids, max_tokens=0, echo=True, logprobs=1, temperature=0
    )
    tokens = read_echo(alone.model_dump())
    assert tokens is not None and [t.logprob for t in tokens[1:]] == pytest.approx(logprobs, abs=1e-5)
    assert alone.usage and (alone.usage.prompt_tokens, alone.usage.completion_tokens) == (len(ids), 0)
    assert alone.choices[0].text == roster.runs["preact"].tokenizer.decode(ids)
    text = client.completions.create(
        model="preact:n-high", prompt="I am", max_tokens=3, seed=1, extra_body={"prompt_logprobs": 0}
    )
    assert text.choices[0].logprobs is None and text.choices[0].finish_reason in ("stop", "length")
    extra = text.choices[0].model_extra
    assert extra and extra["prompt_logprobs"][0] is None
    assert all(len(entry) == 1 for entry in extra["prompt_logprobs"][1:])


def test_one_reader_reads_both_forms_and_a_server_that_only_echoes(
    server: Inside, roster: Roster, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, _ = expected(roster, "N+")
    talk = [Message(m["role"], m["content"]) for m in TALK]

    async def read(encode: Any) -> Any:
        reader = PromptReader(CallSettings(base_url=f"{server.root}/v1"))
        try:
            return await score_dialogues(reader, "preact:n-high", [talk], encode=encode)
        finally:
            await reader.close()

    (by_messages,) = asyncio.run(read(None))

    def none(answer: Any) -> None:
        return None

    monkeypatch.setattr(prompt_logprobs, "read_prompt", none)
    (echoed,) = asyncio.run(read(lambda messages: ids))
    assert echoed.ids == by_messages.ids == ids[1:] and echoed.answers == by_messages.answers
    assert echoed.loss == pytest.approx(by_messages.loss, abs=1e-6)
    with pytest.raises(prompt_logprobs.NoPromptLogprobs):
        asyncio.run(read(None))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "lora:o-high"}, "ask /v1/chat/completions"),
        ({"max_tokens": 0}, "'echo'"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", "b"]}, "one prompt"),
        ({"prompt": [1, 99_999]}, "token 99999"),
        ({"prompt": [[1, -1]]}, "token -1"),
        ({"extra_body": {"stream": True}}, "'stream'"),
        ({"suffix": "x"}, "'suffix'"),
        ({"logprobs": 99}, "logprobs"),
        ({"max_tokens": 10_000}, "10000 tokens"),
    ],
)
def test_text_completions_that_cannot_be_are_refused(
    server: Inside, options: dict[str, Any], words: str
) -> None:
    asked: dict[str, Any] = {"model": "preact:o-high", "prompt": "I am", "max_tokens": 2} | options
    with pytest.raises(openai.BadRequestError) as refused:
        server.client().completions.create(**asked)
    assert words in refused.value.message


def test_a_stream_has_no_prompt_log_probabilities_and_a_finished_talk_needs_no_question(
    server: Inside,
) -> None:
    ask = server.client().chat.completions.create
    with pytest.raises(openai.BadRequestError, match="stream"):
        ask(model="preact:o-high", messages=TALK[:1], stream=True, extra_body={"prompt_logprobs": 0})
    with pytest.raises(openai.BadRequestError, match="last message"):
        ask(model="preact:o-high", messages=TALK, max_tokens=1)
