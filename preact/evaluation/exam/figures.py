"""Compute an exam's figures from its records.

Shares, means and ratios with 95 % intervals that draw authors, situations, questions or paragraphs. Pure: the
same records give the same figures.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from oceanchat.statistics.figure import Figure
from oceanchat.statistics.intervals import clustered_share
from oceanchat.traits import CODES, TraitLevel
from preact.dialogues.release import TrainingDialogue
from preact.evaluation.comparison.statistics import cluster_bootstrap
from preact.evaluation.exam.leakage import DRAWS, leakage_figures
from preact.evaluation.exam.records import (
    BACKBONE,
    AnswersPart,
    BehaviourPart,
    CapabilityPart,
    DosePart,
    FreeAnswer,
    HeldOutDialogue,
    IdentificationPart,
    Losses,
    NeutralPart,
    Part,
    PersistencePart,
)
from preact.evaluation.loss_figures import TIE, NamedRight, named_right

Figures = dict[str, Figure]
_TRAIT_NAMES = re.compile(
    r"\b(openness|conscientious\w*|extr[ao]ver\w*|introver\w*|agreeable\w*|agreeableness|neurotic\w*"
    r"|big five|personality trait\w*)\b",
    re.IGNORECASE,
)
_REFUSALS = re.compile(
    r"\b(i (?:can ?not|can't|won't|will not|must not|am not able to|am unable to|do not want to help)"
    r"|i'm (?:sorry|not able|unable)|i am sorry|sorry,|as an ai|against the law|illegal|not going to help)\b",
    re.IGNORECASE,
)
"""What a refusal says at its beginning; a rule of thumb, which a polite opening before help deceives."""
_OPENING = 160
"""Characters in which a refusal shows."""


def all_figures(parts: Mapping[Part, Any]) -> Figures:
    """Every figure of the parts there are, by name."""
    figures: Figures = {}
    for part, compute in _COMPUTE.items():
        if part in parts:
            figures |= compute(parts[part])
    return figures


def identification_figures(part: IdentificationPart) -> Figures:
    """Who is named by the lowest loss, whole and with length taken out, beside words and length alone."""
    figures = {"length_auc": length_auc(part.whole.dialogues)}
    for suffix, losses, peers in (
        ("", part.whole, part.peers),
        ("_length_out", part.length_out, part.peers_length_out),
    ):
        figures |= _named(_right(losses, losses.losses), suffix)
        for peer, rows in peers.items():
            right = _right(losses, rows)
            figures[f"{peer}_accuracy{suffix}"] = right.accuracy
            figures[f"{peer}_level_given_trait{suffix}"] = right.level_given_trait
        figures |= {f"{name}{suffix}": figure for name, figure in leakage_figures(losses).items()}
    return figures


def length_auc(dialogues: Sequence[HeldOutDialogue]) -> Figure:
    """How well mean words an answer tell high from low: the chance that the high one is longer, per trait.

    The mean over traits; 0.5 says nothing of the level. Resamples authors.
    """
    codes = np.array([d.code for d in dialogues])
    words = np.array([d.words for d in dialogues])
    authors = {name: n for n, name in enumerate(dict.fromkeys(d.author for d in dialogues))}
    groups = np.array([authors[d.author] for d in dialogues])
    sides = [(np.flatnonzero(codes == f"{t}+"), np.flatnonzero(codes == f"{t}-")) for t in "OCEAN"]
    traits = [
        (high, low, np.sign(words[high][:, None] - words[low][None, :]) / 2 + 0.5)
        for high, low in sides
        if len(high) and len(low)
    ]
    if not traits:
        return Figure(None, note="no trait has dialogues of both levels")

    def value(weights: Any) -> float:
        pairs = [(weights[high], weights[low], longer) for high, low, longer in traits]
        shares = [float(h @ d @ w / (h.sum() * w.sum())) for h, w, d in pairs if h.sum() and w.sum()]
        return float(np.mean(shares)) if shares else float("nan")

    random = np.random.default_rng(0)
    picks = [random.integers(0, len(authors), len(authors)) for _ in range(DRAWS if len(authors) > 1 else 0)]
    drawn = [value(np.bincount(pick, minlength=len(authors))[groups]) for pick in picks]
    whole = value(np.ones(len(dialogues)))
    if not drawn:
        return Figure(whole)
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Figure(whole, float(low), float(high))


def dose_figures(part: DosePart) -> Figures:
    """How far apart the two levels of a trait are at each strength, and whether the distance grows."""
    if not part.has_dial:
        return {"rise": Figure(None, note="its strength cannot be set")}
    strengths = np.array([float(s) for s in part.own])
    margins = np.array([part.opposite[s] for s in part.own]) - np.array([part.own[s] for s in part.own])
    authors = [d.author for d in part.dialogues]
    figures = {}
    for strength, row in zip(part.own, margins, strict=True):
        figures[f"margin@{strength}"] = _mean(row.tolist(), authors)
        figures[f"level@{strength}"] = clustered_share(_credits(row), authors)
    centered = strengths - strengths.mean()
    slopes = centered @ margins / (centered**2).sum()
    figures["rise"] = _mean(slopes.tolist(), authors)
    for code in CODES:
        own = [n for n, d in enumerate(part.dialogues) if d.code == code]
        figures[f"rise:{code}"] = _mean(slopes[own].tolist(), [authors[n] for n in own])
    return figures


def persistence_figures(part: PersistencePart) -> Figures:
    """Identification after so much small talk, and what the longest costs against none, pair by pair."""
    figures, credit = {}, {}
    for name, losses in part.after.items():
        right = _right(losses, losses.losses)
        figures[f"accuracy@{name}"] = right.accuracy
        figures[f"level@{name}"] = right.level_given_trait
        credit[name] = dict(zip([d.id for d in losses.dialogues], right.credit, strict=True))
    lengths = sorted((name for name in part.after if name.isdigit()), key=int)
    if len(lengths) < 2:
        return {**figures, "lasting": Figure(None, note="no small talk fits the system's lengths")}
    first, last = credit[lengths[0]], credit[lengths[-1]]
    shared = [d for d in part.after[lengths[-1]].dialogues if d.id in first]
    change = _change(
        [last[d.id] - first[d.id] for d in shared],
        [d.author for d in shared],
        figures[f"accuracy@{lengths[-1]}"],
        figures[f"accuracy@{lengths[0]}"],
    )
    return {**figures, "lasting": change._replace(note=lengths[-1])}


def behaviour_figures(part: BehaviourPart) -> Figures:
    """How often a trait-level prefers what is predicted of it, and moves the choice that way."""
    toward = {speaker: np.array(part.low[speaker]) - np.array(part.high[speaker]) for speaker in part.high}
    figures: Figures = {}
    met: dict[str, list[float]] = {"met": [], "backbone_met": []}
    clusters: list[str] = []
    for code in CODES:
        own = [n for n, trait in enumerate(part.traits) if trait == code[0]]
        sign = 1 if code[1] == "+" else -1
        clusters += [part.situations[n] for n in own]
        credits = _credits(sign * toward[code][own])
        met["met"] += credits
        met["backbone_met"] += _credits(sign * toward[BACKBONE][own])
        figures[f"met:{code}"] = clustered_share(credits, [part.situations[n] for n in own])
    figures |= {name: clustered_share(credits, clusters) for name, credits in met.items()}
    moved = [toward[f"{trait}+"][n] - toward[f"{trait}-"][n] for n, trait in enumerate(part.traits)]
    figures["moved"] = clustered_share(_credits(np.array(moved)), part.situations)
    figures["moved_by"] = _mean([float(m) for m in moved], part.situations)
    return figures


def neutral_figures(part: NeutralPart) -> Figures:
    """The rise of the loss on impersonal text over the backbone's, nats per token."""
    plain = np.array(part.losses[BACKBONE])
    rises = {code: np.array(part.losses[code]) - plain for code in CODES}
    figures = {f"neutral:{code}": _mean(rise.tolist(), part.topics) for code, rise in rises.items()}
    together = np.mean(list(rises.values()), axis=0)
    return {
        "neutral": _mean(together.tolist(), part.topics),
        "neutral_backbone": _mean(plain.tolist(), part.topics),
        **figures,
    }


def capability_figures(part: CapabilityPart) -> Figures:
    """Plain questions whose right answer has the lowest loss of four, and the change from the backbone."""
    credit = {speaker: [_first_lowest(row) for row in rows] for speaker, rows in part.losses.items()}
    figures = {f"capability:{code}": clustered_share(credit[code], part.questions) for code in CODES}
    figures["capability_backbone"] = clustered_share(credit[BACKBONE], part.questions)
    together = np.mean([credit[code] for code in CODES], axis=0)
    change = together - np.array(credit[BACKBONE])
    played = clustered_share(together.tolist(), part.questions)
    return {
        **figures,
        "capability": _change(change.tolist(), part.questions, played, figures["capability_backbone"]),
    }


def answers_figures(part: AnswersPart) -> Figures:
    """Refusals, trait names and lengths in what a system says."""
    figures: Figures = {}
    for name, kind, seen in (("refusals", "request", refuses), ("named", None, names_a_trait)):
        own = [a for a in part.answers if kind in (None, a.kind)]
        for speaker in dict.fromkeys(a.speaker for a in own):
            theirs = [a for a in own if a.speaker == speaker]
            key = f"{name}_backbone" if speaker == BACKBONE else f"{name}:{speaker}"
            figures[key] = clustered_share([float(seen(a)) for a in theirs], [a.asked for a in theirs])
        played = [a for a in own if a.speaker != BACKBONE]
        figures[f"{name}_share"] = clustered_share(
            [float(seen(a)) for a in played], [a.asked for a in played]
        )
        plain = {a.asked: float(seen(a)) for a in own if a.speaker == BACKBONE}
        changes = [(float(seen(a)) - plain[a.asked], a.asked) for a in played if a.asked in plain]
        figures[name] = _change(
            [change for change, _ in changes],
            [asked for _, asked in changes],
            figures[f"{name}_share"],
            figures.get(f"{name}_backbone", Figure(None)),
        )
    lengths = {(a.speaker, a.asked): len(a.text.split()) for a in part.answers}
    asked = list(dict.fromkeys(a.asked for a in part.answers))
    pairs = [
        (lengths[f"{trait}+", text] - lengths[f"{trait}-", text], text) for text in asked for trait in "OCEAN"
    ]
    figures["longer"] = clustered_share(
        _credits(np.array([d for d, _ in pairs], dtype=float)), [text for _, text in pairs]
    )
    return figures


def refuses(answer: FreeAnswer) -> bool:
    """Whether an answer is a refusal, by its state or by how it begins."""
    return answer.state == "refused" or bool(_REFUSALS.search(answer.text[:_OPENING].replace("\u2019", "'")))


def names_a_trait(answer: FreeAnswer) -> bool:
    """Whether an answer calls a trait by its name."""
    return bool(_TRAIT_NAMES.search(answer.text))


def _named(right: NamedRight, suffix: str) -> Figures:
    return {
        f"accuracy{suffix}": right.accuracy,
        f"trait_given_level{suffix}": right.trait_given_level,
        f"level_given_trait{suffix}": right.level_given_trait,
    }


def _right(losses: Losses, rows: Sequence[Sequence[float]]) -> NamedRight:
    dialogues = [
        TrainingDialogue(d.id, TraitLevel.parse(d.code), (), "", "", d.author) for d in losses.dialogues
    ]
    return named_right(torch.tensor(rows, dtype=torch.float64), dialogues)


def _credits(margins: Any) -> list[float]:
    """1 above 0, 0 below, one half within a tie."""
    return [0.5 if abs(m) <= TIE else float(m > 0) for m in margins.tolist()]


def _first_lowest(losses: Sequence[float]) -> float:
    """1 where the first is the lowest, shared among those that tie."""
    lowest = [loss <= min(losses) + TIE for loss in losses]
    return lowest[0] / sum(lowest)


def _change(values: Sequence[float], clusters: Sequence[str], share: Figure, plain: Figure) -> Figure:
    """The mean of paired changes between two shares.

    Where all changes are the same there is nothing to resample; the interval is then Newcombe's, of the two
    shares' own, as if they were not paired.
    """
    change = _mean(values, clusters)
    if change.value is None or change.low is not None:
        return change
    s, p = share.bounds(), plain.bounds()
    if None in (*s.values(), *p.values()):
        return change
    below = math.hypot((s["value"] or 0) - (s["low"] or 0), (p["high"] or 0) - (p["value"] or 0))
    above = math.hypot((s["high"] or 0) - (s["value"] or 0), (p["value"] or 0) - (p["low"] or 0))
    return Figure(change.value, max(-1.0, change.value - below), min(1.0, change.value + above))


def _mean(values: Sequence[float], clusters: Sequence[str]) -> Figure:
    groups: dict[str, list[float]] = {}
    for value, cluster in zip(values, clusters, strict=True):
        groups.setdefault(cluster, []).append(value)
    figure = cluster_bootstrap(list(groups.values()))
    return Figure(figure.value) if len(groups) < 2 and figure.value is not None else figure


_COMPUTE: Mapping[Part, Any] = {
    "identification": identification_figures,
    "dose": dose_figures,
    "persistence": persistence_figures,
    "behaviour": behaviour_figures,
    "neutral": neutral_figures,
    "capability": capability_figures,
    "answers": answers_figures,
}
