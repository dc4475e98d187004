"""Read a dataset from the Hugging Face Hub."""

from collections.abc import Iterator, Mapping
from typing import Any

from oceanchat.errors import HubError
from oceanchat.extras import load_optional
from oceanchat.hub.explaining import UNREADABLE, explained, first_line, without_tokens
from oceanchat.hub.reaching import hub_or_cache


def read_dataset(
    repo_id: str, *, config: str | None = None, revision: str | None = None
) -> Iterator[dict[str, Any]]:
    """The rows of all splits of a Hub dataset, one dictionary a row, in the order of the splits.

    `config` and `revision` default to the dataset's own. Raises HubError when it is out of reach or no
    dataset.
    """
    # A second and 110 MB, spent only where a Hub dataset is really read.
    datasets = load_optional("datasets", extra="release")
    errors = load_optional("huggingface_hub.errors", extra="release")
    datasets.disable_progress_bars()
    load_optional("huggingface_hub.utils.logging", extra="release").set_verbosity_error()
    problem = ""
    try:
        with hub_or_cache() as problem:
            loaded: Mapping[str, Any] = datasets.load_dataset(repo_id, config, revision=revision)
        for split in loaded.values():
            yield from split
    except (errors.HTTPError, errors.HFValidationError) as error:
        raise explained(error, repo_id) from None
    except (OSError, ValueError, *UNREADABLE, datasets.exceptions.DatasetsError) as error:
        if problem:
            raise HubError(
                f"dataset '{repo_id}' is not in the Hub's cache, and the Hub does not answer:"
                f" {problem}; check the name and the network"
            ) from None
        reason = without_tokens(first_line(error))
        raise HubError(
            f"dataset '{repo_id}' cannot be read from the Hub: {reason}; check the name, the revision, your"
            " token (HF_TOKEN) and the network"
        ) from None
