"""What a page shows of a store.

One build and everything imported, with lineage, labels of people and figures. Sentences of a corpus that may
not be passed on are left out unless they are asked for: the page is made to be mailed.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, Literal, NamedTuple

from oceanchat.counting import counted
from oceanchat.errors import InputError
from oceanchat.llm.costs import Cost, CostReport
from oceanchat.llm.settings import BY_SCRIPT
from oceanchat.pipeline.results import PassedStatistics, Status, passed_statistics, status
from oceanchat.prompts import Prompts
from oceanchat.records import Candidate, Dialogue, SeedTopic
from oceanchat.release.public_names import public_name
from oceanchat.release.rows import COPIED_STATE, decided_valid
from oceanchat.release.selection import (
    PeoplesLabels,
    holds_essay_text,
    may_be_passed_on,
    peoples_labels,
    prompts_used,
)
from oceanchat.statistics.intervals import wilson
from oceanchat.statistics.length import LengthFigures
from oceanchat.store import builds as build_rows
from oceanchat.store.corpora import StoredCorpus, stored_corpus
from oceanchat.store.database import Store
from oceanchat.store.imports import read_imported
from oceanchat.time_left import LongJob
from oceanchat.traits import CODES
from oceanchat.viewer.content import (
    Origin,
    PageContent,
    PageSection,
    PromptText,
    ShownDialogue,
    shown_verdict,
)
from oceanchat.viewer.sections import (
    SCRIPTED_CAUTION,
    PaidTask,
    corpus_fact,
    costs_section,
    funnel_section,
    length_section,
    recipe_section,
)

Sentences = Literal["text", "omit"]
_STATE_COUNTS = Mapping[str, Mapping[str, int]]


class _Rows(NamedTuple):
    """The rows behind a store's dialogues."""

    dialogues: Sequence[Dialogue]
    seeds: Mapping[str, SeedTopic]
    """By id."""
    candidates: Mapping[str, Candidate]
    """Those that were selected, by trait and the id of their sentence."""
    corpora: Sequence[StoredCorpus]


def store_content(
    store: Store,
    build: str | None,
    prompts: Prompts,
    costs: CostReport,
    agreement: PageSection,
    sentences: Sentences | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> PageContent:
    """What a page shows of a build, the default one where `build` is None, and of what was imported.

    `sentences` 'text' shows the essays' sentences whatever their corpus says, 'omit' leaves them out; None:
    those of corpora that may be passed on. `say` is told how long it takes, where it is long. Raises
    InputError for a store without dialogues.
    """
    job = LongJob("writing the page", 4, say)  # to read, count, show and pack take about equally long
    statuses = status(store, build)
    rows = _read(store, build, statuses)
    if not rows.dialogues:
        raise InputError(
            f"store '{store.url}' holds no dialogue; run `oceanchat build` or `oceanchat import`"
        )
    job.after(1)
    people = _of_these(peoples_labels(store), rows.dialogues)
    passed_on = may_be_passed_on(rows.corpora, rows.dialogues)
    with_sentences = passed_on if sentences is None else sentences == "text"
    states = _states(rows.dialogues)
    checked = [dialogue.verdict.passed for dialogue in rows.dialogues if dialogue.verdict is not None]
    pass_rate = wilson(sum(checked), len(checked))
    statistics = _statistics(store, build, states)
    job.after(2)
    funnel = {each.build.trait_level: each.outcome.funnel.record() for each in statuses}
    return PageContent(
        title=PurePath(store.url).stem if "://" not in store.url else "OCEAN-Chat",
        summary=_summary(states, people, costs),
        cautions=_cautions(rows, people, passed_on, with_sentences),
        dialogues=[_shown(each, rows, people, statuses, with_sentences) for each in rows.dialogues],
        prompts=[PromptText(**template) for template in prompts_used(rows.dialogues, prompts).values()],
        sections=[
            funnel_section(funnel, states, pass_rate),
            length_section(statistics.table_six, statistics.length, statistics.asked),
            agreement,
            _costs_section(costs),
            recipe_section(_facts(rows, statuses)),
        ],
    )


def _read(store: Store, build: str | None, statuses: Sequence[Status]) -> _Rows:
    with store.reading() as connection:
        built = list(build_rows.stored_dialogues(connection, build=build))
        dialogues = {dialogue.id: dialogue for dialogue in [*read_imported(connection), *built[::-1]]}
        seeds = {seed.id: seed for seed in build_rows.stored_seeds(connection, build)}
        selected = build_rows.stored_candidates(connection, ["selected"], build)
        candidates = {f"{c.trait} {c.sentence.id}": c for c in selected}
        used = dict.fromkeys(each.build.corpus_id for each in statuses)
        corpora = [corpus for used_id in used if (corpus := stored_corpus(connection, used_id))]
    ordered = sorted(dialogues.values(), key=lambda d: (CODES.index(d.trait_level.code), d.source, d.order))
    return _Rows(ordered, seeds, candidates, corpora)


def _of_these(people: PeoplesLabels, dialogues: Sequence[Dialogue]) -> PeoplesLabels:
    """What people said of these dialogues; a store may hold other builds."""
    ids = {dialogue.id for dialogue in dialogues}
    labels = {key: votes for key, votes in people.complete.items() if key in ids}
    return PeoplesLabels(labels, people.begun & ids)


def _shown(
    dialogue: Dialogue,
    rows: _Rows,
    people: PeoplesLabels,
    statuses: Sequence[Status],
    with_sentences: bool,
) -> ShownDialogue:
    seed = rows.seeds.get(dialogue.seed_topic_id)
    candidate = rows.candidates.get(f"{dialogue.trait} {dialogue.provenance.sentence_id}")
    copied = dialogue.state == COPIED_STATE and not with_sentences
    votes = people.complete.get(dialogue.id, ())
    reason = seed.reason if seed is not None else dialogue.seed_reason
    return ShownDialogue(
        id=dialogue.id,
        trait_level=dialogue.trait_level.code,
        facet=dialogue.facet or "",
        state=dialogue.state,
        detail="repeats the essay; its words are left out" if copied else dialogue.detail,
        turns=() if copied else dialogue.turns,
        sentence=dialogue.seed_topic if with_sentences else None,
        essay=_essay(dialogue, candidate) if with_sentences else "",
        strength=None if seed is None else seed.strength,
        # A reason may quote the sentence.
        label_reason=reason if with_sentences else "",
        answer_words=() if seed is None else seed.answer_words,
        origin=_origin(dialogue, statuses),
        verdict=shown_verdict(dialogue.verdict),
        votes=votes,
        valid=decided_valid(votes) if votes else None,
    )


def _essay(dialogue: Dialogue, candidate: Candidate | None) -> str:
    if candidate is not None:
        return f"essay {candidate.sentence.essay_id}, sentence {candidate.sentence.position + 1}"
    return f"essay {dialogue.provenance.essay_id}" if dialogue.provenance.essay_id else ""


def _origin(dialogue: Dialogue, statuses: Sequence[Status]) -> Origin:
    origin, code = dialogue.provenance, dialogue.trait_level.code
    built = dialogue.source == "built"
    config = next((s.build.config for s in statuses if built and s.build.trait_level == code), {})
    return Origin(
        source=dialogue.source,
        labeler=origin.labeler,
        writer=origin.writer,
        checker=dialogue.verdict.checker if dialogue.verdict else origin.checker,
        mode=origin.mode,
        prompts=origin.prompts,
        exchanges=config.get("exchanges"),
        words=config.get("words"),
    )


def _states(dialogues: Sequence[Dialogue]) -> _STATE_COUNTS:
    """Trait-level -> state -> dialogues, in paper order."""
    counts: dict[str, Counter[str]] = {}
    for dialogue in dialogues:
        counts.setdefault(dialogue.trait_level.code, Counter())[dialogue.state] += 1
    return counts


def _statistics(store: Store, build: str | None, states: _STATE_COUNTS) -> PassedStatistics:
    """Table 6 and lengths; empty where no dialogue passed."""
    if any(counts.get(state) for counts in states.values() for state in ("passed", "unchecked")):
        return passed_statistics(store, build)
    return PassedStatistics((), LengthFigures({}, {}))


def _summary(states: _STATE_COUNTS, people: PeoplesLabels, costs: CostReport) -> list[tuple[str, str]]:
    accepted = sum(counts.get("passed", 0) for counts in states.values())
    everything = sum(sum(counts.values()) for counts in states.values())
    judged = f"{len(people.complete):,}" if people.complete else "none"
    return [
        (f"{accepted:,} of {everything:,}", "dialogues accepted"),
        (f"{len(states)} of {len(CODES)}", "trait-levels"),
        (judged, "judged by people"),
        (costs.total.paid.text, "paid for all calls"),
    ]


def _cautions(rows: _Rows, people: PeoplesLabels, passed_on: bool, with_sentences: bool) -> list[str]:
    cautions = [SCRIPTED_CAUTION] if any(map(_is_scripted, rows.dialogues)) else []
    names = ", ".join(public_name(corpus.name) for corpus in rows.corpora)
    sentences = any(map(holds_essay_text, rows.dialogues))
    if sentences and with_sentences and not passed_on:
        cautions.append(
            "This page holds sentences of essays that nobody said may be passed on"
            f"{f' ({names})' if names else ''}. Do not hand it on."
        )
    if sentences and not with_sentences:
        cautions.append(
            "The essays' sentences are left out of this page, and what quotes them; `oceanchat view"
            " --sentences text` writes them in."
        )
    if people.begun:
        which = counted(len(people.begun), "dialogue")
        cautions.append(f"People are still at work: of {which} with only some of their labels none is shown.")
    return cautions


def _is_scripted(dialogue: Dialogue) -> bool:
    origin = dialogue.provenance
    checker = dialogue.verdict.checker if dialogue.verdict else origin.checker
    return not BY_SCRIPT.isdisjoint((origin.labeler, origin.writer, checker))


def _costs_section(report: CostReport) -> PageSection:
    paid: dict[tuple[str, str], Cost] = {}
    for key, line in report.lines.items():
        paid.setdefault((key.task, key.model), Cost()).add(line.paid)
    tasks = [
        PaidTask(task, model, cost.calls, cost.prompt_tokens, cost.completion_tokens, cost.text)
        for (task, model), cost in paid.items()
    ]
    note = f"Prices of {report.price_date}; every call of the store counts, whatever came of it."
    return costs_section(tasks, report.total.paid.text, note)


def _facts(rows: _Rows, statuses: Sequence[Status]) -> list[tuple[str, str]]:
    """Corpora, models and options, each once with the trait-levels it holds for."""
    facts = [corpus_fact(public_name(c.name), c.facts["essays"], c.facts["sentences"]) for c in rows.corpora]
    recipes: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for each in statuses:
        recipes.setdefault(_recipe(each.build.config), []).append(each.build.trait_level)
    for recipe, codes in recipes.items():
        facts += [("trait-levels", ", ".join(codes)), *recipe]
    if statuses:
        newest = max(each.build.finished_at for each in statuses)
        facts.append(("built on", f"{datetime.fromtimestamp(newest, UTC):%Y-%m-%d}"))
    imported = sum(dialogue.source == "imported" for dialogue in rows.dialogues)
    return [*facts, ("imported", counted(imported, "dialogue"))] if imported else facts


def _recipe(config: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    named = ("labeler", "writer", "checker", "mode", "check", "exchanges", "words", "answer_words", "seed")
    titles = {"words": "most words a turn", "answer_words": "words asked of an answer"}
    return tuple((titles.get(name, name), str(config[name])) for name in named if name in config)
