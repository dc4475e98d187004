"""A judge trained on a release.

TF-IDF and logistic regression, trained instead of prompted. For each trait it learns high from low on single
answers of the training split, all cut to the same number of words, so that their length teaches nothing; a
score is 1 + 4 P(high), averaged over the answers. It is a second opinion that costs nothing and runs offline;
it counts words, and it is no better than those it has seen. It asks no model and reads no other split.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from threadpoolctl import threadpool_limits

from oceanchat.errors import EvaluationError
from oceanchat.traits import TRAITS, Level, Trait
from preact.dialogues.overlap import sketch
from preact.dialogues.release import TrainingDialogue, TrainingRelease, read_release
from preact.evaluation.judge.verdicts import JudgeVerdict, Mode, Pair

MIN_DIALOGUES = 5
"""Dialogues that each level of a trait needs in the training split."""
STRENGTHS = (0.1, 1.0, 10.0, 100.0)
"""Values of C, the inverse of the regularization, that cross-validation chooses from."""
_SHORT_SHARE = 0.1
"""Share of either level's answers that may be shorter than what all are cut to; they teach nothing."""
_FOLDS = 5


class TraitClassifier(NamedTuple):
    """What tells one trait's levels apart."""

    model: Pipeline
    words: int
    """What every answer is cut to, in teaching and in judging."""
    strength: float
    """C, chosen on authors who did not teach."""
    answers: int
    """Answers that taught."""
    left_out: int
    """Answers that were shorter."""


class _TaughtAnswer(NamedTuple):
    words: list[str]
    level: str
    author: str


class ClassifierJudge:
    """Five classifiers, one per trait."""

    concurrency = 64

    def __init__(self, release: TrainingRelease) -> None:
        """Train on the release's training split. Raises EvaluationError if a level has too few dialogues."""
        self._release = release.name
        self._fingerprint = release.fingerprint
        dialogues = release.split("train")
        self._dialogues = len(dialogues)
        self._sketch = sketch(dialogues)
        # Small fits on several threads wait for each other: five times the work, and last places that differ.
        with threadpool_limits(1):
            self._classifiers = {trait: _trained(trait, dialogues) for trait in TRAITS}

    @property
    def name(self) -> str:
        """Names its release, so that two classifiers are not mistaken for one."""
        return f"classifier:{self._release}"

    def provenance(self, mode: Mode) -> Mapping[str, Any]:
        """The release it was trained on, and how."""
        return {
            "kind": "TF-IDF and logistic regression, high against low, on single answers of equal length",
            "release": self._release,
            "release_fingerprint": self._fingerprint,
            "dialogues": self._dialogues,
            "sketch": list(self._sketch),
            "classifiers": {
                trait.value: {name: value for name, value in own._asdict().items() if name != "model"}
                for trait, own in self._classifiers.items()
            },
        }

    async def rate(self, trait: Trait, pairs: Sequence[Pair], mode: Mode, sample: int) -> JudgeVerdict:
        """The mean over the answers; words it has never seen give no ground. A sample changes nothing."""
        classifier = self._classifiers[trait]
        texts = [" ".join(pair.answer.split()[: classifier.words]) for pair in pairs]
        known = classifier.model[:-1].transform(texts).getnnz(axis=1) > 0
        if not known.any():
            return JudgeVerdict(None, "no-ground", "none of the words occur in the training split")
        column = list(classifier.model.classes_).index(Level.HIGH.value)
        shares = classifier.model.predict_proba(texts)[known, column]
        score = 1 + 4 * float(shares.mean())
        return JudgeVerdict(round(min(5.0, max(1.0, score)), 4), "scored")


def open_classifier(release: str) -> ClassifierJudge:
    """The judge trained on a release, a folder or a Hub dataset id."""
    return ClassifierJudge(read_release(release))


def _trained(trait: Trait, dialogues: Sequence[TrainingDialogue]) -> TraitClassifier:
    own = [dialogue for dialogue in dialogues if dialogue.trait_level.trait is trait]
    for level in Level:
        count = sum(dialogue.trait_level.level is level for dialogue in own)
        if count < MIN_DIALOGUES:
            raise EvaluationError(
                f"the classifier judge found {count} training dialogues of {level.value} {trait.label} and "
                f"needs {MIN_DIALOGUES}; name a larger release"
            )
    answers = [
        _TaughtAnswer(
            message.content.split(), dialogue.trait_level.level.value, dialogue.author or dialogue.id
        )
        for dialogue in own
        for message in dialogue.messages
        if message.role == "assistant"
    ]
    words = _equal_length(answers)
    teaching = [answer for answer in answers if len(answer.words) >= words]
    texts = [" ".join(answer.words[:words]) for answer in teaching]
    levels = [answer.level for answer in teaching]
    try:
        strength = _strength(texts, levels, [answer.author for answer in teaching])
        model = _pipeline(strength).fit(texts, levels)
    except ValueError as error:
        raise EvaluationError(
            f"the answers on {trait.label} in the training split cannot teach the classifier judge ({error});"
            " name another release"
        ) from None
    return TraitClassifier(model, words, strength, len(teaching), len(answers) - len(teaching))


def _pipeline(strength: float) -> Pipeline:
    return make_pipeline(
        TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)),
        LogisticRegression(C=strength, class_weight="balanced", max_iter=1000),
    )


def _equal_length(answers: Sequence[_TaughtAnswer]) -> int:
    """Words that nine in ten answers of either level have, so that both levels go on teaching; at least 1."""
    shortest = []
    for level in Level:
        lengths = sorted(len(answer.words) for answer in answers if answer.level == level.value)
        shortest.append(lengths[int(_SHORT_SHARE * len(lengths))])
    return max(1, min(shortest))


def _strength(texts: Sequence[str], levels: Sequence[str], authors: Sequence[str]) -> float:
    """The C of the least loss on authors who did not teach; the smallest of equals."""
    per_level = [
        len({author for author, own in zip(authors, levels, strict=True) if own == level})
        for level in set(levels)
    ]
    folds = min(_FOLDS, *per_level)
    if folds < 2:
        return 1.0
    split = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    losses = []
    for strength in STRENGTHS:
        shares = cross_val_predict(
            _pipeline(strength), texts, levels, groups=authors, cv=split, method="predict_proba"
        )
        losses.append(log_loss(levels, shares, labels=sorted(set(levels))))
    return STRENGTHS[int(numpy.argmin(numpy.round(losses, 6)))]
