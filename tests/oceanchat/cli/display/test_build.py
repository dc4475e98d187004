"""What a terminal is shown: text stays text, whatever it holds."""

import pytest

from oceanchat.cli.display.build import BuildProgress, print_dialogue, print_table
from oceanchat.llm.usage import CallCounts
from oceanchat.progress import Stage
from oceanchat.records import Dialogue, Turn
from oceanchat.traits import Level, Trait


def dialogue(said: str) -> Dialogue:
    return Dialogue(
        id="feed",
        trait=Trait.N,
        level=Level.LOW,
        facet="anxiety",
        seed_topic=said,
        turns=(Turn(role="questioner", text="How so?"), Turn(role="discloser", text=said)),
        state="gate:named",
        detail=said,
    )


def test_a_dialogue_is_set_as_a_conversation(capsys: pytest.CaptureFixture[str]) -> None:
    print_dialogue(dialogue("I slept " + "very " * 40 + "well."))
    shown = capsys.readouterr().out
    assert shown.startswith("low Neuroticism \u00b7 anxiety \u00b7 feed\n")
    assert "  Questioner: How so?\n      Self-discloser: I slept very" in shown
    assert max(len(line) for line in shown.splitlines()) <= 88


@pytest.mark.parametrize(
    "said", ["[bold red]loud[/]", ":smile: you", "\x1b[31mred\x1b[0m", "tab\there\r\nthere"]
)
def test_no_text_is_taken_for_markup_or_reaches_the_terminal_as_a_command(
    said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_dialogue(dialogue(said))
    print_table(("name", "rows"), [("[bold]x[/]", 3)])
    shown = capsys.readouterr().out
    assert "\x1b" not in shown and "\r" not in shown and "[bold]x[/]" in shown
    assert "".join(c for c in said if c.isprintable())[:8] in shown


def test_without_a_terminal_progress_is_plain_lines_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with BuildProgress() as progress:
        progress.watch(CallCounts(made=3, failed=1))
        progress.expect(Stage.LABEL, 5)
        progress.done(Stage.LABEL, 4)
    shown = capsys.readouterr()
    assert shown.out == "" and "\x1b" not in shown.err
    assert (
        "labelling sentences 4/5" in shown.err
        and "3 done, 1 failed" in shown.err
        and "1 remaining" in shown.err
    )
