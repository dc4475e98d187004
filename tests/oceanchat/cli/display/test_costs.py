"""Rows of one model at two endpoints can be told apart, and a corpus that is too small is called so."""

import pytest

from oceanchat.cli.display.costs import print_costs, print_growth
from oceanchat.llm.costs import Cost, CostKey, CostLine, CostReport
from oceanchat.llm.settings import OPENAI_URL
from oceanchat.pipeline.corpus_size import CorpusSize
from oceanchat.pipeline.growth import Growth
from oceanchat.pipeline.ranges import Range


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


@pytest.mark.parametrize(
    ("sentences", "verdict"),
    [
        (900, "it holds 900, which is probably too few: lower --count"),
        (2_000, "it holds 2,000, which may be too few: lower --count"),
        (3_000, "it holds 3,000. Store"),
    ],
)
def test_a_corpus_below_even_the_lower_end_is_called_too_small(
    sentences: int, verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    one = Range(1, 1, 1)
    growth = Growth(
        dialogues=10,
        calls=one,
        tokens=None,
        usd=None,
        requests_a_minute=500,
        hours=one,
        sentences=one,
        corpus_sentences=Range(2_000, 1_000, 3_000),
        rows=one,
        store_bytes=one,
        release_bytes=1,
        driver_hours=1,
        driver_bytes=1,
    )
    print_growth(growth, rough=False, corpus=CorpusSize("essays.csv", 10, sentences, True, ()))
    assert verdict in " ".join(capsys.readouterr().out.split())
