"""Hold a release against itself.

Every checksum, count, id, split and figure is recomputed. What is wrong is listed, file by file;
nothing is repaired. Figures that only the store knows (funnel, costs) are held against their own sums.
"""

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from oceanchat.errors import ReleaseError
from oceanchat.release.card.page import render_card
from oceanchat.release.folder import (
    CARD,
    MANIFEST,
    QUALITY,
    Release,
    own_file,
    read_manifest,
    read_release,
    split_file,
    unmatched_file,
)
from oceanchat.release.manifest import FORMAT, Manifest, ReleasedFile
from oceanchat.release.personal_data import PATTERNS
from oceanchat.release.quality import (
    checker,
    default_ids,
    example,
    length_record,
    row_figures,
    row_lengths,
    seed_overlap,
    whole_dataset,
)
from oceanchat.release.rows import NOT_VALIDATED, Row, row_id, rows_hash
from oceanchat.release.splits import seed_key
from oceanchat.release.writer import count_rows, count_without_author
from oceanchat.statistics.length import LengthFigures, length_figures

CLOSE = 1e-5
"""How far a recomputed figure may be from the stored one."""
OLDER_INTERVALS = (
    f"{QUALITY}: written by an older version, whose interval of all trait-levels together lay too low; files,"
    " rows and all other figures are correct, and a new release of the same store has the present interval"
)
"""Said of a release whose figures are right but for intervals that are computed otherwise since."""


class Problem(NamedTuple):
    """Something that is not as it should be."""

    where: str
    """A file of the release."""
    what: str

    def __str__(self) -> str:
        return "".join(
            c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in f"{self.where}: {self.what}"
        )


class Verification(NamedTuple):
    """What was checked, and what is wrong."""

    name: str
    files: int
    rows: int
    rows_sha256: str
    """Over every column of every row; two releases with the same hold the same rows."""
    problems: tuple[Problem, ...]
    length: LengthFigures
    """How well the length of the answers tells the levels apart, from the rows."""
    notes: tuple[str, ...] = ()
    """What differs from what this version would write, and is not wrong."""

    def record(self) -> dict[str, Any]:
        """As plain data for `--json`."""
        record = self._asdict() | {"problems": [problem._asdict() for problem in self.problems]}
        del record["length"]
        return record | length_record(self.length)


def verify_release(folder: Path) -> Verification:
    """Check a release folder. Raises ReleaseError for a folder that is not a release."""
    manifest = read_manifest(folder)
    problems = list(_files(folder, manifest))
    try:
        release = read_release(folder)
    except ReleaseError as error:
        problems.append(Problem(manifest.name, str(error)))
        return Verification(manifest.name, len(manifest.files), 0, "", tuple(problems), LengthFigures({}, {}))
    length = length_figures(map(row_lengths, release.rows))
    problems += _rows(release)
    problems += _splits(release.released)
    problems += _balance(release)
    problems += _counts(release)
    notes: tuple[str, ...] = ()
    try:
        notes = (OLDER_INTERVALS,) if _has_older_intervals(release) else ()
        problems += [*_figures(release, length, older=bool(notes)), *_card(release)]
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        problems.append(Problem(QUALITY, f"lacks what it must hold ({type(error).__name__}: {error})"))
    sealed = rows_hash(release.all_rows)
    problems += _seal(manifest, sealed)
    return Verification(
        manifest.name, len(manifest.files), len(release.rows), sealed, tuple(problems), length, notes
    )


def _files(folder: Path, manifest: Manifest) -> Iterator[Problem]:
    """Every file is there with its bytes, and no other; nothing outside the folder is looked at."""
    for file in manifest.files:
        try:
            path = own_file(folder, file.path)
            wrong = "is missing" if path is None else _wrong_bytes(path, file)
        except ReleaseError as error:
            wrong = str(error)
        except OSError as error:
            wrong = f"cannot be read: {error.strerror}"
        if wrong:
            yield Problem(file.path, wrong)
    known = {MANIFEST, *(file.path for file in manifest.files)}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() and not name.startswith("."):
            if not any(f"{file}/".startswith(f"{name}/") for file in known):  # else it was named above
                yield Problem(name, "is a link; put the file itself there")
        elif not path.is_dir() and name not in known and not name.startswith("."):
            yield Problem(name, "is not in the manifest")


def _wrong_bytes(path: Path, file: ReleasedFile) -> str:
    size = path.stat().st_size
    if size != file.bytes:
        return f"has {size:,} bytes, the manifest says {file.bytes:,}"
    with path.open("rb") as content:
        right = hashlib.file_digest(content, "sha256").hexdigest() == file.sha256
    return "" if right else "has another checksum than the manifest says"


def _seal(manifest: Manifest, sealed: str) -> Iterator[Problem]:
    """The hash over all columns, which notices what no other figure hangs on: a facet, a seed topic, an
    author."""
    if manifest.format == 1 and not manifest.rows_sha256:  # had no such hash
        return
    if manifest.rows_sha256 != sealed:
        yield Problem(
            MANIFEST,
            f"the hash over all rows is '{manifest.rows_sha256[:12]}', the rows give '{sealed[:12]}'",
        )


def _rows(release: Release) -> Iterator[Problem]:
    """Every row is what its id, its counts and its place say, and no id comes twice."""
    seen: set[str] = set()
    rows_in = itertools.chain(
        ((split_file(row.split), row) for row in release.rows),
        ((unmatched_file(row.split), row) for row in release.unmatched),
        (("rejected", row) for row in release.rejected),
    )
    for where, row in rows_in:
        if row.id in seen:
            yield Problem(where, f"row '{row.id}' comes twice")
        seen.add(row.id)
        wrong = _wrong_in(row)
        if wrong:
            yield Problem(where, f"row '{row.id}' has another {wrong} than its messages and label give")


def _wrong_in(row: Row) -> str:
    if "words-withheld" in row.flags:
        return ""
    words = sum(len(message.content.split()) for message in row.messages)
    checks = {
        "id": row.id == row_id(row),
        "trait_level": row.trait_level == row.trait.value + row.level.sign,
        "turns": row.turns == len(row.messages),
        "personal-data flag": set(row.personal_data) == set(row.flags) & set(PATTERNS),
        "words": bool(row.messages) and abs(row.words - words / len(row.messages)) <= CLOSE,
    }
    return next((name for name, right in checks.items() if not right), "")


def _splits(rows: Iterable[Row]) -> Iterator[Problem]:
    """No author and no seed topic is in two splits; near-duplicates are seen to with the figures."""
    splits_of: dict[str, dict[str, set[str]]] = {"author": {}, "seed topic": {}}
    for row in rows:
        keys = {"author": row.provenance.author, "seed topic": seed_key(row.seed_topic or "")}
        for what, value in keys.items():
            if value:
                splits_of[what].setdefault(value, set()).add(row.split)
    for what, values in splits_of.items():
        for value, splits in values.items():
            if len(splits) > 1:
                names = " and ".join(sorted(splits))
                yield Problem("data", f"{what} '{value[:60]}' is in two splits: {names}")


def _balance(release: Release) -> Iterator[Problem]:
    """The `default` config holds what the manifest's balance chooses, and `unmatched` the rest."""
    balance = release.manifest.balance
    if default_ids(release.released, balance) != {row.id for row in release.rows}:
        yield Problem("data", f"does not hold the rows that balance '{balance}' chooses")


def _counts(release: Release) -> Iterator[Problem]:
    manifest = release.manifest
    counts = count_rows(release.rows, release.rejected, manifest.counts.withheld, release.unmatched)
    for name in ("splits", "unmatched", "rejected"):
        stated, right = getattr(manifest.counts, name), getattr(counts, name)
        if stated != right:
            yield Problem(MANIFEST, f"the count of {name} is {stated}, the rows give {right}")
    if manifest.rows_without_author is not None:
        without = count_without_author(release.rows, manifest.corpora)
        if manifest.rows_without_author != without:
            yield Problem(
                MANIFEST, f"rows_without_author is {manifest.rows_without_author}, the rows give {without}"
            )
    rows = {file.path: file.rows for file in manifest.files if file.rows is not None}
    tables = [(split_file(split), levels) for split, levels in counts.splits.items()]
    tables += [(unmatched_file(split), levels) for split, levels in counts.unmatched.items()]
    for name, levels in tables:
        stated, right = rows.get(name), sum(levels.values())
        if stated != right:
            yield Problem(MANIFEST, f"'{name}' has {right} rows, not {stated}")
    scripted = any(row.scripted for row in release.all_rows)
    if scripted != manifest.scripted or manifest.name.endswith("-scripted") != scripted:
        yield Problem(MANIFEST, f"the release is {'' if scripted else 'not '}scripted, which it does not say")


def _dataset(release: Release, *, older: bool) -> Any:
    """The figures of the whole dataset that the rows give, as this version or an older one computes them."""
    withheld = release.quality.get("withheld_passed", {})
    figures = whole_dataset(
        release.released,
        release.rejected,
        withheld,
        prior_in_each=older,
        with_decisions=_with_decisions(release),
    )
    return _plain(figures)


def _with_decisions(release: Release) -> bool:
    """Whether the checker's figures and the dataset's take the lead's decisions in."""
    return release.manifest.format >= 6


def _has_older_intervals(release: Release) -> bool:
    """Whether the figures of the whole dataset are right as an older version computed them, and not else."""
    if not 4 <= release.manifest.format < 6:
        return False
    new, old = (
        any(_differences("dataset", release.quality.get("dataset"), _dataset(release, older=older)))
        for older in (False, True)
    )
    return new and not old


def _figures(release: Release, length: LengthFigures, *, older: bool) -> Iterator[Problem]:
    """quality.json is what the rows give, and its funnel adds up."""
    stored: dict[str, Any] = release.quality
    withheld, with_decisions = release.manifest.counts.withheld, _with_decisions(release)
    rows = row_figures(release.rows, release.rejected, release.unmatched)
    if release.manifest.format < 6:  # had intervals of kappa and alpha wherever resamples gave any
        stored = {**stored, "rows": _without_intervals(stored.get("rows", {}))}
        rows = _without_intervals(_plain(rows))
    figures: dict[str, Any] = {
        "rows": rows,
        "checker": checker(release.released, release.rejected, withheld, with_decisions=with_decisions),
    }
    if release.manifest.format == 1:  # had another figure of the checker, which left out rejected dialogues
        del figures["checker"], stored["rows"]["checker_against_humans"]
    if release.manifest.format >= 3:
        figures |= length_record(length)
    if release.manifest.format >= 4:
        yield from _withheld(release)
        figures["dataset"] = _dataset(release, older=older)
    if release.manifest.format >= 5:
        figures["example"] = example(release.rows)
    for name, recomputed in figures.items():
        yield from _differences(name, stored.get(name), _plain(recomputed))
    if stored.get("rows", {}).get("near_duplicates", {}).get("across_splits"):
        yield Problem("data", "near-duplicates are in two splits")
    if release.manifest.seed_topics == "text":
        overlap = seed_overlap((row.text, row.seed_topic) for row in release.released)
        yield from _differences("seed_overlap", stored.get("seed_overlap"), _plain(overlap))
    topics = stored.get("topics")
    if topics is not None:
        counted = sum(topic["dialogues"] for topic in topics["topics"]) + topics["none"]
        if counted != len(release.rows):
            yield Problem(QUALITY, f"the topics count {counted} dialogues, there are {len(release.rows)}")
    for code, steps in stored.get("funnel", {}).items():
        selected, written = steps["candidates"].get("selected", 0), steps["seeds"].get("written", 0)
        if selected != sum(steps["seeds"].values()) or written != sum(steps["dialogues"].values()):
            yield Problem(QUALITY, f"the funnel of '{code}' does not add up")


def _without_intervals(rows: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of rows with the values alone of the annotators' agreement."""
    humans = rows.get("humans")
    if not humans:
        return dict(rows)
    values = {name: figure["value"] for name, figure in humans["agreement"].items()}
    return {**rows, "humans": {**humans, "agreement": values}}


def _withheld(release: Release) -> Iterator[Problem]:
    """The withheld dialogues by trait-level are as many as the manifest counts."""
    stated = sum(release.quality.get("withheld_passed", {}).values())
    right = release.manifest.counts.withheld.get(NOT_VALIDATED, 0)
    if stated != right:
        yield Problem(QUALITY, f"withheld_passed counts {stated} dialogues, the manifest {right}")


def _plain(figures: Any) -> Any:
    """Figures as they look after a trip through JSON."""
    return json.loads(json.dumps(figures))


def _differences(name: str, stored: Any, recomputed: Any) -> Iterator[Problem]:
    """Where two trees of figures differ, by the path of the figure."""
    if isinstance(stored, Mapping) and isinstance(recomputed, Mapping):
        for key in sorted({*stored, *recomputed}):
            yield from _differences(f"{name}.{key}", stored.get(key), recomputed.get(key))
    elif isinstance(stored, list) and isinstance(recomputed, list) and len(stored) == len(recomputed):
        for index, (before, now) in enumerate(zip(stored, recomputed, strict=True)):
            yield from _differences(f"{name}.{index}", before, now)
    elif not _same(stored, recomputed):
        yield Problem(QUALITY, f"the figure '{name}' is {stored}, the rows give {recomputed}")


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, int | float) and isinstance(second, int | float):
        return abs(first - second) <= CLOSE
    return bool(first == second)


def _card(release: Release) -> Iterator[Problem]:
    """The card says what manifest and figures say; cards of another format are held by their checksum
    alone."""
    path = release.folder / CARD
    if release.manifest.format != FORMAT or not path.is_file():
        return
    expected = render_card(release.manifest, release.quality).splitlines()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, (line, right) in enumerate(zip(lines, expected, strict=False), 1):
        if line != right:
            yield Problem(CARD, f"line {number} reads '{line[:80]}', the figures give '{right[:80]}'")
            return
    if len(lines) != len(expected):
        yield Problem(CARD, f"has {len(lines)} lines, the figures give {len(expected)}")
