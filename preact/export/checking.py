"""Check an export against its run.

What was written is loaded as any user would load it, and its logits on a few questions are held against the
run's. It knows run folders and plain peft; it folds and writes no adapters.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from peft import PeftModel
from peft.helpers import rescale_adapter_scale
from torch import Tensor

from oceanchat.errors import TrainingError
from oceanchat.prompts import Message
from preact.backbones.backbone import Backbone, load
from preact.dialogues.conversation import prompt_ids
from preact.persona import Persona, persona_prompt
from preact.systems.trained import TrainedModel
from preact.training.adapters import peft_noise_silenced

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 0.05}
"""Largest difference allowed between the run's and the export's logits, as a share of the largest logit or,
where that is under 1, of 1: sums of float32 differ in their last places by the size of what is summed.
An adapter on whole weights is checked in float32. In bfloat16, which a whole model and a quantized backbone
keep, a backbone of 30 blocks on a CPU was measured 0.04 from itself in float32."""
QUESTIONS = (
    "How has your week been?",
    "What do you do when plans change?",
    "Tell me about the people around you.",
)


class Checked(NamedTuple):
    """How the logits of an export compare on the check's questions."""

    difference: float
    """Largest difference from the run or, for a whole model of a quantized run, from the adapter on the
    backbone's whole weights."""
    effect: float
    """Largest difference from the backbone without the adapter; 0: no effect."""
    quantization: float | None = None
    """Largest difference between the run on its quantized backbone and the adapter on whole weights: what a
    whole model leaves behind of what was trained. None where nothing was quantized or merged."""


def load_plain(trained: TrainedModel) -> Backbone:
    """The run's backbone as the check opens it, without any adapter: see `Recipe.exact`."""
    recipe = trained.record.config.recipe
    return load(trained.backbone, precision=recipe.exact, quantise=recipe.quantise, spread=True)


def check_adapter(
    draft: Path,
    trained: TrainedModel,
    persona: Persona,
    weights: Tensor | None,
    backbone: Backbone,
    strength: float = 1.0,
) -> Checked:
    """Hold an adapter on the run's backbone against the run, opened as `exact`, at this strength.

    `backbone`, from `load_plain`, is left as it was. Raises TrainingError when the adapter differs from the
    run or changes nothing.
    """
    expected, ids = run_logits(trained, persona, weights, strength), questions(trained, persona)
    with adapted(backbone, draft) as model:
        answers = logits(model, ids)
    checked = Checked(
        largest_difference(answers, expected),
        largest_difference(expected, backbone_logits(trained, persona)),
    )
    _judge(checked, trained, expected, strength)
    return checked


@contextmanager
def adapted(backbone: Backbone, draft: Path) -> Iterator[Any]:
    """The backbone under an adapter's folder, loaded by plain peft, for as long as the block lasts."""
    with peft_noise_silenced():
        model: Any = PeftModel.from_pretrained(backbone.model, str(draft)).eval()
    try:
        yield model
    finally:
        model.unload()


def merge(
    draft: Path, trained: TrainedModel, persona: Persona, weights: Tensor | None, strength: float = 1.0
) -> Checked:
    """Put the whole model in the adapter's place, then hold it against the run.

    A quantized backbone cannot take an adapter in without rounding it, so the adapter goes into the whole
    weights, and how far those are from the quantized ones is measured apart. Raises TrainingError as
    `check_adapter` does.
    """
    recipe = trained.record.config.recipe
    backbone = load(trained.backbone, precision=recipe.stored, spread=True)
    with peft_noise_silenced():
        model: Any = PeftModel.from_pretrained(backbone.model, str(draft)).eval()
    run, ids = run_logits(trained, persona, weights, strength), questions(trained, persona)
    expected, without = run, backbone_logits(trained, persona)
    quantization = None
    if recipe.quantise != "none":
        expected = logits(model, ids)
        quantization = largest_difference(expected, run)
        with model.disable_adapter():
            without = logits(model, ids)
    model.merge_and_unload().save_pretrained(draft)
    for file in draft.glob("adapter_*"):
        file.unlink()
    merged = load(str(draft), precision=recipe.stored, spread=True).model
    checked = Checked(
        largest_difference(logits(merged, ids), expected),
        largest_difference(expected, without),
        quantization,
    )
    _judge(checked, trained, expected, strength)
    return checked


def run_logits(
    trained: TrainedModel, persona: Persona, weights: Tensor | None, strength: float = 1.0
) -> list[Tensor]:
    """The run's own logits on the check's questions, under these expert weights where it has any.

    `strength` multiplies the scale of its layers, not its weights: a way of its own to what `fold` does.
    """
    arguments = {} if weights is None else {"expert_weights": weights}
    with trained.portraying(persona), rescale_adapter_scale(trained.model, strength):
        return logits(trained.model, questions(trained, persona), arguments)


def backbone_logits(trained: TrainedModel, persona: Persona) -> list[Tensor]:
    """The logits of the run's backbone, without its adapter, on the same questions."""
    with trained.model.disable_adapter():
        return logits(trained.model, questions(trained, persona))


def questions(trained: TrainedModel, persona: Persona) -> list[Tensor]:
    """The check's questions as the run would be asked them, (1, T) each."""
    style = trained.record.config.prompt
    system = persona_prompt(persona, style=style) if trained.method.prompted else ""
    return [
        torch.tensor(
            [prompt_ids(trained.tokenizer, [Message("user", question)], context=10**6, system=system)],
            device=trained.model.device,
        )
        for question in QUESTIONS
    ]


def logits(model: Any, ids: Sequence[Tensor], arguments: dict[str, Tensor] | None = None) -> list[Tensor]:
    """A model's logits on each of these prompts, (1, T, vocabulary), in float32 on the CPU."""
    with torch.inference_mode():
        return [model(row, **(arguments or {})).logits.float().cpu() for row in ids]


def largest_difference(some: Sequence[Tensor], others: Sequence[Tensor]) -> float:
    """The largest absolute difference; NaN if any is NaN, which Python's own max would lose."""
    pairs = zip(some, others, strict=True)
    return float(torch.stack([(a - b).abs().max() for a, b in pairs]).max())


def _judge(checked: Checked, trained: TrainedModel, expected: Sequence[Tensor], strength: float) -> None:
    largest = float(torch.stack([answer.abs().max() for answer in expected]).max())
    allowed = TOLERANCE[trained.model.dtype] * max(1.0, largest)
    # Comparisons with NaN are false: each has to be passed, not failed.
    same, works = checked.difference <= allowed, checked.effect > allowed or strength == 0
    if same and works:
        return
    if same and checked.effect > 0 and trained.model.dtype == torch.bfloat16:
        whole = trained.record.config.recipe.quantise == "none"
        raise TrainingError(
            f"whether the export of run '{trained.folder}' works cannot be told: its adapter moves logits by"
            f" {checked.effect:.1e} at most, and rounding to bfloat16 may by {allowed:.1e}; train longer"
            + (", or leave --merge out: an adapter alone is checked in float32" if whole else "")
        )
    what = "changes nothing in the backbone" if same else "differs from the run"
    raise TrainingError(
        f"the export of run '{trained.folder}' {what} (logits by {checked.difference:.1e}, effect"
        f" {checked.effect:.1e}); train longer, or report this with the run's run.json"
    )
