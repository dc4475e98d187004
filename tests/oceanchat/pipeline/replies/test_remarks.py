"""Titles, rules and remarks are told by their form and first words."""

import pytest

from oceanchat.pipeline.replies.remarks import begins_remark, heading_kind, is_rule


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("**Dialogue**", "dialogue"),
        ("## Final version", "dialogue"),
        ("Draft:", "dialogue"),
        ("**Planning**", "notes"),
        ("### Dialogue analysis", "notes"),
        ("**End of dialogue**", "notes"),
        ("### Exchange 2", "title"),
        ("Turn 3:", "title"),
        ("INT. KITCHEN - DAY", "title"),
        ("**A quiet day**", "title"),
        ("I went home.", None),
        ("One thing:", None),
    ],
)
def test_headings_are_known(line: str, kind: str | None) -> None:
    assert heading_kind(line) == kind


def test_rules_are_drawn() -> None:
    assert all(map(is_rule, ("---", "* * *", "=====", "|---|---|", "> ___")))
    assert not any(map(is_rule, ("- no", "...", "--", "a---")))


def test_remarks_are_known_by_their_first_words() -> None:
    assert all(
        map(
            begins_remark,
            (
                "Note: no names.",
                "Let me know if it fits.",
                "I hope this helps!",
                "*Would you like me to go on?*",
            ),
        )
    )
    assert not any(map(begins_remark, ("I went home.", "Would you like tea?", "And then I slept.")))
