"""What looks like personal data is found, and ordinary talk is not."""

import pytest

from oceanchat.release.personal_data import personal_data_in


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("write to jane.doe@mail.example.com please", "email"),
        ("it is on https://example.org/me", "web-address"),
        ("see www.example.org", "web-address"),
        ("call 555-123-4567 tonight", "phone-number"),
        ("call +49 170 123 4567", "phone-number"),
        ("my number is 123456789", "long-number"),
        ("ask @some_handle about it", "handle"),
        ("I live at 12 Maple Street now", "street-address"),
    ],
)
def test_patterns_are_found(text: str, flag: str) -> None:
    assert flag in personal_data_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "I got up at 7 and had 2 eggs in 1997.",
        "We walked 12 miles to the street market.",
        "It was 10:30 and I had 250 dollars left.",
        "Call me sometime, the 3 of us could meet on the 14th.",
    ],
)
def test_ordinary_talk_is_left_alone(text: str) -> None:
    assert personal_data_in(text) == ()
