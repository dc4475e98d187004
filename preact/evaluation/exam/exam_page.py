"""Write the exam's page.

Seven questions with their answers side by side, the tables behind them, and what only people or a paid judge
can say. Every figure comes from the stored figures; nothing is computed here.
"""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from oceanchat.statistics.figure import SHARE, number
from oceanchat.traits import CODES, TRAITS
from preact.evaluation.exam.figures import Figures
from preact.evaluation.exam.judged import JudgedLeakage
from preact.evaluation.exam.questions import NATS, QUESTIONS, concerns
from preact.evaluation.exam.records import ExamSize
from preact.evaluation.report.page import Page

PAGE = "exam"
_FOUR = ("accuracy", "accuracy_length_out", "trait_given_level", "level_given_trait")
_PEERS = {"tfidf": "TF-IDF", "tfidf_length": "TF-IDF + length", "length": "length alone"}


class ExaminedSystem(NamedTuple):
    """A system as the page shows it."""

    name: str
    """Its folder in the exam's."""
    system: str
    """As `preact` takes it."""
    title: str
    """Backbone and method."""
    options: Sequence[str]
    """Options that chose its dialogues, for the commands on the page."""
    figures: Figures
    matrix: Sequence[Sequence[float]]
    """How each trait-level moves every trait with length taken out, 10 x 5; empty where not measured."""
    facts: Mapping[str, bool]


def write_page(
    systems: Sequence[ExaminedSystem],
    judged: Sequence[JudgedLeakage],
    size: ExamSize,
    quick: bool,
    folder: Path,
    costs: Sequence[str],
) -> tuple[Path, Path]:
    """Write exam.md and exam.html; `costs` says what people and judges would cost, a sentence each."""
    page = Page("What a sceptic asks")
    page.paragraph(
        "Seven questions, answered without a judge: by the losses of texts under trait-levels, and by plain"
        " rules on what the system says. Brackets hold 95 % intervals. Not shown means that the figures do"
        " not settle it; it is not a no."
    )
    warnings = _warnings(systems)
    if quick:
        warnings.append("A quick exam: few dialogues and questions, wide intervals.")
    page.heading("Read this first")
    page.points(warnings or ["Nothing stands out."], alarm=bool(warnings))
    _answers(page, systems)
    for number_of, question in enumerate(QUESTIONS, start=1):
        page.heading(f"{number_of}. {question.text}", 3)
        page.paragraph(question.rule)
        answers = [(s.name, question.answer(s.figures)) for s in systems]
        page.table(
            ["System", "Answer", "Figure", "From"],
            [[name, answer.verdict, answer.headline, answer.details] for name, answer in answers],
        )
        for command in _commands(systems, question.parts, quick, folder):
            page.command(command)
    _identification(page, systems)
    _matrices(page, systems)
    _judged(page, judged)
    _by_trait_level(page, systems)
    page.heading("What only people or a judge can say")
    page.paragraph(
        "Whether a reader hears the trait in its answers is not among the seven: losses cannot say that, and"
        " a judge that counts words can be wrong about it. These would answer it:"
    )
    page.points(costs)
    _size(page, systems, size)
    return page.write(folder, PAGE)


def _warnings(systems: Sequence[ExaminedSystem]) -> list[str]:
    """What concerns systems, once each with the names of those it concerns."""
    names: dict[str, list[str]] = {}
    for s in systems:
        for line in concerns(s.name, s.figures, s.facts):
            names.setdefault(line.removeprefix(f"{s.name}: "), []).append(s.name)
    return [f"{', '.join(whose)}: {line}" for line, whose in names.items()]


def _commands(systems: Sequence[ExaminedSystem], parts: str, quick: bool, folder: Path) -> list[str]:
    """What answers a question again: one command for all systems that were given the same options."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for s in systems:
        alike.setdefault(tuple(s.options), []).append(s.system)
    only = [word for part in parts.split(", ") for word in ("--only", part)]
    rest = [*only, *(["--quick"] if quick else []), "--output", str(folder)]
    return [shlex.join(["preact", "exam", *named, *options, *rest]) for options, named in alike.items()]


def _answers(page: Page, systems: Sequence[ExaminedSystem]) -> None:
    page.heading("Answers")
    rows = [[question.text, *(question.answer(s.figures).verdict for s in systems)] for question in QUESTIONS]
    page.table(["Question", *(s.name for s in systems)], rows)
    page.table(["Name", "System", "What it is"], [[s.name, s.system, s.title] for s in systems])


def _identification(page: Page, systems: Sequence[ExaminedSystem]) -> None:
    shown = [s for s in systems if "trait_given_level" in s.figures]
    if not shown:
        return
    page.heading("Identification")
    rows = [[s.name, *(s.figures[name].text(SHARE) for name in _FOUR)] for s in shown]
    first = shown[0].figures
    rows += [
        [title, *(_cell(first, f"{peer}_{name}", SHARE) for name in _FOUR)]
        for peer, title in _PEERS.items()
        if f"{peer}_accuracy" in first
    ]
    rows.append(["chance", "10.0%", "10.0%", "20.0%", "50.0%"])
    page.table(["", "trait-level of ten", "length out", "trait given level", "level given trait"], rows)
    page.paragraph(
        f"TF-IDF and length are fitted on the training dialogues of {shown[0].name}; length out: every answer"
        " cut to the same number of tokens."
    )


def _matrices(page: Page, systems: Sequence[ExaminedSystem]) -> None:
    for s in systems:
        if not s.matrix:
            continue
        page.heading(f"How {s.name} moves every trait", 3)
        _matrix(page, s.matrix, 4)
        whole = s.figures["leakage"].text(".2f")
        page.paragraph(
            "Nats per token by which a trait's high dialogues become likelier than its low ones, beyond what"
            " all ten trait-levels do, length taken out. Leakage ratio, the largest other trait over the own:"
            f" {s.figures['leakage_length_out'].text('.2f')}; with length left in: {whole}. The largest of"
            " four is above 0 by chance alone, so few dialogues make leakage look larger than it is."
        )


def _judged(page: Page, judged: Sequence[JudgedLeakage]) -> None:
    for one in judged:
        page.heading(f"The same in a judge's eyes: {one.name}", 3)
        _matrix(page, one.matrix, 2)
        own, other = one.figures["own_moved"], one.figures["other_moved"]
        page.paragraph(
            "Points of the judge's scale from 1 to 5 beyond what all ten trait-levels have. The own trait"
            f" moves {own.text('+.2f')} as asked, the largest other {other.text('+.2f')}; leakage ratio:"
            f" {one.figures['leakage'].text('.2f')}. A judge's figures are worth what its own exam says:"
        )
        page.points(one.exam)
        if one.warnings:
            page.paragraph("What is wrong with this judge:")
            page.points(one.warnings, alarm=True)


def _matrix(page: Page, matrix: Sequence[Sequence[float]], digits: int) -> None:
    page.table(
        ["as", *(trait.label for trait in TRAITS)],
        [[code, *(number(value, digits) for value in row)] for code, row in zip(CODES, matrix, strict=True)],
    )


def _cell(figures: Figures, name: str, form: str) -> str:
    return figures[name].text(form) if name in figures else "-"


_COLUMNS = (
    ("rise", "rise with strength, nats", NATS),
    ("met", "predictions met", SHARE),
    ("neutral", "loss on impersonal text, nats", NATS),
    ("capability", "plain questions right", SHARE),
    ("refusals", "harmful requests refused", SHARE),
    ("named", "answers that name a trait", SHARE),
)


_BACKBONES = {
    "met": "backbone_met",
    "neutral": "neutral_backbone",
    "capability": "capability_backbone",
    "refusals": "refusals_backbone",
    "named": "named_backbone",
}
"""Where a column has the backbone's own figure; of impersonal text its loss."""


def _by_trait_level(page: Page, systems: Sequence[ExaminedSystem]) -> None:
    for s in systems:
        columns = [column for column in _COLUMNS if any(f"{column[0]}:{code}" in s.figures for code in CODES)]
        if not columns:
            continue
        page.heading(f"{s.name} by trait-level", 3)
        rows = [
            [code, *(_cell(s.figures, f"{name}:{code}", form) for name, _, form in columns)] for code in CODES
        ]
        backbone = [
            _cell(s.figures, _BACKBONES.get(name, ""), ".4f" if name == "neutral" else form)
            for name, _, form in columns
        ]
        page.table(["as", *(title for _, title, _ in columns)], [*rows, ["backbone", *backbone]])


def _size(page: Page, systems: Sequence[ExaminedSystem], size: ExamSize) -> None:
    page.heading("What was asked")
    each = f"{size.dialogues} a trait-level" if size.dialogues else "all"
    page.points(
        [
            f"held-out dialogues: {each}; strengths {', '.join(f'{s:g}' for s in size.strengths)}",
            f"situations: {size.situations} a trait, two courses of action of equally many words each",
            f"impersonal paragraphs: {size.neutral}; plain questions: {size.questions} a topic, six topics",
            f"harmful requests: {size.requests}; everyday questions: {size.open_questions}; answers of up to"
            f" {size.tokens} tokens, the likeliest token each time",
            "every loss and answer: "
            + ", ".join(f"{s.name}/*.json" for s in systems)
            + "; every figure: figures.json",
        ]
    )
