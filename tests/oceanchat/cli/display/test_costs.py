"""Rows of one model at two endpoints can be told apart."""

import pytest

from oceanchat.cli.display.costs import print_costs
from oceanchat.llm.costs import Cost, CostKey, CostLine, CostReport
from oceanchat.llm.settings import OPENAI_URL


def test_a_model_at_two_endpoints_is_named_with_its_host(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    lines = {}
    for model, endpoint in (
        ("qwen", "http://gpu:8000/v1"),
        ("qwen", "http://other:8000/v1"),
        ("once", OPENAI_URL),
        ("Qwen/Qwen3", OPENAI_URL),
        ("Qwen/Qwen3", "http://gpu:8000/v1"),
    ):
        line = CostLine()
        line.kinds["kept"].add(Cost(calls=1))
        lines[CostKey("write", model, endpoint, "O+")] = line
    print_costs(CostReport(lines, 0, "2026-01-01", without_price=[("Qwen/Qwen3", OPENAI_URL)]))
    shown = capsys.readouterr().out
    for name in ("qwen at gpu:8000 ", "qwen at other:8000 ", "once  ", "Qwen/Qwen3 at gpu:8000 "):
        assert name in shown, name
    # A name of the Hub's is none of OpenAI's, whatever was assumed when the request went into a file.
    assert "No price is known of 'Qwen/Qwen3' at an engine that no --base-url named:" in " ".join(
        shown.split()
    )
