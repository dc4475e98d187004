from pathlib import Path

import torch

from oceanchat.prompts import Message
from preact.persona import parse_persona
from preact.systems.generation import generate, replies, reply, stop_ids
from preact.systems.system import Sampling
from preact.systems.trained import open_run
from tests.preact.conftest import Run

ASK = [Message("user", "What about day 1?")]
LONG = [*ASK, Message("assistant", "I felt fine all day."), Message("user", "And then?")]


def test_the_seed_decides_and_the_persona_matters(preact_run: Run) -> None:
    trained = open_run(preact_run.folder)
    draws = [
        reply(trained, ASK, parse_persona(persona), Sampling(temperature=1.0, max_tokens=20), seed)
        for persona, seed in (("O+", 1), ("O+", 1), ("O+", 2))
    ]
    assert draws[0] == draws[1] != draws[2]


def test_a_batch_answers_as_each_conversation_alone(preact_run: Run) -> None:
    trained = open_run(preact_run.folder)
    sampling = Sampling(temperature=0.0, max_tokens=12)
    persona = parse_persona("N+ E-")
    alone = [reply(trained, talk, persona, sampling) for talk in (ASK, LONG)]
    together = replies(trained, [ASK, LONG], persona, sampling)
    assert [answer.text for answer in together] == alone


def test_a_backbone_s_own_generation_settings_do_not_leak_in(preact_run: Run) -> None:
    trained = open_run(preact_run.folder)
    persona, sampling = parse_persona("N+"), Sampling(temperature=0.0, max_tokens=12)
    expected = reply(trained, ASK, persona, sampling)
    leaks = {"repetition_penalty": 9.0, "min_new_tokens": 12, "suppress_tokens": [5, 6, 7], "num_beams": 2}
    trained.model.get_base_model().generation_config.update(**leaks)
    other = open_run(preact_run.folder)
    other.model.get_base_model().generation_config.update(**leaks)
    assert reply(other, ASK, persona, sampling) == expected == reply(trained, ASK, persona, sampling)


def test_all_tokens_that_end_an_answer_are_kept(preact_run: Run) -> None:
    trained = open_run(preact_run.folder)
    trained.model.get_base_model().generation_config.eos_token_id = [2, 7]
    assert stop_ids(trained.model, trained.tokenizer) == [2, 7]
    generate(
        trained.model, trained.tokenizer, [[5, 6]], Sampling(max_tokens=2), 1, trait_ids=torch.tensor([0])
    )
    assert stop_ids(trained.model, trained.tokenizer) == [2, 7]


def test_an_answer_says_whether_it_was_cut_or_ended_by_itself(preact_run: Run) -> None:
    trained = open_run(preact_run.folder)
    sampling, persona = Sampling(temperature=2.0, top_p=1.0, max_tokens=1), parse_persona("N+")
    drawn = [answer for seed in range(8) for answer in replies(trained, [ASK], persona, sampling, seed)]
    assert {answer.finish_reason for answer in drawn if answer.text} == {"length"}
    trained.model.generation_config.eos_token_id = list(range(len(trained.tokenizer)))
    (ended,) = replies(trained, [ASK], persona, sampling)
    assert ended.finish_reason == "stop"


def test_a_long_conversation_goes_on_from_its_latest_turns_whatever_the_prompt(runs: dict[str, Path]) -> None:
    trained = open_run(runs["lora"])
    talk = [*LONG[:2]] * 200 + [LONG[2]]
    sampling = Sampling(temperature=0.0, max_tokens=4)
    assert reply(trained, talk, parse_persona("N+"), sampling) == reply(
        trained, talk[100:], parse_persona("N+"), sampling
    )
