"""The main job as a user runs it: builds, builds again, builds more, is killed, and is given what is
wrong."""

import csv
import json
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from oceanchat.prompts import default_folder
from tests.processes import PATIENCE, Spawn, kill_when, wait_until
from tests.running import OCEANCHAT, assert_one_clear_line, clean_environment, run_json, run_oceanchat

OPEN = ("build", "--trait", "O", "--level", "high")


def exported(folder: Path, what: str = "dialogues", store: str = "ocean-chat.db") -> list[dict[str, Any]]:
    """All rows of one kind."""
    every = ("--state", "all") if what == "dialogues" else ()
    done = run_oceanchat(folder, "export", what, *every, "--store", store)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def passed(rows: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows if row["state"] == "passed"]


def test_a_build_says_what_became_of_everything_and_who_wrote_it(tmp_path: Path) -> None:
    done = run_oceanchat(tmp_path, *OPEN)
    assert done.returncode == 0, done.stderr
    assert "20 of 20" in done.stdout and "97.2%" in done.stdout
    assert done.stdout.count("Questioner: ") >= 6 and done.stdout.count("Seed topic") == 2
    assert "scripted model wrote these" in done.stdout and "--model NAME" in done.stdout
    assert "labeling sentences" in done.stderr


def test_a_second_run_asks_nothing_and_says_the_same(tmp_path: Path) -> None:
    first = run_json(tmp_path, *OPEN, "--count", "6")
    rows = exported(tmp_path)
    again = run_json(tmp_path, *OPEN, "--count", "6")
    assert first["calls"]["made"] > 0 and first["calls"]["replayed"] == 0
    assert again["calls"]["made"] == 0 and again["calls"]["replayed"] == first["calls"]["made"]
    assert again["funnel"] == first["funnel"] and exported(tmp_path) == rows
    assert first["dialogues"] == {"requested": 6, "passed": 6, "rejected": len(rows) - 6}
    assert set(first["pass_rate"]) == {"value", "low", "high"} and first["seconds"] > 0


def test_asking_for_more_keeps_what_there_is_and_asks_the_difference(tmp_path: Path) -> None:
    short = run_json(tmp_path, *OPEN, "--count", "20")
    before = exported(tmp_path)
    more = run_json(tmp_path, *OPEN, "--count", "30")  # beyond the first wave of lengths
    after = exported(tmp_path)
    assert after[: len(before)] == before and len(passed(after)) == 30
    # A check that was not full then is asked about more dialogues now; all else is replayed.
    assert short["calls"]["made"] - 2 <= more["calls"]["replayed"] <= short["calls"]["made"]
    fewer = run_json(tmp_path, *OPEN, "--count", "5")
    assert exported(tmp_path) == after and fewer["calls"]["made"] == 0


@pytest.mark.parametrize("mode", ["screenplay", "dual"])
def test_the_result_does_not_depend_on_concurrency(tmp_path: Path, mode: str) -> None:
    for concurrency in ("1", "64"):
        run_json(
            tmp_path, *OPEN, "--count", "8", "--mode", mode,
            "--store", f"{concurrency}.db", "--concurrency", concurrency,
        )  # fmt: skip
    assert exported(tmp_path, store="1.db") == exported(tmp_path, store="64.db")


def test_another_seed_takes_other_sentences(tmp_path: Path) -> None:
    for seed in ("1", "2"):
        run_json(tmp_path, *OPEN, "--count", "5", "--seed", seed, "--store", f"{seed}.db")
    one, other = (exported(tmp_path, "seeds", f"{seed}.db") for seed in ("1", "2"))
    assert {row["id"] for row in one} != {row["id"] for row in other}


def test_all_ten_trait_levels_are_built_and_every_row_is_accounted_for(tmp_path: Path) -> None:
    report = run_json(tmp_path, "build", "--trait", "all", "--level", "all", "--count", "4")
    codes = ["O+", "C+", "E+", "A+", "N+", "O-", "C-", "E-", "A-", "N-"]
    assert list(report["funnel"]) == codes and report["dialogues"]["passed"] == 40
    for funnel in report["funnel"].values():
        assert funnel["candidates"]["selected"] == sum(funnel["seeds"].values())
        assert funnel["seeds"]["written"] == sum(funnel["dialogues"].values())
    status = run_json(tmp_path, "status")
    assert [row["trait_level"] for row in status] == codes
    assert {row["trait_level"]: row["funnel"] for row in status} == report["funnel"]
    stats = run_json(tmp_path, "stats")
    assert [row["trait_level"] for row in stats] == [*codes, "Avg"] and stats[0]["dialogues"] == 4


def test_what_is_in_the_store_can_be_read_and_exported(tmp_path: Path) -> None:
    run_json(tmp_path, *OPEN, "--count", "3")
    dialogue = exported(tmp_path)[0]
    shown = run_oceanchat(tmp_path, "show", dialogue["id"][:8])
    assert dialogue["seed_topic"].split()[-1] in shown.stdout and "Verdict" in shown.stdout
    assert (
        "Questioner: "
        in run_oceanchat(tmp_path, "show", "--trait", "O", "--level", "high", "--random").stdout
    )
    verdicts = run_oceanchat(tmp_path, "export", "verdicts", "--format", "csv").stdout
    assert "O+" in [row["shown"].strip('[]"') for row in csv.DictReader(verdicts.splitlines())]
    for what in ("sentences", "seeds", "dialogues", "verdicts"):
        done = run_oceanchat(tmp_path, "export", what, "--output", f"{what}.parquet")
        assert done.returncode == 0 and (tmp_path / f"{what}.parquet").read_bytes()[:4] == b"PAR1"
    assert run_oceanchat(tmp_path, "backup", "copy.db").returncode == 0
    assert exported(tmp_path, store="copy.db") == exported(tmp_path)


@pytest.mark.postgres
def test_postgresql_gives_the_same_dialogues_as_sqlite(tmp_path: Path, postgres_url: str) -> None:
    run_json(tmp_path, *OPEN, "--count", "5")
    first = run_json(tmp_path, *OPEN, "--count", "5", "--store", postgres_url)
    again = run_json(tmp_path, *OPEN, "--count", "5", "--store", postgres_url)
    assert exported(tmp_path, store=postgres_url) == exported(tmp_path)
    assert first["calls"]["made"] > 0 and again["calls"]["made"] == 0


def answers(folder: Path) -> int:
    """How many were paid for in the ledger, which a build may not have made yet."""
    if not (folder / "ocean-chat.db").exists():
        return 0
    with closing(sqlite3.connect(folder / "ocean-chat.db")) as store:
        if not store.execute("SELECT 1 FROM sqlite_master WHERE name = 'ledger_calls'").fetchone():
            return 0
        paid = "state = 'answered' AND outcome IS NOT 'share'"
        count = store.execute(f"SELECT count(*) FROM ledger_calls WHERE {paid}")
        return int(count.fetchone()[0])


def killed_now_and_then(spawn: Spawn, folder: Path, arguments: tuple[str, ...], moments: list[int]) -> int:
    """Start a build, kill it -9 as soon as there are so many answers, start it again; how many kills hit a
    running build."""
    hit = 0
    for moment in moments:
        build = spawn(
            [OCEANCHAT, *arguments],
            fork=True,
            cwd=folder,
            env=clean_environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        kill_when(lambda moment=moment: answers(folder) >= moment, build)
        hit += build.returncode == -signal.SIGKILL
    return hit


def test_a_killed_build_ends_as_one_that_was_not(tmp_path: Path, spawn: Spawn) -> None:
    arguments = ("build", "--trait", "all", "--level", "high", "--count", "8")
    whole = run_json(tmp_path, *arguments, "--store", "whole.db")
    moments = sorted(random.Random(5).sample(range(1, whole["calls"]["made"]), 3))
    hit = killed_now_and_then(spawn, tmp_path, arguments, moments)
    assert hit, "no kill came while the build ran"
    answered = answers(tmp_path)
    final = run_json(tmp_path, *arguments)
    assert final["funnel"] == whole["funnel"]
    assert exported(tmp_path) == exported(tmp_path, store="whole.db")
    assert final["calls"]["made"] == whole["calls"]["made"] - answered


def test_two_builds_at_once_in_one_store_both_end_well(tmp_path: Path, spawn: Spawn) -> None:
    command = [OCEANCHAT, *OPEN, "--count", "3", "--json"]
    started = [
        spawn(command, fork=True, cwd=tmp_path, env=clean_environment(), stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    reports = [json.loads(build.communicate(timeout=PATIENCE)[0]) for build in started]
    assert [build.returncode for build in started] == [0, 0]
    assert reports[0]["funnel"] == reports[1]["funnel"] and len(exported(tmp_path, "sentences")) > 1000


def test_another_wording_that_gives_the_same_dialogues_replaces_none(tmp_path: Path) -> None:
    run_json(tmp_path, *OPEN, "--count", "2")
    before = exported(tmp_path)
    shutil.copytree(default_folder(), tmp_path / "worded")
    check = tmp_path / "worded" / "check.md"
    check.write_text(check.read_text().replace("a careful personality", "a patient personality"))
    again = run_oceanchat(tmp_path, *OPEN, "--count", "3", "--prompts", "worded")
    assert again.returncode == 0 and "built with other options" not in again.stderr
    assert {row["id"] for row in before if row["state"] == "passed"} <= {
        row["id"] for row in exported(tmp_path)
    }


def test_other_options_are_kept_beside_or_replace_a_build_when_asked_to(tmp_path: Path) -> None:
    run_json(tmp_path, *OPEN, "--count", "4")
    before = exported(tmp_path)
    dual = (*OPEN, "--count", "2", "--mode", "dual")
    assert_one_clear_line(
        run_oceanchat(tmp_path, *dual),
        "build 'scripted' was made with --mode 'screenplay', not 'dual'", "--build NAME", "--replace",
    )  # fmt: skip
    run_json(tmp_path, *dual, "--build", "two voices")
    beside = run_oceanchat(tmp_path, "export", "dialogues", "--state", "all", "--build", "scripted")
    assert [json.loads(line) for line in beside.stdout.splitlines()] == before
    other = run_oceanchat(tmp_path, *dual, "--replace")
    assert "O+ had 4 dialogues built with other options" in other.stderr
    back = run_json(tmp_path, *OPEN, "--count", "4", "--replace")
    assert back["calls"]["made"] == 0
    beside = run_oceanchat(tmp_path, "export", "dialogues", "--state", "all", "--build", "scripted")
    assert [json.loads(line) for line in beside.stdout.splitlines()] == before


def test_a_store_deleted_under_a_build_is_not_called_a_success(tmp_path: Path, spawn: Spawn) -> None:
    command = [OCEANCHAT, "build", "--trait", "all", "--level", "all", "--count", "15"]
    build = spawn(
        command, cwd=tmp_path, env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    wait_until((tmp_path / "ocean-chat.db").exists, build)
    time.sleep(0.3)
    for path in tmp_path.glob("ocean-chat.db*"):
        path.unlink()
    stderr = build.communicate(timeout=PATIENCE)[1]
    assert build.returncode == 1 and "Traceback" not in stderr, stderr


def test_a_corpus_that_gives_too_little_is_said_and_told_apart(tmp_path: Path) -> None:
    (tmp_path / "one.txt").write_text("I often imagine whole worlds when I stare at the clouds. " * 3)
    done = run_oceanchat(tmp_path, *OPEN, "--essays", ".", "--count", "50", "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["dialogues"]["requested"] == 50
    assert "O+ has" in done.stderr and "of 50" in done.stderr


def test_a_dry_run_sends_nothing_and_says_how_many_calls(tmp_path: Path) -> None:
    forecast = run_json(tmp_path, *OPEN, "--dry-run", "--model", "some-model")
    assert forecast["total"]["calls"] and not list(tmp_path.iterdir())
    assert_one_clear_line(run_oceanchat(tmp_path, *OPEN, "--dry-run", "--essays", "none.csv"), "'none.csv'")


BAD: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
    (("build", "--trait", "X", "--level", "high"), ("'X'", "O, C, E, A, N")),
    (("build", "--trait", "O", "--level", "medium"), ("'medium'", "high")),
    (("build", "--trait", "O"), ("--level",)),
    ((*OPEN, "--count", "0"), ("--count '0'",)),
    ((*OPEN, "--count", "many"), ("many",)),
    ((*OPEN, "--concurrency", "0"), ("--concurrency '0'",)),
    ((*OPEN, "--essays", "none.csv"), ("'none.csv'",)),
    ((*OPEN, "--essays", "columns.csv"), ("columns.csv",)),
    ((*OPEN, "--essays", "empty.csv"), ("empty.csv",)),
    ((*OPEN, "--essays", "binary.csv"), ("binary.csv",)),
    ((*OPEN, "--essays", "empty_folder"), ("empty_folder",)),
    ((*OPEN, "--prompts", "no_prompts"), ("'no_prompts'", "does not exist")),
    ((*OPEN, "--prompts", "bad_prompts"), ("label.md", "did you mean '{sentence}'")),
    ((*OPEN, "--store", "theirs.db"), ("'theirs.db'", "another program")),
    ((*OPEN, "--store", "text.db"), ("'text.db'", "not an SQLite database")),
    ((*OPEN, "--store", "nowhere/x.db"), ("nowhere", "folder does not exist")),
    ((*OPEN, "--model", "gpt-4-0613"), ("OPENAI_API_KEY",)),
    ((*OPEN, "--model", "m", "--base-url", "http://127.0.0.1:9/v1"), ("127.0.0.1:9",)),
    (("status", "--store", "none.db"), ("'none.db'", "does not exist")),
    (("show", "feed", "--store", "none.db"), ("does not exist",)),
    (("show", "--count", "0"), ("--count",)),
    ((*OPEN, "--count", "9" * 30), ("--count",)),
    ((*OPEN, "--essays", ""), ("''",)),
    ((*OPEN, "--store", "s" * 300), ("cannot be",)),
    ((*OPEN, "--store", "/dev/null"), ("device or pipe",)),
    (("export", "dialogues", "--format", "xml"), ("xml",)),
    (("buidl",), ("buidl",)),
]


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files that are not what they should be."""
    folder = tmp_path_factory.mktemp("messy")
    (folder / "columns.csv").write_text("a,b\n1,2\n")
    (folder / "empty.csv").write_bytes(b"")
    (folder / "binary.csv").write_bytes(bytes(range(256)) * 40)
    (folder / "empty_folder").mkdir()
    (folder / "text.db").write_text("just text, no database at all")
    with closing(sqlite3.connect(folder / "theirs.db")) as theirs, theirs:
        theirs.execute("CREATE TABLE songs (title TEXT)")
    (folder / "bad_prompts").mkdir()
    for path in default_folder().glob("*.md"):
        (folder / "bad_prompts" / path.name).write_text(path.read_text().replace("{sentence}", "{sentense}"))
    return folder


@pytest.mark.parametrize(
    ("arguments", "phrases"), BAD, ids=[" ".join(arguments[-2:]) for arguments, _ in BAD]
)
def test_a_mistake_gets_one_clear_line_and_leaves_nothing(
    messy: Path, arguments: tuple[str, ...], phrases: tuple[str, ...]
) -> None:
    before = sorted(path.name for path in messy.iterdir())
    assert_one_clear_line(run_oceanchat(messy, *arguments), *phrases)
    assert sorted(path.name for path in messy.iterdir() if not path.name.endswith("db")) == [
        name for name in before if not name.endswith("db")
    ]


def test_a_csv_field_over_the_limit_is_read_or_named(tmp_path: Path) -> None:
    text = "I often imagine whole worlds. " * 20_000
    (tmp_path / "huge.csv").write_text(f'#AUTHID,TEXT\na1,"{text}"\n')
    done = run_oceanchat(tmp_path, *OPEN, "--essays", "huge.csv", "--count", "1")
    assert done.returncode in (0, 3) or "huge.csv" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    done = run_oceanchat(Path("/proc"), *OPEN, "--count", "1")
    assert_one_clear_line(done, "ocean-chat.db", "cannot be")


def test_sentences_that_share_a_call_each_have_an_entry_of_their_own(tmp_path: Path) -> None:
    high = run_json(tmp_path, *OPEN, "--count", "5", "--sentences-per-call", "8")
    labeled = sum(high["funnel"]["O+"]["candidates"].values())
    assert high["calls"]["made"] < labeled
    again = run_json(tmp_path, *OPEN, "--count", "5", "--sentences-per-call", "8")
    assert again["calls"]["made"] == 0 and again["funnel"] == high["funnel"]
    with closing(sqlite3.connect(tmp_path / "ocean-chat.db")) as store:
        query = "SELECT count(*) FROM ledger_calls WHERE task = 'label_many' AND outcome = 'share'"
        assert store.execute(query).fetchone()[0] == labeled
