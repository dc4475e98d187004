"""Text beyond the bounds is refused as wrong, at every depth and in both languages."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.nesting import DEEPEST, OutOfBounds, parse_json, parse_toml

trees = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(trees)
def test_ordinary_json_is_read_as_json_reads_it(tree: Any) -> None:
    assert parse_json(json.dumps(tree)) == tree


@pytest.mark.parametrize("depth", [DEEPEST + 2, 500, 990, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_deep_json_is_refused_at_every_depth(depth: int, opening: str, closing: str) -> None:
    with pytest.raises(OutOfBounds, match="nested more than"):
        parse_json(opening * depth + "1" + closing * depth)


def test_the_deepest_allowed_is_read() -> None:
    assert parse_json("[" * (DEEPEST - 1) + "1" + "]" * (DEEPEST - 1))


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 500 + "]" * 500,
        "a = " + "[" * 100_000 + "]" * 100_000,
        "a = " + "{b = " * 300 + "1" + "}" * 300,
        ".".join(["a"] * 3_000) + " = 1",
        "[" + ".".join(["a"] * 3_000) + "]",
    ],
)
def test_deep_toml_is_refused(text: str) -> None:
    with pytest.raises(OutOfBounds):
        parse_toml(text)


@pytest.mark.parametrize("number", ["9223372036854775808", "-1" + "0" * 400, "1" + "0" * 5_000])
def test_numbers_that_no_database_holds_are_refused(number: str) -> None:
    with pytest.raises(ValueError):
        parse_json(f'{{"a": [{number}]}}')
    with pytest.raises(ValueError):
        parse_toml(f"a = [{number}]")
    with pytest.raises(OutOfBounds, match="19 digits"):
        parse_toml("a = 0x" + "f" * 6_000)


def test_toml_is_read_as_tomllib_reads_it() -> None:
    assert parse_toml('a = {b = [1, "x"]}') == {"a": {"b": [1, "x"]}}
    with pytest.raises(ValueError):
        parse_toml("a =")
