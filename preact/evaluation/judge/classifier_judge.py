"""A judge trained on a release.

TF-IDF and logistic regression, trained instead of prompted. For each trait it learns high from low on the
self-discloser's words in the training split; a score is 1 + 4 P(high). It is a second opinion that costs
nothing, runs offline and shares nothing with a language model's judgement, and it is no better than the words
it has seen. It asks no model and reads no other split.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from oceanchat.errors import EvaluationError
from oceanchat.traits import TRAITS, Level, Trait, TraitLevel
from preact.dialogues.release import TrainingRelease, read_release
from preact.evaluation.judge.verdicts import JudgeVerdict, Mode, Pair

MIN_DIALOGUES = 5
"""Dialogues that each level of a trait needs in the training split."""


class ClassifierJudge:
    """Five classifiers, one per trait."""

    concurrency = 64

    def __init__(self, release: TrainingRelease) -> None:
        """Train on the release's training split. Raises EvaluationError if a level has too few dialogues."""
        self._release = release.name
        self._fingerprint = release.fingerprint
        texts, labels = [], []
        for dialogue in release.split("train"):
            texts.append(" ".join(m.content for m in dialogue.messages if m.role == "assistant"))
            labels.append(dialogue.trait_level)
        self._dialogues = len(texts)
        self._models = {trait: _trained(trait, texts, labels) for trait in TRAITS}

    @property
    def name(self) -> str:
        """Names its release, so that two classifiers are not mistaken for one."""
        return f"classifier:{self._release}"

    def provenance(self, mode: Mode) -> Mapping[str, Any]:
        """The release it was trained on."""
        return {
            "kind": "TF-IDF and logistic regression, high against low",
            "release": self._release,
            "release_fingerprint": self._fingerprint,
            "dialogues": self._dialogues,
        }

    async def rate(self, trait: Trait, pairs: Sequence[Pair], mode: Mode, sample: int) -> JudgeVerdict:
        """All answers as one text; words it has never seen give no ground. Another sample changes nothing."""
        text = " ".join(pair.answer for pair in pairs)
        model = self._models[trait]
        if not model[:-1].transform([text]).nnz:
            return JudgeVerdict(None, "no-ground", "none of the words occur in the training split")
        shares = dict(zip(model.classes_, model.predict_proba([text])[0], strict=True))
        score = 1 + 4 * float(shares[Level.HIGH.value])
        return JudgeVerdict(round(min(5.0, max(1.0, score)), 4), "scored")


def open_classifier(release: str) -> ClassifierJudge:
    """The judge trained on a release, a folder or a Hub dataset id."""
    return ClassifierJudge(read_release(release))


def _trained(trait: Trait, texts: Sequence[str], labels: Sequence[TraitLevel]) -> Pipeline:
    pairs = zip(texts, labels, strict=True)
    own = [(text, label.level.value) for text, label in pairs if label.trait is trait]
    classes = [level for _, level in own]
    for level in Level:
        count = classes.count(level.value)
        if count < MIN_DIALOGUES:
            raise EvaluationError(
                f"the classifier judge found {count} training dialogues of {level.value} {trait.label} and "
                f"needs {MIN_DIALOGUES}; name a larger release"
            )
    # C was chosen on 400 dialogues split by author: with a smaller one every score shrinks to the midpoint.

    model = make_pipeline(
        TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2),
        LogisticRegression(C=100.0, class_weight="balanced", max_iter=1000),
    )
    return model.fit([text for text, _ in own], classes)
