"""`oceanchat estimate`, `costs`, `retry` and `batches`, as a user runs them."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from oceanchat.cli import main
from oceanchat.prompts import default_folder
from tests.endpoint import Endpoint, prices_file
from tests.oceanchat.cli.conftest import Command

MODEL = ["--model", "served"]
NOWHERE = [*MODEL, "--base-url", "http://127.0.0.1:9/v1"]
BUILD = ["--trait", "O", "--level", "high"]
Run = Callable[..., "Done"]


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in a folder of its own, in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("COLUMNS", "140")

    def go(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["oceanchat", *arguments])
        with pytest.raises(SystemExit) as end:
            main.main()
        return Done(int(end.value.code or 0), *capsys.readouterr())

    return go


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """The scripted model behind HTTP."""
    served = Endpoint(reply=None, poison="river")
    yield served
    served.close()


def parsed(done: Done) -> Any:
    assert done.returncode in (0, 3), done.stderr
    return json.loads(done.stdout)


def test_an_estimate_from_a_pilot_holds_what_the_build_then_costs(
    run: Run, endpoint: Endpoint, tmp_path: Path
) -> None:
    paid = ["--base-url", endpoint.url, "--prices", str(prices_file(tmp_path)), *MODEL]
    nothing = parsed(run("estimate", *BUILD, *paid, "--count", "12", "--json"))
    assert nothing["pilot_dialogues"] == 0 and nothing["rough"] and nothing["total"]["usd"]["low"] > 0
    assert endpoint.counters()["calls"] == 0  # an estimate without --pilot asks nothing
    pilot = parsed(run("estimate", *BUILD, *paid, "--count", "12", "--pilot", "4", "--json"))
    assert pilot["pilot_dialogues"] >= 4 and not pilot["rough"] and pilot["calls_a_second"] > 0
    before = endpoint.counters()["paid"]
    built = parsed(run("build", *BUILD, *paid, "--count", "12", "--json"))
    asked_again = sum(pilot["one_by_one"][what]["total"] for what in ("labels", "verdicts"))
    assert pilot["one_by_one"]["labels"]["different"] == 0 < asked_again
    assert built["calls"]["replayed"] >= before - asked_again > 0  # the pilot was not wasted
    assert pilot["total"]["calls"]["low"] <= built["calls"]["made"] <= pilot["total"]["calls"]["high"]
    assert pilot["total"]["usd"]["low"] <= built["calls"]["usd"] <= pilot["total"]["usd"]["high"]
    halved = parsed(run("estimate", *BUILD, *paid, "--count", "30", "--batch", "--json"))
    whole = parsed(run("estimate", *BUILD, *paid, "--count", "30", "--json"))
    assert halved["total"]["usd"]["value"] == pytest.approx(whole["total"]["usd"]["value"] / 2)


def test_a_dry_run_sends_nothing(run: Run, endpoint: Endpoint) -> None:
    done = run("build", *BUILD, *MODEL, "--base-url", endpoint.url, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "Rough, without a pilot" in done.stdout and "--pilot" in done.stdout
    assert endpoint.counters()["calls"] == 0


def test_an_estimate_without_a_pilot_says_what_it_assumes_and_what_would_save(run: Run) -> None:
    done = run("estimate", *BUILD, "--count", "100", "--model", "gpt-4o-mini", "--sentences-per-call", "1")
    assert done.returncode == 0, done.stderr
    assert re.search(r"\nall +[\d,]+ to [\d,]+ +[\d,]+ to [\d,]+ +\$[\d.]+ to \$[\d.]+", done.stdout)
    assert "sentences labeled" in done.stdout and "tokens a word" in done.stdout
    assert re.search(r"At 500 requests a minute: [\d.]+ \([\d.]+ to [\d.]+\) minutes\.", done.stdout)
    assert re.search(r"Sentences the corpus must hold: [\d,]+ \(.*\); it holds [\d,]+[.,]", done.stdout)
    assert "seconds of CPU time" in done.stdout and "it takes more than" not in done.stdout
    assert re.search(r"--batch would save about \$0\.\d+\.", done.stdout)
    assert re.search(r"--sentences-per-call 10 would save about \$0\.\d+\.", done.stdout)
    record = parsed(run("estimate", *BUILD, "--model", "gpt-4o-mini", "--sentences-per-call", "1", "--json"))
    assert [saving["option"] for saving in record["savings"]] == ["--batch", "--sentences-per-call 10"]


def test_a_mistyped_model_is_guessed_where_its_price_is_missed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    guess = "has no price of 'gpt-4o-mni'; did you mean gpt-4o-mini?"
    estimated = run("estimate", *BUILD, "--model", "gpt-4o-mni")
    assert estimated.stderr.count(guess) == 1 and "unknown" in estimated.stdout
    assert "did you mean" not in run("estimate", *BUILD, "--model", "gpt-4o-mini").stderr
    assert "did you mean" not in run("estimate", *BUILD, *NOWHERE).stderr
    assert "did you mean" not in run("estimate", *BUILD, "--model", "gpt-4o-mni", *NOWHERE[2:]).stderr
    monkeypatch.setenv("OPENAI_API_KEY", "none that is used")
    capped = run("build", *BUILD, "--count", "1", "--model", "gpt-4o-mni", "--max-usd", "1")
    assert capped.returncode == 1 and capped.stderr.rstrip().endswith("did you mean gpt-4o-mini?")


def test_an_estimate_says_once_how_the_columns_are_read(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    text = "Today I came home late. The cat slept on my chair. So I let her sleep there."
    file.write_text(f'"TEXT","Code"\n"{text}",7\n')
    build = ("O+", "--essays", str(file), "--count", "1")
    for words in (("estimate",), ("build", "--dry-run")):
        done = command(*words, *build)
        assert done.code == 0 and done.err.count("no column names the authors") == 1, words


def test_an_estimate_goes_to_a_hundred_million_dialogues_in_two_digits(run: Run) -> None:
    done = run("estimate", "O+", "--count", "100000000", "--model", "gpt-4o-mini")
    assert done.stdout.startswith("100,000,000 dialogues still to be built."), done.stderr
    saved = re.findall(r"would (?:save|cost) about \$([\d,.]+\d)", done.stdout)
    hours = re.findall(r"([\d,.]+) hours of CPU time, ([\d,.]+) [GT]B of memory", done.stdout)[0]
    assert len(saved) == 3 and all(
        len(re.sub("[,.]", "", digits).strip("0")) <= 2 for digits in (*saved, *hours)
    )


def test_prompts_of_another_form_have_lower_bounds(run: Run, tmp_path: Path) -> None:
    for template in default_folder().glob("*.md"):
        (tmp_path / template.name).write_text(template.read_text().replace("task>", "job>"))
    done = run("estimate", *BUILD, "--model", "gpt-4o-mini", "--prompts", str(tmp_path))
    assert done.returncode == 0 and "at least" in done.stdout and "only lower bounds" in done.stdout


def test_costs_add_up_to_what_the_endpoint_billed(run: Run, endpoint: Endpoint, tmp_path: Path) -> None:
    prices = ["--prices", str(prices_file(tmp_path))]
    paid = [*MODEL, "--base-url", endpoint.url, *prices]
    built = parsed(run("build", *BUILD, *paid, "--count", "4", "--json"))
    report = parsed(run("costs", *prices, "--json"))
    assert report["total"]["paid"]["calls"] == endpoint.counters()["paid"] == built["calls"]["made"]
    assert report["total"]["paid"]["usd"] == pytest.approx(built["calls"]["usd"])
    lines = [line for line in report["lines"] if line["about"] == "O+"]
    assert sum(line["paid"]["calls"] for line in lines) == report["total"]["paid"]["calls"]
    shown = run("costs", *prices)
    assert "kept" in shown.stdout and "lost" in shown.stdout and "Prices of 2026-01-01" in shown.stdout
    assert "No price is known" not in shown.stdout
    host = endpoint.url.split("/")[2]
    assert f"No price is known of 'served' at {host}: --prices FILE" in run("costs").stdout
    assert json.loads(run("costs", "--json").stdout)["without_price"] == [
        {"model": "served", "endpoint": endpoint.url}
    ]
    (tmp_path / "oceanchat.toml").write_text('[oceanchat.build]\nprices = "prices.toml"\n')
    released = parsed(
        run("release", "--version", "1.0.0", "--license", "other", "--seed-topics", "hash", "--json")
    )
    priced = json.loads((Path(released["folder"]) / "quality.json").read_text())["costs"]
    assert sum(line["usd"] for line in priced) == pytest.approx(built["calls"]["usd"])  # as `costs` has it


def test_costs_are_compared_with_a_providers_export(run: Run, endpoint: Endpoint, tmp_path: Path) -> None:
    run("build", *BUILD, "--count", "1", *MODEL, "--base-url", endpoint.url)
    paid = endpoint.counters()["paid"]
    export = tmp_path / "usage.csv"
    export.write_text(f"model,num_model_requests\nserved-2026-11-01,{paid}\nanother,3\n")
    compared = run("costs", "--against", str(export))
    assert compared.returncode == 0 and "agrees" in compared.stdout
    assert "In the export, but not in this store: another." in compared.stdout
    assert "calls from 'num_model_requests'" in compared.stdout
    days = ("--from", "2001-01-01", "--to", "2001-12-31")
    export.write_text("day,model,requests\n2001-05-05,served,2\n2002-05-05,served,9\n")
    earlier = run("costs", "--against", str(export), *days)
    assert "not in this store: served." in earlier.stdout and "left out: 1." in earlier.stdout
    export.write_text(f"model,num_model_requests\nserved,{paid + 2}\n")
    assert "2 more" in run("costs", "--against", str(export)).stdout
    (line,) = json.loads(run("costs", "--against", str(export), "--json").stdout)["against"]["comparisons"]
    assert (line["ledger"], line["provider"], line["agrees"]) == (paid, paid + 2, False)
    export.write_text("nothing of use\n")
    refused = run("costs", "--against", str(export))
    assert (refused.returncode, refused.stdout) == (1, "") and "has no column" in refused.stderr


def test_retry_does_nothing_where_nothing_failed(run: Run) -> None:
    built = parsed(run("build", *BUILD, "--count", "12", "--json"))
    assert built["dialogues"]["rejected"] > 0  # turned down, which is no failure
    assert "There are no failed requests to send again." in run("retry").stdout
    assert parsed(run("costs", "--json"))["total"]["rejected"]["calls"] > 0


def test_retry_asks_the_failed_ones_alone(run: Run, endpoint: Endpoint, tmp_path: Path) -> None:
    essays = tmp_path / "essays.jsonl"
    texts = [
        "Yesterday I sang loudly down by the river and felt alive for hours, as I always do there.",
        "Today I cleaned the whole kitchen twice and then went to bed early without any supper.",
    ]
    essays.write_text("\n".join(json.dumps({"id": str(n), "text": text}) for n, text in enumerate(texts)))
    corpus = ["--essays", str(essays), "--count", "1", "--base-url", endpoint.url, *MODEL]
    corpus += ["--sentences-per-call", "1"]
    first = parsed(run("build", *BUILD, *corpus, "--json"))
    assert first["calls"]["failed"] == 1
    calls = endpoint.counters()["calls"]
    assert parsed(run("retry", "--reason", "timeout", "--json"))["answered"] == 0
    again = parsed(run("retry", "--json"))
    assert again["failed"] == {"content-filter": 1}
    assert endpoint.counters()["calls"] == calls + 1
    elsewhere = run("retry", "--base-url", "http://127.0.0.1:9/v1")
    assert "http://127.0.0.1:9/v1" in elsewhere.stderr
    endpoint.close()
    healed = Endpoint(reply=None, port=endpoint.url.split(":")[2].split("/")[0])
    try:
        assert parsed(run("retry", "--reason", "content-filter", "--json"))["answered"] == 1
        assert parsed(run("build", *BUILD, *corpus, "--json"))["calls"]["failed"] == 0
        assert "no failed requests" in run("retry").stdout
    finally:
        healed.close()


@pytest.mark.parametrize(
    ("reply", "reason"),
    [("I'm sorry, I can't help with that.", "refused"), ("Perhaps, perhaps.", "unparseable")],
)
def test_retry_asks_for_new_answers_where_the_old_ones_were_of_no_use(
    run: Run, tmp_path: Path, reply: str, reason: str
) -> None:
    essay = {
        "id": "1",
        "text": "Yesterday I sang loudly down by the river and felt alive for hours as always.",
    }
    (tmp_path / "essays.jsonl").write_text(json.dumps(essay))
    useless = Endpoint(reply=reply)
    corpus = ["--essays", "essays.jsonl", "--count", "1", "--base-url", useless.url, *MODEL]
    try:
        parsed(run("build", *BUILD, *corpus, "--json"))
        paid = useless.counters()["paid"]
    finally:
        useless.close()
    healed = Endpoint(reply="Reason: x\nLabel: neutral", port=useless.url.split(":")[2].split("/")[0])
    try:
        assert parsed(run("retry", "--reason", "timeout", "--json"))["answered"] == 0
        assert parsed(run("retry", "--reason", reason, "--json"))["answered"] == 1
        built = parsed(run("build", *BUILD, *corpus, "--json"))
        assert built["calls"]["made"] == 0 and built["funnel"]["O+"]["candidates"] == {"neutral": 1}
        report = parsed(run("costs", "--json"))["total"]
        assert (report["kept"]["calls"], report["paid"]["calls"]) == (1, paid + 1)
    finally:
        healed.close()


def test_batches_are_listed(run: Run, endpoint: Endpoint) -> None:
    batched = ["--batch", "--base-url", endpoint.url, *MODEL, "--count", "1"]
    assert run("batches").returncode == 1  # no store yet
    assert run("build", *BUILD, *batched, "--json").returncode == 0
    rows = parsed(run("batches", "--json"))
    assert rows and all(row["state"] == "completed" and row["answered"] > 0 for row in rows)
    shown = run("batches")
    assert "batch_1" in shown.stdout and "completed" in shown.stdout
    unknown = run("batches", "--cancel", "nope")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (1, 1)
    assert "batch 'nope' is not known" in unknown.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["costs"], "does not exist"),
        (["retry"], "does not exist"),
        (["build", *BUILD, "--model", "gpt-4o-mini"], "set OPENAI_API_KEY"),
        (["build", *BUILD, *NOWHERE], "cannot be reached"),
        (
            ["build", *BUILD, *NOWHERE, "--max-usd", "1"],
            "price is unknown",
        ),
        (["build", *BUILD, *NOWHERE, "--prices", "none.toml"], "price file 'none.toml' cannot be read"),
        (["build", *BUILD, *MODEL, "--concurrency", "0"], "--concurrency '0'"),
    ],
)
def test_bad_input_is_one_clear_line(run: Run, arguments: list[str], complaint: str) -> None:
    done = run(*arguments)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert done.stderr.splitlines()[-1].startswith("oceanchat: ")
    assert "Traceback" not in done.stderr
