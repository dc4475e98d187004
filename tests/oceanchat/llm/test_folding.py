"""Lookalike characters are known, and no length is changed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oceanchat.llm.folding import folded


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("Self\u2011discloser\uff1a", "Self-discloser:"),
        ("Self\u2013discloser\u00a0:", "Self-discloser :"),
        ("don\u2019t \u201cgo\u201d", 'don\'t "go"'),
        ("\uff2e\uff45\uff35 \U0001d411esult", "NeU Result"),
        ("\u2192 high \uff5c low", "> high | low"),
        ("caf\u00e9 \u6d77", "caf\u00e9 \u6d77"),
    ],
)
def test_lookalikes_are_folded(written: str, plain: str) -> None:
    assert folded(written) == plain


@given(st.text())
def test_length_and_ascii_stay(text: str) -> None:
    assert len(folded(text)) == len(text)
    assert all(a == b for a, b in zip(text, folded(text), strict=True) if a.isascii() and not a.isspace())
