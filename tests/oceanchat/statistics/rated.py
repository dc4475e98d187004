"""Scripted ratings of models, as `oceanchat export ratings` writes them: no person gave them."""

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np

from oceanchat.store.ratings import COLUMNS
from oceanchat.traits import TRAIT_LEVELS


def scripted_rows(
    systems: Mapping[str, tuple[float, float]],
    *,
    questions: int = 4,
    annotators: int = 3,
    unit: str = "shared",
    seed: int = 0,
) -> list[dict[str, object]]:
    """Rows of every system, given its share aligned and its usual naturalness."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for system, (aligned, natural) in systems.items():
        for trait_level in TRAIT_LEVELS:
            for number in range(1, questions + 1):
                name = f"{trait_level.name}-{number:02d}"
                truth, manner = rng.random() < aligned, natural + rng.normal(0, 0.5)
                for annotator in range(1, annotators + 1):
                    own = f":{annotator}" if unit == "live" else ""
                    scores = np.clip(np.rint(manner + rng.normal(0, 0.4, 2)), 1, 5).astype(int)
                    row = dict.fromkeys(COLUMNS, "x") | {
                        "evaluation": 1,
                        "system": system,
                        "trait": trait_level.trait.value,
                        "level": trait_level.level.value,
                        "unit": unit,
                        "question_id": name,
                        "conversation_id": f"{system}:{name}{own}",
                        "annotator": f"annotator-{annotator}",
                        "alignment": int(truth) if rng.random() < 0.93 else int(not truth),
                        "naturalness": int(scores[0]),
                        "coherence": int(scores[1]),
                        "comment": 'a "quoted", comment\nin two lines',
                    }
                    rows.append(row)
    return rows


def as_csv(rows: Sequence[Mapping[str, object]], columns: Sequence[str] = COLUMNS) -> str:
    """Rows as CSV."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
