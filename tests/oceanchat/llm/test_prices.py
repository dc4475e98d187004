"""Prices come from a dated file; what it does not list is unknown, never free."""

from decimal import Decimal
from pathlib import Path

import pytest

from oceanchat.errors import ConfigError
from oceanchat.llm.prices import Price, load_prices
from oceanchat.llm.settings import OPENAI_URL, SCRIPTED
from tests.endpoint import MODEL, prices_file


def test_the_bundled_file_knows_the_papers_models() -> None:
    prices = load_prices()
    assert prices.price(OPENAI_URL, "gpt-3.5-turbo-1106") == Price(Decimal(1), Decimal(2))
    assert prices.cost(OPENAI_URL, "gpt-4-0613", 1_000_000, 1_000_000) == 90
    assert prices.cost(OPENAI_URL, "gpt-4-0613", 1_000_000, 1_000_000, batch=True) == 45


def test_what_is_not_listed_has_no_price() -> None:
    prices = load_prices()
    assert prices.price(OPENAI_URL, "a-model-nobody-listed") is None
    assert prices.cost(OPENAI_URL, "a-model-nobody-listed", 1, 1) is None
    assert prices.price("http://localhost:8000/v1", "gpt-4") is None  # another endpoint, another price


def test_the_scripted_model_is_free_and_untold_tokens_have_no_cost() -> None:
    prices = load_prices()
    assert prices.cost(SCRIPTED, "scripted", None, None) == 0
    assert prices.cost(OPENAI_URL, "gpt-4", None, 5) is None


def test_fractions_of_a_cent_are_exact(tmp_path: Path) -> None:
    prices = load_prices(prices_file(tmp_path, 0.1, 0.3))
    assert prices.cost("anywhere", MODEL, 1, 1) == Decimal("0.0000004")


def test_cached_prompt_tokens_have_their_own_price() -> None:
    prices = load_prices()
    million = 1_000_000
    assert prices.cost(OPENAI_URL, "gpt-4o", million, 0, cached=million) == Decimal("1.25")
    assert prices.cost(OPENAI_URL, "gpt-4o", million, 0, cached=million // 2) == Decimal("1.875")
    assert prices.cost(OPENAI_URL, "gpt-4o", million, 0, cached=9 * million) == Decimal("1.25")
    assert prices.cost(OPENAI_URL, "gpt-4", million, 0, cached=million) == 30  # no such price: as any other
    assert prices.cost(OPENAI_URL, "gpt-4o", million, 0, batch=True, cached=million) == Decimal("1.25")


def test_a_price_file_may_say_what_cached_tokens_cost_in_a_batch(tmp_path: Path) -> None:
    path = prices_file(tmp_path, 10.0, 20.0)
    path.write_text(path.read_text() + "cached = 1\nbatch_cached = 0.5\n")
    prices = load_prices(path)
    assert prices.cost("anywhere", MODEL, 1_000_000, 0, cached=1_000_000) == 1
    assert prices.cost("anywhere", MODEL, 1_000_000, 0, True, 1_000_000) == Decimal("0.5")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("not toml [", "cannot be read"),
        ('unit = "cents"', "unit 'cents'"),
        ('unit = "USD per million tokens"\nsource = "x"', "has no date"),
        ('unit = "USD per million tokens"\ndate = "2026"', "has no source"),
        (
            'unit = "USD per million tokens"\ndate = "2026"\nsource = "x"\n[[price]]\ninput = 1',
            "without `models`",
        ),
        (
            'unit = "USD per million tokens"\ndate = "2026"\nsource = "x"\n'
            '[[price]]\nmodels = ["m"]\ninput = "cheap"\noutput = 1',
            "input of m 'cheap'",
        ),
        (
            'unit = "USD per million tokens"\ndate = "2026"\nsource = "x"\n'
            '[[price]]\nmodels = ["m"]\ninput = -1\noutput = 1',
            "input of m '-1'",
        ),
        (
            'unit = "USD per million tokens"\ndate = "2026"\nsource = "x"\n'
            "[[price]]\nmodels = ['m']\ninput = 1e999999\noutput = 1",
            "input of m 'inf'",
        ),
        (
            'unit = "USD per million tokens"\ndate = "2026"\nsource = "x"\n'
            "[[price]]\nmodels = ['m']\ninput = '1e999999'\noutput = 1",
            "input of m '1e999999'",
        ),
        (
            'unit = "USD per million tokens"\ndate = "2026"\nsource = "x"\n'
            '[[price]]\nmodels = ["m"]\ninput = 1\noutput = 1\ncached = "free"',
            "cached of m 'free'",
        ),
        ("unit = 0x" + "f" * 6_000, "19 digits"),
        ("unit = " + "[" * 500 + "]" * 500, "nested more than 60 levels"),
        ("unit = " + "[" * 100_000, "nested more than 60 levels"),
    ],
)
def test_a_bad_price_file_is_refused_by_name(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"price file '.*mine\.toml'.*") as caught:
        load_prices(path)
    assert complaint in str(caught.value)


def test_a_missing_price_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_prices(tmp_path / "none.toml")
