"""The paper's names of systems."""

from preact.evaluation.report.paper_section import method_title, paper_names


def test_the_papers_systems_are_known_by_their_hub_ids() -> None:
    assert paper_names("Llama-2-7b-chat-hf", "P-React") == ("Llama2-7B", "P-React")
    assert paper_names("gpt-4-0613", "Prompt") == ("-", "GPT-4")
    assert paper_names("tiny", "LoRA") == ("tiny", "LoRA")


def test_a_system_is_known_by_its_method_and_not_by_its_label() -> None:
    assert method_title({"kind": "run", "method": "lora-sep"}) == "LoRA (Sep)"
    assert method_title({"kind": "prompted"}) == "Prompt"
    assert method_title({"kind": "control", "control": {"method": "controllm"}}) == "ControlLM"
    assert method_title({"kind": "control", "control": {"method": "persona"}}) == ""
    assert method_title({"kind": "backbone"}) == method_title({}) == ""
