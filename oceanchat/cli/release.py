"""Commands from import to publication.

They are `import`, `release`, `verify`, `diff` and `publish`.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oceanchat.cli.chosen_build import build_option, chosen_build
from oceanchat.cli.display.json_output import print_json
from oceanchat.cli.display.notes import print_note, print_sentence
from oceanchat.cli.endpoint import open_endpoint
from oceanchat.cli.flags import read_config, take_call_settings
from oceanchat.cli.opened_store import opened_store
from oceanchat.cli.options import (
    PATH,
    base_url_option,
    check_option,
    exchanges_option,
    extra_body_option,
    json_option,
    max_usd_option,
    prices_option,
    prompts_option,
    store_option,
    words_option,
)
from oceanchat.cli.trait_levels import TraitLevelParam
from oceanchat.counting import counted

if TYPE_CHECKING:
    from oceanchat.hub.publishing import Plan
    from oceanchat.pipeline.import_format import LineProblem

SHOWN_PROBLEMS = 5
"""Lines that cannot be imported, of which each is shown; of the others the number."""


@click.command("import")
@click.argument("file", type=PATH)
@click.option(
    "--trait-level",
    type=TraitLevelParam(),
    metavar="TRAIT-LEVEL",
    help="Label of dialogues that name none, such as N+ or o-low.",
)
@click.option("--skip-bad", is_flag=True, help="Skip lines that are invalid instead of stopping at them.")
@click.option(
    "--checker", metavar="NAME", help="Model that checks the dialogues. Default: they are not checked."
)
@check_option
@base_url_option
@extra_body_option
@max_usd_option
@prompts_option
@exchanges_option
@words_option
@store_option
@json_option
def import_(file: Path, store: str, as_json: bool, **flags: Any) -> None:
    """Import dialogues from a file or folder, through the same quality gates as a build.

    \b
    oceanchat import dialogues.jsonl
    oceanchat import dialogues.jsonl --checker gpt-4-0613
    oceanchat import releases/ocean-chat-1.0.0
    oceanchat import sharegpt.json --trait-level N+

    Each record holds trait, level and turns (role and text, or role and content), and may hold facet, seed,
    author, reason and writer. JSON, JSONL, CSV, Excel and Parquet are read, our own exports with their
    verdicts, releases, and the layouts of OpenAI messages, ShareGPT, SDialog, ConvoKit, Argilla and
    Label Studio. `oceanchat release --require imported` releases all imported dialogues; `--require checked`
    releases those that passed a checker.
    """
    from oceanchat.cli.display.progress import BuildProgress
    from oceanchat.pipeline import importing as intake

    calls = take_call_settings(flags)
    config = read_config(intake.ImportConfig, file=file, calls=calls, **flags)
    try:
        content = intake.prepare_import(config)
    except intake.BadLines as error:
        _print_problems(file, error.problems)
        raise
    opened = opened_store(store)
    with BuildProgress() as progress:
        report = asyncio.run(intake.import_dialogues(config, content, opened, progress, open_endpoint))
    _print_problems(file, report.problems)
    if as_json:
        return print_json({**report._asdict(), "problems": [p._asdict() for p in report.problems]})
    print_sentence(
        f"{counted(report.read, 'dialogue')} read, {report.new:,} of them new,"
        f" {counted(len(report.problems), 'line')} skipped"
    )
    print_sentence(
        "All imported dialogues: " + ", ".join(f"{n:,} {state}" for state, n in report.states.items())
    )


def _print_problems(file: Path, problems: "Sequence[LineProblem]") -> None:
    """The first problems on stderr, and how many more there are."""
    for problem in problems[:SHOWN_PROBLEMS]:
        print_note(f"{file}: {problem}")
    if len(problems) > SHOWN_PROBLEMS:
        print_note(f"{file}: ... and {len(problems) - SHOWN_PROBLEMS:,} more")


@click.command()
@click.option("--version", required=True, metavar="X.Y.Z", help="Semantic version of the release.")
@click.option(
    "--license", "--licence", metavar="ID", help="License of the dialogues, such as cc-by-4.0. No default."
)
@click.option(
    "--require",
    type=click.Choice(["validated", "checked", "imported"]),
    default="checked",
    show_default=True,
    help="validated: people accepted the dialogue. checked: the checker passed it. imported: any imported"
    " dialogue but one that repeats its essay.",
)
@click.option(
    "--balance",
    type=click.Choice(["none", "length"]),
    default="none",
    show_default=True,
    help="length: only pairs of a high and a low dialogue whose answers are about equally long; the others"
    " go to the config 'unmatched'.",
)
@click.option(
    "--seed-topics",
    type=click.Choice(["text", "hash", "omit"]),
    help="How to release seed topics; required unless the corpus may be shared.",
)
@click.option(
    "--split-ratio",
    default="80/10/10",
    show_default=True,
    metavar="A/B/C",
    help="Percentages of the train, validation and test splits.",
)
@click.option(
    "--split-seed",
    default=0,
    show_default=True,
    metavar="N",
    help="Random seed for ties between splits.",
)
@click.option(
    "--language", default="en", show_default=True, metavar="CODE", help="Language code of the dialogues."
)
@prompts_option
@prices_option
@click.option(
    "--output",
    "-o",
    type=PATH,
    default="releases",
    show_default=True,
    metavar="DIR",
    help="Folder in which to create the release folder.",
)
@click.option("--croissant", is_flag=True, help="Also write Croissant metadata to croissant.json.")
@build_option
@store_option
@json_option
def release(split_ratio: str, store: str, as_json: bool, **flags: Any) -> None:
    """Write a release folder that `datasets.load_dataset` can read.

    \b
    oceanchat release --version 1.0.0 --license cc-by-4.0 --seed-topics hash
    """
    from oceanchat.cli.display.release import print_release
    from oceanchat.release.selection import peoples_labels
    from oceanchat.release.splits import parse_ratio
    from oceanchat.release.writer import ReleaseConfig, check_version, write_release

    check_version(flags["version"])
    config = read_config(ReleaseConfig, ratio=parse_ratio(split_ratio), **flags)
    opened = opened_store(store, must_exist=True)
    config = config.model_copy(update={"build": chosen_build(opened, config.build)})
    written = write_release(config, opened, print_note)
    unlabeled = len(peoples_labels(opened).unlabeled & {row.id for row in written.rows})
    if as_json:
        counts = written.manifest.counts
        facts = {**counts.model_dump(mode="json"), "under_way": written.quality["under_way"]}
        facts["unlabeled"] = unlabeled
        return print_json({"folder": str(written.folder), **facts})
    print_release(written, unlabeled)


@click.command()
@click.argument("folder", type=PATH)
@json_option
def verify(folder: Path, as_json: bool) -> None:
    """Verify a release by recomputing its checksums, counts and figures.

    It also says, from the rows, how well the length of the answers alone tells high from low.

    \b
    oceanchat verify releases/ocean-chat-1.0.0
    """
    from oceanchat.cli.display.statistics import print_length
    from oceanchat.errors import ReleaseError
    from oceanchat.release.verification import verify_release

    verification = verify_release(folder)
    if as_json:
        print_json(verification.record())
    else:
        for problem in verification.problems:
            print_sentence(str(problem))
        for note in verification.notes:
            print_note(f"oceanchat: {note}")
    if verification.problems:
        raise ReleaseError(
            f"release '{folder}' has {counted(len(verification.problems), 'problem')}; write or download it"
            " again"
        )
    if not as_json:
        print_sentence(
            f"{verification.name}: {counted(verification.files, 'file')},"
            f" {counted(verification.rows, 'row')}, all correct\n"
            f"sha256 of the rows: {verification.rows_sha256}"
        )
        print_length(verification.length)


@click.command()
@click.argument("before", type=PATH)
@click.argument("after", type=PATH)
@json_option
def diff(before: Path, after: Path, as_json: bool) -> None:
    """Show what changed between two releases: rows, labels, splits and figures.

    \b
    oceanchat diff releases/ocean-chat-1.0.0 releases/ocean-chat-1.1.0
    """
    from oceanchat.cli.display.tables import print_table
    from oceanchat.release.diff import by_trait_level, compare
    from oceanchat.release.folder import read_release

    old, new = read_release(before), read_release(after)
    changes = compare(old, new)
    if as_json:
        return print_json({**changes._asdict(), "relabelled": [r._asdict() for r in changes.relabelled]})
    for change, ids, release in (("added", changes.added, new), ("dropped", changes.dropped, old)):
        levels = ", ".join(f"{code} {count}" for code, count in by_trait_level(ids, release).items())
        print_sentence(f"{counted(len(ids), 'row')} {change}" + (f": {levels}" if levels else ""))
    print_sentence(
        f"{counted(len(changes.relabelled), 'row')} relabeled, {len(changes.moved):,} moved to another split"
    )
    for row in changes.relabelled:
        print_sentence(f"  {row.before} {row.old} -> {row.after} {row.new}")
    changed = [(c.name, str(c.before), str(c.after)) for c in (*changes.options, *changes.figures)]
    if changed:
        print_table(("figure", before.name, after.name), changed)


@click.command()
@click.argument("folder", type=PATH)
@click.option("--repo", required=True, metavar="OWNER/NAME", help="Dataset repository on the Hub.")
@click.option("--private", is_flag=True, help="If the repository is new, make it private.")
@click.option("--allow-scripted", is_flag=True, help="Publish even if the scripted model wrote it.")
@click.option("--dry-run", is_flag=True, help="Check everything and say what would be sent; send nothing.")
@json_option
def publish(
    folder: Path, repo: str, private: bool, allow_scripted: bool, dry_run: bool, as_json: bool
) -> None:
    """Publish a release on the Hugging Face Hub: one commit, verified, then tagged.

    \b
    oceanchat publish releases/ocean-chat-1.0.0 --repo me/ocean-chat

    It is safe to run the command again after any failure. The token comes from `hf auth login` or HF_TOKEN
    and is checked first; a dry run without one says so and ends with 0.
    """
    from oceanchat.hub.publishing import Publisher
    from oceanchat.release.publication import plan_publication, publish_release

    publisher = Publisher(repo, private=private)
    if dry_run:
        plan = plan_publication(folder, publisher, allow_scripted=allow_scripted)
        if not plan.token:
            print_note(_without_token(plan))
        return print_json(plan._asdict()) if as_json else print_sentence(_planned(folder, plan))
    published = publish_release(folder, publisher, allow_scripted=allow_scripted)
    if as_json:
        return print_json(published._asdict())
    outcome = "published" if published.changed else "was already published in full"
    print_sentence(f"{folder.name} {outcome}: {published.url} (commit {published.commit[:12]})")


def _without_token(plan: "Plan") -> str:
    owner = plan.repo.partition("/")[0] if "/" in plan.repo else "you"
    return (
        "note: there is no token for the Hub: to publish, set HF_TOKEN or run 'hf auth login' with one that"
        f" may write for '{owner}'; without it a private repository counts as not there"
    )


def _planned(folder: Path, plan: "Plan") -> str:
    """What a dry run came to, as a sentence or two."""
    if plan.tagged:
        return f"{folder.name} is published in full: '{plan.repo}' holds it under the tag {plan.tag}."
    where = f"a new repository '{plan.repo}'" if plan.new else f"'{plan.repo}'"
    megabytes = sum(plan.changed.values()) / 1e6
    deleted = f" and delete {len(plan.deleted)}" if plan.deleted else ""
    return (
        f"{folder.name} verifies and can be published: this would send {len(plan.changed)} of its"
        f" {plan.files} files ({megabytes:.1f} MB) to {where}{deleted}, then set the tag {plan.tag}. Nothing"
        " was sent."
    )
