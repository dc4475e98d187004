"""Identification of runs and other systems, with length taken out and with peers."""

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oceanchat.errors import EvaluationError, TrainingError
from oceanchat.prompts import Message
from oceanchat.statistics.figure import SHARE
from oceanchat.traits import TRAIT_LEVELS, Level
from preact.backbones.backbone import load
from preact.dialogues.conversation import encode
from preact.dialogues.release import TrainingDialogue, read_release
from preact.evaluation.identification import equal_length, identification, identify, trait_level_losses
from preact.evaluation.identification_text import as_json, as_lines, confusion_rows, figure_rows
from preact.evaluation.loss_figures import named_right
from preact.persona import Persona
from preact.systems import control_vectors
from preact.systems.local import open_local
from preact.systems.steering_vectors import save
from preact.systems.system import Conversation, SystemReply
from preact.training.train import train
from tests.preact.conftest import Run, micro_config, release_rows, write_rows

BOUNDS = {"value", "low", "high"}


def test_a_run_is_identified_on_its_test_split(preact_run: Run) -> None:
    result = identify(preact_run.folder)
    assert (result.split, result.dialogues, result.system) == ("test", 20, "P-React")
    assert result.experts is not None and result.cut > 0 and result.length_out is not None
    printed = as_json(result)
    for name in ("accuracy", "length_out", "trait_given_level", "level_given_trait"):
        assert set(printed[name]) == BOUNDS
    assert set(printed["peers"]) == {"tfidf", "tfidf_length", "length"}
    assert all(set(peer) == BOUNDS for peer in printed["peers"].values())
    assert {"ties", "margin", "own_loss", "excess", "credit", "experts", "cut"} <= printed.keys()
    assert sum(map(sum, printed["confusion"])) == pytest.approx(20)


def test_people_read_four_figures_beside_those_of_words_and_length(preact_run: Run) -> None:
    result = identify(preact_run.folder)
    assert "length out: answers cut to" in as_lines(result)[1]
    rows = figure_rows(result)
    assert [row[0] for row in rows if row[0]] == [
        *("trait-level of ten", "length out", "trait given level", "level given trait")
    ]
    beside = ["P-React", "TF-IDF", "TF-IDF + length", "length alone", "chance"]
    assert [row[1] for row in rows] == beside * 4
    assert rows[0][2:] == result.named.accuracy.cells(SHARE) and rows[4][2:] == ("10.0%", "")
    assert len(confusion_rows(result.named.confusion)) == 10


def test_the_plain_figures_alone_are_the_same(preact_run: Run) -> None:
    whole, plain = identify(preact_run.folder), identify(preact_run.folder, plain=True)
    assert plain.named == whole.named and plain.margin == whole.margin
    assert plain.length_out is None and plain.peers == {} and as_json(plain)["length_out"] is None
    assert [row[1] for row in figure_rows(plain)] == ["P-React", "chance"] * 3


def test_identifying_twice_gives_the_same(preact_run: Run) -> None:
    assert identify(preact_run.folder) == identify(preact_run.folder)


@pytest.mark.parametrize(
    ("split", "seen"), [("all", True), ("train", True), ("validation", False), ("test", False)]
)
def test_training_dialogues_alone_are_pointed_out(preact_run: Run, split: str, seen: bool) -> None:
    notes: list[str] = []
    identify(preact_run.folder, split=split, plain=True, say=notes.append)
    assert any("trained on" in line for line in notes) is seen


def test_training_dialogues_are_known_in_another_release_too(preact_run: Run, tmp_path: Path) -> None:
    every = release_rows("test", 6)  # the run was trained on the first four of each trait-level
    for name, rows in (("chosen", every[:2]), ("fresh", every[-2:])):
        write_rows(tmp_path / name, "test", rows)
        notes: list[str] = []
        identify(preact_run.folder, data=str(tmp_path / name), plain=True, say=notes.append)
        assert any("trained on" in line for line in notes) is (name == "chosen"), name


def test_no_router_ties_everything_at_chance(release_folder: Path, tmp_path: Path) -> None:
    train(micro_config(release_folder, tmp_path / "run", "no-router", max_steps=3), lambda line: None)
    result = identify(tmp_path / "run")
    assert result.named.ties == result.dialogues and result.margin == 0.0
    for named in (result.named, result.length_out):
        assert named is not None and named.accuracy.value == pytest.approx(0.1)
        assert named.trait_given_level.value == pytest.approx(0.2)
        assert named.level_given_trait.value == pytest.approx(0.5)


def test_lora_is_scored_under_ten_prompts_of_the_same_turns(
    preact_run: Run, release_folder: Path, tmp_path: Path
) -> None:
    # The lengths are such that the longest dialogue fits to the token, and under no prompt any longer.
    tokenizer = load(preact_run.backbone, precision="float32").tokenizer
    talks = [d.messages for d in read_release(str(release_folder)).split("test")]
    encodings = [encode(tokenizer, talk, context=512, reply=256) for talk in talks]
    recipe = {"context": max(len(e.ids) for e in encodings if e) - 16, "reply": 16}
    train(
        micro_config(release_folder, tmp_path / "run", "lora", max_steps=3, recipe=recipe), lambda line: None
    )
    result = identify(tmp_path / "run")
    assert result.dialogues == 20 and result.experts is None and result.named.ties < 20


def test_dialogues_that_do_not_fit_are_counted(preact_run: Run, release_folder: Path) -> None:
    system = open_local(str(preact_run.folder))
    talks = list(read_release(str(release_folder)).split("test"))
    longer = replace(talks[0], messages=(Message("user", "And so on. " * 400), talks[0].messages[1]))
    result = identification(system, [longer, *talks[1:]], "test", [], True, lambda line: None)
    assert (result.dialogues, result.left_out, as_json(result)["left_out"]) == (19, 1, 1)
    assert "left out: 1 too long" in as_lines(result)[1]


def test_backbones_are_identified_under_prompts_and_vectors(
    preact_run: Run, release_folder: Path, tmp_path: Path
) -> None:
    data = str(release_folder)
    prompted = identify(f"prompted:{preact_run.folder}", data=data, split="validation")
    backbone = load(preact_run.backbone, precision="float32")
    vectors = control_vectors.build(backbone, preact_run.backbone, blocks=[0], strengths=[0.5])
    save(vectors, tmp_path / "control")
    steered = identify(f"control:{tmp_path / 'control'}", data=data, split="validation")
    for result, title in ((prompted, "Prompt"), (steered, "ControlLM")):
        assert (result.system, result.dialogues, result.split) == (title, 10, "validation")
        assert len(result.peers) == 3 and result.named.ties < 10 and result.experts is None


def test_systems_that_cannot_be_identified_are_refused(preact_run: Run, release_folder: Path) -> None:
    with pytest.raises(EvaluationError, match="endpoints give no losses"):
        identify("prompted:gpt-4o", data=str(release_folder))
    with pytest.raises(EvaluationError, match="portrays nobody"):
        identify(f"backbone:{preact_run.folder}", data=str(release_folder))
    with pytest.raises(EvaluationError, match="name one with --data"):
        identify(f"prompted:{preact_run.folder}")


def test_an_unfinished_run_and_a_missing_split_are_refused(preact_run: Run, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is not a run"):
        identify(tmp_path)
    with pytest.raises(TrainingError, match="split 'dev'"):
        identify(preact_run.folder, split="dev")


def test_a_run_without_its_release_is_identified_elsewhere_without_peers(
    release_folder: Path, preact_run: Run, tmp_path: Path
) -> None:
    shutil.copytree(release_folder, tmp_path / "release")
    config = micro_config(tmp_path / "release", tmp_path / "run", backbone=preact_run.backbone, max_steps=1)
    train(config, lambda line: None)
    shutil.rmtree(tmp_path / "release")
    other = tmp_path / "other"
    shutil.copytree(release_folder, other)
    (other / "data" / "validation.parquet").unlink()
    notes: list[str] = []
    result = identify(tmp_path / "run", data=str(other), split="test", say=notes.append)
    assert result.peers == {} and any("no figures beside the system's" in note for note in notes)


class Lengthwise:
    """A planted fraud: it expects long answers of high levels and short ones of low levels, and no more."""

    backbone, model, conditioned, batch_size = "none", "Lengthwise", True, 1

    def provenance(self) -> Mapping[str, Any]:
        return {}

    async def answer(self, conversations: Sequence[Conversation]) -> list[SystemReply]:
        raise NotImplementedError

    def token_ends(self, texts: Sequence[str]) -> list[list[int]]:
        return [[n for n, letter in enumerate(text + " ") if letter == " "] for text in texts]

    def score(
        self, dialogues: Sequence[Sequence[Message]], persona: Persona | None, *, cut: int = 0
    ) -> list[float | None]:
        high = any(trait_level.level is Level.HIGH for trait_level in persona or {})
        lengths = [len(talk[1].content.split()) for talk in dialogues]
        shown = [min(length, cut) if cut else length for length in lengths]
        return [
            None if cut and length < cut else abs(math.log(n) - math.log(30 if high else 10))
            for n, length in zip(shown, lengths, strict=True)
        ]


def test_a_system_that_only_knows_length_is_at_chance_with_length_out() -> None:
    talks = [
        TrainingDialogue(
            f"{i}-{n}",
            TRAIT_LEVELS[i],
            (
                Message("user", "Well?"),
                Message("assistant", " ".join(["word"] * ((30 if i < 5 else 10) + n))),
            ),
            "test",
            "",
        )
        for i in range(10)
        for n in range(4)
    ]
    fraud = Lengthwise()
    cut = equal_length(fraud, talks)
    lines: list[str] = []
    plain, alike = (trait_level_losses(fraud, talks, cut=k, say=lines.append) for k in (0, cut))
    assert len(lines) == 2  # what is over within seconds takes one line, not one a trait-level
    assert named_right(plain.losses, plain.dialogues).level_given_trait.value == 1.0
    assert cut == 10 and named_right(alike.losses, alike.dialogues).level_given_trait.value == 0.5
