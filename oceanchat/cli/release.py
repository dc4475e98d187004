"""`oceanchat import`, `release`, `verify`, `diff`, `publish` and `topics`: from the store to the Hub."""

import asyncio
import functools
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from oceanchat.cli.options import json_option, store_option
from oceanchat.errors import ConfigError

if TYPE_CHECKING:
    from oceanchat.topics.naming import Named, Naming, TopicLabelConfig

F = TypeVar("F", bound=Callable[..., Any])
_PATH = click.Path(path_type=Path)
_EXTRA = ("datasets", "huggingface_hub", "matplotlib", "pyarrow", "scipy", "sklearn", "yaml")


def _with_extra(body: F) -> F:
    """One line instead of a traceback where the libraries of the `release` extra are not installed."""

    @functools.wraps(body)
    def call(*arguments: Any, **options: Any) -> Any:
        try:
            return body(*arguments, **options)
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] not in _EXTRA:
                raise
            raise ConfigError(
                f"this needs '{error.name}', which is not installed; run: pip install 'ocean-chat[release]'"
            ) from None

    return cast(F, call)


@click.command("import")
@click.argument("file", type=_PATH)
@click.option("--skip-bad", is_flag=True, help="Import the good lines of a file that has bad ones.")
@click.option("--checker", metavar="NAME", help="Back-validate with this model. Default: nobody checks.")
@click.option(
    "--check",
    type=click.Choice(["strict", "paper"]),
    default="strict",
    show_default=True,
    help="strict: right trait and level and no other trait. paper: the trait is named.",
)
@click.option("--base-url", metavar="URL", help="Your own OpenAI-compatible server, with its /v1.")
@click.option("--max-usd", type=float, metavar="USD", help="Hard cap on what this run may spend.")
@click.option("--prompts", type=_PATH, metavar="DIR", help="Your own prompt templates.")
@click.option("--exchanges", default=5, show_default=True, metavar="N", help="Questions with answers.")
@click.option("--words", default=80, show_default=True, metavar="N", help="Most words in a turn.")
@store_option
@json_option
def import_(
    file: Path, store: str, as_json: bool, base_url: str | None, max_usd: float | None, **flags: Any
) -> None:
    """Bring dialogues made elsewhere (JSONL) into the store, through the same gates as our own.

    \b
    oceanchat import dialogues.jsonl
    oceanchat import dialogues.jsonl --checker gpt-4-0613

    A line holds trait, level and turns (role and text, or role and content); facet, seed, author, reason and
    writer may be there. `oceanchat release --require imported` releases them all, `--require checked` those
    that passed a checker.
    """
    from oceanchat.cli.display.progress import BuildProgress
    from oceanchat.pipeline import importing as intake
    from oceanchat.store.database import open_store

    config = _config(intake.ImportConfig, file=file, calls=_calls(base_url, max_usd), **flags)
    try:
        with BuildProgress() as progress:
            report = asyncio.run(intake.import_dialogues(config, open_store(store), progress))
    except intake.BadLines as error:
        for problem in error.problems:
            click.echo(f"{file}: {problem}", err=True)
        raise
    for problem in report.problems:
        click.echo(f"{file}: {problem}; skipped", err=True)
    if as_json:
        return click.echo(
            json.dumps({**report._asdict(), "problems": [p._asdict() for p in report.problems]})
        )
    click.echo(
        f"{report.read:,} dialogues read, {report.new:,} of them new, {len(report.problems):,} lines skipped"
    )
    click.echo("All imported dialogues: " + ", ".join(f"{n:,} {state}" for state, n in report.states.items()))


def _calls(base_url: str | None, max_usd: float | None) -> dict[str, Any]:
    """The call settings these flags mean; the key is read here, from OPENAI_API_KEY, and nowhere below."""
    given = {"base_url": base_url, "max_usd": max_usd, "api_key": os.environ.get("OPENAI_API_KEY")}
    return {name: value for name, value in given.items() if value}


def _config(kind: Any, **values: Any) -> Any:
    """A config of that kind. Raises ConfigError naming the flag that is wrong."""
    from pydantic import ValidationError

    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][-1]).replace("_", "-")
        raise ConfigError(f"--{name} '{first['input']}' cannot be used: {first['msg'].lower()}") from None


@click.command()
@click.option("--version", required=True, metavar="X.Y.Z", help="Semantic version of the release.")
@click.option("--license", metavar="ID", help="Licence of the dialogues, such as cc-by-4.0; never guessed.")
@click.option(
    "--require",
    type=click.Choice(["validated", "checked", "imported"]),
    default="checked",
    show_default=True,
    help="validated: people said yes. checked: the checker passed it. imported: imported ones as they came.",
)
@click.option(
    "--seed-topics",
    type=click.Choice(["text", "hash", "omit"]),
    help="How to release seed topics. Needed unless the corpus may be shared.",
)
@click.option(
    "--split-ratio", default="80/10/10", show_default=True, metavar="A/B/C", help="Per cent in each split."
)
@click.option("--split-seed", default=0, show_default=True, metavar="N", help="Decides ties between splits.")
@click.option(
    "--language", default="en", show_default=True, metavar="CODE", help="Language of the dialogues."
)
@click.option("--prompts", type=_PATH, metavar="DIR", help="The templates to print in the card.")
@click.option("--output", type=_PATH, default="releases", show_default=True, metavar="DIR", help="Where to.")
@click.option("--croissant", is_flag=True, help="Also write Croissant metadata (croissant.json).")
@store_option
@json_option
@_with_extra
def release(split_ratio: str, store: str, as_json: bool, **flags: Any) -> None:
    """Write a release folder that `datasets.load_dataset` reads.

    \b
    oceanchat release --version 1.0.0 --license cc-by-4.0 --seed-topics hash
    """
    from oceanchat.release.splits import parse_ratio
    from oceanchat.release.writer import ReleaseConfig, check_version, write_release
    from oceanchat.store.database import open_store

    check_version(flags["version"])
    config = _config(ReleaseConfig, ratio=parse_ratio(split_ratio), **flags)
    made = write_release(config, open_store(store, must_exist=True))
    counts = made.manifest.counts
    if as_json:
        return click.echo(json.dumps({"folder": str(made.folder), **counts.model_dump(mode="json")}))
    splits = ", ".join(f"{name} {sum(levels.values()):,}" for name, levels in counts.splits.items())
    click.echo(
        f"{counts.rows:,} dialogues ({splits}), {sum(counts.rejected.values()):,} rejected, in {made.folder}"
    )
    for why, count in counts.withheld.items():
        click.echo(f"{count:,} withheld: {why}")


@click.command()
@click.argument("folder", type=_PATH)
@json_option
@_with_extra
def verify(folder: Path, as_json: bool) -> None:
    """Recompute every checksum, count and figure of a release.

    \b
    oceanchat verify releases/ocean-chat-1.0.0
    """
    from oceanchat.errors import ReleaseError
    from oceanchat.release.verification import verify_release

    found = verify_release(folder)
    if as_json:
        click.echo(json.dumps({**found._asdict(), "problems": [p._asdict() for p in found.problems]}))
    else:
        for problem in found.problems:
            click.echo(str(problem))
    if found.problems:
        raise ReleaseError(
            f"release '{folder}' has {len(found.problems)} problems; write it anew or fetch it anew"
        )
    if not as_json:
        click.echo(f"{found.name}: {found.files} files, {found.rows:,} rows, everything as it should be")


@click.command()
@click.argument("before", type=_PATH)
@click.argument("after", type=_PATH)
@json_option
@_with_extra
def diff(before: Path, after: Path, as_json: bool) -> None:
    """Say what changed from one release to another: rows, labels, splits and figures."""
    from oceanchat.cli.display.tables import print_table
    from oceanchat.release.diff import by_trait_level, compare
    from oceanchat.release.folder import read_release

    old, new = read_release(before), read_release(after)
    found = compare(old, new)
    if as_json:
        return click.echo(
            json.dumps({**found._asdict(), "relabelled": [r._asdict() for r in found.relabelled]})
        )
    for what, ids, where in (("added", found.added, new), ("dropped", found.dropped, old)):
        levels = ", ".join(f"{code} {count}" for code, count in by_trait_level(ids, where).items())
        click.echo(f"{len(ids):,} rows {what}" + (f": {levels}" if levels else ""))
    click.echo(f"{len(found.relabelled):,} rows re-labelled, {len(found.moved):,} moved to another split")
    for change in found.relabelled:
        click.echo(f"  {change.before} {change.old} -> {change.after} {change.new}")
    changed = [(c.name, str(c.before), str(c.after)) for c in (*found.options, *found.figures)]
    if changed:
        print_table(("figure", before.name, after.name), changed)


@click.command()
@click.argument("folder", type=_PATH)
@click.option("--repo", required=True, metavar="OWNER/NAME", help="The dataset repository on the Hub.")
@click.option("--private", is_flag=True, help="Make the repository private if it is created now.")
@click.option("--allow-scripted", is_flag=True, help="Publish scripted data all the same.")
@_with_extra
def publish(folder: Path, repo: str, private: bool, allow_scripted: bool) -> None:
    """Put a release on the Hugging Face Hub: one commit, verified, and the tag last.

    \b
    oceanchat publish releases/ocean-chat-1.0.0 --repo me/ocean-chat

    Safe to run again after any failure. The token is the one of `hf auth login`, or HF_TOKEN.
    """
    from oceanchat.hub import Publisher
    from oceanchat.release.publication import publish_release

    done = publish_release(folder, Publisher(repo, private=private), allow_scripted=allow_scripted)
    said = "published" if done.changed else "was there already, complete"
    click.echo(f"{folder.name} {said}: {done.url} (commit {done.commit[:12]})")


@click.command()
@click.option("--plot", type=_PATH, metavar="FILE", help="Draw it: .png, .svg or .pdf.")
@click.option(
    "--count", type=click.IntRange(2, 40), metavar="N", help="Topics. Default: as many as are stable."
)
@click.option("--labeler", metavar="NAME", help="Name the topics with this model. Default: by their words.")
@click.option("--base-url", metavar="URL", help="Your own OpenAI-compatible server, with its /v1.")
@click.option("--max-usd", type=float, metavar="USD", help="Hard cap on what this run may spend.")
@click.option("--prompts", type=_PATH, metavar="DIR", help="Your own prompt templates.")
@store_option
@json_option
@_with_extra
def topics(plot: Path | None, count: int | None, store: str, as_json: bool, **flags: Any) -> None:
    """Show what the passed dialogues are about (the paper's Figure 2).

    \b
    oceanchat topics --plot topics.png
    oceanchat topics --plot topics.png --labeler gpt-4o-mini --max-usd 1
    """
    from oceanchat.release.selection import topic_texts
    from oceanchat.store.database import open_store
    from oceanchat.topics import naming as topic_labels
    from oceanchat.topics.topic_model import find_topics

    config = _topic_labels(**flags)
    opened = open_store(store, must_exist=True)
    texts, traits = topic_texts(opened)
    found = find_topics(texts, traits, count=count)
    naming = asyncio.run(topic_labels.name_topics(config, opened, found, texts)) if config else None
    shown = naming.topics if naming else topic_labels.by_words(found)
    if plot is not None:
        from oceanchat.plots import plot_topics

        plot_topics([named.topic for named in shown], plot, naming.labeler_used if naming else None)
    if not as_json:
        return _print_topics(shown, naming)
    said: dict[str, Any] = {"topics": [named.as_json() for named in shown]}
    said |= {"stability": found.stability, "none": found.none, "calls": naming.counts.made if naming else 0}
    click.echo(json.dumps(said))


def _topic_labels(
    labeler: str | None, base_url: str | None, max_usd: float | None, prompts: Path | None
) -> "TopicLabelConfig | None":
    """The TopicLabelConfig these flags mean; None without a labeler. Raises ConfigError for flags that need
    one."""
    from oceanchat.topics import naming as topic_labels

    if labeler is not None:
        calls = _calls(base_url, max_usd)
        config: TopicLabelConfig = _config(
            topic_labels.TopicLabelConfig, labeler=labeler, prompts=prompts, calls=calls
        )
        return config
    for name, value in (("base-url", base_url), ("max-usd", max_usd), ("prompts", prompts)):
        if value is not None:
            raise ConfigError(f"--{name} '{value}' needs a model to ask; add --labeler NAME, or leave it out")
    return None


def _print_topics(shown: "Sequence[Named]", naming: "Naming | None") -> None:
    from oceanchat.cli.display.tables import print_table

    headers: tuple[str, ...] = ("topic", "further words", "dialogues", "share")
    rows = [
        (n.topic.label, ", ".join(n.further_words), n.topic.dialogues, f"{n.topic.share:.1%}") for n in shown
    ]
    if naming is None:
        return print_table(headers, rows)
    by = [f"{n.labelled_by} ({n.reason})" if n.reason else n.labelled_by for n in shown]
    print_table((*headers, "labelled by"), [(*row, who) for row, who in zip(rows, by, strict=True)])
    click.echo(f"{naming.counts.made:,} calls to {naming.labeler}, {naming.counts.cost}", err=True)


COMMANDS = (import_, release, verify, diff, publish, topics)
