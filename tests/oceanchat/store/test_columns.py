"""A column holds what belongs in it, or its row is damaged."""

from typing import Any

import pytest

from oceanchat.store.columns import json_object, moment


def test_an_object_is_read() -> None:
    assert json_object('{"a": [1]}') == json_object('{"a": [1]}', "a") == {"a": [1]}
    with pytest.raises(ValueError, match="lacks 'b'"):
        json_object('{"a": [1]}', "b", "c")


@pytest.mark.parametrize("text", ["", "{", "3", "null", "[]", '"x"'])
def test_anything_else_is_damage(text: str) -> None:
    with pytest.raises(ValueError):
        json_object(text)


@pytest.mark.parametrize("value", ["x", -1, 1e400, float("nan"), None, b""])
def test_a_time_is_a_number_of_seconds(value: Any) -> None:
    assert moment(1_790_000_000) == 1.79e9
    with pytest.raises((TypeError, ValueError)):
        moment(value)
