"""Two processes on loopback train as one does: PSL counts once, tokens count once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

STEPS = """
import os, sys
from pathlib import Path
from safetensors.torch import save_file
from tests.preact.training.test_trainer import trainer_for

out, batch = Path(sys.argv[1]), int(sys.argv[2])
recipe = {"batch_size": batch, "micro_batch": batch, "loss_weight": 10.0, "learning_rate": 0.1}
trainer = trainer_for(out.parent / out.stem, epochs=2.0, **recipe)
trainer.train()
if trainer.is_world_process_zero():
    model = trainer.accelerator.unwrap_model(trainer.model)
    save_file({n: p.detach().clone() for n, p in model.named_parameters() if p.requires_grad}, out)
trainer.accelerator.wait_for_everyone()
os._exit(0)
"""
"""The processes leave without taking the interpreter down: gloo's thread still needs it to drop the tensors
of the last gathering, and torch aborts a process that ends in between.
"""


def trained(out: Path, processes: int, batch: int) -> dict[str, torch.Tensor]:
    script = out.with_suffix(".py")
    script.write_text(STEPS)
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [sys.executable, *launcher, str(script), str(out), str(batch)]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "TMPDIR": str(out.parent)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    return load_file(out)


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one(tmp_path: Path) -> None:
    one = trained(tmp_path / "one.safetensors", 1, 8)
    two = trained(tmp_path / "two.safetensors", 2, 4)
    assert one.keys() == two.keys() and any("personality" in name for name in one)
    for name in one:
        assert torch.allclose(one[name], two[name], rtol=1e-3, atol=1e-4), name
