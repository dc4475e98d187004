"""Publishing through the real client against a stand-in Hub on a socket."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from oceanchat.errors import HubError
from oceanchat.hub.publishing import ATTEMPTS, Publisher, local_files
from tests.oceanchat.hub.hub_process import GOOD, READ_ONLY, HubProcess

pytestmark = pytest.mark.filterwarnings(
    "ignore:Use 'content=:DeprecationWarning"
)  # huggingface_hub's own call
REPO = "ocean/chat"


def publisher(hub: HubProcess, token: str = GOOD, repo: str = REPO) -> Publisher:
    return Publisher(repo, endpoint=hub.endpoint, token=token, pause=0.05)


def holds(hub: HubProcess, folder: Path, commits: int = 1, tag: str = "v1") -> dict[str, Any]:
    """The Hub has this folder's bytes at its head, under the tag, after so many commits of ours."""
    state = hub.state()
    repo = state["repos"][REPO]
    wanted = {name: file.sha256 for name, file in local_files(folder).items()}
    tree = {name: sha for name, sha in state["files"][REPO].items() if name in wanted}
    assert tree == wanted
    assert [commit["message"] for commit in repo["commits"]].count("release") == commits
    assert repo["tags"][tag] == next(c["oid"] for c in reversed(repo["commits"]) if c["message"] == "release")
    return state


def test_publish_makes_one_commit_and_one_tag(hub: HubProcess, folder: Path) -> None:
    done = publisher(hub).publish(folder, "v1", "release")
    assert done.changed
    assert done.url == f"{hub.endpoint}/datasets/{REPO}/tree/v1"
    assert holds(hub, folder)["repos"][REPO]["tags"]["v1"] == done.commit


def test_publishing_again_changes_nothing(hub: HubProcess, folder: Path) -> None:
    first = publisher(hub).publish(folder, "v1", "release")
    again = publisher(hub).publish(folder, "v1", "release")
    assert not again.changed
    assert again.commit == first.commit
    holds(hub, folder)


def test_a_second_version_replaces_what_it_no_longer_has(hub: HubProcess, folder: Path) -> None:
    publisher(hub).publish(folder, "v1", "release")
    (folder / "data" / "test.parquet").unlink()
    (folder / "manifest.json").write_text('{"version": 2}\n')
    publisher(hub).publish(folder, "v2", "release", replaced=("data/",))
    state = holds(hub, folder, commits=2, tag="v2")
    assert "data/test.parquet" not in state["files"][REPO]
    assert ".gitattributes" in state["files"][REPO]


def test_private_is_asked_for(hub: HubProcess, folder: Path) -> None:
    Publisher(REPO, private=True, endpoint=hub.endpoint, token=GOOD).publish(folder, "v1", "release")
    assert hub.state()["repos"][REPO]["private"] is True


def test_a_model_repository_is_published_the_same_way(hub: HubProcess, folder: Path) -> None:
    for table in (folder / "data").iterdir():
        table.unlink()
    (folder / "adapter.safetensors").write_bytes(b"weights")
    model = Publisher(REPO, repo_type="model", endpoint=hub.endpoint, token=GOOD, pause=0.05)
    assert model.publish(folder, "v1", "release").url == f"{hub.endpoint}/{REPO}/tree/v1"
    assert any("POST /api/models/ocean/chat/commit/main" in line for line in holds(hub, folder)["seen"])
    assert not model.publish(folder, "v1", "release").changed


@pytest.mark.parametrize(
    "fault",
    [
        {"match": "POST .*/commit/main", "kind": "status", "status": 503, "times": 2},
        {"match": "POST .*/commit/main", "kind": "lost"},
        {"match": "POST .*/commit/main", "kind": "status", "status": 429, "headers": {"Retry-After": "0"}},
        {"match": "POST .*/commit/main", "kind": "cut"},
        {"match": "PUT /_lfs/", "kind": "cut"},
        {"match": "POST .*/tag/", "kind": "lost"},
        {"match": "POST .*/tag/", "kind": "status", "status": 503},
        {"match": "GET .*/refs", "kind": "status", "status": 502},
        {"match": "POST /api/repos/create", "kind": "lost"},
    ],
    ids=lambda fault: f"{fault['kind']}-{fault.get('status', '')}-{fault['match'][-8:]}",
)
def test_faults_end_in_one_commit_and_one_tag(hub: HubProcess, folder: Path, fault: dict[str, Any]) -> None:
    hub.faults(fault)
    publisher(hub).publish(folder, "v1", "release")
    assert holds(hub, folder)["seen"]


def test_a_stale_parent_is_read_again(hub: HubProcess, folder: Path) -> None:
    publisher(hub).publish(folder, "v0", "earlier")
    (folder / "manifest.json").write_text('{"version": 1}\n')
    hub.faults({"match": "POST .*/commit/main", "kind": "stale"})
    publisher(hub).publish(folder, "v1", "release")
    assert "NOTES.md" in holds(hub, folder)["files"][REPO]


def test_a_hub_that_stays_down_is_one_line(hub: HubProcess, folder: Path) -> None:
    hub.faults({"match": "POST .*/commit/main", "kind": "status", "status": 503, "times": 99})
    with pytest.raises(HubError, match="answered 503 for 'ocean/chat'"):
        publisher(hub).publish(folder, "v1", "release")
    assert hub.state()["repos"][REPO]["tags"] == {}
    hub.faults()
    publisher(hub).publish(folder, "v1", "release")
    holds(hub, folder)


def test_a_tag_with_other_content_is_refused(hub: HubProcess, folder: Path) -> None:
    publisher(hub).publish(folder, "v1", "release")
    (folder / "manifest.json").write_text('{"changed": true}\n')
    with pytest.raises(
        HubError, match=r"tag 'v1' of 'ocean/chat' exists and holds other content \('manifest.json'"
    ):
        publisher(hub).publish(folder, "v1", "release")
    assert len(hub.state()["repos"][REPO]["commits"]) == 2


@pytest.mark.parametrize(
    ("token", "message"),
    [("hf_wrong", "does not accept your token"), (READ_ONLY, "no right to write to 'ocean/chat'")],
)
def test_a_token_without_rights_is_one_line(hub: HubProcess, folder: Path, token: str, message: str) -> None:
    with pytest.raises(HubError, match=message):
        publisher(hub, token).publish(folder, "v1", "release")
    assert hub.state()["repos"] == {}


def test_a_repository_that_exists_needs_no_address(hub: HubProcess, folder: Path) -> None:
    publisher(hub).publish(folder, "v0", "earlier")
    (folder / "manifest.json").write_text('{"version": 1}\n')
    contents: list[Any] = [{"error": "You already created this dataset repo"}, {}, [], {"url": 3}, None]
    for content in contents:
        hub.faults({"match": "POST /api/repos/create", "kind": "status", "status": 409, "content": content})
        publisher(hub).publish(folder, "v1", "release")
    holds(hub, folder)


def test_a_hub_that_is_always_busy_creating_is_asked_a_few_times(hub: HubProcess, folder: Path) -> None:
    busy = "Cannot create repo: another conflicting operation is in progress"
    fault = {"match": "POST /api/repos/create", "kind": "status", "status": 409, "content": {"error": busy}}
    hub.faults(fault | {"times": 3})
    publisher(hub).publish(folder, "v1", "release")
    hub.faults(fault | {"times": 999})
    with pytest.raises(HubError, match="publish again when they have finished"):
        publisher(hub).publish(folder, "v2", "release")
    assert len(hub.state()["seen"]) <= 2 * ATTEMPTS
    hub.faults()
    holds(hub, folder)


@pytest.mark.parametrize(
    "match", ["GET .*/refs", "GET .*/tree/", "POST .*/preupload/", "POST .*/commit/main"]
)
def test_a_reply_of_another_form_is_one_line(hub: HubProcess, folder: Path, match: str) -> None:
    for content in (None, [], {}, {"branches": None}, {"branches": [{}], "tags": 3}, "x", [[[1]]]):
        hub.faults({"match": match, "kind": "status", "status": 200, "content": content, "times": 99})
        with pytest.raises(HubError, match="'ocean/chat'") as caught:
            publisher(hub).publish(folder, "v1", "release")
        assert "\n" not in str(caught.value)
    assert hub.state()["repos"][REPO]["tags"] == {}


@pytest.mark.parametrize("token", [GOOD, "hf_" + "aB3" * 12, "own/token+of=ours", 'with"quote'])
def test_a_token_that_the_hub_repeats_is_masked(hub: HubProcess, folder: Path, token: str) -> None:
    forms = (token, quote(token, safe=""), json.dumps(token)[1:-1])
    echo = f"no: Bearer {token}, {forms[1]}, {forms[2]}, https://me:{token}@hub/x"
    fault = {"match": "POST /api/repos/create", "kind": "status", "content": {"error": echo}, "times": 99}
    for status in (400, 418, 500):
        hub.faults(fault | {"status": status, "headers": {"X-Error-Message": echo}})
        with pytest.raises(HubError, match=f"answered {status} for 'ocean/chat': no: ") as caught:
            publisher(hub, token).publish(folder, "v1", "release")
        assert "***" in str(caught.value)
        assert not any(form in str(caught.value) for form in forms)


def test_a_link_is_not_published(hub: HubProcess, folder: Path) -> None:
    (folder.parent / "secret").write_text("secret")
    (folder / "data" / "more.parquet").symlink_to(folder.parent / "secret")
    with pytest.raises(HubError, match=r"more\.parquet' is a link"):
        publisher(hub).publish(folder, "v1", "release")
    assert hub.state()["repos"] == {}


def test_no_network_is_one_line(folder: Path) -> None:
    nowhere = Publisher(REPO, endpoint="http://127.0.0.1:9", token=GOOD, pause=0.01)
    with pytest.raises(HubError, match="out of reach for 'ocean/chat'"):
        nowhere.publish(folder, "v1", "release")


def test_a_bad_repository_name_is_one_line(hub: HubProcess, folder: Path) -> None:
    with pytest.raises(HubError, match=r"'no/such/name'.*OWNER/NAME"):
        publisher(hub, repo="no/such/name").publish(folder, "v1", "release")


def test_local_files_know_both_hashes_of_the_hub(folder: Path) -> None:
    (folder / ".hidden").write_text("x")
    files = local_files(folder)
    assert sorted(files) == ["README.md", "data/test.parquet", "data/train.parquet", "manifest.json"]
    data = (folder / "README.md").read_bytes()
    assert files["README.md"].sha256 == hashlib.sha256(data).hexdigest()
    git = subprocess.run(["git", "hash-object", "--stdin"], input=data, capture_output=True, check=True)
    assert files["README.md"].git_sha1 == git.stdout.decode().strip()
