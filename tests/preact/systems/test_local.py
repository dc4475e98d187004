"""Systems on this machine: trained runs, backbones, personas by prompt and by control vectors."""

import shutil
from pathlib import Path

import pytest

from oceanchat.errors import EvaluationError, TrainingError
from oceanchat.traits import TraitLevel
from preact.backbones.tiny import save as save_backbone
from preact.systems.control_vectors import build, save
from preact.systems.generation import Sampling
from preact.systems.local import BackboneSystem, backbone_of, open_local, seed_of, short_name
from preact.systems.system import InterviewQuestion, SystemReply
from tests.preact.tiny_models import SHAPE, tiny_backbone

QUESTIONS = [
    InterviewQuestion(TraitLevel.parse(code), f"What of {n}?", 0) for code in ("O+", "N-") for n in (1, 2)
]
PLAIN = [asked._replace(trait_level=None) for asked in QUESTIONS]


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
        system = open_local(str(run), 0.7, 6)
        first, again = await system.answer(QUESTIONS), await system.answer(QUESTIONS)
        assert first == again and len(first) == 4 and all(isinstance(reply, SystemReply) for reply in first)
        assert (await system.answer(QUESTIONS[2:])) == first[2:]
        assert (system.backbone, system.conditioned) == ("tiny", True)
        names.append(system.model)
    assert names == ["P-React", "w/o PSL", "LoRA", "LoRA (Sep)"]


def test_provenance_tells_how_a_run_came_about(runs: dict[str, Path]) -> None:
    facts = open_local(str(runs["preact"]), 0.7, 6).provenance()
    assert facts["method"] == "preact" and facts["training_seed"] == 1 and "torch" in facts["versions"]
    assert len(facts["release"]["fingerprint"]) == 64 and facts["max_tokens"] == 6


async def test_a_backbone_answers_plain_or_under_the_persona_prompt(backbone: Path) -> None:
    plain, prompted = (open_local(f"{kind}:{backbone}", 0.7, 6) for kind in ("backbone", "prompted"))
    assert (plain.conditioned, prompted.conditioned) == (False, True)
    assert (plain.model, prompted.model, plain.backbone) == ("Backbone", "Prompt", "bb")
    assert len(await plain.answer(PLAIN)) == 4
    assert (await prompted.answer(QUESTIONS)) != (await plain.answer(PLAIN))


async def test_control_vectors_bend_the_answers_and_leave_no_trace(backbone: Path, tmp_path: Path) -> None:
    vectors = build(tiny_backbone(), str(backbone), blocks=[1], strengths=[4.0])
    save(vectors, tmp_path / "control")
    control = open_local(f"control:{tmp_path / 'control'}", 0.0, 8)
    assert isinstance(control, BackboneSystem) and control.model == "ControlLM"
    steered = await control.answer(QUESTIONS)
    assert steered[:2] != steered[2:]
    assert await control.answer(PLAIN) == await open_local(f"backbone:{backbone}", 0.0, 8).answer(PLAIN)
    assert control.provenance()["control"]["strength"] == 4.0


def test_a_run_stands_for_its_backbone(runs: dict[str, Path], backbone: Path) -> None:
    assert backbone_of(str(runs["preact"])) == str(runs["preact"] / "backbone")
    assert backbone_of(str(backbone)) == str(backbone) and backbone_of("hf:a/b") == "a/b"
    assert short_name("meta-llama/Llama-2-7b-chat-hf") == "Llama-2-7b-chat-hf"


def test_a_run_whose_backbone_is_gone_is_refused_by_its_name(runs: dict[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(runs["preact"], copy)
    shutil.rmtree(copy / "backbone")
    with pytest.raises(TrainingError, match="backbone"):
        open_local(str(copy), 0.7, 6)


def test_what_is_no_run_and_no_control_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is not a run"):
        open_local(str(tmp_path), 0.7, 6)
    with pytest.raises(EvaluationError, match="no control vectors"):
        open_local(f"control:{tmp_path}", 0.7, 6)


def test_seeds_depend_on_run_trait_level_and_question_alone() -> None:
    question = QUESTIONS[0]
    seeds = {seed_of(a) for a in (question, question._replace(run=1), QUESTIONS[1], QUESTIONS[2], PLAIN[0])}
    assert len(seeds) == 5 and seed_of(question) == seed_of(
        InterviewQuestion(TraitLevel.parse("O+"), "What of 1?", 0)
    )


def test_sampling_is_part_of_the_provenance(backbone: Path) -> None:
    system = BackboneSystem(str(backbone), "backbone", Sampling(temperature=0.0, max_tokens=3))
    assert (system.provenance()["temperature"], system.provenance()["max_tokens"]) == (0.0, 3)
