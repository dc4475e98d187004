"""The tiny backbone: the texts it reads, its pre-training, its seed."""

from pathlib import Path

import pytest

from oceanchat.errors import OceanChatError, TrainingError
from preact.backbones.tiny import build, read_texts
from tests.preact.conftest import MICRO

ESSAY = "I think about many things when it is late and nobody is around to talk to me. " * 6


def test_a_text_file_is_one_text(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("Some text.\n\nMore of it.\n")
    assert read_texts(str(tmp_path / "more.txt")) == ["Some text.\n\nMore of it."]


def test_a_corpus_is_one_text_an_essay(tmp_path: Path) -> None:
    path = tmp_path / "essays.csv"
    path.write_text(f'#AUTHID,TEXT\na1,"{ESSAY}"\na2,"{ESSAY} Again."\n')
    assert len(read_texts(str(path))) == 2


@pytest.mark.parametrize("content", [None, "  \n"])
def test_a_missing_or_empty_file_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "more.txt").write_text(content)
    with pytest.raises(TrainingError, match="pre-training text"):
        read_texts(str(tmp_path / "more.txt"))


def test_a_missing_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OceanChatError):
        read_texts(str(tmp_path / "none.csv"))


def test_the_tiny_backbone_is_the_same_for_the_same_seed() -> None:
    texts = ["A small text about weather and walks. " * 30]
    built = [build(texts, [], shape=MICRO, seed=seed, progress=lambda *f: None) for seed in (1, 1, 2)]
    weights = [next(iter(b.model.parameters())) for b in built]
    assert weights[0].equal(weights[1]) and not weights[0].equal(weights[2])


def test_products_in_bfloat16_pre_train_as_well() -> None:
    texts = [f"A small text about weather number {n} and walks. " * 30 for n in range(3)]
    shape, last = MICRO.model_copy(update={"steps": 40}), {}
    for mixed in (False, True):
        losses: list[float] = []
        build(texts, [], shape=shape, seed=1, mixed=mixed, progress=lambda *f, to=losses: to.append(f[2]))
        last[mixed] = losses[-1]
        assert losses[-1] < 0.7 * losses[0]
    assert last[True] == pytest.approx(last[False], rel=0.05) and last[True] != last[False]


def test_too_little_text_is_refused() -> None:
    with pytest.raises(TrainingError, match="needs more than 128"):
        build(["tiny"], [], shape=MICRO, seed=1, progress=lambda *f: None)
