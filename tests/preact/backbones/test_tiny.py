from pathlib import Path

import pytest

from oceanchat.errors import OceanChatError, TrainingError
from preact.backbones.tiny import read_texts

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
