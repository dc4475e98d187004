from oceanchat.prompts import Message
from preact.persona import parse_persona
from preact.systems.generation import Sampling, replies, reply
from preact.systems.trained import open_run
from tests.preact.conftest import Run

ASK = [Message("user", "What about day 1?")]
LONG = [*ASK, Message("assistant", "I felt fine all day."), Message("user", "And then?")]


def test_the_seed_decides_and_the_persona_matters(preact_run: Run) -> None:
    trained = open_run(preact_run.folder)
    draws = [
        reply(trained, ASK, parse_persona(persona), Sampling(temperature=1.0, max_tokens=20, seed=seed))
        for persona, seed in (("O+", 1), ("O+", 1), ("O+", 2))
    ]
    assert draws[0] == draws[1] != draws[2]


def test_a_batch_answers_as_each_conversation_alone(preact_run: Run) -> None:
    trained = open_run(preact_run.folder)
    sampling = Sampling(temperature=0.0, max_tokens=12)
    persona = parse_persona("N+ E-")
    alone = [reply(trained, talk, persona, sampling) for talk in (ASK, LONG)]
    assert replies(trained, [ASK, LONG], persona, sampling) == alone
