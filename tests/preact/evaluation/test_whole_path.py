"""The whole path, offline: four methods, three baselines, two judges, table, report and figures."""

import json
from pathlib import Path

import pytest

from preact.evaluation.comparison.comparing import QUANTITIES
from tests.preact.evaluation.stand_ins import TEN, call


@pytest.mark.slow
def test_four_methods_three_baselines_two_judges_table_report_and_figures(
    runs: dict[str, Path], release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    Path("ten.csv").write_text(TEN)
    vectors = ("--output", "control", "--block", 1, "--strength", 1)
    assert json.loads(call("control-vectors", runs["preact"], *vectors, "--json"))["block"] == 1
    systems = {**{method: str(run) for method, run in runs.items()}, "control": "control:control"}
    systems |= {kind: f"{kind}:{runs['preact']}" for kind in ("prompted", "backbone")}
    for name, system in systems.items():
        items, answers = {"preact": ("all", 200), "backbone": ("own", 20)}.get(name, ("own", 40))
        output = call("interview", system, "-o", f"i/{name}", "--runs", 2, "--max-tokens", 5,
                      "--items", items, "--inventory", "ten.csv", "--json")  # fmt: skip
        assert json.loads(output)["answers"] == answers
    interviews = [f"i/{name}" for name in systems]
    judged = call("judge", *interviews, "--judge", "scripted", "--judge", f"classifier:{release}", "--json")
    assert len(json.loads(judged)) == 2 * len(systems)

    common = ("i", "--baseline", "i/lora", "--baseline", "i/prompted", "--judge", "scripted")
    table = json.loads(call("compare", *common, "--format", "json"))
    assert {row["model"] for row in table["rows"]} == {
        "P-React", "w/o PSL", "LoRA", "LoRA (Sep)", "ControlLM", "Prompt", "Backbone",
    }  # fmt: skip
    assert len(table["tests"]) == 5 * 2 * len(QUANTITIES)
    assert "clear high less clear low answers" in call("compare", *common)
    assert r"\toprule" in call("compare", *common, "--format", "latex")

    call("report", *common, "--output", "report")
    text = Path("report/report.md").read_text().replace("\\", "")
    assert "scripted and classifier:ocean-chat-0.0-test" in text
    assert "Shift from the unconditioned backbone" in text and "leakage-preact.svg" in text
    for figure in (
        ("experts", runs["preact"], runs["no-psl"]),
        ("confusion", runs["preact"]),
        ("leakage", "i/preact", "--judge", "scripted"),
        ("cases", "i/preact", "i/prompted", "i/backbone", "--trait-level", "N+"),
    ):
        for file in json.loads(call("plot", *figure, "--output", "figures", "--json"))["files"]:
            assert Path(file).stat().st_size > 100
