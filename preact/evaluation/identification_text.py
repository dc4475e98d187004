"""Print an identification for people and programs.

Four figures of the system and of the classifiers beside it, the confusion, the losses. It computes nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

from oceanchat.counting import counted
from oceanchat.statistics.figure import SHARE, Figure
from oceanchat.traits import CODES, TRAIT_LEVELS
from preact.evaluation.identification import Identification
from preact.evaluation.loss_figures import NamedRight
from preact.evaluation.text_peers import PEERS


def as_json(result: Identification) -> dict[str, Any]:
    """The figures as `preact identify --json` prints them; length_out is null where it was left out."""
    cut = result.length_out
    return {
        "system": result.system,
        "dialogues": result.dialogues,
        "left_out": result.left_out,
        "authors": result.authors,
        "split": result.split,
        "accuracy": result.named.accuracy.bounds(),
        "length_out": cut.accuracy.bounds() if cut else None,
        "trait_given_level": result.named.trait_given_level.bounds(),
        "level_given_trait": result.named.level_given_trait.bounds(),
        "length_out_level_given_trait": cut.level_given_trait.bounds() if cut else None,
        "cut": result.cut,
        "short_answers": result.short_answers,
        "peers": {name: peer.accuracy.bounds() for name, peer in result.peers.items()},
        "peers_length_out": {name: p.accuracy.bounds() for name, p in result.peers_length_out.items()},
        "ties": result.named.ties,
        "margin": result.margin,
        "own_loss": result.own_loss,
        "excess": result.excess,
        "confusion": result.named.confusion,
        "credit": result.named.credit,
        "experts": result.experts._asdict() if result.experts else None,
        "trait_levels": [t.code for t in TRAIT_LEVELS],
    }


def as_lines(result: Identification) -> list[str]:
    """What the figures are of, and what is no figure of identification, a sentence each."""
    ties = counted(result.named.ties, "tie")
    dialogues, authors = counted(result.dialogues, "dialogue"), counted(result.authors, "author")
    lines = [f"split {result.split}: {dialogues} by {authors}, {ties}"]
    if result.cut:
        lines.append(
            f"length out: answers cut to {result.cut} tokens, {result.short_answers} shorter ones left out"
        )
    if result.left_out:
        lines.append(f"left out: {result.left_out} too long for the system's lengths")
    lines.append(
        f"margin {result.margin:+.4f} nats per token; loss {result.own_loss:.4f},"
        f" the backbone's {result.own_loss - result.excess:.4f}"
    )
    if result.experts:
        use = result.experts
        lines.append(f"experts: {use.effective:.2f} effective, {use.dead} dead, PSL {use.psl:.3f}")
    return lines


FIGURE_HEADERS = ("", "", "value", "95 % interval")


def figure_rows(result: Identification) -> list[tuple[str, str, str, str]]:
    """The four figures, each of the system, of the classifiers beside it and of chance."""
    named = {result.system: (result.named, result.length_out)}
    named |= {PEERS[name]: (peer, result.peers_length_out.get(name)) for name, peer in result.peers.items()}
    rows = []
    for what, chance, figure in _FIGURES:
        lead = what
        for name, (whole, length_out) in named.items():
            of = figure(whole, length_out)
            if of is not None:
                rows.append((lead, name, *of.cells(SHARE)))
                lead = ""
        if not lead:
            rows.append(("", "chance", chance, ""))
    return rows


_FIGURES: Sequence[tuple[str, str, Callable[[NamedRight, NamedRight | None], Figure | None]]] = (
    ("trait-level of ten", "10.0%", lambda whole, length_out: whole.accuracy),
    ("length out", "10.0%", lambda whole, length_out: length_out.accuracy if length_out else None),
    ("trait given level", "20.0%", lambda whole, length_out: whole.trait_given_level),
    ("level given trait", "50.0%", lambda whole, length_out: whole.level_given_trait),
)
"""What is shown, what chance gets right of it, and where it stands."""


CONFUSION_HEADERS = ("shows \\ named", *CODES)


def confusion_rows(confusion: Sequence[Sequence[float]]) -> list[tuple[str, ...]]:
    """How often each trait-level's dialogues were named as each; a tie counts in parts."""
    return [(code, *(f"{value:.4g}" for value in row)) for code, row in zip(CODES, confusion, strict=True)]
