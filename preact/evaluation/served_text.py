"""Say what a served endpoint lacks.

The problems of a check, one a line, its figures for people and for programs. It computes nothing.
"""

from collections.abc import Mapping

from oceanchat.counting import counted
from oceanchat.statistics.figure import SHARE
from oceanchat.traits import CODES
from preact.evaluation.loss_figures import TIE
from preact.evaluation.served_check import ServedCheck
from preact.evaluation.served_figures import BACKBONE, RunMatch

TOO_WIDE = 0.5
"""An interval of the accuracy from chance to beyond this is of too few dialogues to judge by."""


def problems(check: ServedCheck) -> list[str]:
    """What is not as it should be, a line each; none where all is right."""
    names = check.names.names
    if check.matches is not None:
        return [_wrong(names[m.trait_level], m) for m in check.matches if not m.right]
    lines = [f"{name} answers as the backbone: its adapter has no effect" for name in check.as_backbone or ()]
    if check.as_backbone is None:
        lines += [f"{', '.join(group)} are one and the same model" for group in check.alike]
    lines += [
        f"{names[s.first]} and {names[s.second]} look swapped: their dialogues are likelier under the other"
        f" name, by {s.gain.text('.4f')} nats per token"
        for s in check.swapped
    ]
    if not lines and _as_by_chance(check) and not undecided(check):
        lines.append(
            "the trait-levels cannot be told apart: identification is no better than chance; compare with"
            " what was trained by --run"
        )
    return lines


def undecided(check: ServedCheck) -> list[str]:
    """What these dialogues leave open, a line each; nothing beside a run, whose losses are compared."""
    if check.matches is not None:
        return []
    more = "give more with --split all or --release, or compare with what was trained by --run"
    rows = dict(zip(CODES, check.named.confusion, strict=True))
    unseen = [name for level, name in check.names.names.items() if not any(rows[level.code])]
    lines = [f"no dialogue shows what these should: {', '.join(unseen)}; {more}"] if unseen else []
    high = check.named.accuracy.high
    if _as_by_chance(check) and (high is None or high > TOO_WIDE):
        lines.append(
            f"{counted(check.dialogues, 'dialogue')} cannot say whether identification is better"
            f" than chance; {more}"
        )
    return lines


def _as_by_chance(check: ServedCheck) -> bool:
    """Whether the names may be no better than chance at identifying; never of a single name."""
    low, number = check.named.accuracy.low, len(check.names.names)
    return number > 1 and (low is None or low <= 1 / number)


def _wrong(name: str, match: RunMatch) -> str:
    if match.effect <= TIE:
        return f"{name} differs from the run by {match.difference:.4f} nats per token"
    share = match.difference / match.effect
    what = f"{name} differs from the run by {match.difference:.4f} nats per token, {share:.0%} of its effect"
    if match.strength is not None and match.strength < 0.05:
        return f"{name} answers as the backbone: its adapter has no effect"
    if match.strength is not None:
        return f"{what}: as this run at strength {match.strength:.2f} would, unless it is another run"
    if match.nearest not in (match.trait_level.code, BACKBONE):
        return f"{what}: it answers as {match.nearest}"
    return f"{what}: it is another model"


def as_lines(check: ServedCheck) -> list[str]:
    """The figures for people."""
    names, named = check.names, check.named
    lines = [
        f"{counted(len(names.names), 'trait-level')} served as '{names.prefix}...', split {check.split}:"
        f" {counted(check.dialogues, 'dialogue')}",
        f"trait-level of {len(names.names)}: {named.accuracy.text(SHARE)}, trait given level"
        f" {named.trait_given_level.text(SHARE)}, level given trait {named.level_given_trait.text(SHARE)}",
        f"margin {check.margin:+.4f} nats per token; asked twice, losses differ by {check.noise:.1e}",
    ]
    if check.left_out:
        lines.append(
            f"left out: {counted(check.left_out, 'dialogue')} that the server refuses or writes otherwise"
        )
    if check.as_backbone is None:
        lines.append("no model without an adapter is known, so nothing is compared with it; name --backbone")
    else:
        equal = ", ".join(check.as_backbone) or "none"
        lines.append(f"names that score as the backbone ({names.backbone}): {equal}")
    if check.matches is None:
        lines.append("strength: not checked; without the run (--run) a weaker adapter is one like any other")
    else:
        worst = max(check.matches, key=lambda m: m.difference)
        lines.append(
            f"beside the run: losses differ by up to {worst.difference:.1e} nats per token"
            f" ({names.names[worst.trait_level]}, whose effect is {worst.effect:.4f})"
        )
    if check.other_tokens:
        lines.append(
            f"note: the server writes {counted(check.other_tokens, 'dialogue')} in other tokens"
            " than the run: another"
            " chat template, or another date in it"
        )
    return lines


def as_json(check: ServedCheck) -> Mapping[str, object]:
    """The figures as `preact check-served --json` prints them."""
    wrong, open_questions = problems(check), undecided(check)
    return {
        "right": False if wrong else None if open_questions else True,
        "problems": wrong,
        "undecided": open_questions,
        "names": {t.code: name for t, name in check.names.names.items()},
        "backbone": check.names.backbone,
        "split": check.split,
        "dialogues": check.dialogues,
        "left_out": check.left_out,
        "accuracy": check.named.accuracy.bounds(),
        "trait_given_level": check.named.trait_given_level.bounds(),
        "level_given_trait": check.named.level_given_trait.bounds(),
        "ties": check.named.ties,
        "margin": check.margin if len(check.names.names) > 1 else None,
        "noise": check.noise,
        "confusion": check.named.confusion,
        "as_backbone": check.as_backbone,
        "alike": check.alike,
        "swapped": [[s.first.code, s.second.code, s.gain.bounds()] for s in check.swapped],
        "run": None
        if check.matches is None
        else [{**m._asdict(), "trait_level": m.trait_level.code, "right": m.right} for m in check.matches],
        "other_tokens": check.other_tokens,
    }
