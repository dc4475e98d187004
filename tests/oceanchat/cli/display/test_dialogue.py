"""What a terminal is shown: text stays text, whatever it holds."""

import pytest

from oceanchat.cli.display.dialogue import print_dialogue
from oceanchat.cli.display.tables import print_table
from oceanchat.records import Dialogue, Turn
from oceanchat.traits import Level, Trait


def dialogue(text: str) -> Dialogue:
    return Dialogue(
        id="feed",
        trait=Trait.N,
        level=Level.LOW,
        facet="anxiety",
        seed_topic=text,
        turns=(Turn(role="questioner", text="How so?"), Turn(role="discloser", text=text)),
        state="gate:named",
        detail=text,
    )


def test_a_dialogue_is_set_as_a_conversation(capsys: pytest.CaptureFixture[str]) -> None:
    print_dialogue(dialogue("I slept " + "very " * 40 + "well."))
    printed = capsys.readouterr().out
    assert printed.startswith("low Neuroticism \u00b7 anxiety \u00b7 feed\n")
    assert "  Questioner: How so?\n      Self-discloser: I slept very" in printed
    assert max(len(line) for line in printed.splitlines()) <= 88


@pytest.mark.parametrize(
    "text", ["[bold red]loud[/]", ":smile: you", "\x1b[31mred\x1b[0m", "tab\there\r\nthere"]
)
def test_no_text_is_taken_for_markup_or_reaches_the_terminal_as_a_command(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_dialogue(dialogue(text))
    print_table(("name", "rows"), [("[bold]x[/]", 3)])
    printed = capsys.readouterr().out
    assert "\x1b" not in printed and "\r" not in printed and "[bold]x[/]" in printed
    assert "".join(c for c in text if c.isprintable())[:8] in printed
