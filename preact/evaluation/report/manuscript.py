"""Write a LaTeX document for a paper.

A section on methods and the paper's Tables 1, 2, 3, 6 and 8, from what interviews, a release and ratings
recorded; a table without its data is left out and named.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from oceanchat.latex import comment, escaped
from oceanchat.llm.settings import BY_SCRIPT
from oceanchat.release.folder import Release
from oceanchat.whole_files import whole_file
from preact.evaluation.comparison.assembly import Assembly
from preact.evaluation.comparison.basis import basis
from preact.evaluation.comparison.diagnosis import concerns
from preact.evaluation.comparison.trait_scores import ScoredInterview
from preact.evaluation.report import paper_tables
from preact.evaluation.report.latex import document, points, table
from preact.methods import METHODS

if TYPE_CHECKING:  # with it comes krippendorff, which only ratings need
    from oceanchat.statistics.model_ratings import RatingReport

NAME = "paper.tex"
_RECIPE = {
    "rank": "rank", "experts": "experts", "alpha": "alpha", "loss_weight": "weight of the expert loss",
    "learning_rate": "learning rate", "epochs": "epochs", "batch_size": "dialogues a step",
}  # fmt: skip
"""Field of a run's recipe -> what a methods section calls it."""


class Ratings(NamedTuple):
    """What people said of models, and the file that says so."""

    report: "RatingReport"
    file: Path


class Manuscript(NamedTuple):
    """What was written."""

    file: Path
    left_out: Sequence[str]
    """A phrase for each table without data: which, why, and what would bring it."""


def write_manuscript(
    assembly: Assembly, folder: Path, release: Release | None = None, ratings: Ratings | None = None
) -> Manuscript:
    """Write paper.tex into `folder`. Raises ReleaseError for a release that is damaged."""
    scored = assembly.scored
    tables, left_out = [paper_tables.table_two(scored, assembly.comparison, folder)], []
    if release is None:
        left_out += [f"Table {n} (no release; name one with --release)" for n in (1, 6)]
    else:
        tables += [paper_tables.table_one(release, folder), paper_tables.table_six(release, folder)]
    if ratings is None:
        left_out.append(
            "Table 3 (no human ratings; name a file of `oceanchat export ratings` with --ratings)"
        )
    else:
        tables.append(paper_tables.table_three(ratings.report, ratings.file, folder, scored))
    if max(entry.interview.header.runs for entry in scored) > 1:
        tables.append(paper_tables.table_eight(scored, assembly.comparison, folder))
    else:
        left_out.append("Table 8 (one run has no spread; interview with --runs 5)")
    blocks = [
        comment("Written by `preact report --paper`; files are named as seen from this one's folder."),
        *(comment(f"Left out: {phrase}") for phrase in left_out),
        r"\section*{Methods}",
        *(escaped(" ".join(sentences)) for sentences in _methods(assembly, release, ratings) if sentences),
        r"\section*{Results}",
        *(table(content) for content in sorted(tables)),
        r"\clearpage",
    ]
    if warnings := concerns(scored):
        blocks += [r"\section*{Limits}", points(warnings)]
    folder.mkdir(parents=True, exist_ok=True)
    with whole_file(folder / NAME) as file:
        file.write(document(blocks).encode("ascii"))
    return Manuscript(folder / NAME, left_out)


def _methods(assembly: Assembly, release: Release | None, ratings: Ratings | None) -> Iterator[list[str]]:
    """One paragraph each on data, systems, measurement and people."""
    scored = assembly.scored
    if release is not None:
        yield list(_data(release))
    yield [_system(entry) for entry in scored]
    header = scored[0].interview.header
    asked = "the items of the trait it played" if header.scope == "own" else "all items"
    yield [
        f"Each system answered {asked} of the inventory {header.inventory} ({len(header.items)} questions),"
        " each in a fresh conversation; run k is shuffled and answered with seed k.",
        f"What the figures rest on: {'; '.join((*basis(scored), *assembly.judge))}.",
        "A score of a trait-level is the mean over its batches in a run. Where a baseline is named,"
        " differences from it are tested over runs by Welch's t, two-sided, with Holm's correction for"
        " Overall and that of Benjamini and Hochberg for all others; intervals over items draw the items of"
        " each trait anew.",
    ]
    if ratings is not None:
        systems = ratings.report.systems
        yield [
            f"People gave {sum(each.ratings for each in systems.values())} ratings of"
            f" {sum(each.conversations for each in systems.values())} conversations with {len(systems)}"
            f" system{'s' * (len(systems) != 1)} (unit {ratings.report.unit})."
        ]


def _data(release: Release) -> Iterator[str]:
    manifest = release.manifest
    splits = ", ".join(f"{name} {sum(split.values()):,}" for name, split in manifest.counts.splits.items())
    scripted = ", made with the scripted model" if manifest.scripted else ""
    yield (
        f"The data is release {manifest.name}, version {manifest.version}{scripted}:"
        f" {manifest.counts.rows:,} dialogues ({splits})."
    )
    for role, verb in (("labeler", "Sentences were labeled"), ("writer", "Dialogues were written"),
                       ("checker", "They were back-validated")):  # fmt: skip
        names = list(dict.fromkeys(str(build[role]) for build in manifest.builds.values() if build.get(role)))
        if names:
            yield f"{verb} by {' and '.join(map(_model, names))}."


def _model(name: str) -> str:
    return "the scripted model" if name in BY_SCRIPT else name


def _system(entry: ScoredInterview) -> str:
    """What a system is, by what it recorded of itself."""
    header = entry.interview.header
    facts: Mapping[str, Any] = header.system
    name = f"{header.model} on {header.backbone}"
    sampling = ", ".join(
        f"{label} {facts[key]:g}"
        for key, label in (
            ("temperature", "a temperature of"),
            ("top_p", "a top-p of"),
            ("max_tokens", "a token limit of"),
        )
        if isinstance(facts.get(key), int | float)
    )
    sampled = f" Its answers are sampled with {sampling}." if sampling else ""
    if facts.get("kind") != "run":
        how = {
            "prompted": "is the backbone under a persona prompt",
            "control": "is the backbone steered by a vector",
            "backbone": "is the backbone as it is",
        }.get(str(facts.get("kind")), "answered")
        return f"{name} {how}.{sampled}"
    recipe, data = facts.get("recipe") or {}, facts.get("release") or {}
    unused = _unused(facts.get("method"))
    numbers = ", ".join(
        f"{label} {recipe[key]}" for key, label in _RECIPE.items() if key in recipe and key not in unused
    )
    dialogues, release = data.get("dialogues", "?"), data.get("name", "a release")
    return (
        f"{name} was trained on {dialogues} dialogues of {release} in {facts.get('steps', '?')} steps with"
        f" seed {facts.get('training_seed', '?')} ({numbers}).{sampled}"
    )


def _unused(method: object) -> set[str]:
    """Fields of the recipe that a run of this method records and has no use for."""
    row = next((row for name, row in METHODS.items() if name == method), None)
    if row is None:
        return set()
    uses = {"experts": row.has_experts, "loss_weight": row.expert_loss is not None}
    return {field for field, used in uses.items() if not used}
