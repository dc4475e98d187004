"""The model card of an export.

What it is, where it comes from, its figures, its use and misuse. Plain text out of a run's record; it reads
and writes nothing.
"""

from collections.abc import Mapping
from typing import Any

from preact.methods import METHODS
from preact.persona import Persona, persona_prompt
from preact.training.runs import RunRecord

_USE = """## Intended use

Research and teaching on how language models express personality traits: comparing training methods, studying
trait expression in dialogue, building demonstrations that say what they are.

## Misuse

The adapter makes a model *simulate* how a trait may sound. It has no personality and diagnoses nobody. Do not
use it to judge people, to pass as a human being, to influence anyone without their knowledge, or in
counselling or care. Whoever talks with it must be told that it is a machine and that the trait is put on. Low
Agreeableness and high Neuroticism are simulated too: expect rude or gloomy answers, and keep them from people
who could be hurt by them."""


def _left_behind(quantization: float, effect: float, record: RunRecord) -> str:
    """What a whole model cannot have of a run on a quantized backbone, as a sentence without a full stop."""
    share = quantization / effect
    return (
        f"The run's backbone was quantized ({record.config.recipe.quantise}): whole weights differ from it by"
        f" {quantization:.2g}, {share:.0%} of the adapter's effect"
    )


def card(record: RunRecord, persona: Persona, exported: Mapping[str, Any], merged: bool) -> str:
    """The card as Markdown with the front matter model hubs read."""
    shares = ", ".join(f"{t.label} {share:.0%}" for t, share in persona.items()) if len(persona) > 1 else ""
    name = shares or next(iter(persona)).label
    backbone = "the embedded tiny backbone" if record.tiny else record.config.backbone
    front = [
        "---",
        "library_name: " + ("transformers" if merged else "peft"),
        *([] if record.tiny else [f"base_model: {record.config.backbone}"]),
        "tags: [big-five, personality, lora, p-react]",
        "---",
    ]
    facts = [
        f"- Shows: {name}, as a simulated trait expression",
        f"- Backbone: {backbone} ({record.backbone_parameters:,} parameters)",
        f"- Method: {record.config.method}, seed {record.config.seed}, {record.steps} steps",
        f"- Data: release {record.release.name}, {record.release.dialogues} dialogues, sha256"
        f" {record.release.fingerprint}",
        f"- Form: {'whole model, adapter merged' if merged else 'LoRA adapter'}, rank {exported['rank']}",
        f"- Checked: logits differ from the training run's by {exported['difference']:.1e} at most,"
        f" and from the backbone's by {exported['effect']:.2f}",
    ]
    if exported.get("quantization") is not None:
        facts.append(f"- {_left_behind(exported['quantization'], exported['effect'], record)}")
    if record.final:
        facts.append(f"- Training loss at the end: {record.final.get('lm_loss', 0.0):.4f} nats per token")
    if exported["cost"] is not None:
        facts.append(f"- Cutting experts cost {exported['cost']:+.4f} nats per token on the validation split")
    facts += [f"- Note: {note}" for note in exported["notes"]]
    body = ["\n".join(front), f"# {name[:1].upper()}{name[1:]}", "\n".join(facts), _USE]
    if METHODS[record.config.method].prompted:
        body.append("## System prompt\n\n" + persona_prompt(persona))
    return "\n\n".join(body) + "\n"
