"""The quality sections of a dataset card.

Funnel, statistics, length, pass rates, agreement, overlap, topics and costs. Each section is a function of
manifest and figures that gives Markdown, empty where there is nothing to report. The paper's figures stand
beside ours.
"""

from collections.abc import Mapping
from typing import Any

from oceanchat.pipeline.answer_words import asked_of
from oceanchat.records import REJECTED_BY_CHECK
from oceanchat.release.balance import TOLERANCE
from oceanchat.release.card.markdown import share_shown, table
from oceanchat.release.folder import TOPICS_PLOT
from oceanchat.release.manifest import Manifest
from oceanchat.statistics.dataset_quality import WHOLE
from oceanchat.statistics.figure import NAMES, SHARE, Figure, form_of
from oceanchat.statistics.length import (
    AskedLength,
    LengthFigures,
    asked_length,
    asked_sentences,
    length_concerns,
)
from oceanchat.statistics.paper import PAPER_HUMAN_PASS_RATE, PAPER_UNANIMOUS
from oceanchat.statistics.table_six import PAPER
from oceanchat.traits import TraitLevel

Quality = Mapping[str, Any]


def funnel(manifest: Manifest, quality: Quality) -> str:
    """What became of every candidate, seed topic and dialogue."""
    header = ["", "labelled", "selected", "written", "passed", "gates", "check", "failed"]
    rows = [[code, *_funnel_cells(steps)] for code, steps in quality["funnel"].items()]
    text = table(header, rows) if rows else ""
    states = table(["rejected because", "rows"], [[s, f"{n:,}"] for s, n in manifest.counts.rejected.items()])
    withheld = table(
        ["withheld because", "dialogues"], [[s, f"{n:,}"] for s, n in manifest.counts.withheld.items()]
    )
    parts = [text, states if manifest.counts.rejected else "", withheld if manifest.counts.withheld else ""]
    return "\n".join(part for part in parts if part)


def _funnel_cells(steps: Mapping[str, Mapping[str, int]]) -> list[str]:
    candidates, seeds, dialogues = steps["candidates"], steps["seeds"], steps["dialogues"]
    gates = sum(count for state, count in dialogues.items() if state.startswith("gate:"))
    check = sum(dialogues.get(state, 0) for state in REJECTED_BY_CHECK)
    failed = candidates.get("failed", 0) + dialogues.get("failed", 0)
    failed += sum(count for state, count in seeds.items() if state != "written")
    cells = (sum(candidates.values()), candidates.get("selected", 0), seeds.get("written", 0))
    return [f"{count:,}" for count in (*cells, dialogues.get("passed", 0), gates, check, failed)]


def statistics(manifest: Manifest, quality: Quality) -> str:
    """Table 6 beside the paper's."""
    rows = []
    for line in quality["rows"]["table_six"]:
        paper = PAPER[line["trait_level"]]
        counts = f"{line['dialogues']:,.0f} ({paper.dialogues:,.0f})"
        ours = ((line["turns"], paper.turns), (line["words_a_turn"], paper.words_a_turn))
        rows.append([line["trait_level"], counts, *(f"{a:,.2f} ({b:,.2f})" for a, b in ours)])
    note = "In brackets the paper's Table 6; a turn is one utterance.\n\n"
    return note + table(["trait-level", "dialogues", "turns", "words a turn"], rows)


def length(manifest: Manifest, quality: Quality) -> str:
    """How well the length of the answers tells the levels apart; empty where no trait has both."""
    words, exchanges = (
        {trait: Figure(**figure) for trait, figure in quality[name].items()}
        for name in ("length_auc", "exchanges_auc")
    )
    if not words:
        return ""
    note = _balance(manifest) + (
        "How often a dialogue of the high level is longer than one of the low level: in 0.5 of the pairs"
        " where length says nothing about the level, in all or none where it gives the level away.\n\n"
    )
    rows = [[trait, words[trait].text(), exchanges[trait].text()] for trait in words]
    concerns = length_concerns(LengthFigures(words, exchanges))
    text = note + table(["trait", "words an answer (95 % interval)", "exchanges (95 % interval)"], rows)
    text += "\n**Concern.** " + " ".join(concerns) + "\n" if concerns else ""
    asked = asked_lengths(manifest, quality)
    return text + ("\n" + " ".join(asked_sentences(asked)) + "\n" if asked else "")


def asked_lengths(manifest: Manifest, quality: Quality) -> AskedLength | None:
    """The lengths that the builds asked for, and how far their writer kept to them."""
    ranges = {}
    for code, build in manifest.builds.items():
        words = asked_of(build, TraitLevel.parse(code).trait)
        if words is not None:
            ranges[code] = words
    states = (steps["dialogues"] for code, steps in quality["funnel"].items() if code in ranges)
    return asked_length({code[0]: words for code, words in ranges.items()}, states)


def _balance(manifest: Manifest) -> str:
    """How the rows were chosen where the release is balanced by length."""
    if manifest.balance == "none":
        return ""
    unpaired = ", ".join(manifest.counts.unpaired)
    left = sum(sum(levels.values()) for levels in manifest.counts.unmatched.values())
    return (
        f"Balanced by length: the {manifest.counts.rows:,} rows of the `default` config are pairs of a high"
        f" and a low dialogue of one trait whose answers differ by at most {TOLERANCE:.0%} in mean words. The"
        f" other {left:,} are the config `unmatched`, in the same splits; Table 6 and this section leave them"
        f" out.{f' No pair at all: {unpaired}.' if unpaired else ''}\n\n"
    )


def rates(manifest: Manifest, quality: Quality) -> str:
    """Back-validation, human validation and agreement."""
    figures = quality["rows"]
    check, humans = figures["back_validation"], figures["humans"]
    rows = [
        [
            "back-validation by " + (", ".join(check["checkers"]) or "nobody"),
            share_shown(check),
            f"{check['paper']:.1%}",
        ]
    ]
    rows += [[f"of these {code}", share_shown(rate), ""] for code, rate in check["by_trait_level"].items()]
    if humans is None:
        rows.append(
            ["human validation", "nobody has validated these dialogues", f"{PAPER_HUMAN_PASS_RATE:.1%}"]
        )
    else:
        rows.append(
            [
                "human validation, after adjudication",
                share_shown(humans["pass_rate"]),
                f"{humans['paper_pass_rate']:.1%}",
            ]
        )
    text = table(["", "passed (95 % interval)", "paper"], rows)
    text += _under_way(quality["under_way"])
    if humans is not None:
        text += _agreement(humans, quality["checker"]) + _annotators(quality["annotators"])
    return text + _whole_dataset(quality["dataset"])


def _under_way(dialogues: int) -> str:
    """How many dialogues wait for labels; empty where none does."""
    if not dialogues:
        return ""
    which, have = ("1 dialogue", "has") if dialogues == 1 else (f"{dialogues:,} dialogues", "have")
    return f"\nPeople are not done: {which} {have} only some of their labels, which are left out here.\n"


def _whole_dataset(dataset: Mapping[str, Mapping[str, Any]]) -> str:
    """Share valid of all dialogues that passed the check, two estimates side by side."""
    if not dataset:
        return ""

    def cell(figure: Mapping[str, Any]) -> str:
        shown = Figure(**figure)
        return shown.text(SHARE) + (f"; {shown.note}" if shown.note and shown.value is not None else "")

    rows = [
        [
            code,
            f"{each['judged']:,} of {each['checked']:,}",
            cell(each["precision"]),
            cell(each["precision_rogan_gladen"]),
        ]
        for code, each in dataset.items()
    ]
    header = ["", "decided by people, of all checked", "prediction-powered", "Rogan-Gladen"]
    return (
        "\nShare valid of all dialogues that passed the check, estimated from the checker's verdicts on all"
        " and people's labels on some (95 % interval):\n\n"
        + table(header, rows)
        + f"\nValid of all {dataset[WHOLE]['checked']:,} that were checked, the rejected ones included:"
        f" {cell(dataset[WHOLE]['valid'])}.\n"
    )


def _agreement(humans: Mapping[str, Any], checker: Mapping[str, Any]) -> str:
    people = "1 annotator" if humans["annotators"] == 1 else f"{humans['annotators']} annotators"
    total = humans["pass_rate"]["total"]
    dialogues = "1 dialogue" if total == 1 else f"{total:,} dialogues"
    lines = [
        f"\n{people} gave {humans['labels']:,} labels on {dialogues} (the paper: {PAPER_UNANIMOUS:.1%}"
        " unanimous).\n"
    ]
    rows = [
        [NAMES[name], Figure(**figure).text(form_of(name))]
        for name, figure in {**humans["agreement"], **checker}.items()
    ]
    return "\n".join([*lines, table(["agreement", "value (95 % interval)"], rows)])


def _annotators(profiles: Mapping[str, Mapping[str, str]]) -> str:
    """Who labelled, as far as it was recorded (the paper's Appendix E)."""
    names = list(dict.fromkeys(name for profile in profiles.values() for name in profile))
    rows = [[who, *(profile.get(name, "") for name in names)] for who, profile in profiles.items()]
    return "\n" + table(["annotator", *names], rows) if names else ""


def overlap(manifest: Manifest, quality: Quality) -> str:
    """Near-duplicates, and how much of the seed topics is repeated."""
    near, seed = quality["rows"]["near_duplicates"], quality["seed_overlap"]
    copied = manifest.counts.rejected.get("gate:copied", 0)
    return (
        f"Near-duplicates (Jaccard similarity of word 5-grams of {near['jaccard']} or more):"
        f" {near['pairs']:,} pairs"
        f" among {near['total']:,} rows, {near['across_splits']} of them across splits.\n\n"
        f"Repeating {seed['words']} or more words of the seed topic in a row: {share_shown(seed)} of the rows"
        " with a seed"
        f" topic. Rejected for repeating their essay: {copied:,}.\n"
    )


def topics(manifest: Manifest, quality: Quality) -> str:
    """The topic distribution (the paper's Figure 2)."""
    topics = quality["topics"]
    if topics is None:
        return ""
    rows = [[t["label"], ", ".join(t["terms"][3:]), f"{t['share']:.1%}"] for t in topics["topics"]]
    stability = ", ".join(f"{number}: {value:.2f}" for number, value in topics["stability"].items())
    return (
        f"![Topic distribution]({TOPICS_PLOT})\n\n"
        "Topics of NMF on TF-IDF, labelled by their strongest words; a dialogue counts for the topic it"
        f" has most of beside the average ({topics['none']} have none). The number of topics is the one that"
        f" is most alike from sample to sample (number: stability): {stability}.\n\n"
        + table(["topic", "further words", "share"], rows)
    )


def costs(manifest: Manifest, quality: Quality) -> str:
    """What was asked of which model, and its price."""
    rows = [
        [
            c["model"],
            c["task"],
            f"{c['calls']:,}",
            f"{c['prompt_tokens']:,}",
            f"{c['completion_tokens']:,}",
            "unknown" if c["usd"] is None else f"{c['usd']:.4f}",
        ]
        for c in quality.get("costs", ())
    ]
    if not rows:
        return ""
    note = "All calls of the store, those for other builds and for dialogues that were rejected included.\n\n"
    return note + table(["model", "task", "calls", "prompt tokens", "completion tokens", "USD"], rows)
