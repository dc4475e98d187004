"""The ledger is compared with what a provider says it billed."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.errors import InputError
from oceanchat.llm.bills import ALL_MODELS, compare, read_bill
from oceanchat.llm.costs import Cost, CostKey, CostLine

URL = "https://api.openai.com/v1"
USAGE = """start_time,end_time,start_time_iso,end_time_iso,project_id,num_model_requests,api_key_id,model,\
batch,input_tokens,output_tokens,input_cached_tokens
1,2,2026-11-01,2026-11-02,p,7,,gpt-4o-mini-2024-07-18,false,700,70,64
2,3,2026-11-02,2026-11-03,p,3,,gpt-4o-mini-2024-07-18,true,300,30,0
2,3,2026-11-02,2026-11-03,p,9,,gpt-4.1,false,9,9,0
3,4,2026-11-03,2026-11-04,,,,,,,,
"""
COSTS = """start_time,amount_value,amount_currency,line_item
1,0.0010,usd,"gpt-4o-mini-2024-07-18, input"
1,0.0020,usd,"gpt-4o-mini-2024-07-18, output"
"""
PER_REQUEST = """generation_id,created_at,model_permaslug,tokens_prompt,tokens_completion,cost_total
gen-1,2026-11-01,openai/gpt-4o-mini,500,50,0.001
gen-2,2026-11-01,openai/gpt-4o-mini,500,50,0.002
"""


def ledger(calls: int = 10, lost: int = 0) -> dict[CostKey, CostLine]:
    line = CostLine()
    line.kinds["kept"].add(Cost(calls, 100 * calls, 10 * calls, 64, Decimal("0.0003") * calls))
    line.kinds["lost"].add(Cost(lost, 500 * lost, 100 * lost, 0, Decimal("0.01") * lost))
    other = CostLine()
    other.kinds["kept"].add(Cost(5, 1, 1))
    return {CostKey("label", "gpt-4o-mini", URL, "O+"): line, CostKey("label", "x", "scripted", ""): other}


def agreement(folder: Path, text: str, lines: dict[CostKey, CostLine]) -> dict[str, bool | None]:
    path = folder / "export.csv"
    path.write_text(text)
    return {line.figure: line.agrees for line in compare(lines, read_bill(path)).comparisons}


def test_an_export_of_usage_agrees_with_the_ledger(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    path.write_text(USAGE, encoding="utf-8-sig")
    report = compare(ledger(), read_bill(path))
    assert {(line.model, line.figure): line.provider for line in report.comparisons} == {
        ("gpt-4o-mini", "calls"): 10,
        ("gpt-4o-mini", "prompt_tokens"): 1000,
        ("gpt-4o-mini", "cached_tokens"): 64,
        ("gpt-4o-mini", "completion_tokens"): 100,
    }
    assert all(line.agrees for line in report.comparisons)
    assert report.foreign == ("gpt-4.1",)
    assert report.as_json()["not_in_ledger"] == ["gpt-4.1"]


@pytest.mark.parametrize("text", [COSTS, PER_REQUEST, PER_REQUEST.replace(",", ";")])
def test_other_exports_are_read_by_their_columns(tmp_path: Path, text: str) -> None:
    calls = 2 if "generation_id" in text else 10
    lines = ledger(calls)
    lines[CostKey("label", "gpt-4o-mini", URL, "O+")].kinds["kept"].usd = Decimal("0.003")
    agrees = agreement(tmp_path, text, lines)
    assert agrees["usd"] is True
    assert agrees.get("calls", True) is True


def test_what_was_possibly_paid_explains_a_higher_bill_and_nothing_explains_more(tmp_path: Path) -> None:
    assert agreement(tmp_path, USAGE, ledger(8, lost=2))["calls"] is True
    assert agreement(tmp_path, USAGE, ledger(8, lost=1))["calls"] is False
    assert agreement(tmp_path, USAGE, ledger(12))["calls"] is False


def test_an_export_without_models_is_compared_with_all(tmp_path: Path) -> None:
    path = tmp_path / "costs.csv"
    path.write_text("Cost (USD),Currency\n$1,000.003,\n".replace("$1,000.003", '"$1,000.003"'))
    (line,) = compare(ledger(), read_bill(path)).comparisons
    assert (line.model, line.figure, line.provider) == (ALL_MODELS, "usd", Decimal("1000.003"))
    assert line.agrees is False


def test_an_unknown_price_is_called_unknown(tmp_path: Path) -> None:
    lines = ledger()
    lines[CostKey("label", "gpt-4o-mini", URL, "O+")].kinds["kept"].unpriced = 10
    assert agreement(tmp_path, COSTS, lines) == {"usd": None}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a,b\n1,2\n", "has no column for requests, tokens or dollars"),
        ("", "has no column"),
        ("model,requests\nx,many\n", "row 2 has 'requests' 'many', which is no number"),
        ("model,cost,currency\nx,1,eur\n", "is in 'eur'"),
    ],
)
def test_an_export_that_cannot_be_used_is_refused_in_words(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "export.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=complaint):
        read_bill(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_bill(tmp_path / "none.csv")


@given(
    st.text()
    | st.lists(st.sampled_from(["model", "cost", "requests", ",", "\n", '"', "1", "x"])).map("".join)
)
def test_any_text_is_an_export_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        compare(ledger(), read_bill(path))
    except InputError as error:
        assert "\n" not in str(error)


def test_rows_of_other_days_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    path.write_text(USAGE)
    bill = read_bill(path, date(2026, 11, 2), date(2026, 11, 2))
    assert bill.models["gpt-4o-mini-2024-07-18"]["calls"] == 3
    assert (bill.left_out, bill.days) == (2, (date(2026, 11, 2), date(2026, 11, 2)))
    assert read_bill(path).days == (date(2026, 11, 1), date(2026, 11, 3))
    path.write_text("model,requests\nx,1\n")
    with pytest.raises(InputError, match="has no column of days"):
        read_bill(path, since=date(2026, 11, 2))
    path.write_text("date,model,requests\nyesterday,x,1\n")
    with pytest.raises(InputError, match="'yesterday', which is no day"):
        read_bill(path, until=date(2026, 11, 2))


def test_a_cell_of_several_lines_is_quoted_in_one(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    path.write_text('model,"cost\n"\nm,"1\nx"\n')
    with pytest.raises(InputError, match="'1 x', which is no number") as caught:
        read_bill(path)
    assert "\n" not in str(caught.value)
