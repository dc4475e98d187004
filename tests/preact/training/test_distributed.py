"""Two processes on loopback train as one does, from `preact train` to the run folder."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import distributed
from torch.testing._internal.distributed.fake_pg import FakeStore
from transformers import LlamaConfig, LlamaForCausalLM

from oceanchat.errors import TrainingError
from preact.config import Recipe, TrainConfig
from preact.methods import MethodName
from preact.training.adapters import adapt
from preact.training.metrics import METRICS, read_metrics
from preact.training.processes import Processes
from preact.training.runs import adapter_folder, read_record
from preact.training.sharding import gathered_bytes, held_bytes, is_sharded, shard
from preact.training.train import train
from preact.training.trainer import PreactTrainer
from tests.forks import TRAINER, Fork
from tests.preact.conftest import Run, micro_config, release_rows, write_rows
from tests.processes import free_port

CALLS = """
import json, os, sys
from oceanchat.errors import TrainingError
from preact.config import TrainConfig
from preact.training.processes import leave
from tests.preact.training.test_distributed import run_until

for call in json.loads(sys.argv[1]):
    run_until(TrainConfig.model_validate(call["config"]), call["stop"], resume=call["resume"])
try:
    run_until(TrainConfig.model_validate(json.loads(sys.argv[1])[0]["config"]))
except TrainingError as error:
    # In one piece: the processes share their output.
    print(f"{type(error).__name__} {error}\\n", end="", flush=True)
leave()
# All is written: torch's threads can abort a process while its interpreter ends.
os._exit(0)
"""
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[3])}


TORCHRUN = ("torch.distributed.run", "--standalone", "--nproc-per-node=2")
# --multi_gpu is how it starts several processes; without a GPU they train on the CPU.
ACCELERATE = (
    "accelerate.commands.accelerate_cli launch --multi_gpu --num_processes 2 --num_machines 1"
    " --mixed_precision no --dynamo_backend no --main_process_port 0"
)


def two_processes(
    folder: Path, *command: str, launcher: Sequence[str] = TORCHRUN
) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **ENVIRONMENT, "TMPDIR": str(folder)}  # torchrun leaves its own behind
    start = [sys.executable, "-m", *launcher, *command]
    return subprocess.run(start, capture_output=True, text=True, timeout=400, env=environment)


def two_forks(folder: Path, code: str, *arguments: str) -> str:
    """Two processes as a launcher would start them, but at once; what both print."""
    environment = {**os.environ, **ENVIRONMENT, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    environment |= {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    outputs = [folder / f"out-{rank}" for rank in range(2)]
    with ExitStack() as stack:
        forks = []
        for rank, path in enumerate(outputs):
            options: dict[str, Any] = {"env": environment | {"RANK": str(rank), "LOCAL_RANK": str(rank)}}
            options |= {"stdout": stack.enter_context(path.open("wb")), "stderr": subprocess.STDOUT}
            command = [sys.executable, "-c", code, *arguments]
            forks.append(stack.enter_context(Fork(command, loaded=TRAINER, **options)))
            stack.callback(forks[-1].kill)
        endings = [fork.wait(400) for fork in forks]
    output = "".join(path.read_text() for path in outputs)
    assert endings == [0, 0], output[-3000:]
    return output


@pytest.fixture(scope="module")
def uneven_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """43 training dialogues: the last step of an epoch has three, and processes differ in theirs."""
    folder = tmp_path_factory.mktemp("uneven") / "release"
    write_rows(folder, "train", release_rows("train", 5)[:43])
    write_rows(folder, "validation", release_rows("validation", 1)[:7])
    return folder


def config(release: Path, output: Path, backbone: str, **options: Any) -> TrainConfig:
    recipe = {"learning_rate": 0.01, "loss_weight": 1.0, "warmup": 0.2, "precision": "float32"}
    recipe.update(options.pop("recipe", {}))
    return micro_config(release, output, backbone=backbone, recipe=recipe, **options)


def tensors(folder: Path, adapter: str) -> dict[str, torch.Tensor]:
    return load_file(adapter_folder(folder, adapter) / "adapter_model.safetensors")


def assert_same(one: Path, other: Path, *adapters: str) -> None:
    """The adapters, the router and every logged figure agree to 1e-5."""
    for adapter in adapters or ("default",):
        ours, theirs = tensors(one, adapter), tensors(other, adapter)
        assert ours.keys() == theirs.keys() and (adapters or any("personality" in name for name in ours))
        for name in ours:
            assert torch.allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-5), name
    measured = ("loss", "lm_loss", "expert_loss", "grad_norm", "learning_rate", "validation_loss")
    for a, b in zip(read_metrics(one / METRICS), read_metrics(other / METRICS), strict=True):
        assert a["step"] == b["step"]
        figures: Mapping[str, float] = {name: a[name] for name in measured if name in a}
        assert figures == pytest.approx({name: b[name] for name in figures}, rel=1e-4, abs=1e-6)


def run_until(config: TrainConfig, stop: int = 0, *, resume: bool = False) -> None:
    """Train; with `stop` only until that step's figures are to be logged, in every process."""

    def log(trainer: PreactTrainer, logs: dict[str, float], start_time: float | None = None) -> None:
        assert is_sharded(trainer.model) == (config.fsdp and trainer.processes.size > 1)
        if stop and trainer.state.global_step == stop:
            raise TrainingError("stopped by the test")
        logged(trainer, logs, start_time)

    with pytest.MonkeyPatch.context() as patch:
        logged = PreactTrainer.log
        patch.setattr(PreactTrainer, "log", log)
        try:
            train(config, lambda line: None, resume=resume)
        except TrainingError as error:
            if "stopped by the test" not in str(error):
                raise


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fsdp", "method", "recipe"),
    [(False, "preact", {"micro_batch": 2}), (True, "auxiliary", {"packing": False, "keep": "best"})],
)
def test_two_processes_end_as_one_and_go_on_with_each_others_checkpoints(
    fsdp: bool,
    method: MethodName,
    recipe: dict[str, Any],
    uneven_release: Path,
    preact_run: Run,
    tmp_path: Path,
) -> None:
    def named(name: str) -> TrainConfig:
        options = {"fsdp": fsdp, "save_steps": 3, "recipe": recipe}
        return config(uneven_release, tmp_path / name, preact_run.backbone, method=method, **options)

    def in_4_bits(name: str, *, fsdp: bool = False) -> TrainConfig:
        options = {"fsdp": fsdp, "save_steps": 3, "max_steps": 5, "recipe": {"quantise": "4bit"}}
        return config(uneven_release, tmp_path / name, preact_run.backbone, **options)

    run_until(named("alone"))
    run_until(named("one-then-two"), stop=8)
    calls = [
        {"config": named("two").model_dump(), "stop": 0, "resume": False},
        {"config": named("one-then-two").model_dump(), "stop": 0, "resume": True},
        {"config": named("two-then-one").model_dump(), "stop": 8, "resume": False},
    ]
    if fsdp:
        options = {"fsdp": True, "max_steps": 2}
        sep = [
            config(uneven_release, tmp_path / name, preact_run.backbone, method="lora-sep", **options)
            for name in ("sep-alone", "sep-two")
        ]
        run_until(sep[0])
        calls.append({"config": sep[1].model_dump(), "stop": 0, "resume": False})
        run_until(in_4_bits("packed-alone"))
        run_until(in_4_bits("packed-one-then-two"), stop=4)
        for name, resume in (("packed-two", False), ("packed-one-then-two", True)):
            calls.append({"config": in_4_bits(name, fsdp=True).model_dump(), "stop": 0, "resume": resume})
    output = two_forks(tmp_path, CALLS, json.dumps(calls))
    # Once more into a folder that exists: all processes end, one of them says why.
    endings = sorted(line.split()[0] for line in output.splitlines() if "exists; use --resume" in line)
    assert endings == ["FailedElsewhere", "TrainingError"]
    run_until(named("two-then-one"), resume=True)
    for name in ("two", "one-then-two", "two-then-one"):
        assert_same(tmp_path / "alone", tmp_path / name)
        assert read_record(tmp_path / name).state == "finished"
    assert read_record(tmp_path / "two").processes == 2
    if fsdp:
        assert_same(tmp_path / "sep-alone", tmp_path / "sep-two", "O+", "N-")
        for name in ("packed-two", "packed-one-then-two"):
            assert_same(tmp_path / "packed-alone", tmp_path / name)


@pytest.mark.slow
@pytest.mark.parametrize("launcher", [TORCHRUN, tuple(ACCELERATE.split())], ids=["torchrun", "accelerate"])
def test_the_command_line_starts_in_two_processes_and_speaks_once(
    launcher: Sequence[str], release_folder: Path, preact_run: Run, tmp_path: Path
) -> None:
    arguments = ("-m", "preact.cli.main", "train", str(release_folder), "--output", str(tmp_path / "run"))
    options = ("--max-steps", "2", "--rank", "16", "--backbone", preact_run.backbone)
    done = two_processes(tmp_path, *arguments, *options, launcher=launcher)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("run ") == 1 and done.stderr.count("step 2/2") == 1
    assert "2 processes take each step together" in done.stderr


WIDE, LONG, WORDS = 64, 128, 256


@pytest.fixture
def four() -> Iterator[Processes]:
    """The first of four processes, of which only this one exists."""
    distributed.init_process_group("fake", store=FakeStore(), rank=0, world_size=4)
    yield Processes(4, 0)
    distributed.destroy_process_group()


def small_llama() -> LlamaForCausalLM:
    with torch.device("meta"):
        shape = LlamaConfig(
            hidden_size=WIDE,
            intermediate_size=LONG,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=2,
            vocab_size=WORDS,
        )
        return LlamaForCausalLM(shape).to(torch.bfloat16)


def test_a_process_holds_its_part_and_gathers_what_is_at_work(four: Processes) -> None:
    model = small_llama()
    whole = sum(map(held_bytes, model.parameters()))
    assert gathered_bytes(model) == 0 and not is_sharded(model)
    shard(model, four)
    assert is_sharded(model) and sum(map(held_bytes, model.parameters())) == whole / 4
    block = WIDE * WIDE * 3 + WIDE * LONG * 3 + 2 * WIDE
    outside = 2 * WORDS * WIDE + WIDE
    assert gathered_bytes(model) == 2 * (outside + 2 * block)


def test_an_adapter_stays_whole(four: Processes) -> None:
    model = small_llama()
    shard(model, four)
    config = TrainConfig(release="-", output="-", backbone="-", recipe=Recipe(rank=16), fsdp=True)
    with torch.device("meta"):
        adapted = adapt(model, config)
    trained = [parameter for parameter in adapted.parameters() if parameter.requires_grad]
    assert all(held_bytes(p) == p.numel() * p.element_size() for p in trained)
    assert gathered_bytes(adapted) == gathered_bytes(model)
