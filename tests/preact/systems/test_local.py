"""Systems on this machine: trained runs, backbones, personas by prompt and by steering vectors."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from oceanchat.errors import EvaluationError, TrainingError
from oceanchat.prompts import Message
from oceanchat.traits import TraitLevel
from preact.backbones.tiny import save as save_backbone
from preact.persona import parse_persona
from preact.systems import control_vectors, persona_vectors
from preact.systems.local import LocalSystem, open_local, seed_of, short_name
from preact.systems.steering_vectors import save
from preact.systems.system import Conversation, Sampling, ScoringSystem, SystemReply
from preact.systems.untrained import backbone_of
from tests.preact.tiny_models import SHAPE, tiny_backbone

SIX, GREEDY = Sampling(max_tokens=6), Sampling(temperature=0.0, max_tokens=8)


def ask(persona: str | None, number: int, run: int = 0) -> Conversation:
    question = (Message("user", f"What of {number}?"),)
    return Conversation(parse_persona(persona) if persona else None, question, run)


QUESTIONS = [ask(code, number) for code in ("O+", "N-") for number in (1, 2)]
PLAIN = [asked._replace(persona=None) for asked in QUESTIONS]
TALKS = [
    (Message("user", f"What of {n}?"), Message("assistant", "I like long walks. " * n)) for n in (1, 2, 3)
]


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backbones") / "bb"
    save_backbone(tiny_backbone(), folder, SHAPE, 1)
    return folder


async def test_every_method_answers_each_question_in_order_and_the_same_for_the_same_run(
    runs: dict[str, Path],
) -> None:
    names = []
    for run in runs.values():
        system = open_local(str(run), SIX)
        first, again = await system.answer(QUESTIONS), await system.answer(QUESTIONS)
        assert first == again and len(first) == 4 and all(isinstance(reply, SystemReply) for reply in first)
        assert (await system.answer(QUESTIONS[2:])) == first[2:]
        assert (system.backbone, system.conditioned) == ("tiny", True)
        names.append(system.model)
    assert names == ["P-React", "w/o PSL", "LoRA", "LoRA (Sep)"]


def test_provenance_tells_how_a_run_came_about(runs: dict[str, Path]) -> None:
    facts = open_local(str(runs["preact"]), SIX).provenance()
    assert facts["method"] == "preact" and facts["training_seed"] == 1 and "torch" in facts["versions"]
    assert len(facts["release"]["fingerprint"]) == 64 and facts["max_tokens"] == 6


async def test_a_backbone_answers_plain_or_under_the_persona_prompt(backbone: Path) -> None:
    plain, prompted = (open_local(f"{kind}:{backbone}", SIX) for kind in ("backbone", "prompted"))
    for facts in (plain.provenance(), prompted.provenance()):
        assert len(facts["backbone_used"]["weights_sha256"]) == 64
    assert (plain.conditioned, prompted.conditioned) == (False, True)
    assert (plain.model, prompted.model, plain.backbone) == ("Backbone", "Prompt", "bb")
    assert len(await plain.answer(PLAIN)) == 4
    assert (await prompted.answer(QUESTIONS)) != (await plain.answer(PLAIN))


@pytest.fixture(scope="module")
def steered(backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of each method's vectors, by title."""
    folder = tmp_path_factory.mktemp("vectors")
    common = {"blocks": [1], "strengths": [4.0]}
    save(control_vectors.build(tiny_backbone(), str(backbone), **common), folder / "c")
    save(persona_vectors.build(tiny_backbone(), str(backbone), sampling=SIX, **common), folder / "p")
    return {"ControlLM": folder / "c", "Persona vectors": folder / "p"}


@pytest.mark.parametrize("title", ["ControlLM", "Persona vectors"])
async def test_vectors_bend_the_answers_and_leave_no_trace(
    title: str, backbone: Path, steered: dict[str, Path]
) -> None:
    system = open_local(f"control:{steered[title]}", GREEDY)
    assert system.model == title and system.conditioned
    answers, plain = await system.answer(QUESTIONS), await system.answer(PLAIN)
    assert answers != plain
    assert plain == await open_local(f"backbone:{backbone}", GREEDY).answer(PLAIN)
    assert system.provenance()["control"]["strength"] == 4.0


def test_every_system_scores_dialogues_and_differs_by_persona(
    runs: dict[str, Path], backbone: Path, steered: dict[str, Path]
) -> None:
    names = [str(run) for run in runs.values()]
    names += [f"control:{folder}" for folder in steered.values()] + [f"prompted:{backbone}"]
    for name in names:
        system: ScoringSystem = open_local(name)
        own, other = (system.score(TALKS, parse_persona(code)) for code in ("O+", "N-"))
        assert len(own) == 3 and all(value is not None for value in own) and own != other
        plain = system.score(TALKS, None)
        assert plain not in (own, other) and system.score(TALKS, None) == plain


def test_a_persona_is_scored_as_it_is_played(runs: dict[str, Path]) -> None:
    system = open_local(str(runs["preact"]))
    mixed = system.score(TALKS, parse_persona("O+=0.5 N-=0.5"))
    assert mixed not in (system.score(TALKS, parse_persona("O+")), system.score(TALKS, parse_persona("N-")))


async def test_a_folder_of_prompts_reaches_local_systems_too(backbone: Path, tmp_path: Path) -> None:
    shutil.copytree("prompts", tmp_path / "prompts")
    path = tmp_path / "prompts" / "persona.md"
    path.write_text(path.read_text().replace("reply briefly", "reply at length"))
    ours, theirs = (open_local(f"prompted:{backbone}", GREEDY, prompts=p) for p in (None, path.parent))
    assert ours.provenance()["prompt"] != theirs.provenance()["prompt"]
    short = open_local(f"prompted:{backbone}", GREEDY, style="short")
    assert (short.model, short.provenance()["prompt_style"]) == ("Prompt (short prompt)", "short")
    assert short.score(TALKS, parse_persona("O+")) != ours.score(TALKS, parse_persona("O+"))
    assert ours.score(TALKS, parse_persona("O+")) != theirs.score(TALKS, parse_persona("O+"))


def test_vectors_of_another_backbone_are_refused(
    runs: dict[str, Path], steered: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copytree(steered["ControlLM"], tmp_path / "c")
    record = tmp_path / "c" / "control.json"
    record.write_text(record.read_text().replace('"block": 1', '"block": 5'))
    with pytest.raises(EvaluationError, match="made for another backbone"):
        open_local(f"control:{tmp_path / 'c'}")


def test_a_run_stands_for_its_backbone(runs: dict[str, Path], backbone: Path) -> None:
    assert backbone_of(str(runs["preact"])) == str(runs["preact"] / "backbone")
    assert backbone_of(str(backbone)) == str(backbone) and backbone_of("hf:a/b") == "a/b"
    assert short_name("meta-llama/Llama-2-7b-chat-hf") == "Llama-2-7b-chat-hf"


def test_a_run_whose_backbone_is_gone_is_refused_by_its_name(runs: dict[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(runs["preact"], copy)
    shutil.rmtree(copy / "backbone")
    with pytest.raises(TrainingError, match="backbone"):
        open_local(str(copy))


def test_what_is_no_run_and_no_control_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is not a run"):
        open_local(str(tmp_path))
    with pytest.raises(EvaluationError, match="no control vectors"):
        open_local(f"control:{tmp_path}")


def test_seeds_depend_on_run_persona_and_conversation_alone() -> None:
    asked: Sequence[Conversation] = (
        ask("O+", 1),
        ask("O+", 1, run=1),
        ask("O+", 2),
        ask("N-", 1),
        ask(None, 1),
        ask("O+=0.7 N-=0.3", 1),
        ask("O+=0.3 N-=0.7", 1),
    )
    assert len({seed_of(conversation) for conversation in asked}) == 7
    assert seed_of(ask("O+", 1)) == seed_of(asked[0])


def test_sampling_is_part_of_the_provenance(backbone: Path) -> None:
    system = open_local(f"backbone:{backbone}", Sampling(0.0, 0.8, 3))
    assert isinstance(system, LocalSystem)
    facts = system.provenance()
    assert (facts["temperature"], facts["top_p"], facts["max_tokens"]) == (0.0, 0.8, 3)
    assert facts["stop_ids"] == [tiny_backbone().tokenizer.eos_token_id]


@pytest.mark.parametrize("method", ["preact", "lora", "lora-sep"])
def test_shares_that_do_not_sum_to_one_are_a_strength(runs: dict[str, Path], method: str) -> None:
    system = open_local(str(runs[method]))
    talk = [(Message("user", "What do you like?"), Message("assistant", "Long walks and old books."))]
    trait_level = TraitLevel.parse("O+")
    losses = [system.score(talk, {trait_level: strength})[0] for strength in (1.0, 0.5, 2.0, 1.0)]
    assert losses[0] == losses[3] and len({*losses}) == 3
    if method != "lora":
        assert system.score(talk, {trait_level: 0.0})[0] == pytest.approx(system.score(talk, None)[0])
