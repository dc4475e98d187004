"""Settings that make no sense are refused."""

import pytest
from pydantic import ValidationError

from oceanchat.llm.settings import CallSettings


@pytest.mark.parametrize(
    "given",
    [
        {"concurrency": 0},
        {"max_usd": 0},
        {"rpm": -1},
        {"timeout_seconds": 0},
        {"max_attempts": 0},
        {"unknown": 1},
    ],
)
def test_settings_that_make_no_sense_are_refused(given: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        CallSettings(**given)  # type: ignore[arg-type]
