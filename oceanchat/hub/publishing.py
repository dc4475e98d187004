"""Publish a folder on the Hugging Face Hub.

Publishing makes one commit on a known parent, verifies every file through
the repository's tree, and sets the tag last: a tag means complete, and doing it again changes nothing. It
knows files and hashes, not what a release is.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    RepoFile,
    constants,
    get_session,
)
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.errors import HTTPError as TransportError  # type: ignore[attr-defined]
from huggingface_hub.utils._http import hf_raise_for_status
from huggingface_hub.utils.tqdm import disable_progress_bars

from oceanchat.errors import HubError
from oceanchat.hub.explaining import UNREADABLE, explained
from oceanchat.hub.tokens import has_token

T = TypeVar("T")
ATTEMPTS = 6
"""How often a commit, a tag or a look at the repository is tried before the Hub counts as out of reach."""

_RETRIED = frozenset({408, 409, 412, 429, 500, 502, 503, 504})


class LocalFile(NamedTuple):
    """One file to publish, with the hashes the Hub knows it by."""

    path: Path
    size: int
    sha256: str
    """What the Hub calls a large (LFS) file."""
    git_sha1: str
    """What the Hub calls a regular file."""

    def is_same_as(self, remote: RepoFile) -> bool:
        """Whether the repository's file holds these bytes."""
        if remote.lfs is not None:
            return bool(remote.lfs.sha256 == self.sha256)
        return bool(remote.blob_id == self.git_sha1)


class Published(NamedTuple):
    """Where a folder now is on the Hub."""

    repo: str
    tag: str
    commit: str
    url: str
    changed: bool
    """False when everything was there already."""


class Plan(NamedTuple):
    """What publishing would change, before anything is sent."""

    repo: str
    tag: str
    files: int
    """Of the folder."""
    changed: Mapping[str, int]
    """File to send -> its bytes."""
    deleted: tuple[str, ...]
    new: bool
    """Whether the repository would be created."""
    tagged: bool
    """Whether the tag holds exactly these files already."""
    token: bool
    """Whether there is a token. Without one, what is private counts as not there, and nothing can be sent."""


def local_files(folder: Path) -> dict[str, LocalFile]:
    """Every file of a folder by its path in the repository, hidden files left out.

    Raises HubError for a link: what it leads to may be nobody's to publish.
    """
    files: dict[str, LocalFile] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if any(part.startswith(".") for part in name.split("/")):
            continue
        if path.is_symlink():
            raise HubError(f"'{path}' is a link and is not published; put the file itself there")
        if path.is_file():
            data = path.read_bytes()
            git = hashlib.sha1(b"blob %d\x00" % len(data) + data, usedforsecurity=False)
            files[name] = LocalFile(path, len(data), hashlib.sha256(data).hexdigest(), git.hexdigest())
    return files


@dataclass(frozen=True)
class Publisher:
    """Puts folders into one repository of the Hub."""

    repo_id: str
    """OWNER/NAME."""
    private: bool = False
    """Only for a repository that does not exist yet."""
    repo_type: str = "dataset"
    """'dataset' or 'model'."""
    endpoint: str | None = None
    """None for the client's own default."""
    token: str | None = None
    """None for the token the user is logged in with."""
    pause: float = 1.0
    """Seconds before a second attempt; doubles each time up to 8."""

    def publish(self, folder: Path, tag: str, message: str, replaced: tuple[str, ...] = ()) -> Published:
        """Make the repository hold the folder's files and tag them; safe to run again after any failure.

        Files below the folders named in `replaced` that the folder no longer has are deleted in the same
        commit. Raises HubError: no token, no right, no network, a tag that holds other content, or a file
        that arrived wrong.
        """
        disable_progress_bars()
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
        # A release is a few megabytes: plain uploads pass every proxy, and each step can be tried again.
        constants.HF_HUB_DISABLE_XET = True
        api = HfApi(endpoint=self.endpoint, token=self.token)
        files = local_files(folder)
        self._retried(lambda: self._create(api))
        done = self._tagged(api, files, tag)
        if done is not None:
            return self._published(api, tag, done, changed=False)
        commit = self._retried(lambda: self._committed(api, files, message, replaced))
        self._check_arrival(api, files, commit)
        self._retried(lambda: self._set_tag(api, files, tag, commit))
        return self._published(api, tag, commit, changed=True)

    def plan(self, folder: Path, tag: str, replaced: tuple[str, ...] = ()) -> Plan:
        """What `publish` would do now; nothing is sent, and no token needed. Raises HubError as it does."""
        disable_progress_bars()
        api = HfApi(endpoint=self.endpoint, token=self.token)
        files = local_files(folder)
        new = not self._retried(lambda: api.repo_exists(self.repo_id, repo_type=self.repo_type))
        tagged = not new and self._tagged(api, files, tag) is not None
        remote = {} if new else self._retried(lambda: self._head(api)[1])
        changed = {name: files[name].size for name in _differences(files, remote)}
        deleted = tuple(_stale(files, remote, replaced))
        return Plan(self.repo_id, tag, len(files), changed, deleted, new, tagged, has_token(self.token))

    def _create(self, api: HfApi) -> None:
        """Make the repository where there is none.

        The client takes its address from the reply, of a refusal (409: it exists) as well. We need none:
        whether the repository is there shows in the next step.
        """
        try:
            with _no_endless_creating():
                api.create_repo(self.repo_id, repo_type=self.repo_type, private=self.private, exist_ok=True)
        except (TransportError, HFValidationError):
            raise
        except (AttributeError, LookupError, TypeError, ValueError):
            return

    def _published(self, api: HfApi, tag: str, commit: str, *, changed: bool) -> Published:
        kind = "datasets/" if self.repo_type == "dataset" else ""
        return Published(
            self.repo_id, tag, commit, f"{api.endpoint}/{kind}{self.repo_id}/tree/{tag}", changed
        )

    def _tagged(self, api: HfApi, files: Mapping[str, LocalFile], tag: str) -> str | None:
        """The commit of the tag when it holds exactly these files; None when there is no such tag."""
        refs = self._retried(lambda: api.list_repo_refs(self.repo_id, repo_type=self.repo_type))
        for ref in refs.tags:
            if ref.name == tag:
                commit = str(ref.target_commit)
                wrong = _differences(files, self._tree(api, commit))
                if wrong:
                    raise HubError(
                        f"tag '{tag}' of '{self.repo_id}' exists and holds other content ('{wrong[0]}'"
                        " differs); release under a new version, or delete the tag on the Hub"
                    )
                return commit
        return None

    def _committed(
        self, api: HfApi, files: Mapping[str, LocalFile], message: str, replaced: tuple[str, ...]
    ) -> str:
        """The head after it holds the files: the current one, or one new commit upon it.

        Called again after a failure it reads the head again, so a commit whose answer was lost is not made
        twice.
        """
        head, remote = self._head(api)
        stale = _stale(files, remote, replaced)
        changed = _differences(files, remote)
        if head is not None and not changed and not stale:
            return head
        operations = [CommitOperationAdd(name, str(files[name].path)) for name in changed]
        deletions = [CommitOperationDelete(name) for name in stale]
        info = api.create_commit(
            self.repo_id,
            [*operations, *deletions],
            commit_message=message,
            repo_type=self.repo_type,
            parent_commit=head,
        )
        return str(info.oid)

    def _head(self, api: HfApi) -> tuple[str | None, dict[str, RepoFile]]:
        """The newest commit of the main branch, if it has one, and its files."""
        refs = api.list_repo_refs(self.repo_id, repo_type=self.repo_type)
        head = next((str(ref.target_commit) for ref in refs.branches if ref.name == "main"), None)
        return head, {} if head is None else self._tree(api, head)

    def _set_tag(self, api: HfApi, files: Mapping[str, LocalFile], tag: str, commit: str) -> None:
        """Set the tag unless an attempt whose answer was lost has set it already."""
        if self._tagged(api, files, tag) is None:
            api.create_tag(self.repo_id, tag=tag, revision=commit, repo_type=self.repo_type)

    def _tree(self, api: HfApi, revision: str) -> dict[str, RepoFile]:
        entries = self._retried(
            lambda: list(
                api.list_repo_tree(self.repo_id, recursive=True, revision=revision, repo_type=self.repo_type)
            )
        )
        return {entry.path: entry for entry in entries if isinstance(entry, RepoFile)}

    def _check_arrival(self, api: HfApi, files: Mapping[str, LocalFile], commit: str) -> None:
        wrong = _differences(files, self._tree(api, commit))
        if wrong:
            raise HubError(
                f"file '{wrong[0]}' did not arrive in '{self.repo_id}' as it was sent; the tag is not set;"
                " publish again"
            )

    def _retried(self, action: Callable[[], T]) -> T:
        """Do it, and again after failures that may pass; foreign exceptions leave as HubError."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return action()
            except (TransportError, OSError, ValueError, *UNREADABLE) as error:
                inner = error.__cause__
                wrapped = isinstance(error, RuntimeError) and isinstance(inner, TransportError)
                cause = inner if wrapped and inner is not None else error
                wait = _wait(cause, min(8.0, self.pause * 2 ** (attempt - 1)))
                if wait is None or attempt == ATTEMPTS:
                    raise explained(cause, self.repo_id, self.token) from error
                time.sleep(wait)
        raise AssertionError("unreachable: the last attempt returns or raises")


@contextmanager
def _no_endless_creating() -> Iterator[None]:
    """Let one refusal to create end the call: the client itself asks again without a pause or an end."""
    hooks = get_session().event_hooks
    get_session().event_hooks = hooks | {"response": [*hooks["response"], _refuse_conflict]}
    try:
        yield
    finally:
        get_session().event_hooks = hooks


def _refuse_conflict(response: Any) -> None:
    """Raise HfHubHTTPError where the Hub is busy creating another repository."""
    if response.status_code == 409 and "conflicting operation" in response.read().decode("utf-8", "replace"):
        hf_raise_for_status(response)


def _differences(files: Mapping[str, LocalFile], remote: Mapping[str, RepoFile]) -> list[str]:
    """Names of the files the repository lacks or holds with other bytes."""
    return [name for name, file in files.items() if name not in remote or not file.is_same_as(remote[name])]


def _stale(files: Mapping[str, LocalFile], remote: Iterable[str], replaced: tuple[str, ...]) -> list[str]:
    """Names of the repository's files below `replaced` that the folder no longer has."""
    return [name for name in remote if name not in files and replaced and name.startswith(replaced)]


def _wait(error: BaseException, pause: float) -> float | None:
    """Seconds to wait before trying again; None when trying again cannot help."""
    if isinstance(error, HfHubHTTPError):
        if error.response.status_code not in _RETRIED:
            return None
        asked = error.response.headers.get("Retry-After", "")
        return min(float(asked), 300.0) if asked.isdigit() else pause
    return pause if isinstance(error, TransportError) else None
