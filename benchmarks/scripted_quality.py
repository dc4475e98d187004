"""What the scripted model's labels, dialogues and verdicts are worth, in one table with the targets.

    python benchmarks/scripted_quality.py [--essays PATH] [--count 104] [--labeled DIALOGUES.jsonl]

Writes up to `--count` dialogues for each trait-level from a corpus (the bundled one by default), before the
gates. DIALOGUES.jsonl holds dialogues that people labeled: trait, level, facet, seed, turns; on them the
labeler and the checker are scored against somebody else's judgement.
"""

import argparse
import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from oceanchat.corpus.essays import open_corpus
from oceanchat.corpus.segmentation import sentences_of
from oceanchat.facets import facet_named
from oceanchat.near_duplicates import NearDuplicates
from oceanchat.pipeline.back_validation import judge, parse_verdict
from oceanchat.pipeline.gates import Bounds, GateRunner
from oceanchat.pipeline.synthesis import parse_dialogue
from oceanchat.prompts import Prompts, open_prompts
from oceanchat.records import Turn, transcript
from oceanchat.scripted.labeling import label_sentence
from oceanchat.scripted.model import reply_to
from oceanchat.traits import TRAIT_LEVELS, TRAITS, Level, Trait, TraitLevel

EXCHANGES, WORDS, AN_ESSAY = 5, 80, 3


class Seed(NamedTuple):
    """A sentence that the labeler gave a trait-level."""

    trait_level: TraitLevel
    facet: str
    strength: int
    text: str
    author: str
    essay: str


class ScriptedDialogue(NamedTuple):
    """A scripted dialogue."""

    seed: Seed
    turns: tuple[Turn, ...]


class Labels(NamedTuple):
    """All seeds of a corpus, at most three an essay and trait-level."""

    seeds: dict[TraitLevel, list[Seed]]
    labeled: int
    seconds: float


def label_corpus(source: str | None) -> Labels:
    """Label every sentence for every trait; the strongest three of an essay are seeds."""
    seeds: dict[TraitLevel, list[Seed]] = defaultdict(list)
    labeled, seconds = 0, 0.0
    for essay in open_corpus(source).essays:
        sentences = sentences_of(essay).sentences
        here: dict[TraitLevel, list[Seed]] = defaultdict(list)
        start = time.perf_counter()
        for sentence in sentences:
            for trait in TRAITS:
                label = label_sentence(sentence.text, trait)
                if label.facet_level is not None:
                    of = label.facet_level.trait_level
                    here[of].append(
                        Seed(
                            of,
                            label.facet_level.facet.id,
                            label.strength,
                            sentence.text,
                            essay.author,
                            essay.text,
                        )
                    )
        seconds += time.perf_counter() - start
        labeled += len(sentences) * len(TRAITS)
        for of, candidates in here.items():
            seeds[of].extend(sorted(candidates, key=lambda seed: -seed.strength)[:AN_ESSAY])
    return Labels(seeds, labeled, seconds)


def spread(seeds: Iterable[Seed], count: int) -> list[Seed]:
    """The strongest seeds, taken from the six facets in turn."""
    by_facet: dict[str, list[Seed]] = defaultdict(list)
    for seed in sorted(seeds, key=lambda seed: (-seed.strength, hashlib.sha256(seed.text.encode()).digest())):
        by_facet[seed.facet].append(seed)
    chosen: list[Seed] = []
    while len(chosen) < count and any(by_facet.values()):
        for queue in by_facet.values():
            if queue and len(chosen) < count:
                chosen.append(queue.pop(0))
    return chosen


def write(prompts: Prompts, seed: Seed) -> ScriptedDialogue:
    """One dialogue, through the real prompt and the real parser."""
    facet = facet_named(seed.facet)
    if facet is None:
        raise ValueError(seed.facet)
    others = ", ".join(trait.label for trait in TRAITS if trait is not seed.trait_level.trait)
    messages = prompts["write"].fill(
        trait=seed.trait_level.trait.label,
        level=seed.trait_level.level.value,
        description=seed.trait_level.description,
        facet=facet.id,
        facet_description=facet.description,
        other_traits=others,
        exchanges=str(EXCHANGES),
        words=str(WORDS),
        seed_topic=seed.text,
    )
    turns = parse_dialogue(reply_to(messages))
    if turns is None:
        raise ValueError(f"unreadable dialogue for '{seed.text}'")
    return ScriptedDialogue(seed, turns)


def verdict(prompts: Prompts, turns: tuple[Turn, ...], target: TraitLevel) -> tuple[bool, bool]:
    """Whether the checker passes the turns in its strict and in its paper form."""
    seen = parse_verdict(reply_to(prompts["check"].fill(dialogue=transcript(turns))))
    if seen is None:
        raise ValueError("unreadable verdict")
    strict, _ = judge(seen.shown, target, "strict")
    paper, _ = judge(seen.shown, target, "paper")
    return strict == "passed", paper == "passed"


def near_duplicates(written: list[ScriptedDialogue]) -> float:
    """Share of the dialogues with a 5-gram Jaccard of 0.5 or more with another."""
    close: set[int] = set()
    for order in (range(len(written)), range(len(written) - 1, -1, -1)):
        seen = NearDuplicates()
        for number in order:
            text = transcript(written[number].turns)
            closest = seen.closest(text)
            if closest is not None and closest.jaccard >= 0.5:
                close.add(number)
            seen.add(str(number), text)
    return len(close) / len(written)


def told_apart(written: list[ScriptedDialogue]) -> float:
    """Share of dialogues whose trait-level TF-IDF and logistic regression name, trained on other authors."""
    halves: tuple[list[ScriptedDialogue], list[ScriptedDialogue]] = ([], [])
    for each in written:
        halves[hashlib.sha256(each.seed.author.encode()).digest()[0] % 2].append(each)
    data = [
        ([transcript(each.turns) for each in half], [each.seed.trait_level.code for each in half])
        for half in halves
    ]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
    model.fit(*data[0])
    return float(model.score(*data[1]))


def passing_gates(written: list[ScriptedDialogue]) -> Counter[str]:
    """How many dialogues pass, and how many each gate stops."""
    runners = {trait_level: GateRunner(Bounds(EXCHANGES, WORDS)) for trait_level in TRAIT_LEVELS}
    states: Counter[str] = Counter()
    for number, (seed, turns) in enumerate(written):
        rejection = runners[seed.trait_level].rejection(str(number), turns, seed.essay)
        states["passed" if rejection is None else rejection.gate] += 1
    return states


def words_a_turn(written: list[ScriptedDialogue], trait_level: TraitLevel) -> float:
    """Mean length of a trait-level's turns in words."""
    lengths = [len(t.text.split()) for w in written if w.seed.trait_level == trait_level for t in w.turns]
    return sum(lengths) / max(len(lengths), 1)


def rows(source: str | None, count: int) -> Iterator[tuple[str, str, str]]:
    """Measure, figure and target for a corpus."""
    labels = label_corpus(source)
    fewest = min(labels.seeds, key=lambda of: len(labels.seeds[of]))
    yield "microseconds per label", f"{labels.seconds / labels.labeled * 1e6:.0f}", "< 300"
    yield "fewest seeds (3 an essay)", f"{len(labels.seeds[fewest])} ({fewest.code})", ">= 20"
    prompts = open_prompts(None)
    chosen = [seed for of in TRAIT_LEVELS for seed in spread(labels.seeds[of], count)]
    start = time.perf_counter()
    written = [write(prompts, seed) for seed in chosen]
    seconds = time.perf_counter() - start
    yield "dialogues", str(len(written)), str(count * 10)
    yield "milliseconds per dialogue", f"{seconds / len(written) * 1e3:.2f}", "< 2"
    yield "with a 5-gram Jaccard >= 0.5", f"{near_duplicates(written):.1%}", "< 5 %"
    openings = Counter(each.turns[0].text for each in written)
    yield "commonest opening question", f"{openings.most_common(1)[0][1] / len(written):.1%}", "<= 2 %"
    yield "told apart by TF-IDF + LR", f"{told_apart(written):.1%}", "40-90 %"
    states = passing_gates(written)
    stopped = ", ".join(f"{name} {number}" for name, number in states.items() if name != "passed")
    yield "passing the gates", f"{states['passed'] / len(written):.1%} {stopped}".strip(), ""
    verdicts = [verdict(prompts, each.turns, each.seed.trait_level) for each in written]
    yield "passing --check strict", f"{sum(v[0] for v in verdicts) / len(verdicts):.1%}", "85-97 %"
    yield "passing --check paper", f"{sum(v[1] for v in verdicts) / len(verdicts):.1%}", ""
    for of in TRAIT_LEVELS:
        passed = [v[0] for v, each in zip(verdicts, written, strict=True) if each.seed.trait_level == of]
        share = f"{sum(passed) / max(len(passed), 1):.0%}"
        yield (
            f"  {of.code}",
            f"{len(labels.seeds[of])} seeds, {len({s.facet for s in labels.seeds[of]})} facets, "
            f"{len(passed)} dialogues, {words_a_turn(written, of):.1f} words per turn, {share} strict",
            "",
        )


def labeled_rows(path: Path) -> Iterator[tuple[str, str, str]]:
    """Measure and figure for dialogues that people labeled."""
    prompts = open_prompts(None)
    states: Counter[str] = Counter()
    total = 0
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        target = TraitLevel(Trait(row["trait"]), Level(row["level"]))
        facet = facet_named(row["facet"])
        label = label_sentence(row["seed"], target.trait)
        total += 1
        states["labeled"] += label.facet_level is not None
        states["level"] += label.facet_level is not None and label.facet_level.level is target.level
        states["facet"] += label.facet_level is not None and label.facet_level.facet == facet
        turns = tuple(Turn(role=turn["role"], text=turn["text"]) for turn in row["turns"])
        strict, paper = verdict(prompts, turns, target)
        states["strict"] += strict
        states["paper"] += paper
    named = max(states["labeled"], 1)
    yield "seeds not called neutral", f"{states['labeled'] / total:.1%} of {total}", ""
    yield "  of these, level as people say", f"{states['level'] / named:.1%}", ""
    yield "  of these, facet as people say", f"{states['facet'] / named:.1%}", ""
    yield "dialogues passing strict", f"{states['strict'] / total:.1%}", ""
    yield "dialogues passing paper", f"{states['paper'] / total:.1%}", ""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--essays", help="a corpus as `oceanchat build` reads it (default: the bundled one)")
    parser.add_argument("--count", type=int, default=104, help="dialogues for each trait-level")
    parser.add_argument("--labeled", type=Path, help="dialogues that people labeled, JSONL")
    options = parser.parse_args()
    print(f"{'measure':<34}{'figure':<64}target")
    for measure, figure, target in rows(options.essays, options.count):
        print(f"{measure:<34}{figure:<64}{target}")
    if options.labeled:
        print("\nagainst people's labels")
        for measure, figure, _ in labeled_rows(options.labeled):
            print(f"{measure:<34}{figure}")


if __name__ == "__main__":
    main()
