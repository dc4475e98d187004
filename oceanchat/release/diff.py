"""What changed between two releases.

Rows added, dropped, moved or given another label, and figures. Rows are matched by their id, which hangs on
label and words; the same words under another label are recognized by the words alone.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from oceanchat.errors import ReleaseError
from oceanchat.release.folder import QUALITY, Release
from oceanchat.release.rows import Row


class LabelChange(NamedTuple):
    """The same words under two labels."""

    before: str
    """Row id."""
    after: str
    old: str
    """Trait-level."""
    new: str


class ChangedFigure(NamedTuple):
    """A figure with two values; None where a release does not have it."""

    name: str
    """Its path in quality.json."""
    before: Any
    after: Any


class Difference(NamedTuple):
    """From one release to another."""

    added: Sequence[str]
    """Row ids."""
    dropped: Sequence[str]
    relabelled: Sequence[LabelChange]
    moved: Mapping[str, tuple[str, str]]
    """Row id -> split before and after, for rows in both."""
    figures: Sequence[ChangedFigure]
    options: Sequence[ChangedFigure]
    """What the two were made with: version, license, requirement and the like."""

    @property
    def same(self) -> bool:
        """Whether the rows are the same, in the same splits."""
        return not (self.added or self.dropped or self.relabelled or self.moved)


def compare(before: Release, after: Release) -> Difference:
    """The difference between two releases. Raises ReleaseError for one whose rows or figures are missing."""
    for release in (before, after):
        if len(release.rows) != release.manifest.counts.rows:
            raise ReleaseError(
                f"release '{release.folder}' holds {len(release.rows)} rows, its manifest says"
                f" {release.manifest.counts.rows}; `oceanchat verify` names what is wrong"
            )
    old, new = {row.id: row for row in before.rows}, {row.id: row for row in after.rows}
    dropped, added = [i for i in old if i not in new], [i for i in new if i not in old]
    relabelled = _label_changes([old[i] for i in dropped], [new[i] for i in added])
    renamed = {change.before for change in relabelled} | {change.after for change in relabelled}
    return Difference(
        added=[i for i in added if i not in renamed],
        dropped=[i for i in dropped if i not in renamed],
        relabelled=relabelled,
        moved={i: (old[i].split, new[i].split) for i in old if i in new and old[i].split != new[i].split},
        figures=_changed(_figures(before), _figures(after)),
        options=_changed(_options(before), _options(after)),
    )


def by_trait_level(ids: Sequence[str], release: Release) -> dict[str, int]:
    """How many of these rows each trait-level has."""
    levels = {row.id: row.trait_level for row in release.rows}
    return dict(Counter(levels[i] for i in ids))


def _label_changes(dropped: Sequence[Row], added: Sequence[Row]) -> list[LabelChange]:
    by_words = {_words(row): row for row in dropped}
    pairs = [(by_words[_words(row)], row) for row in added if _words(row) in by_words]
    return [LabelChange(old.id, new.id, old.trait_level, new.trait_level) for old, new in pairs]


def _words(row: Row) -> str:
    return hashlib.sha256("\x1f".join(f"{m.role}:{m.content}" for m in row.messages).encode()).hexdigest()


def _options(release: Release) -> dict[str, Any]:
    options = release.manifest.model_dump(
        mode="json", exclude={"files", "counts", "name", "builds", "corpora", "rows_sha256"}
    )
    return _flat(options)


def _figures(release: Release) -> dict[str, Any]:
    figures = release.quality.get("rows")
    if not isinstance(figures, Mapping):
        raise ReleaseError(
            f"release '{release.folder}' has no figures: its '{QUALITY}' lacks 'rows'; write or download it"
            " again"
        )
    names = ("checker", "dataset", "length_auc", "exchanges_auc")
    others = {name: release.quality.get(name) for name in names}
    return _flat({**figures, **others})


def _flat(tree: Any, path: str = "") -> dict[str, Any]:
    if isinstance(tree, Mapping):
        items = [(str(key), value) for key, value in tree.items()]
    elif isinstance(tree, list):
        items = [(_name(value, index), value) for index, value in enumerate(tree)]
    else:
        return {path: tree}
    return {k: v for key, value in items for k, v in _flat(value, f"{path}.{key}" if path else key).items()}


def _name(value: Any, index: int) -> str:
    return str(value.get("trait_level", index)) if isinstance(value, Mapping) else str(index)


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[ChangedFigure]:
    names = list(dict.fromkeys([*before, *after]))
    return [
        ChangedFigure(name, before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    ]
