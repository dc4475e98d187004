"""A dialogue as a conversation in the terminal."""

import textwrap

from rich.console import Console
from rich.text import Text

from oceanchat.cli.display.tables import stdout_console
from oceanchat.facets import facet_named
from oceanchat.records import SPEAKERS, Dialogue, Turn

_MAX_WIDTH = 88


def print_dialogue(dialogue: Dialogue) -> None:
    """One dialogue as a conversation, with its seed topic, facet and verdict."""
    out = stdout_console()
    facet = facet_named(dialogue.facet) if dialogue.facet else None
    head = (
        f"{dialogue.trait_level.label}" + (f" \u00b7 {facet.id}" if facet else "") + f" \u00b7 {dialogue.id}"
    )
    out.print(head, style="bold")
    if dialogue.seed_topic:
        _paragraph(out, "Seed topic  ", f"\u201c{dialogue.seed_topic}\u201d", "dim")
    for turn in dialogue.turns:
        _print_turn(out, turn)
    _paragraph(out, "Verdict  ", _verdict(dialogue), "dim")
    writer = dialogue.provenance.writer or dialogue.source
    _paragraph(out, "Written by  ", writer, "dim")


def _print_turn(out: Console, turn: Turn) -> None:
    asks = turn.role == "questioner"
    indent = "  " if asks else "      "
    label = f"{SPEAKERS[turn.role]}: "
    _paragraph(out, indent + label, turn.text, "cyan" if asks else "")


def _paragraph(out: Console, lead: str, text: str, style: str) -> None:
    width = min(_MAX_WIDTH, out.width)
    clean = "".join(c for c in text if c.isprintable() or c == " ")
    lines = textwrap.fill(clean, width, initial_indent=lead, subsequent_indent=" " * min(len(lead), 12))
    out.print(Text(lines, style=style))


def _verdict(dialogue: Dialogue) -> str:
    verdict = dialogue.verdict
    state = dialogue.state + (f" ({dialogue.detail})" if dialogue.detail else "")
    if verdict is None:
        return state
    main, *others = [observed.code for observed in verdict.shown] or ["none"]
    also = f" and also {', '.join(others)}" if others else ""
    return f"{state}; {verdict.checker} saw {main}{also}. {verdict.reason}"
