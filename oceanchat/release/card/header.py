"""The YAML head of a dataset card.

What the Hub and `load_dataset` read: configs and files, features, license, language, tags, size, sources.
What is not known is left out, not guessed.
"""

from typing import Any

import yaml  # type: ignore[import-untyped]

from oceanchat.release.folder import REJECTED_FILE, split_file, unmatched_file
from oceanchat.release.manifest import Manifest
from oceanchat.release.schema import REJECTED_SCHEMA, SCHEMA, feature_types

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def card_header(manifest: Manifest, checked: bool, humans: bool) -> str:
    """The head with its fences; whether a model checked and people labeled any of the rows."""
    annotators = [name for name, on in (("machine-generated", checked), ("expert-generated", humans)) if on]
    head: dict[str, Any] = {
        "pretty_name": f"OCEAN-Chat {manifest.version}" + (" (scripted)" if manifest.scripted else ""),
        "license": manifest.license,
        "language": [manifest.language],
        "task_categories": ["text-generation"],
        "annotations_creators": annotators or ["no-annotation"],
        "language_creators": ["machine-generated"] if manifest.builds else ["other"],
        "multilinguality": ["monolingual"],
        "size_categories": [_size(manifest.counts.rows)],
        "source_datasets": ["extended|other"] if manifest.corpora else ["original"],
        "tags": _tags(manifest),
        "configs": _configs(manifest),
        "dataset_info": _info(manifest),
    }
    text = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=100)
    return f"---\n{text}---\n"


def _tags(manifest: Manifest) -> list[str]:
    tags = ["synthetic", "dialogue", "personality", "big-five", "ocean-chat"]
    return [*tags, "scripted"] if manifest.scripted else tags


def _configs(manifest: Manifest) -> list[dict[str, Any]]:
    files = [{"split": split, "path": split_file(split)} for split in manifest.counts.splits]
    configs: list[dict[str, Any]] = [{"config_name": "default", "default": True, "data_files": files}]
    if manifest.counts.unmatched:
        files = [{"split": split, "path": unmatched_file(split)} for split in manifest.counts.unmatched]
        configs.append({"config_name": "unmatched", "data_files": files})
    if manifest.counts.rejected:
        configs.append(
            {"config_name": "rejected", "data_files": [{"split": "rejected", "path": REJECTED_FILE}]}
        )
    return configs


def _info(manifest: Manifest) -> list[dict[str, Any]]:
    info = [{"config_name": "default", "features": feature_types(SCHEMA)}]
    if manifest.counts.unmatched:
        info.append({"config_name": "unmatched", "features": feature_types(SCHEMA)})
    if manifest.counts.rejected:
        info.append({"config_name": "rejected", "features": feature_types(REJECTED_SCHEMA)})
    return info


def _size(rows: int) -> str:
    return next((name for limit, name in _SIZES if rows < limit), "n>1M")
