"""Topics from TF-IDF and NMF.

As many as stay the same from sample to sample. The only user of scikit-learn in oceanchat; it runs offline
and without a model. The number of topics is the one whose topics change least when dialogues are left out
(Greene, O'Callaghan and Cunningham 2014); each is labeled by its strongest words, and a dialogue counts
for the topic it has most of beside the average.
"""

import math
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer

from oceanchat.errors import ReleaseError

CANDIDATE_COUNTS = (6, 8, 10, 12, 14, 16)
"""Numbers of topics that are tried."""
A_TOPIC = 25
"""Dialogues there must be for each topic of a number that is tried."""
ALIKE = 0.02
"""Of two numbers whose stability differs by less, the smaller is taken."""
RESAMPLES = 4
"""Samples each number is tried on."""
SAMPLED = 1500
"""Most dialogues in such a sample, so that its cost does not grow with the dataset."""
TERMS = 10
"""Strongest words by which two topics are compared."""
LABEL_TERMS = 3
CLOSEST = 3
"""Dialogues by which a topic is shown."""
MIN_DIALOGUES = 40
"""Dialogues below which topics mean nothing."""

_TALK_WORDS = """
actually afternoon ago ah answer answered anybody anymore anything anyway apart aren ask asked asking away
bad believe best better big bit bother bring brought call called came care carry certain change changed
check come comes couldn course day days did didn different does doesn doing don done easy eight eleven end
ended evening ever everybody everyone everything exactly face fact far feel feeling feels felt figured fine
five four friday friend friends fun gave gets getting give gives goes going gone good got guess guy hadn
half hands happen happened happens happy hard haven hear heard heart help high hmm hold holding home
honestly hour hours hundred idea instead isn just keep keeps kept kind knew knock knocked know lately later
laugh laughed leave left let life like liked line little live ll long look looked looking lot lots love low
make makes making maybe mean means meet mention met mind minute minutes moment monday month months morning
move moved much nearly need needed new next nice night nine nobody noon normal nothing notice number oh okay
old once one ones open opened past people person pick picked picture place plan point pretty probably pulled
put quiet quite reach reached real really rest right room run running said sat saturday say saying says
second send sense set seven shouldn sign signed simple single sit sitting six small somebody someone
something sometimes soon sorry sort sound sounds spend spent spot stand standing start started stay stayed
stays stood stop stopped straight stuff sunday suppose sure take taken takes talk talked talking tell tells
ten test thing things think thinking thought three thursday time times today told tomorrow tonight took
tried true try trying tuesday turn turned twelve twice two use used using usually ve wait waited waiting
walked want wanted wants wasn watch way wednesday week weekend weeks went weren whole woke won word words
work world worst worth wouldn write wrong wrote yeah year years yes yesterday
"""
"""Words of any conversation, which tell no topic apart; left out beside the usual stop words."""
_TALK = frozenset(_TALK_WORDS.split())


class TopicShare(NamedTuple):
    """One topic."""

    label: str
    """Its strongest words."""
    terms: tuple[str, ...]
    """Its ten strongest words, strongest first."""
    dialogues: int
    share: float
    """Of all dialogues, from 0 to 1."""
    by_trait: Mapping[str, float]
    """The same by trait letter; sums to `share`."""


class Topics(NamedTuple):
    """The topics of a dataset, most frequent first."""

    topics: tuple[TopicShare, ...]
    stability: Mapping[int, float]
    """Number of topics -> how alike its topics are from sample to sample, from 0 to 1."""
    none: int
    """Dialogues without a word that is left after the stop words and the rare ones."""
    closest: tuple[tuple[int, ...], ...]
    """For each topic, the indices of the dialogues that have most of it, most first."""


def find_topics(
    texts: Iterable[str], traits: Sequence[str], seed: int = 0, count: int | None = None
) -> Topics:
    """The topics of dialogues with their trait letters; `count` None chooses the number by stability.

    The texts are read once and not held. Raises ReleaseError for too few dialogues.
    """
    if len(traits) < MIN_DIALOGUES:
        raise ReleaseError(
            f"topics need at least {MIN_DIALOGUES} dialogues, there are {len(traits)}; build or import more"
        )
    weights, words = _weights(texts, len(traits))
    rng = np.random.default_rng(seed)
    counts = [number for number in CANDIDATE_COUNTS if number * A_TOPIC <= len(traits)] or [4]
    stability = {} if count else {number: _stability(weights, number, rng) for number in counts}
    best = max(stability.values(), default=0.0)
    chosen = count or min(number for number, value in stability.items() if value >= best - ALIKE)
    model = _fitted(weights, chosen)
    in_topics = model.transform(weights)
    # What every dialogue has a little of must not outweigh what it has more of than others.
    in_topics = in_topics / np.maximum(in_topics.mean(axis=0), 1e-12)
    strongest = np.where(in_topics.max(axis=1) > 0, in_topics.argmax(axis=1), -1)
    by_topic = Counter((int(topic), trait) for topic, trait in zip(strongest, traits, strict=True))
    numbered = [
        (_topic(number, model.components_[number], words, by_topic, len(traits)), number)
        for number in range(chosen)
    ]
    numbered = sorted(
        (pair for pair in numbered if pair[0].dialogues), key=lambda p: (-p[0].dialogues, p[0].label)
    )
    return Topics(
        tuple(topic for topic, _ in numbered),
        dict(stability),
        int((strongest < 0).sum()),
        tuple(_closest(in_topics[:, number], strongest == number) for _, number in numbered),
    )


def _closest(amounts: Any, mine: Any) -> tuple[int, ...]:
    """The dialogues with the largest amounts among those that count for the topic."""
    order = np.argsort(-np.where(mine, amounts, -1.0), kind="stable")[: min(CLOSEST, int(mine.sum()))]
    return tuple(int(index) for index in order)


def _weights(texts: Iterable[str], number: int) -> tuple[Any, list[str]]:
    """TF-IDF weights, dialogues by words, and the words."""
    standard = TfidfVectorizer(stop_words="english").get_stop_words() or frozenset()
    vectorizer = TfidfVectorizer(
        stop_words=sorted(standard | _TALK),
        token_pattern=r"(?u)\b[a-z]{3,}\b",
        min_df=max(2, number // 500),
        max_df=0.15,
        max_features=4000,
        sublinear_tf=True,
        dtype=np.float32,
    )
    try:
        return vectorizer.fit_transform(texts), [str(word) for word in vectorizer.get_feature_names_out()]
    except ValueError:
        raise ReleaseError("the dialogues share too few words for topics to be found in them") from None


def _fitted(weights: Any, count: int, iterations: int = 200) -> Any:
    # nndsvda starts from the data itself, so no random start decides the topics.
    model = NMF(n_components=count, init="nndsvda", random_state=0, max_iter=iterations, tol=1e-3)
    with warnings.catch_warnings():
        # The strongest words settle long before the factors do; the cap keeps the cost known.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(weights)


def _stability(weights: Any, count: int, rng: np.random.Generator) -> float:
    """Mean overlap of the strongest words between topics of the whole and of samples of 80 %, best
    matched."""
    size = min(SAMPLED, weights.shape[0])
    whole = rng.choice(weights.shape[0], size, replace=False)
    reference = _strongest(_fitted(weights[whole], count, 60))
    alike = []
    for _ in range(RESAMPLES):
        part = rng.choice(whole, int(0.8 * size), replace=False)
        other = _strongest(_fitted(weights[part], count, 60))
        overlap = np.array([[len(a & b) / len(a | b) for b in other] for a in reference])
        alike.append(float(overlap[linear_sum_assignment(-overlap)].mean()))
    return math.fsum(alike) / len(alike)


def _strongest(model: Any) -> list[frozenset[int]]:
    return [frozenset(np.argsort(-topic, kind="stable")[:TERMS].tolist()) for topic in model.components_]


def _topic(
    number: int, strengths: Any, words: list[str], by_topic: Mapping[tuple[int, str], int], total: int
) -> TopicShare:
    terms = tuple(words[index] for index in np.argsort(-strengths, kind="stable")[:TERMS])
    mine = {trait: count for (topic, trait), count in by_topic.items() if topic == number}
    shares = {trait: mine[trait] / total for trait in sorted(mine)}
    dialogues = sum(mine.values())
    return TopicShare(", ".join(terms[:LABEL_TERMS]), terms, dialogues, dialogues / total, shares)
