"""The plug-in does what vLLM's published interface asks, here of an imitation of vLLM."""

import abc
import asyncio
import importlib
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from oceanchat.errors import ConfigError
from tests.preact.conftest import Run

RESOLVER = "preact.export.vllm_resolver"
GROUP = "vllm.general_plugins"
ROOT = Path(__file__).parents[3]


@dataclass
class ImitatedRequest:
    """What vLLM takes an adapter as."""

    lora_name: str
    lora_int_id: int
    lora_path: str = ""

    def __post_init__(self) -> None:
        if self.lora_int_id < 1:
            raise ValueError("id must be > 0")
        assert self.lora_path


class ImitatedResolver(abc.ABC):
    """What vLLM's resolvers are."""

    @abc.abstractmethod
    async def resolve_lora(self, base_model_name: str, lora_name: str) -> ImitatedRequest | None: ...


class ImitatedRegistry:
    """Where vLLM looks for them."""

    def __init__(self) -> None:
        self.resolvers: dict[str, Any] = {}

    def register_resolver(self, name: str, resolver: ImitatedResolver) -> None:
        assert isinstance(resolver, ImitatedResolver)
        self.resolvers[name] = resolver


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[ImitatedRegistry]:
    """The registry of an imitated vLLM that can be imported for the length of a test."""
    registry = ImitatedRegistry()
    contents: dict[str, dict[str, Any]] = {
        "vllm": {},
        "vllm.lora": {},
        "vllm.lora.request": {"LoRARequest": ImitatedRequest},
        "vllm.lora.resolver": {"LoRAResolver": ImitatedResolver, "LoRAResolverRegistry": registry},
    }
    for name, attributes in contents.items():
        module = ModuleType(name)
        vars(module).update(attributes)
        monkeypatch.setitem(sys.modules, name, module)
    yield registry
    sys.modules.pop(RESOLVER, None)


def register(**environment: str) -> None:
    """What vLLM does with each entry point, in every process."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        importlib.import_module(RESOLVER).register()


def test_an_unknown_name_that_reads_as_a_persona_is_an_adapter(
    registry: ImitatedRegistry, preact_run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = {"PREACT_VLLM_RUNS": str(preact_run.folder), "PREACT_VLLM_CACHE": str(tmp_path / "cache")}
    for _ in range(2):
        register(**settings, PREACT_VLLM_RANK="8")
    (resolver,) = registry.resolvers.values()

    async def ask(*names: str, backbone: str = preact_run.backbone) -> list[ImitatedRequest | None]:
        return await asyncio.gather(*(resolver.resolve_lora(backbone, name) for name in names))

    names = ["preact:o-high", "preact:o-high*0.7,e-low*0.3@0.5", "n-low", "preact:o-high"]
    answers = asyncio.run(ask(*names))
    assert [answer and answer.lora_name for answer in answers] == names
    requests = [answer for answer in answers if answer]
    assert len({request.lora_path for request in requests}) == 3
    assert len({request.lora_int_id for request in requests}) == 3 and requests[0] == requests[3]
    assert all(1 <= request.lora_int_id < 2**63 for request in requests)
    assert all((Path(request.lora_path) / "adapter_config.json").is_file() for request in requests)

    wrong = ["gpt-4", "preact:x-high", "other:o-high", "preact:o-high@9", "", "a" * 10_000, "\0"]
    assert asyncio.run(ask(*wrong)) == [None] * len(wrong)
    assert asyncio.run(ask("preact:a-low", backbone="other/backbone")) == [None]
    assert len(caplog.records) == 8 and "is on backbone" in caplog.text
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_without_runs_it_keeps_out_of_the_way(registry: ImitatedRegistry) -> None:
    register()
    assert registry.resolvers == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"PREACT_VLLM_CACHE": ""}, "PREACT_VLLM_CACHE is not set"),
        ({"PREACT_VLLM_RANK": "many"}, "PREACT_VLLM_RANK 'many'"),
        ({"PREACT_VLLM_RANK": "0"}, "PREACT_VLLM_RANK '0'"),
        ({"PREACT_VLLM_MAX_ADAPTERS": "-1"}, "PREACT_VLLM_MAX_ADAPTERS '-1'"),
    ],
)
def test_settings_that_cannot_work_end_the_start(
    registry: ImitatedRegistry, change: dict[str, str], words: str, preact_run: Run, tmp_path: Path
) -> None:
    settings = {"PREACT_VLLM_RUNS": str(preact_run.folder), "PREACT_VLLM_CACHE": str(tmp_path / "cache")}
    with pytest.raises(ConfigError, match=words):
        register(**(settings | change))
    assert registry.resolvers == {}


def test_a_run_that_portrays_by_a_prompt_ends_the_start(
    registry: ImitatedRegistry, runs: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="portrays by a prompt"):
        register(PREACT_VLLM_RUNS=f"{runs['preact']}:{runs['lora']}", PREACT_VLLM_CACHE=str(tmp_path))


def test_the_entry_point_is_the_plug_in(registry: ImitatedRegistry) -> None:
    # Not what is installed: an editable install keeps the entry points of the day it was made.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (point,) = (EntryPoint(*item, GROUP) for item in project["entry-points"][GROUP].items())
    assert point.name == "preact_personas"
    assert point.load() is importlib.import_module(RESOLVER).register
