"""What a page shows of a release.

Rows as they are released, with what the release says of where they come from; the figures are those that
stand in the release and that `oceanchat verify` recomputes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from oceanchat.counting import counted
from oceanchat.errors import ReleaseError
from oceanchat.llm.prices import format_cost
from oceanchat.records import Turn
from oceanchat.release.card.quality import asked_lengths
from oceanchat.release.folder import Release, read_release
from oceanchat.release.manifest import Manifest
from oceanchat.release.rows import TURN_ROLE, RejectedRow, Row, decided_valid
from oceanchat.statistics.figure import NAMES, Figure, form_of
from oceanchat.statistics.length import LengthFigures
from oceanchat.statistics.table_six import SummaryRow
from oceanchat.traits import CODES
from oceanchat.viewer.content import (
    Origin,
    PageContent,
    PageSection,
    PageTable,
    PromptText,
    ShownDialogue,
    ShownVerdict,
)
from oceanchat.viewer.sections import (
    SCRIPTED_CAUTION,
    PaidTask,
    corpus_fact,
    costs_section,
    figure_row,
    funnel_section,
    length_section,
    no_agreement,
    recipe_section,
)

_HASHED = "sha256:"
Quality = Mapping[str, Any]


def release_content(folder: Path) -> PageContent:
    """What a page shows of a release. Raises ReleaseError for a folder that is none or is damaged."""
    release = read_release(folder)
    try:
        return _content(release)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        raise ReleaseError(
            f"'quality.json' or 'manifest.json' of release '{folder}' is not as it was written; restore it,"
            f" or see `oceanchat verify {folder}`"
        ) from None


def _content(release: Release) -> PageContent:
    manifest, quality = release.manifest, release.quality
    rows = [*release.rows, *release.unmatched, *release.rejected]
    dialogues = sorted((_shown(row, manifest) for row in rows), key=lambda d: CODES.index(d.trait_level))
    states: dict[str, Counter[str]] = {}
    for shown in dialogues:
        states.setdefault(shown.trait_level, Counter())[shown.state] += 1
    length = LengthFigures(_figures(quality["length_auc"]), _figures(quality["exchanges_auc"]))
    table_six = [SummaryRow(**line) for line in quality["rows"]["table_six"]]
    return PageContent(
        title=manifest.name,
        summary=_summary(release),
        cautions=[SCRIPTED_CAUTION] if manifest.scripted else [],
        dialogues=dialogues,
        prompts=[PromptText(**template) for template in quality["prompts"].values()],
        sections=[
            funnel_section(quality["funnel"], states, _figure(quality["rows"]["back_validation"])),
            length_section(table_six, length, asked_lengths(manifest, quality)),
            _agreement(quality),
            _costs(quality),
            recipe_section(_facts(manifest)),
        ],
    )


def _shown(row: Row, manifest: Manifest) -> ShownDialogue:
    origin, verdict = row.provenance, row.provenance.verdict
    config = manifest.builds.get(row.trait_level, {}) if origin.source == "built" else {}
    rejected = isinstance(row, RejectedRow)
    return ShownDialogue(
        id=row.id,
        trait_level=row.trait_level,
        facet=row.facet or "",
        state=row.state if isinstance(row, RejectedRow) else origin.state,
        detail=row.reason if isinstance(row, RejectedRow) else "",
        turns=tuple(Turn(role=TURN_ROLE[message.role], text=message.content) for message in row.messages),
        sentence=None if (row.seed_topic or _HASHED).startswith(_HASHED) else row.seed_topic,
        essay=f"sentence {origin.seed_sentence}" if origin.seed_sentence else "",
        origin=Origin(
            source=origin.source,
            labeler=origin.labeler,
            writer=origin.writer,
            checker=origin.checker,
            mode=origin.mode,
            prompts={used.task: used.fingerprint for used in origin.prompts},
            exchanges=config.get("exchanges"),
            words=config.get("words"),
        ),
        verdict=None if verdict is None else ShownVerdict(**verdict.model_dump()),
        votes=origin.human,
        valid=decided_valid(origin.human) if origin.human else None,
        split="" if rejected else row.split,
    )


def _figure(record: Mapping[str, Any]) -> Figure:
    return Figure(record["value"], record.get("low"), record.get("high"), record.get("note", ""))


def _figures(records: Mapping[str, Mapping[str, Any]]) -> dict[str, Figure]:
    return {name: _figure(record) for name, record in records.items()}


def _summary(release: Release) -> list[tuple[str, str]]:
    counts, humans = release.manifest.counts, release.quality["rows"]["humans"]
    total = counts.rows + len(release.unmatched) + sum(counts.rejected.values())
    codes = {code for split in counts.splits.values() for code in split}
    paid = [line["usd"] for line in release.quality["costs"]]
    return [
        (f"{counts.rows:,} of {total:,}", "dialogues released as data"),
        (f"{len(codes)} of {len(CODES)}", "trait-levels"),
        ("none" if humans is None else f"{humans['pass_rate']['total']:,}", "judged by people"),
        (_dollars(None if None in paid else sum(paid)), "paid for all calls"),
    ]


def _agreement(quality: Quality) -> PageSection:
    humans = quality["rows"]["humans"]
    if humans is None:
        return no_agreement("Nobody has validated these dialogues.")
    named = {"pass_rate_after_adjudication": humans["pass_rate"], **humans["agreement"], **quality["checker"]}
    rows = [figure_row(NAMES[name], _figure(record), form_of(name)) for name, record in named.items()]
    lead = (
        f"{counted(humans['annotators'], 'annotator')} gave {counted(humans['labels'], 'label')} on"
        f" {counted(humans['pass_rate']['total'], 'dialogue')}. The paper: {humans['paper_pass_rate']:.1%}"
        f" valid, {humans['paper_unanimous']:.1%} unanimous."
    )
    table = PageTable(("", "value", "95 % interval", "note"), rows)
    return PageSection("agreement", "Agreement", [lead], [table])


def _costs(quality: Quality) -> PageSection:
    lines: Sequence[Mapping[str, Any]] = quality["costs"]
    tasks = [
        PaidTask(
            line["task"],
            line["model"],
            line["calls"],
            line["prompt_tokens"],
            line["completion_tokens"],
            _dollars(line["usd"]),
        )
        for line in lines
    ]
    paid = [line["usd"] for line in lines]
    total = _dollars(None if None in paid else sum(paid))
    return costs_section(tasks, total, "Every call of the store it was made from counts.")


def _dollars(usd: float | None) -> str:
    return "unknown" if usd is None else format_cost(Decimal(str(usd)), 0)


def _facts(manifest: Manifest) -> list[tuple[str, str]]:
    splits = ", ".join(f"{name} {sum(levels.values()):,}" for name, levels in manifest.counts.splits.items())
    return [
        ("release", f"{manifest.name}, version {manifest.version}"),
        ("license", manifest.license),
        ("language", manifest.language),
        ("splits", splits),
        ("takes", f"{manifest.require} dialogues"),
        *(corpus_fact(c["name"], c["essays"], c["sentences"]) for c in manifest.corpora),
        *((f"built {code}", _models(build)) for code, build in manifest.builds.items()),
    ]


def _models(build: Mapping[str, Any]) -> str:
    """Which model played which role in a build."""
    roles = {"labeler": "labeled by", "writer": "written by", "checker": "checked by"}
    return ", ".join(f"{did} {build[role]}" for role, did in roles.items() if role in build)
