"""What of a store is released.

Every dialogue of the store ends as released, rejected with its state, or withheld for a counted reason;
nothing disappears. It reads the store and decides; rows, splits and files come later.
"""

import itertools
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from oceanchat.errors import ReleaseError
from oceanchat.pipeline.results import models_in_files, with_known_endpoint
from oceanchat.prompts import Prompts
from oceanchat.records import REJECTED_BY_CHECK, Dialogue
from oceanchat.release.manifest import Require
from oceanchat.release.rows import COPIED_STATE, NOT_VALIDATED, HumanLabel, decided_valid
from oceanchat.spool import Lazy, Spool
from oceanchat.store import annotators as annotator_rows
from oceanchat.store import builds as build_rows
from oceanchat.store.builds import StoredBuild
from oceanchat.store.corpora import StoredCorpus, stored_corpus
from oceanchat.store.database import Store
from oceanchat.store.imports import stream_imported
from oceanchat.store.samples import all_samples, item_keys
from oceanchat.store.validations import validation_table
from oceanchat.traits import CODES

INVALID = "invalid"
"""The state of a dialogue that humans turned down."""
DUPLICATE = "duplicate"


HumanLabels = dict[str, tuple[HumanLabel, ...]]


class Rejection(NamedTuple):
    """A dialogue that is not released as data."""

    dialogue: Dialogue
    state: str
    reason: str


class Selection(NamedTuple):
    """The dialogues of a store as a release takes them."""

    released: Sequence[Dialogue]
    """In paper order, built before imported, in their own order."""
    rejected: Sequence[Rejection]
    withheld: Mapping[str, int]
    """Why -> dialogues that are in neither."""
    human: Mapping[str, tuple[HumanLabel, ...]]
    """Dialogue id -> the annotators' labels, also of dialogues the checker turned down; only of dialogues
    that have all labels their sample asks for."""
    under_way: int
    """Dialogues of which people have given some of these labels only; they count as not labeled."""
    withheld_passed: Mapping[str, int]
    """Trait-level -> dialogues that passed the check and are withheld as not validated."""
    profiles: Mapping[str, Mapping[str, str]]
    """Annotator's pseudonym -> background, language, pay, as far as the lead recorded them (Appendix E)."""
    builds: Sequence[StoredBuild]
    corpora: Sequence[StoredCorpus]
    funnel: Mapping[str, Mapping[str, Mapping[str, int]]]
    """Trait-level -> step -> state -> rows."""

    @property
    def shareable(self) -> bool:
        """Whether the text of essays in these dialogues may be passed on."""
        return may_be_passed_on(self.corpora, self.dialogues)

    @property
    def dialogues(self) -> Iterator[Dialogue]:
        """The released and the rejected ones."""
        yield from self.released
        yield from (rejection.dialogue for rejection in self.rejected)


def may_be_passed_on(corpora: Sequence[StoredCorpus], dialogues: Iterable[Dialogue]) -> bool:
    """Whether the text of essays in dialogues may be: all of it comes from corpora that say so.

    Nobody knows the corpus of an imported dialogue.
    """
    shared = bool(corpora) and all(corpus.facts.get("shareable") is True for corpus in corpora)
    return shared and not any(d.source == "imported" and holds_essay_text(d) for d in dialogues)


def holds_essay_text(dialogue: Dialogue) -> bool:
    """Whether any field of a dialogue is, quotes or repeats a sentence of an essay.

    These are its seed topic, the reason of its label, and of one that repeats its essay the turns and detail.
    """
    return bool(dialogue.seed_topic or dialogue.seed_reason or dialogue.state == COPIED_STATE)


class PeoplesLabels(NamedTuple):
    """What people said of a store's dialogues."""

    complete: HumanLabels
    """Of dialogues that have all the labels their sample asks for."""
    begun: frozenset[str]
    """Ids of dialogues with some of these labels only."""
    unlabeled: frozenset[str] = frozenset()
    """Ids of dialogues in a sample that have none yet."""


def peoples_labels(store: Store) -> PeoplesLabels:
    """The labels of all samples, each dialogue's from the sample in which most people labeled it."""
    drawn: set[str] = set()
    with store.reading() as connection:
        samples = []
        for sample in all_samples(connection):
            samples.append((sample.overlap, human_labels(validation_table(connection, sample.id))))
            drawn |= {key.removeprefix(f"{sample.id}:") for key in item_keys(connection, sample.id)}
    complete = _most_labelled(_complete(labels, overlap) for overlap, labels in samples)
    begun = {dialogue_id for _, labels in samples for dialogue_id in labels} - complete.keys()
    return PeoplesLabels(complete, frozenset(begun), frozenset(drawn - begun - complete.keys()))


def select_dialogues(store: Store, require: Require, build: str | None = None) -> Selection:
    """Sort a build's dialogues and the imported ones. Raises ReleaseError when none is left to release."""
    in_files = models_in_files(store)
    with store.reading() as connection:
        dialogues = Spool(
            Dialogue,
            itertools.chain(
                build_rows.stored_dialogues(connection, build=build), stream_imported(connection)
            ),
        )
        builds = [
            row._replace(config=with_known_endpoint(row.config, in_files))
            for row in build_rows.stored_builds(connection, build)
        ]
        funnel = {
            row.trait_level: build_rows.state_counts(connection, row.trait_level, row.build) for row in builds
        }
        used = dict.fromkeys(row.corpus_id for row in builds)
        corpora = [corpus for used_id in used if (corpus := stored_corpus(connection, used_id))]
        annotators = {a.pseudonym: _public_profile(a.profile) for a in annotator_rows.everyone(connection)}
    human, begun, _ = peoples_labels(store)
    profiles = {name: annotators.get(name, {}) for name in sorted(_annotators(human))}
    released, rejected = array("Q"), array("Q")
    reasons: list[tuple[str, str]] = []
    withheld: Counter[str] = Counter()
    withheld_passed: Counter[str] = Counter()
    seen: set[str] = set()
    for number in _in_paper_order(dialogues):
        dialogue = dialogues.read(number)
        if dialogue.id in seen:
            withheld[DUPLICATE] += 1
            continue
        seen.add(dialogue.id)
        outcome = _outcome(dialogue, human.get(dialogue.id, ()), require)
        if outcome is None:
            released.append(number)
        elif isinstance(outcome, Rejection):
            rejected.append(number)
            reasons.append((outcome.state, outcome.reason))
        else:
            withheld[outcome] += 1
            withheld_passed[dialogue.trait_level.code] += outcome == NOT_VALIDATED
    under_way = len(begun & seen)
    if not released:
        states = [state for state, _ in reasons]
        raise ReleaseError(_why_empty(store.url, states, withheld, require, under_way))
    return Selection(
        released=dialogues.records(released),
        rejected=Lazy(lambda at: Rejection(dialogues.read(rejected[at]), *reasons[at]), range(len(rejected))),
        withheld=dict(sorted(withheld.items())),
        human=human,
        under_way=under_way,
        withheld_passed={code: withheld_passed[code] for code in CODES if withheld_passed[code]},
        profiles=profiles,
        builds=builds,
        corpora=corpora,
        funnel=funnel,
    )


def _in_paper_order(dialogues: Spool[Dialogue]) -> list[int]:
    """The numbers of the dialogues by trait-level, built before imported, in their own order."""
    keys = [(CODES.index(d.trait_level.code), d.source, d.order, d.id) for d in dialogues.records()]
    return sorted(range(len(keys)), key=keys.__getitem__)


def _outcome(dialogue: Dialogue, labels: Sequence[HumanLabel], require: Require) -> Rejection | str | None:
    """None to release it, a rejection, or why it is withheld."""
    valid = decided_valid(labels) if labels else None
    # One that repeats its essay is no dialogue to release: its words may not be anybody's to pass on.
    as_it_came = require == "imported" and dialogue.source == "imported" and dialogue.state != COPIED_STATE
    # What the checker turned down was labeled to judge the checker: its state stays the checker's.
    if valid is False and (as_it_came or dialogue.state not in REJECTED_BY_CHECK):
        comments = "; ".join(label.comment for label in labels if not label.valid and label.comment)
        return Rejection(dialogue, INVALID, comments or "turned down by its annotators")
    if dialogue.state != "passed" and not as_it_came:
        if dialogue.state == "unchecked":
            return "unchecked"
        return Rejection(dialogue, dialogue.state, dialogue.detail)
    return NOT_VALIDATED if require == "validated" and valid is None else None


def topic_texts(store: Store, build: str | None = None) -> tuple[list[str], list[str]]:
    """The texts of a store's dialogues and their trait letters: all but those a gate or a checker turned
    down."""
    with store.reading() as connection:
        dialogues = itertools.chain(
            build_rows.stored_dialogues(connection, build=build), stream_imported(connection)
        )
        standing = [
            ("\n".join(turn.text for turn in dialogue.turns), dialogue.trait.value)
            for dialogue in dialogues
            if dialogue.state in ("passed", "unchecked")
        ]
    return [text for text, _ in standing], [trait for _, trait in standing]


def human_labels(table: Sequence[Mapping[str, Any]]) -> HumanLabels:
    """Dialogue id -> labels, from the table of validations; repeats and practice items are left out."""
    labels: HumanLabels = {}
    for row in table:
        if row["purpose"] in ("label", "check", "adjudicate"):
            label = HumanLabel(
                annotator=row["annotator"],
                trait_shown=row.get("answer_trait_shown") == "yes",
                coherent=row.get("answer_coherent") == "yes",
                valid=row["value"] == "yes",
                decides=row["purpose"] == "adjudicate",
                comment=row.get("answer_comment", ""),
            )
            labels[row["item"]] = (*labels.get(row["item"], ()), label)
    return labels


def _complete(labelled: HumanLabels, overlap: int) -> HumanLabels:
    """The labels of dialogues that have all their sample asks for: one of three decides nothing yet."""
    return {
        dialogue_id: labels for dialogue_id, labels in labelled.items() if _people(labels) >= max(1, overlap)
    }


def _most_labelled(samples: Iterable[HumanLabels]) -> HumanLabels:
    """The labels of each dialogue from the sample in which most people labeled it, the newer of two alike."""
    best: HumanLabels = {}
    for labelled in samples:
        for dialogue_id, labels in labelled.items():
            if _people(labels) >= _people(best.get(dialogue_id, ())):
                best[dialogue_id] = labels
    return best


def _people(labels: Sequence[HumanLabel]) -> int:
    return sum(not label.decides for label in labels)


def _public_profile(profile: Mapping[str, str]) -> dict[str, str]:
    """What Appendix E reports of an annotator; the lead's own notes stay at home."""
    return {name: profile[name] for name in ("background", "language", "pay") if profile.get(name)}


def _annotators(human: Mapping[str, Sequence[HumanLabel]]) -> set[str]:
    return {label.annotator for labels in human.values() for label in labels}


def prompts_used(dialogues: Iterable[Dialogue], prompts: Prompts) -> dict[str, dict[str, str]]:
    """Task -> fingerprint and text of every template that had a part; the text is empty where it has changed
    since."""
    used = sorted({pair for dialogue in dialogues for pair in dialogue.provenance.prompts.items()})
    templates: dict[str, dict[str, str]] = {}
    for task, fingerprint in used:
        template = prompts[task]
        text = template.text if template.fingerprint == fingerprint else ""
        templates[f"{task} {fingerprint}"] = {"task": task, "fingerprint": fingerprint, "text": text}
    return templates


def _why_empty(
    url: str, states: Sequence[str], withheld: Mapping[str, int], require: Require, under_way: int
) -> str:
    if not states and not withheld:
        return f"store '{url}' holds no dialogue; run `oceanchat build` or `oceanchat import` first"
    counts = Counter(states) + Counter(withheld)
    listed = ", ".join(f"{count} {state}" for state, count in counts.most_common(4))
    way_out = "check or validate them"
    if under_way:
        way_out += f" ({under_way} have only some of their labels and count once they have all)"
    if "unchecked" in counts:
        way_out += ", or release imported dialogues as they are with --require imported"
    return f"store '{url}' holds no dialogue to release under --require {require} ({listed}); {way_out}"
