"""A JSON column holds an object, or its row is damaged."""

import pytest

from oceanchat.store.json_columns import json_object


def test_an_object_is_read() -> None:
    assert json_object('{"a": [1]}') == {"a": [1]}


@pytest.mark.parametrize("text", ["", "{", "3", "null", "[]", '"x"'])
def test_anything_else_is_damage(text: str) -> None:
    with pytest.raises(ValueError):
        json_object(text)
