"""Publishing a release with the real command: verified first, safe to kill, and readable under its tag."""

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from oceanchat.errors import ReleaseError
from oceanchat.hub.publishing import Publisher, local_files
from oceanchat.release.publication import plan_publication, publish_release
from oceanchat.release.writer import ReleaseConfig, write_release
from tests.oceanchat.hub.hub_process import GOOD, HubProcess, running_hub
from tests.oceanchat.release.factories import make_dialogues, make_store
from tests.processes import Spawn, wait_until

pytestmark = pytest.mark.filterwarnings(
    "ignore:Use 'content=:DeprecationWarning"
)  # huggingface_hub's own call
REPO, TAG = "ocean/chat", "v1.0.0-scripted"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp_path = tmp_path_factory.mktemp("publication")
    store = make_store(tmp_path / "store.db", make_dialogues(5))
    return write_release(ReleaseConfig(version="1.0.0", license="cc0-1.0", output=tmp_path), store).folder


@pytest.fixture
def hub() -> Iterator[HubProcess]:
    with running_hub() as running:
        yield running


def command(folder: Path, *options: str) -> list[str]:
    program = Path(sys.executable).with_name("oceanchat")
    return [str(program), "publish", str(folder), "--repo", REPO, *options]


def environment(hub: HubProcess, home: Path, token: str = GOOD) -> dict[str, str]:
    return os.environ | hub.environment(home, token)


def complete(hub: HubProcess, folder: Path) -> None:
    """One commit of ours, one tag, every hash right."""
    state = hub.state()
    repo = state["repos"][REPO]
    assert [commit["message"] for commit in repo["commits"]].count("Release 1.0.0") == 1
    assert len(repo["commits"]) == 2
    assert repo["tags"] == {TAG: repo["commits"][-1]["oid"]}
    wanted = {name: file.sha256 for name, file in local_files(folder).items()}
    assert {k: v for k, v in state["files"][REPO].items() if k != ".gitattributes"} == wanted


def test_a_release_is_published_and_loads_under_its_tag(
    spawn: Spawn, hub: HubProcess, folder: Path, tmp_path: Path
) -> None:
    where = environment(hub, tmp_path)
    done = subprocess.run(command(folder, "--allow-scripted"), env=where, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"published: {hub.endpoint}/datasets/{REPO}/tree/{TAG}" in done.stdout
    complete(hub, folder)
    code = (
        "from datasets import load_dataset\n"
        f"for split, rows in load_dataset('{REPO}', revision='{TAG}').items(): print(split, len(rows))\n"
        f"row = list(load_dataset('{REPO}', revision='{TAG}', split='test', streaming=True))[0]\n"
        "print(row['messages'][0]['role'])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], env=where, capture_output=True, text=True)
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.split() == "train 30 validation 10 test 10 user".split()  # noqa: SIM905
    again = subprocess.run(command(folder, "--allow-scripted"), env=where, capture_output=True, text=True)
    assert "was already published in full" in again.stdout
    complete(hub, folder)


def test_scripted_data_needs_leave(hub: HubProcess, folder: Path) -> None:
    with pytest.raises(ReleaseError, match=r"holds scripted data.*--allow-scripted"):
        publish_release(folder, Publisher(REPO, endpoint=hub.endpoint, token=GOOD))
    assert hub.state()["seen"] == ["GET /_stub/state"]


def test_a_release_that_does_not_verify_stays_at_home(hub: HubProcess, folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / folder.name
    subprocess.run(["cp", "-r", str(folder), str(broken)], check=True)
    (broken / "README.md").write_text("edited")
    publisher = Publisher(REPO, endpoint=hub.endpoint, token=GOOD)
    with pytest.raises(ReleaseError, match=r"does not verify: README\.md"):
        publish_release(broken, publisher, allow_scripted=True)
    assert hub.state()["repos"] == {}


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing(hub: HubProcess, folder: Path) -> None:
    publisher = Publisher(REPO, endpoint=hub.endpoint, token=GOOD)
    plan = plan_publication(folder, publisher, allow_scripted=True)
    files = local_files(folder)
    assert plan.new and not plan.tagged and plan.tag == TAG and plan.files == len(files)
    assert plan.changed == {name: file.size for name, file in files.items()}
    state = hub.state()
    assert state["repos"] == {} and not [line for line in state["seen"] if line.startswith(("POST", "PUT"))]
    publisher.publish(folder, "v0", "Another tag")
    plan = plan_publication(folder, publisher, allow_scripted=True)
    assert not (plan.new or plan.tagged or plan.changed or plan.deleted)
    publish_release(folder, publisher, allow_scripted=True)
    assert plan_publication(folder, publisher, allow_scripted=True).tagged


def test_what_an_earlier_release_had_beyond_this_one_would_be_deleted(
    hub: HubProcess, folder: Path, tmp_path: Path
) -> None:
    earlier = tmp_path / "earlier"
    shutil.copytree(folder, earlier)
    (earlier / "unmatched").mkdir()
    (earlier / "unmatched" / "train.parquet").write_bytes(b"rows")
    publisher = Publisher(REPO, endpoint=hub.endpoint, token=GOOD)
    publisher.publish(earlier, "v0", "With rows of unequal length")
    plan = plan_publication(folder, publisher, allow_scripted=True)
    assert plan.deleted == ("unmatched/train.parquet",)


def test_a_license_the_hub_does_not_know_stays_at_home(
    hub: HubProcess, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oceanchat.release.publication.LICENSE_IDS", frozenset({"mit"}))
    with pytest.raises(ReleaseError, match=r"has the license 'cc0-1\.0', which is not an id of the Hub"):
        publish_release(folder, Publisher(REPO, endpoint=hub.endpoint, token=GOOD), allow_scripted=True)


def test_no_token_is_one_line(hub: HubProcess, folder: Path, tmp_path: Path) -> None:
    where = environment(hub, tmp_path, token="")
    done = subprocess.run(command(folder, "--allow-scripted"), env=where, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("oceanchat: there is no token for the Hub")
    assert done.stderr.count("\n") == 1


def test_a_dry_run_without_a_token_shows_all_else_and_what_it_needs(
    hub: HubProcess, folder: Path, tmp_path: Path
) -> None:
    where = environment(hub, tmp_path, token="")
    options = ("--allow-scripted", "--dry-run")
    done = subprocess.run(command(folder, *options), env=where, capture_output=True, text=True)
    assert done.returncode == 0 and f"to a new repository '{REPO}'" in done.stdout
    assert done.stderr.count("\n") == 1 and "no token for the Hub" in done.stderr and "'ocean'" in done.stderr
    plan = plan_publication(folder, Publisher(REPO, endpoint=hub.endpoint, token=GOOD), allow_scripted=True)
    assert plan.token
    wrong = environment(hub, tmp_path, token="hf_wrong")
    done = subprocess.run(command(folder, *options), env=wrong, capture_output=True, text=True)
    assert done.returncode == 1 and "does not accept your token" in done.stderr


def test_offline_mode_is_one_line(hub: HubProcess, folder: Path, tmp_path: Path) -> None:
    where = environment(hub, tmp_path) | {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command(folder, "--allow-scripted"), env=where, capture_output=True, text=True)
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr and "offline mode" in done.stderr
    assert done.stderr.count("\n") == 1


def killed_again_and_again(spawn: Spawn, hub: HubProcess, folder: Path, home: Path, kills: int) -> None:
    """Kill the command at ever other moments, run it to its end, and find one commit and one tag."""
    lottery = random.Random(kills)
    where = environment(hub, home)
    hub.faults({"match": "POST|PUT", "kind": "slow", "seconds": 0.15, "times": 10_000})
    for _ in range(kills):
        process = spawn(command(folder, "--allow-scripted"), env=where, stderr=subprocess.DEVNULL)
        before = len(hub.state()["seen"])
        wait_until(
            lambda process=process, before=before: (
                process.poll() is not None or len(hub.state()["seen"]) >= before + 3
            )
        )
        time.sleep(lottery.uniform(0, 1.2))
        process.kill()
        process.wait()
    hub.faults()
    subprocess.run(command(folder, "--allow-scripted"), env=where, check=True, stdout=subprocess.DEVNULL)
    complete(hub, folder)


def test_kill_9_in_the_middle_leaves_one_commit_and_one_tag(
    spawn: Spawn, hub: HubProcess, folder: Path, tmp_path: Path
) -> None:
    killed_again_and_again(spawn, hub, folder, tmp_path, 5)


@pytest.mark.soak
def test_kill_9_thirty_times_leaves_one_commit_and_one_tag(
    spawn: Spawn, hub: HubProcess, folder: Path, tmp_path: Path
) -> None:
    killed_again_and_again(spawn, hub, folder, tmp_path, 30)
