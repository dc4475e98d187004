"""The commands name every adapter, the right backbone and a rank that the server takes."""

import shlex
from pathlib import Path

import pytest

from preact.export.server_guide import adapter_name, server_guide
from preact.systems.trained import open_run
from tests.preact.conftest import Run


def commands(text: str, start: str) -> list[str]:
    """The words of the first command of the guide that holds `start`."""
    code = "\n".join(line[4:] for line in text.splitlines() if line.startswith("    "))
    joined = code.replace("\\\n", " ")
    return shlex.split(next(line for line in joined.splitlines() if start in line))


def test_each_server_gets_every_adapter(preact_run: Run) -> None:
    text = server_guide(open_run(preact_run.folder), {"o-high": 32, "n-low": 6})
    static = commands(text, "--lora-modules")
    assert static[:3] == ["vllm", "serve", "backbone"]
    assert static[-2:] == ["o-high=$PWD/o-high", "n-low=$PWD/n-low"]
    assert static[static.index("--max-lora-rank") + 1] == "32"
    assert "VLLM_LORA_RESOLVER_CACHE_DIR=$PWD" in commands(text, "lora_filesystem_resolver")
    assert "VLLM_LORA_RESOLVER_HF_REPO_LIST=REPO" in commands(text, "lora_hf_hub_resolver")
    assert "`REPO/o-high`" in text
    assert commands(text, "preact_personas")[-2:] == ["--max-lora-rank", "32"]
    assert commands(text, "sglang")[-2:] == static[-2:]
    assert commands(text, "llama-server")[-4:] == ["--lora", "o-high.gguf", "--lora", "n-low.gguf"]
    assert "ADAPTER ./o-high" in text


def test_one_adapter_is_called_by_its_folder(preact_run: Run) -> None:
    text = server_guide(open_run(preact_run.folder), {"": 6}, adapter_name("my adapter"))
    static = commands(text, "--lora-modules")
    assert static[-1] == "my-adapter=$PWD" and static[static.index("--max-lora-rank") + 1] == "8"
    assert "lora_filesystem_resolver" not in text


@pytest.mark.parametrize(("method", "prompted"), [("preact", False), ("lora", True)])
def test_a_prompted_method_says_so(method: str, prompted: bool, runs: dict[str, Path]) -> None:
    text = server_guide(open_run(runs[method]), {"o-high": 8})
    assert ("## System prompt" in text) is prompted
    # An adapter folded by name cannot say a prompt.
    assert ("PREACT_VLLM_RUNS" in text) is not prompted
