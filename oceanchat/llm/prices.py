"""What a model's tokens cost.

Prices come from a dated file that a user can replace. A model that the file does not list has no price: its
cost is unknown, never 0. The embedded scripted model is free.
"""

from decimal import Decimal, InvalidOperation
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from oceanchat.errors import ConfigError
from oceanchat.llm.settings import SCRIPTED
from oceanchat.nesting import parse_toml
from oceanchat.suggestions import closest

UNIT = "USD per million tokens"
_MILLION = Decimal(1_000_000)


class Price(NamedTuple):
    """USD per million tokens."""

    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    """Of prompt tokens from the provider's cache; None: as `input`."""


class _Entry(NamedTuple):
    """What the file says of a model."""

    price: Price
    batch_cached: Decimal | None
    """Of cached prompt tokens in a batch; None: as other prompt tokens there."""


class PriceTable:
    """The prices of one file."""

    def __init__(
        self, prices: dict[str, _Entry], endpoint: str | None, batch_share: Decimal, date: str, name: str
    ) -> None:
        self.date = date
        self.name = name
        """The file, as messages name it."""
        self._prices = prices
        self._endpoint = endpoint
        self._batch_share = batch_share

    def is_free(self, endpoint: str) -> bool:
        """Whether nothing at `endpoint` costs anything: the embedded scripted model."""
        return endpoint == SCRIPTED

    def price(self, endpoint: str, model: str, batch: bool = False) -> Price | None:
        """The price of `model` at `endpoint`; None where it is unknown."""
        if endpoint == SCRIPTED:
            return Price(Decimal(0), Decimal(0))
        entry = self._prices.get(model)
        if entry is None or (self._endpoint is not None and endpoint != self._endpoint):
            return None
        if not batch:
            return entry.price
        share = self._batch_share
        return Price(entry.price.input * share, entry.price.output * share, entry.batch_cached)

    def guess(self, endpoint: str, model: str) -> str:
        """The end of a message that `model` has no price at `endpoint`: whether one that has was meant."""
        if self._endpoint not in (None, endpoint):
            return ""
        near = closest(model, self._prices)
        return f"; did you mean {near}?" if near not in (None, model) else ""

    def cost(
        self,
        endpoint: str,
        model: str,
        prompt: float | None,
        completion: float | None,
        batch: bool = False,
        cached: float | None = None,
    ) -> Decimal | None:
        """USD for so many tokens, `cached` of the prompt's from the provider's cache.

        None where the price or a token count is unknown.
        """
        price = self.price(endpoint, model, batch)
        if price is None:
            return None
        if endpoint == SCRIPTED:
            return Decimal(0)
        if prompt is None or completion is None:
            return None
        usd = price.input * Decimal(prompt) + price.output * Decimal(completion)
        if cached and price.cached is not None:
            usd -= (price.input - price.cached) * Decimal(min(cached, prompt))
        return usd / _MILLION


def format_cost(usd: Decimal, unpriced: int) -> str:
    """A cost in USD as it is shown: '$1.2345', 'unknown', or both where `unpriced` calls have no price."""
    if not unpriced:
        return f"${usd:.4f}"
    return f"${usd:.4f} + unknown" if usd else "unknown"


def load_prices(path: Path | None = None) -> PriceTable:
    """Read a price file (None: the bundled one). Raises ConfigError."""
    shown = str(path) if path else "the bundled price file"
    try:
        if path is None:
            text = files("oceanchat.llm").joinpath("prices.toml").read_text(encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
        content = parse_toml(text)
    except (OSError, ValueError) as error:
        raise ConfigError(f"price file '{shown}' cannot be read: {error}") from None
    if content.get("unit") != UNIT:
        raise ConfigError(f"price file '{shown}' says unit '{content.get('unit')}'; it must be '{UNIT}'")
    for field in ("date", "source"):
        if not content.get(field):
            raise ConfigError(f"price file '{shown}' has no {field}; say when and where the prices were read")
    prices: dict[str, _Entry] = {}
    entries = content.get("price", [])
    for entry in entries if isinstance(entries, list) else [entries]:
        prices.update(_read_entry(entry, shown))
    endpoint, name = content.get("endpoint"), f"'{path}'" if path else shown
    share = _amount(content.get("batch_share", 1), "batch_share", shown)
    return PriceTable(
        prices, str(endpoint).rstrip("/") if endpoint else None, share, str(content["date"]), name
    )


def _read_entry(entry: Any, shown: str) -> dict[str, _Entry]:
    models = entry.get("models") if isinstance(entry, dict) else None
    if not isinstance(models, list) or not models or not all(isinstance(model, str) for model in models):
        raise ConfigError(f"price file '{shown}' has a [[price]] without `models`, a list of model names")

    def amount(side: str) -> Decimal:
        return _amount(entry.get(side), f"{side} of {models[0]}", shown)

    price = Price(amount("input"), amount("output"), amount("cached") if "cached" in entry else None)
    batch_cached = amount("batch_cached") if "batch_cached" in entry else None
    return dict.fromkeys(models, _Entry(price, batch_cached))


def _amount(value: Any, what: str, shown: str) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if isinstance(value, bool) or not amount.is_finite() or not 0 <= amount <= _MILLION:
        raise ConfigError(f"price file '{shown}' has {what} '{value}'; it must be a number of {UNIT}")
    return amount
