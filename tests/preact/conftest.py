"""A micro Llama, a small release and a trained run, shared by the trainer's tests."""

import gc
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from oceanchat.traits import TRAIT_LEVELS
from preact.config import TINY_RECIPE, TinyShape, TrainConfig
from preact.methods import MethodName
from preact.training.runs import BACKBONE, RunRecord
from preact.training.train import train
from tests.preact.tiny_models import write_release

# Sums over two threads differ in their last places from sums over one, so that figures would depend on which
# test ran before, and threads that wait for each other make micro models many times slower on a busy machine.
torch.set_num_threads(1)

MICRO = TinyShape(vocabulary=400, hidden=32, layers=2, feed_forward=48, heads=2, steps=10, batch=2, width=32)
RECIPE = TINY_RECIPE.model_copy(
    update={"rank": 32, "alpha": 64.0, "batch_size": 8, "micro_batch": 8, "epochs": 2.0}
)


def pytest_configure(config: pytest.Config) -> None:
    # peft asks by a name that transformers has deprecated; our own calls silence it where they are made.
    config.addinivalue_line("filterwarnings", "ignore:.*is_gradient_checkpointing.*:FutureWarning")


def pytest_collection_finish(session: pytest.Session) -> None:
    # accelerate collects garbage at the end of every training, and statsmodels at every correction; without
    # the objects of all imported modules each time takes milliseconds instead of most of a second.
    gc.collect()
    gc.freeze()


def micro_llama(seed: int = 0, dtype: torch.dtype = torch.float32) -> Any:
    """A Llama of two layers with random weights, always the same ones for a seed."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=97,
        hidden_size=32,
        num_hidden_layers=2,
        intermediate_size=48,
        num_attention_heads=2,
        max_position_embeddings=128,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    return LlamaForCausalLM(config).to(dtype)


def release_rows(split: str, each: int) -> list[dict[str, Any]]:
    """Dialogues of all ten trait-levels, `each` a trait-level, told apart by a word of their own."""
    rows = []
    for number in range(each):
        for trait_level in TRAIT_LEVELS:
            word = f"{trait_level.label} {number}"
            rows.append(
                {
                    "id": f"{split}-{trait_level.code}-{number}",
                    "trait": trait_level.trait.value,
                    "level": trait_level.level.value,
                    "messages": [
                        {"role": "user", "content": f"What about day {number}?"},
                        {"role": "assistant", "content": f"I felt {word} all day."},
                        {"role": "user", "content": "And then?"},
                        {"role": "assistant", "content": f"Then {trait_level.label} again."},
                    ],
                    "split": split,
                    "seed_topic": f"topic {number}",
                    "provenance": {"writer": "a model"},
                }
            )
    return rows


def write_rows(folder: Path, split: str, rows: list[dict[str, Any]]) -> None:
    """One split of a release folder."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / "data" / f"{split}.parquet")


@pytest.fixture(scope="session")
def release_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with 40 training, 10 validation and 20 test dialogues."""
    folder = tmp_path_factory.mktemp("releases") / "ocean-chat-9.9.9"
    for split, each in (("train", 4), ("validation", 1), ("test", 2)):
        write_rows(folder, split, release_rows(split, each))
    return folder


def micro_config(release: Path, output: Path, method: MethodName = "preact", **options: Any) -> TrainConfig:
    """A run of seconds."""
    recipe = RECIPE.model_copy(update=options.pop("recipe", {}))
    return TrainConfig(
        release=str(release),
        output=str(output),
        method=method,
        recipe=recipe,
        tiny=MICRO,
        threads=1,
        **options,
    )


class Run:
    """A finished run and its record."""

    def __init__(self, folder: Path, record: RunRecord) -> None:
        self.folder = folder
        self.record = record

    @property
    def backbone(self) -> str:
        """The folder of its backbone, for runs that need none of their own."""
        return str(self.folder / BACKBONE)


@pytest.fixture(scope="session")
def preact_run(release_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished micro run of P-React."""
    folder = tmp_path_factory.mktemp("runs") / "preact"
    return Run(folder, train(micro_config(release_folder, folder), lambda line: None))


METHODS: tuple[MethodName, ...] = ("preact", "no-psl", "lora", "lora-sep")


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven dialogues per trait-level, made of control answers and statements."""
    return write_release(tmp_path_factory.mktemp("release") / "ocean-chat-0.0-test")


@pytest.fixture(scope="session")
def runs(release: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A micro run of each of four methods on one backbone, by method."""
    folder = tmp_path_factory.mktemp("runs")
    folders: dict[str, Path] = {}
    for method in METHODS:
        backbone = str(folders["preact"] / "backbone") if folders else "tiny"
        config = micro_config(release, folder / method, method, backbone=backbone, max_steps=2)
        train(config, lambda line: None)
        folders[method] = folder / method
    return folders
