"""Tagged and tabled turns become labelled lines; other text stays."""

from oceanchat.pipeline.replies.turn_markup import with_labelled_lines


def lines(text: str) -> list[str]:
    return [line.strip() for line in with_labelled_lines(text).split("\n") if line.strip()]


def test_tags_become_labels() -> None:
    assert lines("<questioner>How?</questioner><Anna>So.</Anna>") == ["questioner: How?", "Anna: So."]
    assert lines('<turn speaker="Q">How?</turn>') == ["Q: How?"]
    assert lines("<Questioner>: How?") == ["Questioner: How?"]


def test_rows_become_labels() -> None:
    assert lines("| 1 | Questioner | How? |") == ["Questioner: How?"]
    table = "| # | Questioner | Self-discloser |\n|---|---|---|\n| 1 | How? | So. |"
    assert lines(table)[-2:] == ["Questioner: How?", "Self-discloser: So."]


def test_other_text_stays() -> None:
    assert with_labelled_lines("I <3 it | not | really <maybe>") == "I <3 it | not | really <maybe>"
