"""The card of an export: front matter, facts, uses and misuses, the prompt where one is needed."""

from typing import Any

from preact.export.card import card, collection_card
from preact.persona import parse_persona
from preact.training.runs import RunRecord
from tests.preact.conftest import Run

EXPORTED: dict[str, Any] = {"rank": 8, "difference": 1e-6, "effect": 0.5, "cost": None, "notes": ()}


def with_config(record: RunRecord, **changes: Any) -> RunRecord:
    return record.model_copy(update={"config": record.config.model_copy(update=changes)})


def test_a_card_says_what_it_shows_and_what_it_is_not(preact_run: Run) -> None:
    text = card(preact_run.record, parse_persona("N+"), {**EXPORTED, "notes": ("a note",)}, False)
    assert text.startswith("---\nlibrary_name: peft\n") and "base_model" not in text
    assert "# High Neuroticism" in text and "- Note: a note" in text and "Cutting experts" not in text
    assert "it is a machine" in text and "## System prompt" not in text


def test_a_mixture_shows_its_shares_and_a_cut_its_cost(preact_run: Run) -> None:
    text = card(preact_run.record, parse_persona("O+=0.7 E-=0.3"), {**EXPORTED, "cost": 0.0123}, True)
    assert "library_name: transformers" in text and "whole model, adapter merged" in text
    assert "high Openness 70%, low Extraversion 30%" in text and "cost +0.0123 nats per token" in text


def test_a_named_backbone_and_a_prompted_method_are_said(preact_run: Run) -> None:
    record = with_config(preact_run.record, backbone="owner/name", method="lora")
    text = card(record, parse_persona("C-"), EXPORTED, False)
    assert "base_model: owner/name" in text
    assert "low Conscientiousness" in text.partition("## System prompt")[2]
    mixture = card(record, parse_persona("O+=0.9 N-=0.1"), EXPORTED, False)
    assert "# High Openness and low Neuroticism\n" in mixture and "90%" not in mixture


def test_a_collection_leads_to_each_card(preact_run: Run) -> None:
    text = collection_card(preact_run.record, {"o-high": EXPORTED, "n-low": EXPORTED}, False)
    assert "[o-high](o-high/README.md) | 8 |" in text and "(n-low/README.md)" in text
    assert "## Misuse" in text and "serve.md" in text
    assert "serve.md" not in collection_card(preact_run.record, {"o-high": EXPORTED}, True)


def test_code_and_rank_are_those_of_the_export(preact_run: Run) -> None:
    record = with_config(preact_run.record, backbone="owner/name", method="lora").model_copy(
        update={"tiny": None}
    )
    adapter = card(record, parse_persona("C-"), {**EXPORTED, "rank": 48}, False)
    assert 'AutoModelForCausalLM.from_pretrained("owner/name")' in adapter and "SYSTEM}" in adapter
    assert (
        "vllm serve owner/name --enable-lora --max-lora-rank 64" in adapter and "beside this" not in adapter
    )
    merged = card(record, parse_persona("C-"), EXPORTED, True)
    assert "AutoModelForCausalLM.from_pretrained(PATH)" in merged and "PeftModel" not in merged
