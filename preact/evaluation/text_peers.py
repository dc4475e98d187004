"""Name trait-levels by words and by length alone.

What a system's figures stand beside: logistic regression on TF-IDF of the answers, on TF-IDF with the length
of the answers, and on that length alone, each fitted on training dialogues. It knows texts; it knows nothing
of language models.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy
import torch
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from torch import Tensor

from oceanchat.traits import TRAIT_LEVELS
from preact.dialogues.release import TrainingDialogue

Peer = Literal["tfidf", "tfidf_length", "length"]
PEERS: Mapping[Peer, str] = {
    "tfidf": "TF-IDF",
    "tfidf_length": "TF-IDF + length",
    "length": "length alone",
}
"""What each is called in front of readers."""
_C = 10.0
"""Inverse of the regularisation; the strongest of a few tried in docs/benchmarks.md."""
_NEVER_SEEN = -50.0
"""Log probability of a trait-level without training dialogues."""


def peer_losses(
    training: Sequence[TrainingDialogue], held_out: Sequence[TrainingDialogue]
) -> dict[Peer, Tensor]:
    """Negative log probabilities of the ten trait-levels, n x 10, by peer.

    Empty when the training dialogues are all of one trait-level or without words: nothing can be fitted.
    """
    training = [d for d in training if _words(d).strip()]
    if len({d.trait_id for d in training}) < 2:
        return {}
    vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
    seen = vectorizer.fit_transform([_words(d) for d in training])
    asked = vectorizer.transform([_words(d) for d in held_out])
    lengths = numpy.array([[_log_length(d)] for d in training])
    middle, spread = lengths.mean(), lengths.std() or 1.0
    seen_length = csr_matrix((lengths - middle) / spread)
    asked_length = csr_matrix((numpy.array([[_log_length(d)] for d in held_out]) - middle) / spread)
    features = {
        "tfidf": (seen, asked),
        "tfidf_length": (hstack([seen, seen_length]), hstack([asked, asked_length])),
        "length": (seen_length, asked_length),
    }
    labels = [d.trait_id for d in training]
    # Small fits on several threads wait for each other: five times the work, and last places that differ.
    with threadpool_limits(1):
        return {name: _losses(features[name][0], labels, features[name][1]) for name in PEERS}


def _losses(seen: csr_matrix, labels: Sequence[int], asked: csr_matrix) -> Tensor:
    model = LogisticRegression(C=_C, max_iter=2000).fit(seen, labels)
    log_probabilities = torch.full((asked.shape[0], len(TRAIT_LEVELS)), _NEVER_SEEN, dtype=torch.float64)
    log_probabilities[:, torch.tensor(model.classes_)] = torch.tensor(model.predict_log_proba(asked))
    return -log_probabilities


def _answers(dialogue: TrainingDialogue) -> list[str]:
    return [message.content for message in dialogue.messages if message.role == "assistant"]


def _words(dialogue: TrainingDialogue) -> str:
    return " ".join(_answers(dialogue))


def _log_length(dialogue: TrainingDialogue) -> float:
    """Log of the mean words an answer."""
    answers = _answers(dialogue)
    return math.log1p(sum(len(answer.split()) for answer in answers) / max(1, len(answers)))
