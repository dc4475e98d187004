"""The paper's names of systems."""

from preact.evaluation.report.paper_section import paper_names


def test_the_papers_systems_are_known_by_their_hub_ids() -> None:
    assert paper_names("Llama-2-7b-chat-hf", "P-React") == ("Llama2-7B", "P-React")
    assert paper_names("gpt-4-0613", "Prompt") == ("-", "GPT-4")
    assert paper_names("tiny", "LoRA") == ("tiny", "LoRA")
