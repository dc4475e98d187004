"""Card sections for whoever loads a release.

Code for datasets, TRL and pandas, one dialogue in full, and what to cite. Each is a function of manifest and
figures that gives Markdown.
"""

import textwrap
from collections.abc import Mapping

from oceanchat.release.card.markdown import fenced, table
from oceanchat.release.card.quality import Quality
from oceanchat.release.manifest import Manifest
from oceanchat.statistics.table_six import PAPER
from oceanchat.traits import TraitLevel

_CHARACTERS = 100
"""Of a line of the example, which a code block does not wrap."""
_SPEAKERS = {"user": "Questioner", "assistant": "Self-discloser"}
_TRAINING = """\
With TRL, whose trainer takes `messages` as they are, and with pandas:
"""
_TRAINING_CODE = """\
from trl import SFTConfig, SFTTrainer

trainer = SFTTrainer(MODEL, SFTConfig(output_dir="out"), train_dataset=rows.select_columns("messages"))
"""
_PANDAS_CODE = """\
import pandas

frame = pandas.read_parquet(f"{PATH}/data/train.parquet")  # on the Hub: PATH = "hf://datasets/OWNER/NAME"
"""
_PAPER = """\
@inproceedings{dan-etal-2025-p-react,
  title     = {P-React: Synthesizing Topic-Adaptive Reactions of Personality Traits
               via Mixture of Specialized {LoRA} Experts},
  author    = {Dan, Yuhao and Zhou, Jie and Chen, Qin and Tian, Junfeng and He, Liang},
  booktitle = {Findings of the Association for Computational Linguistics: ACL 2025},
  year      = {2025}
}
"""


def use(manifest: Manifest, quality: Quality) -> str:
    """How to load it, and how many rows of what are in each split."""
    configs = (
        ("unmatched", "no pair of equal length among the other level", manifest.counts.unmatched),
        ("rejected", "what did not make it, and why", manifest.counts.rejected),
    )
    config = "".join(f'\nload_dataset(PATH, "{name}")  # {what}' for name, what, rows in configs if rows)
    rows = [[split, *_counts(levels)] for split, levels in manifest.counts.splits.items()]
    loading = (
        "from datasets import load_dataset\n\n"
        'rows = load_dataset(PATH, split="train")  # PATH: this folder, or OWNER/NAME on the Hub'
    )
    parts = [
        fenced(loading + config, "python"),
        "`messages` is ready for chat templates: the questioner is `user`, the self-discloser `assistant`.\n",
        _TRAINING,
        fenced(_TRAINING_CODE, "python"),
        fenced(_PANDAS_CODE, "python"),
        table(["split", "rows", *_codes()], rows),
        _split_claim(manifest),
    ]
    return "\n".join(parts)


def example(manifest: Manifest, quality: Quality) -> str:
    """One dialogue, word for word but for its line breaks."""
    row = quality["example"]
    if row is None:
        return ""
    turns = [
        textwrap.fill(f"{_SPEAKERS[message['role']]}: {message['content']}", _CHARACTERS)
        for message in row["messages"]
    ]
    name = TraitLevel.parse(row["trait_level"]).label
    return f"One dialogue, `{row['id']}`, meant to show {name}:\n\n" + fenced("\n\n".join(turns))


def citation(manifest: Manifest, quality: Quality) -> str:
    """The paper that the dataset follows; who publishes a dataset is not known here."""
    return (
        f"Name this dataset by its repository and its tag `{manifest.tag}`, and cite the paper that it"
        f" follows:\n\n{fenced(_PAPER, 'bibtex')}"
    )


def _split_claim(manifest: Manifest) -> str:
    """What the splits keep apart, as far as the authors are known."""
    ratio, without = "/".join(map(str, manifest.split_ratio)), manifest.rows_without_author
    if not without:
        return (
            f"Split {ratio} by author with seed {manifest.split_seed}: no author, no"
            " seed topic and no near-duplicate is in two splits.\n"
        )
    known = "no known author, " if without < manifest.counts.rows else ""
    return (
        f"Split {ratio} with seed {manifest.split_seed}: {known}no seed topic and no near-duplicate is in"
        f" two splits. Of {without:,} of the {manifest.counts.rows:,} rows nobody knows who wrote the text"
        " behind them, so one person's words may be in several splits.\n"
    )


def _counts(levels: Mapping[str, int]) -> list[str]:
    return [f"{sum(levels.values()):,}", *(f"{levels.get(code, 0):,}" for code in _codes())]


def _codes() -> list[str]:
    return list(PAPER)[:-1]
