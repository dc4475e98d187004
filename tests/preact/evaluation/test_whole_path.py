"""The whole path, offline: four methods, three baselines, two judges, table, report and figures."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from preact.backbones.tiny import save
from preact.cli.main import preact
from preact.evaluation.comparison.comparing import QUANTITIES
from tests.preact.tiny_models import SHAPE, tiny_backbone

TEN = "id,trait,reversed,question\n" + "".join(
    f"{t}{n},{t},{'yes' if n else 'no'},What of {t}{n}, you?\n" for t in "OCEAN" for n in (0, 1)
)


def call(*words: object) -> str:
    """Run one command; what it printed on stdout."""
    result = CliRunner().invoke(preact, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.slow
def test_four_methods_three_baselines_two_judges_table_report_and_figures(
    runs: dict[str, Path], release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    Path("ten.csv").write_text(TEN)
    call("control-vectors", runs["preact"], "--output", "control", "--block", 1, "--strength", 1)
    systems = {**{method: str(run) for method, run in runs.items()}, "control": "control:control"}
    systems |= {kind: f"{kind}:{runs['preact']}" for kind in ("prompted", "backbone")}
    for name, system in systems.items():
        items, answers = {"preact": ("all", 200), "backbone": ("own", 20)}.get(name, ("own", 40))
        output = call("interview", system, "-o", f"i/{name}", "--runs", 2, "--max-tokens", 5,
                      "--items", items, "--inventory", "ten.csv")  # fmt: skip
        assert output.startswith(f"{answers} answers")
    call(
        "judge", *(f"i/{name}" for name in systems), "--judge", "scripted", "--judge", f"classifier:{release}"
    )

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
        for file in call("plot", *figure, "--output", "figures").split():
            assert Path(file).stat().st_size > 100


def test_a_sweep_trains_each_setting_once_and_draws_its_panels(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    common = ["--output", "sweep", "--backbone", make_backbone(tmp_path)]
    common += ["--max-steps", "1", "--threads", "1", "--epochs", "1"]
    first = call("sweep", release, "--rank", "16,32", *common)
    stamps = {file: file.stat().st_mtime_ns for file in Path("sweep").glob("*/run.json")}
    second = call("sweep", release, "--rank", "16,32", "--lambda", "0.1", *common)
    assert first.count("rank") == 2 and second.startswith(first) and "lambda 0.1" in second
    assert len(stamps) == 2 and all(file.stat().st_mtime_ns == stamp for file, stamp in stamps.items())
    Path("ten.csv").write_text(TEN)
    overall = ("--metric", "overall", "--inventory", "ten.csv", "--max-tokens", 5)
    call("sweep", release, "--experts", "4", "--method", "no-psl", *overall, *common)
    call("plot", "sweep", "sweep", "--output", "figures")
    rows = Path("figures/sweep.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["rank", "rank", "lambda", '"experts']


def make_backbone(folder: Path) -> str:
    """The micro backbone on disk."""
    save(tiny_backbone(), folder / "bb", SHAPE, 1)
    return str(folder / "bb")
