"""Tables of a store's statistics.

It shows what it is handed and decides nothing.
"""

from collections.abc import Sequence

from oceanchat.cli.display.notes import print_sentence
from oceanchat.cli.display.tables import print_heading, print_table
from oceanchat.statistics.length import AskedLength, LengthFigures, asked_sentences, length_concerns
from oceanchat.statistics.table_six import PAPER as PAPER_TABLE_SIX
from oceanchat.statistics.table_six import SummaryRow


def print_table_six(rows: Sequence[SummaryRow]) -> None:
    """Dialogues, turns and words of each trait-level, the paper's in brackets."""
    cells = [
        (
            row.trait_level,
            f"{row.dialogues:,.0f} ({PAPER_TABLE_SIX[row.trait_level].dialogues:,.0f})",
            f"{row.turns:.2f} ({PAPER_TABLE_SIX[row.trait_level].turns:.2f})",
            f"{row.words_a_turn:.2f} ({PAPER_TABLE_SIX[row.trait_level].words_a_turn:.2f})",
        )
        for row in rows
    ]
    print_table(("", "dialogues (paper)", "turns (paper)", "words per turn (paper)"), cells)


def print_length(figures: LengthFigures, asked: AskedLength | None = None) -> None:
    """How often the high level is longer than the low one, concerns, and what lengths were asked for."""
    if not figures.words:
        return
    print_sentence("")
    print_heading("How often high is longer than low (0.5: length says nothing)")
    rows = [(trait, words.text(), figures.exchanges[trait].text()) for trait, words in figures.words.items()]
    print_table(("", "words an answer (95 % interval)", "exchanges (95 % interval)"), rows)
    print_length_concerns(figures)
    for line in asked_sentences(asked) if asked else ():
        print_sentence(line)


def print_length_concerns(figures: LengthFigures) -> None:
    """For which traits length gives the level away, and what follows."""
    for line in length_concerns(figures):
        print_sentence(line)
