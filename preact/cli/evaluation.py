"""Evaluate systems and print the tables.

`preact interview`, `judge`, `compare` and `control-vectors`, with the options they share.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.display.notes import print_note, print_sentence
from oceanchat.cli.flags import check_json_style, take_call_settings
from oceanchat.cli.options import json_option
from oceanchat.counting import counted
from oceanchat.time_left import TimeLeft
from preact.cli.exam_options import exam_options, take_exam_material
from preact.cli.options import (
    access_options,
    comparison_options,
    interviews_argument,
    inventory_option,
    output_option,
    prompt_option,
    runs_option,
    sampling_options,
    threads_option,
)
from preact.cli.training import say

if TYPE_CHECKING:
    from oceanchat.llm.usage import Usage
    from preact.evaluation.calling import ModelAccess
    from preact.evaluation.interview.interviewing import Interview
    from preact.evaluation.judge.judging import Judging
    from preact.evaluation.judge.verdicts import Judge
    from preact.methods import PromptStyle
    from preact.systems.system import Sampling, System


@click.command()
@click.argument("system")
@output_option("Folder for the transcripts.")
@inventory_option
@click.option(
    "--items",
    "scope",
    type=click.Choice(["own", "all"]),
    default="own",
    show_default=True,
    help="own: each trait-level answers its own trait's items; all: every item, which shows leakage.",
)
@runs_option(5)
@click.option("--label", metavar="TEXT", help="Name of the system in tables. Default: its method.")
@sampling_options
@prompt_option
@threads_option
@access_options
@json_option
def interview(as_json: bool, **flags: Any) -> None:
    """Ask SYSTEM every question of an inventory, each in a fresh conversation, and store the transcripts.

    SYSTEM is a run of `preact train`, prompted:MODEL, backbone:MODEL or control:DIR. MODEL is the name of a
    model behind an endpoint, a folder on this machine, a run (for its backbone) or hf:OWNER/NAME.
    Answers are stored as they come in; run the same command again to resume.

    \b
    Example:  preact interview runs/preact --output interviews/preact --items all
              preact interview prompted:gpt-4o-mini --output interviews/prompted
    """
    from preact.evaluation.calling import InterviewPlan, run_interview

    access = read_access(flags)
    done = asyncio.run(run_interview(InterviewPlan(**flags), access, open_local_later, _counting("answers")))
    if as_json:
        return print_json(_interview_facts(done))
    answers = counted(len(done.answers), "answer")
    print_sentence(f"{answers} of {done.header.backbone} {done.header.model} in {done.folder}")


@click.command()
@interviews_argument
@click.option(
    "--judge",
    "judges",
    multiple=True,
    default=("scripted",),
    show_default=True,
    metavar="NAME",
    help="Name of a model, scripted, or classifier:RELEASE; may be repeated.",
)
@click.option(
    "--mode",
    type=click.Choice(["batch", "dimension", "item"]),
    default="batch",
    show_default=True,
    help="What the judge sees at a time: three or four answers, all answers on a trait, or one answer.",
)
@click.option(
    "--repeats",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Opinions on each batch; 2 shows how well a judge agrees with itself.",
)
@exam_options
@access_options
@json_option
def judge(as_json: bool, **flags: Any) -> None:
    """Score the transcripts in DIR... with one or several judges; more can be added at any time.

    \b
    Example:  preact judge interviews/* --exam releases/ocean-chat-1.0
              preact judge interviews/* --judge classifier:releases/ocean-chat-1.0
    """
    from preact.evaluation.calling import run_judging
    from preact.evaluation.judge.exam_figures import exam_lines
    from preact.evaluation.judge.verdicts import UNSCORED, why_unscored

    access = read_access(flags)
    interviews, judges, material = flags.pop("interviews"), flags.pop("judges"), take_exam_material(flags)
    judgings = asyncio.run(
        run_judging(
            interviews, judges, access, _open_classifier, material=material,
            progress_of=_judging_progress, **flags,
        )
    )  # fmt: skip
    if as_json:
        return print_json([_judging_facts(judging, bool(material)) for judging in judgings])
    for judging in judgings:
        judgements = judging.judgements
        unscored = sum(judgement.state in UNSCORED for judgement in judgements)
        batches = counted(len(judgements), "batch", "batches")
        print_sentence(f"{batches} judged, {unscored} without a score, in {judging.folder}")
    if why := why_unscored([judgement for judging in judgings for judgement in judging.judgements]):
        print_sentence(f"Without a score: {why}")
    examined = {judging.header.judge: judging.exam for judging in judgings if material and judging.exam}
    for exam in examined.values():
        print_sentence("\n".join(exam_lines(exam)))


@click.command()
@comparison_options
@click.option(
    "--format",
    "style",
    type=click.Choice(["table", "markdown", "latex", "json"]),
    default="table",
    show_default=True,
    help="Format of the comparison.",
)
@json_option
def compare(interviews: tuple[Path, ...], baselines: tuple[Path, ...], judge: str | None, mode: str | None,
            style: str, as_json: bool) -> None:  # fmt: skip
    """Print the comparison of judged interviews in the paper's layout, with tests against the baselines.

    \b
    Example:  preact compare interviews/* --baseline interviews/lora
    """
    from preact.evaluation.comparison.assembly import assemble
    from preact.evaluation.comparison.basis import basis
    from preact.evaluation.comparison.diagnosis import concerns
    from preact.evaluation.report.tables import render

    if as_json:
        check_json_style(style)
        style = "json"
    assembly = assemble(interviews, baselines, judge, mode, say)
    warnings = concerns(assembly.scored)
    if not sys.stdout.isatty():  # at a terminal they stand below the table, and once is enough
        for warning in warnings:
            print_note(f"note: {warning}")
    notes = [*basis(assembly.scored), *warnings, *assembly.judge]
    text = render(assembly.comparison, style, notes)
    if style != "table":
        return click.echo(text)
    for line in text.splitlines():
        print_sentence(line)


@click.command("control-vectors")
@click.argument("backbone")
@output_option("Folder for the vectors.")
@inventory_option
@click.option(
    "--block",
    "blocks",
    multiple=True,
    type=click.IntRange(0),
    metavar="N",
    help="Decoder block to try, from 0; may be repeated. Default: some, by --try-blocks.",
)
@click.option(
    "--try-blocks",
    "tried",
    type=click.IntRange(0),
    metavar="N",
    default=8,
    show_default=True,
    help="How many blocks to try, spread evenly over the backbone's depth; 0: all.",
)
@click.option(
    "--strength",
    "strengths",
    multiple=True,
    type=click.FloatRange(0, min_open=True),
    metavar="X",
    default=(0.25, 0.5, 1.0, 2.0),
    show_default=True,
    help="Strength to try, relative to the residual norm; may be repeated.",
)
@click.option(
    "--method",
    type=click.Choice(["controllm", "persona"]),
    default="controllm",
    show_default=True,
    help="controllm: a vector a trait, from Yes and No; persona: one a trait-level, from whole answers under"
    " opposite instructions (persona vectors).",
)
@threads_option
@json_option
def control_vectors(backbone: str, output: Path, inventory: str, blocks: tuple[int, ...], tried: int,
                    strengths: tuple[float, ...], method: str, threads: int,
                    as_json: bool) -> None:  # fmt: skip
    """Build vectors that steer BACKBONE (a folder, a run or hf:OWNER/NAME), sweeping block and strength.

    \b
    Example:  preact control-vectors runs/preact --output runs/control
              preact interview control:runs/control --output interviews/control
    """
    from preact.evaluation.interview.inventories import load_inventory
    from preact.systems import control_vectors as controllm
    from preact.systems import persona_vectors, steering_vectors
    from preact.systems.untrained import backbone_of, open_backbone

    questions = [item.question for item in load_inventory(inventory).items]
    name = backbone_of(backbone)
    build = {"controllm": controllm.build, "persona": persona_vectors.build}[method]
    vectors = build(open_backbone(name, threads), name, questions=questions, blocks=blocks,
                    tried=tried, strengths=strengths, say=say)  # fmt: skip
    steering_vectors.save(vectors, output)
    r = vectors.record
    if as_json:
        return print_json({"folder": output, **r.model_dump(mode="json")})
    print_sentence(
        f"block {r.block}, strength {r.strength:g} of the residual norm {r.residual_norm:.2f}, in {output}"
    )


def _interview_facts(done: "Interview") -> dict[str, Any]:
    """What a script reads of an interview; the answers are in its folder."""
    named = ("backbone", "model", "inventory", "scope", "runs")
    facts = {"folder": done.folder, **{name: getattr(done.header, name) for name in named}}
    states = Counter(answer.state for answer in done.answers)
    return facts | {"answers": len(done.answers), "states": states}


def _judging_facts(judging: "Judging", examined: bool) -> dict[str, Any]:
    """What a script reads of a judging; the verdicts are in its folder."""
    states = Counter(judgement.state for judgement in judging.judgements)
    facts = {"folder": judging.folder, "judge": judging.header.judge, "mode": judging.header.mode}
    facts |= {"batches": len(judging.judgements), "states": states}
    if examined and judging.exam:
        exam = judging.exam
        names = ("named", "trait_named", "level_named", "length_alone", "retest")
        essays = {trait.value: r.bounds() for trait, r in exam.essays.items()}
        figures = {name: getattr(exam, name).bounds() for name in names} | {"essays": essays}
        facts["exam"] = figures | {"dialogues": exam.dialogues, "warnings": exam.warnings}
    return facts


def read_access(flags: dict[str, Any]) -> "ModelAccess":
    """Remove the options of `access_options` from the flags. Raises ConfigError naming a wrong option."""
    from oceanchat.store.address import without_password
    from preact.evaluation.calling import ModelAccess

    settings, store = take_call_settings(flags), flags.pop("store")

    def say_cost(usage: "Usage") -> None:
        if usage.usd or usage.unpriced or usage.lost_usd:
            calls = f"{counted(usage.answered, 'call')} made, {usage.replayed:,} replayed"
            print_note(f"preact: {calls}, cost {usage.cost}; kept in '{without_password(store)}'")

    return ModelAccess(settings, store, flags.pop("prompts"), flags.pop("style", "full"), say_cost)


def _counting(what: str) -> Callable[[int, int], None]:
    """Progress on stderr: one line that is rewritten on a terminal, else a line after every tenth.

    The first call, before which some may be stored already, starts the clock.
    """
    shown, width, left = -1, 0, TimeLeft(0)

    def report_progress(done: int, total: int) -> None:
        nonlocal shown, width, left
        if not left.parts:
            left = TimeLeft(total, done)
        line = f"{done} of {total} {what}{left.after(done)}"
        if sys.stderr.isatty():
            click.echo(f"\r{line.ljust(width)}", err=True, nl=done == total)
            width = len(line)
        elif total and done * 10 // total > shown:
            shown = done * 10 // total
            click.echo(line, err=True)

    return report_progress


def _judging_progress(folder: Path, judge: str) -> Callable[[int, int], None]:
    return _counting(f"batches of {folder.name} judged by {judge}")


def open_local_later(
    system: str, sampling: "Sampling", threads: int, prompts: Path | None, style: "PromptStyle"
) -> "System":
    """Open a local system; torch is imported only then: what is behind an endpoint does not wait for it."""
    from preact.systems.local import open_local

    return open_local(system, sampling, threads, prompts, style)


def _open_classifier(release: str) -> "Judge":
    # Imported only for a classifier: other judges do not wait for scikit-learn.
    from preact.evaluation.judge.classifier_judge import open_classifier

    return open_classifier(release)
