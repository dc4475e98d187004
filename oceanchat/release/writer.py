"""Write a release from a store.

Select, split, count, draw, describe; it reads top to bottom. Everything is written into a hidden folder
beside the target and renamed at the very end, so a release that exists is complete; the same store,
version and options give the same bytes.
"""

import hashlib
import itertools
import json
import re
import shutil
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from oceanchat.errors import ConfigError, ReleaseError
from oceanchat.llm.costs import Cost, cost_report
from oceanchat.llm.prices import load_prices
from oceanchat.plots import plot_topics
from oceanchat.prompts import open_prompts
from oceanchat.records import Dialogue
from oceanchat.release.balance import balanced_ids
from oceanchat.release.card.page import render_card
from oceanchat.release.croissant import CROISSANT, croissant
from oceanchat.release.folder import (
    CARD,
    MANIFEST,
    QUALITY,
    REJECTED_FILE,
    TOPICS_PLOT,
    Release,
    ReleaseTables,
    split_file,
    unmatched_file,
)
from oceanchat.release.licenses import check_license
from oceanchat.release.manifest import FORMAT, Balance, Counts, Manifest, ReleasedFile, Require
from oceanchat.release.public_names import public_name
from oceanchat.release.quality import (
    Figures,
    checker,
    example,
    length_record,
    row_figures,
    row_lengths,
    seed_overlap,
    whole_dataset,
)
from oceanchat.release.rows import (
    RejectedRow,
    Row,
    SeedTopics,
    author_hash,
    rejected_row,
    released_row,
    rows_hash,
)
from oceanchat.release.schema import write_rejected, write_rows
from oceanchat.release.selection import Selection, prompts_used, select_dialogues
from oceanchat.release.splits import SPLITS, Member, SplitRatio, assign_splits
from oceanchat.spool import Spool
from oceanchat.statistics.length import answer_lengths, length_figures
from oceanchat.store.builds import StoredBuild
from oceanchat.store.database import Store
from oceanchat.time_left import LongJob
from oceanchat.topics.topic_model import TopicShare, find_topics
from oceanchat.traits import CODES

READ, SPLIT, FIGURES, TABLES = 0.05, 0.3, 0.25, 0.25
"""Milliseconds a dialogue, roughly, of the parts of writing a release; only how they compare counts."""
TOPICS = 4_700.0
"""Milliseconds for the topics, which are looked for in so many dialogues at most."""
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?")


class ReleaseConfig(BaseModel):
    """The config of `oceanchat release`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    """Semantic: 1.0.0."""
    license: str | None
    """License id as the Hub knows it, such as cc-by-4.0; never guessed."""
    build: str | None = None
    """The build to release; None: the only one, or the newest real one."""
    require: Require = "checked"
    balance: Balance = "none"
    """'length': rows without a pair of the other level of equal length go to a config of their own."""
    seed_topics: SeedTopics | None = None
    """None: text where every corpus says it may be shared, else an error."""
    ratio: SplitRatio = SplitRatio(80, 10, 10)
    split_seed: int = 0
    language: str = "en"
    prompts: Path | None = None
    """Folder whose template texts go into the card; None: those that ship."""
    prices: Path | None = None
    """Price file that the costs go by; None: the bundled one."""
    output: Path = Path("releases")
    croissant: bool = False
    """Also write Croissant metadata."""


def write_release(
    config: ReleaseConfig, store: Store, say: Callable[[str], None] = lambda line: None
) -> Release:
    """Write the store's release and return it; `say` is told how long it takes, where it is long.

    Raises ConfigError for an option that is wrong or missing, ReleaseError for a version that exists, an
    empty store or an output folder that cannot be written.
    """
    check_version(config.version)
    check_license(config.license)
    job = LongJob("writing the release", 1, say)
    selection = select_dialogues(store, config.require, config.build)
    count = len(selection.released) + len(selection.rejected)
    job.left.parts = count * (READ + SPLIT + FIGURES + TABLES) + TOPICS
    job.after(count * READ)
    seed_topics = _seed_topics(config, selection)
    content = _content(config, selection, seed_topics)
    job.after(count * (READ + SPLIT))
    scripted = any(row.scripted for row in content.all_rows)
    target = config.output / f"ocean-chat-{config.version}{'-scripted' if scripted else ''}"
    if target.exists():
        raise ReleaseError(f"release '{target}' exists; raise --version, or remove the folder first")
    quality = _quality(config, store, selection, content)
    job.after(count * (READ + SPLIT + FIGURES) + TOPICS)
    part = target.with_name(f".{target.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        _write_tables(part, content, quality)
        manifest = _manifest(config, selection, content, seed_topics, target.name, scripted)
        _write_text(part / QUALITY, _json(quality))
        _write_text(part / CARD, render_card(manifest, quality))
        if config.croissant:
            _write_text(part / CROISSANT, _json(croissant(manifest, _files(part, content))))
        manifest = manifest.model_copy(update={"files": _files(part, content)})
        _write_text(part / MANIFEST, _json(manifest.model_dump(mode="json")))
        part.rename(target)
    except OSError as error:
        raise ReleaseError(f"release '{target}' cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Release(content.rows, content.rejected, content.unmatched, target, manifest, quality)


def check_version(version: str) -> None:
    """Raises ConfigError unless the version is semantic."""
    if not _VERSION.fullmatch(version):
        raise ConfigError(f"--version '{version}' is not semantic; write it like 1.0.0 or 1.1.0-rc.1")


def _seed_topics(config: ReleaseConfig, selection: Selection) -> SeedTopics:
    if config.seed_topics is not None:
        return config.seed_topics
    if not selection.shareable:
        raise ConfigError(
            "seed topics may be sentences of a corpus that must not be passed on: choose --seed-topics text"
            " (they may), hash (only whether two are the same) or omit"
        )
    return "text"


def _content(config: ReleaseConfig, selection: Selection, seed_topics: SeedTopics) -> ReleaseTables:
    """The rows, by trait-level in paper order and by id within, so that the store's order does not show."""
    default, human = _default_ids(config, selection), selection.human
    members = [_member(d, "" if d.id in default else " unmatched") for d in selection.released]
    splits = assign_splits(members, config.ratio, config.split_seed)
    del members  # they hold the texts
    rows, rejected = Spool(Row), Spool(RejectedRow)
    for d in selection.released:
        rows.add(released_row(d, splits[d.id], seed_topics, human.get(d.id, ())))
    for r in selection.rejected:
        rejected.add(rejected_row(r.dialogue, r.state, r.reason, seed_topics, human.get(r.dialogue.id, ())))
    positions = [_position(row) for row in rows.records()]
    order = sorted(range(len(rows)), key=positions.__getitem__)
    turned_down = [_position(row) for row in rejected.records()]
    return ReleaseTables(
        rows.records(array("Q", (number for number in order if positions[number][2] in default))),
        rejected.records(array("Q", sorted(range(len(rejected)), key=turned_down.__getitem__))),
        rows.records(array("Q", (number for number in order if positions[number][2] not in default))),
    )


def _default_ids(config: ReleaseConfig, selection: Selection) -> frozenset[str]:
    """The dialogues of the `default` config. Raises ReleaseError when balance leaves none."""
    if config.balance == "none":
        return frozenset(dialogue.id for dialogue in selection.released)
    chosen = balanced_ids({dialogue.id: answer_lengths(dialogue) for dialogue in selection.released})
    if not chosen:
        raise ReleaseError(
            "--balance 'length' leaves nothing: of no trait are answers of both levels about equally long;"
            " `oceanchat stats` shows how far apart they are, and a release without --balance holds them all"
        )
    return chosen


def _position(row: Row) -> tuple[int, int, str]:
    split = SPLITS.index(row.split) if row.split in SPLITS else len(SPLITS)
    return split, CODES.index(row.trait_level), row.id


def _member(dialogue: Dialogue, config: str) -> Member:
    """Its place among the splits; each config is divided by the same ratio."""
    text = "\n".join(turn.text for turn in dialogue.turns)
    return Member(
        dialogue.id,
        dialogue.trait_level.code + config,
        author_hash(dialogue.author),
        dialogue.seed_topic or "",
        text,
    )


def _quality(config: ReleaseConfig, store: Store, selection: Selection, content: ReleaseTables) -> Figures:
    """Everything quality.json holds: what the rows decide, and what only the store knows."""
    texts = (("\n".join(t.text for t in d.turns), d.seed_topic) for d in selection.released)
    return {
        "rows": row_figures(content.rows, content.rejected, content.unmatched),
        "checker": checker(content.released, content.rejected, selection.withheld),
        "dataset": whole_dataset(content.released, content.rejected, selection.withheld_passed),
        "under_way": selection.under_way,
        "withheld_passed": selection.withheld_passed,
        **length_record(length_figures(map(row_lengths, content.rows))),
        "seed_overlap": seed_overlap(texts),
        "funnel": selection.funnel,
        "withheld": selection.withheld,
        "annotators": selection.profiles,
        "example": example(content.rows),
        "topics": _topics(content.rows),
        "costs": _costs(store, config.prices),
        "prompts": prompts_used(selection.dialogues, open_prompts(config.prompts)),
    }


def _topics(rows: Sequence[Row]) -> Figures | None:
    """None where there are too few rows, or too few words they share, to speak of topics."""
    try:
        topics = find_topics((row.text for row in rows), [row.trait.value for row in rows])
    except ReleaseError:
        return None
    return {
        "topics": [topic._asdict() for topic in topics.topics],
        "stability": {str(number): value for number, value in topics.stability.items()},
        "none": topics.none,
    }


def _costs(store: Store, prices: Path | None) -> list[Figures]:
    """What each model was paid for each task."""
    costs: dict[tuple[str, str], Cost] = {}
    for key, line in cost_report(store, load_prices(prices)).lines.items():
        costs.setdefault((key.model, key.task), Cost()).add(line.paid)
    return [{"model": model, "task": task, **cost.as_json()} for (model, task), cost in sorted(costs.items())]


def _write_tables(folder: Path, content: ReleaseTables, quality: Figures) -> None:
    for table, name in ((content.rows, split_file), (content.unmatched, unmatched_file)):
        for split in SPLITS:
            rows = (row for row in table if row.split == split)
            first = next(rows, None)
            if first is not None:
                (folder / name(split)).parent.mkdir(parents=True, exist_ok=True)
                write_rows(itertools.chain([first], rows), folder / name(split))
    if content.rejected:
        (folder / REJECTED_FILE).parent.mkdir()
        write_rejected(content.rejected, folder / REJECTED_FILE)
    if quality["topics"] is not None:
        plot_topics([TopicShare(**topic) for topic in quality["topics"]["topics"]], folder / TOPICS_PLOT)


def _manifest(
    config: ReleaseConfig,
    selection: Selection,
    content: ReleaseTables,
    seed_topics: SeedTopics,
    name: str,
    scripted: bool,
) -> Manifest:
    """The manifest, its list of files still to come."""
    return Manifest(
        format=FORMAT,
        name=name,
        version=config.version,
        scripted=scripted,
        license=config.license or "",
        language=config.language,
        require=config.require,
        balance=config.balance,
        seed_topics=seed_topics,
        split_ratio=(config.ratio.train, config.ratio.validation, config.ratio.test),
        split_seed=config.split_seed,
        code={package: installed(package) for package in ("ocean-chat", "pyarrow", "scikit-learn")},
        builds={build.trait_level: _published(build) for build in selection.builds},
        corpora=tuple({"id": c.id, **c.facts, "name": public_name(c.name)} for c in selection.corpora),
        counts=count_rows(content.rows, content.rejected, selection.withheld, content.unmatched),
        rows_sha256=rows_hash(content.all_rows),
        rows_without_author=count_without_author(
            content.rows, [{"id": c.id, **c.facts} for c in selection.corpora]
        ),
        files=(),
    )


def _published(build: StoredBuild) -> dict[str, Any]:
    """A build's config without the folders of the machine it ran on."""
    paths = {
        name: public_name(build.config[name]) for name in ("essays", "prompts") if build.config.get(name)
    }
    return {**build.config, **paths, "requested": build.requested}


def count_rows(
    rows: Sequence[Row],
    rejected: Sequence[RejectedRow],
    withheld: Mapping[str, int],
    unmatched: Sequence[Row],
) -> Counts:
    """The counts of a manifest, from the rows."""
    states = Counter(row.state for row in rejected)
    return Counts(
        splits=_by_split(rows),
        unmatched=_by_split(unmatched),
        rejected=dict(sorted(states.items())),
        withheld=withheld,
    )


def _by_split(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    """Split -> trait-level -> rows, without zeros."""
    counts = Counter((row.split, row.trait_level) for row in rows)
    splits: dict[str, dict[str, int]] = {}
    for split in SPLITS:
        levels = {code: counts[split, code] for code in CODES if counts[split, code]}
        if levels:
            splits[split] = levels
    return splits


def count_without_author(rows: Sequence[Row], corpora: Sequence[Mapping[str, Any]]) -> int:
    """Rows that name no author, or come from a corpus in which each text counted as an author of its own."""
    without = {corpus["id"] for corpus in corpora if corpus.get("author_column") == ""}
    return sum(not row.provenance.author or row.provenance.corpus in without for row in rows)


def _files(folder: Path, content: ReleaseTables) -> tuple[ReleasedFile, ...]:
    rows = dict(Counter(split_file(row.split) for row in content.rows))
    rows.update(Counter(unmatched_file(row.split) for row in content.unmatched))
    rows[REJECTED_FILE] = len(content.rejected)
    files = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        with path.open("rb") as content_of_file:
            sha256 = hashlib.file_digest(content_of_file, "sha256").hexdigest()
        files.append(ReleasedFile(path=name, sha256=sha256, bytes=path.stat().st_size, rows=rows.get(name)))
    return tuple(files)


def _json(content: Any) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
