"""Print an identification for people and programs.

Four figures of the system and of the classifiers beside it, the confusion, the losses. It computes nothing.
"""

from typing import Any

from oceanchat.statistics.figure import SHARE
from oceanchat.traits import TRAIT_LEVELS
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
    """The figures for people."""
    lines = [
        f"split {result.split}: {result.dialogues} dialogues by {result.authors} authors,"
        f" {result.named.ties} ties",
        *_table(result),
        f"margin {result.margin:+.4f} nats per token; loss {result.own_loss:.4f},"
        f" the backbone's {result.own_loss - result.excess:.4f}",
    ]
    if result.left_out:
        lines.insert(1, f"left out: {result.left_out} too long for the system's lengths")
    if result.cut:
        lines.insert(
            1, f"length out: answers cut to {result.cut} tokens, {result.short_answers} shorter ones left out"
        )
    if result.experts:
        use = result.experts
        lines.append(f"experts: {use.effective:.2f} effective, {use.dead} dead, PSL {use.psl:.3f}")
    codes = [t.code for t in TRAIT_LEVELS]
    lines.append("named      " + "".join(f"{code:>7}" for code in codes))
    for code, row in zip(codes, result.named.confusion, strict=True):
        lines.append(f"shows {code:<5}" + "".join(f"{value:>7.4g}" for value in row))
    return lines


_COLUMNS = ("trait-level of ten", "length out", "trait given level", "level given trait")


def _table(result: Identification) -> list[str]:
    rows = [("", *_COLUMNS), _row(result.system, result.named, result.length_out)]
    rows += [
        _row(PEERS[name], peer, result.peers_length_out.get(name)) for name, peer in result.peers.items()
    ]
    rows.append(("chance", "10.0%", "10.0%", "20.0%", "50.0%"))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _row(name: str, whole: NamedRight, length_out: NamedRight | None) -> tuple[str, str, str, str, str]:
    return (
        name,
        whole.accuracy.text(SHARE),
        length_out.accuracy.text(SHARE) if length_out else "-",
        whole.trait_given_level.text(SHARE),
        whole.level_given_trait.text(SHARE),
    )
