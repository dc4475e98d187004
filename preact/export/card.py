"""The model card of an export.

What it is, where it comes from, its figures, its use and misuse. Plain text out of a run's record; it reads
and writes nothing.
"""

from collections.abc import Mapping
from typing import Any

from oceanchat.traits import CODES
from preact.backbones.sources import is_published, published_name
from preact.export.server_guide import vllm_rank
from preact.methods import METHODS
from preact.persona import Persona, persona_label, persona_prompt
from preact.training.runs import BACKBONE, RunRecord
from preact.training.strengths import Dial, strengths_line

_ADAPTER_CODE = """\
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

backbone = AutoModelForCausalLM.from_pretrained("{backbone}")
model = PeftModel.from_pretrained(backbone, PATH)
"""
_MERGED_CODE = """\
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained(PATH)
"""
_ASKING_CODE = """\
tokenizer = AutoTokenizer.from_pretrained(PATH)
messages = [{messages}]
tokens = tokenizer.apply_chat_template(
    messages, add_generation_prompt=True, return_dict=True, return_tensors="pt"
)
answer = model.generate(**tokens, max_new_tokens=100)[0, tokens["input_ids"].shape[1] :]
print(tokenizer.decode(answer, skip_special_tokens=True))
"""
_INTENDED = """## Intended use

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


def _front(record: RunRecord, merged: bool) -> str:
    """The front matter model hubs read."""
    backbone = "./tiny" if record.tiny else record.config.backbone
    return "\n".join(
        [
            "---",
            "library_name: " + ("transformers" if merged else "peft"),
            *([f"base_model: {published_name(backbone)}"] if is_published(backbone) else []),
            "tags: [big-five, personality, lora, p-react]",
            "---",
        ]
    )


def _shown(backbone: str) -> str:
    name = published_name(backbone)
    return name if is_published(backbone) else f"{name}, a model of its own that is not published"


def card(
    record: RunRecord,
    persona: Persona,
    exported: Mapping[str, Any],
    merged: bool,
    dial: Dial | None = None,
) -> str:
    """The card as Markdown with the front matter model hubs read; `dial` is what the run was tested at."""
    shares = ", ".join(f"{t.label} {share:.0%}" for t, share in persona.items()) if len(persona) > 1 else ""
    name = persona_label(persona) if METHODS[record.config.method].prompted or not shares else shares
    backbone = "the embedded tiny backbone" if record.tiny else _shown(record.config.backbone)
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
    if exported.get("strength", 1.0) != 1.0:
        facts.append(f"- Strength: {exported['strength']:g} of what was trained")
    if exported.get("lost") is not None:
        facts.append(
            f"- Cut to rank {exported['rank']} after the check: {exported['lost']:+.4f} nats per token on the"
            " validation split"
        )
    if exported["cost"] is not None:
        facts.append(f"- Cutting experts cost {exported['cost']:+.4f} nats per token on the validation split")
    facts.append(f"- {strengths_line(dial, tuple(t.code for t in persona))}")
    facts += [f"- Note: {note}" for note in exported["notes"]]
    title = f"# {name[:1].upper()}{name[1:]}"
    use = _use(record, exported["rank"], merged)
    body = [_front(record, merged), title, "\n".join(facts), use, _INTENDED]
    if METHODS[record.config.method].prompted:
        body.append("## System prompt\n\n" + persona_prompt(persona, style=record.config.prompt))
    return "\n\n".join(body) + "\n"


def _use(record: RunRecord, rank: int, merged: bool) -> str:
    """Code that asks it with peft and transformers, and the command that serves it with vLLM."""
    backbone = BACKBONE if record.tiny else published_name(record.config.backbone)
    prompted = METHODS[record.config.method].prompted
    beside = not merged and (record.tiny or not is_published(record.config.backbone))
    messages = ['{"role": "system", "content": SYSTEM}'] if prompted else []
    messages.append('{"role": "user", "content": "How was your week?"}')
    code = _MERGED_CODE if merged else _ADAPTER_CODE.format(backbone=backbone)
    serving = (
        "With vLLM: `vllm serve PATH`."
        if merged
        else f"With vLLM, which wants the rank ({rank}): `vllm serve {backbone} --enable-lora --max-lora-rank"
        f" {vllm_rank(rank)} --lora-modules NAME=PATH`, and NAME as the model. Other servers: serve.md."
    )
    return "\n\n".join(
        [
            "## Use",
            "PATH is this folder, or OWNER/NAME on the Hub."
            + (" SYSTEM is the system prompt below." if prompted else "")
            + (f" `{backbone}` lies beside this file or one folder up." if beside else ""),
            f"```python\n{code}{_ASKING_CODE.format(messages=', '.join(messages))}```",
            serving,
        ]
    )


def collection_card(
    record: RunRecord,
    exports: Mapping[str, Mapping[str, Any]],
    merged: bool,
    dial: Dial | None = None,
) -> str:
    """The card of several exports of one run, by the sub-folder each lies in."""
    form = "whole model" if merged else "LoRA adapter"
    rows = ["| folder | rank | differs from the run by | effect |", "|---|---|---|---|"]
    rows += [
        f"| [{name}]({name}/README.md) | {one['rank']} | {one['difference']:.1e} | {one['effect']:.2f} |"
        for name, one in exports.items()
    ]
    facts = [
        f"Each sub-folder holds one {form} that simulates one trait-level, and a card of its own. Made by"
        f" method {record.config.method} from release {record.release.name}, seed {record.config.seed}.",
        "" if merged else "How to serve them: [serve.md](serve.md).",
        "Differences and effects are of logits on a few questions.",
    ]
    prompted = METHODS[record.config.method].prompted
    if prompted:
        facts.append("Each card gives the system prompt that switches its trait-level on.")
    body = [
        _front(record, merged),
        "# Ten Big Five trait-levels",
        " ".join(fact for fact in facts if fact),
        "\n".join(rows),
        strengths_line(dial, CODES) + ".",
        _INTENDED,
    ]
    return "\n\n".join(body) + "\n"
