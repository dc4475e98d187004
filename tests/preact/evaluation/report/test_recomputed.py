"""Every table of the report, figure by figure, from the files that interviews and judgings stored.

Nothing of the package computes here what is expected: means are sums, and tests are scipy's. A table that has
no function here fails, so that no figure comes onto the page unchecked.
"""

import json
import math
import random
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from oceanchat.traits import CODES, TRAITS, Trait
from preact.evaluation.comparison.comparing import compare
from preact.evaluation.comparison.trait_scores import load_scored
from preact.evaluation.interview.interviewing import hold_interview
from preact.evaluation.judge.judging import judge_interview
from preact.evaluation.judge.verdicts import UNSCORED, JudgeVerdict, Mode, Pair
from preact.evaluation.report.report import write_report
from tests.preact.evaluation.stand_ins import Parrot, Reader, small_inventory

NAMES, BASELINE, RUNS = ("ours", "theirs", "plain"), "theirs", 5
HIGH, LOW = [c for c in CODES if c[1] == "+"], [c for c in CODES if c[1] == "-"]
QUANTITIES = [*HIGH, "Avg+", *LOW, "Avg-", "Overall"]
Table = list[list[str]]


class Noisy(Reader):
    """A judge whose scores scatter, otherwise for each system, and of which some cannot be read."""

    def __init__(self, name: str, system: str) -> None:
        super().__init__(name)
        self._system = system
        self.concurrency = 100

    async def rate(self, trait: Trait, pairs: Sequence[Pair], mode: Mode, sample: int) -> JudgeVerdict:
        verdict = await super().rate(trait, pairs, mode, sample)
        dice = random.Random(f"{self.name} {self._system} {trait} {pairs} {sample}")
        if dice.random() < 0.04 or verdict.score is None:
            return JudgeVerdict(None, "unreadable")
        return JudgeVerdict(round(min(5, max(1, verdict.score + dice.uniform(-1, 1))), 2), "scored")


class Files:
    """What is on disk of one system, read without the package."""

    def __init__(self, folder: Path) -> None:
        header = json.loads((folder / "interview.json").read_text())
        self.answers = _lines(folder / "answers.jsonl")
        self.reversed = {item: key for item, (_, key) in header["items"].items()}
        judges = {name: folder / f"judged/{name}.item" for name in ("first", "second")}
        self.all = {name: _lines(judged / "judgements.jsonl") for name, judged in judges.items()}
        self.controls = {name: _lines(judged / "controls.jsonl") for name, judged in judges.items()}
        self.own = [line for line in self.all["first"] if line["repeat"] == 0]

    def runs(self, missing: Callable[[str], float | None] = lambda code: None) -> list[dict[str, float]]:
        """The thirteen quantities of every run; `missing` gives what stands for no score."""
        result = []
        for run in range(RUNS):
            means: dict[str, float] = {}
            for code in CODES:
                own = [x for x in self.own if x["run"] == run and x["trait"] == code[0]]
                own = [x for x in own if x["trait_level"] in (code, "none")]
                scores = [missing(code) if x["score"] is None else x["score"] for x in own]
                means[code] = statistics.fmean(s for s in scores if s is not None)
            means["Avg+"] = statistics.fmean(means[code] for code in HIGH)
            means["Avg-"] = statistics.fmean(means[code] for code in LOW)
            means["Overall"] = means["Avg+"] - means["Avg-"]
            result.append(means)
        return result

    def values(self, quantity: str) -> list[float]:
        return [run[quantity] for run in self.runs()]

    def items(self, codes: Sequence[str]) -> dict[tuple[str, str], dict[str, float]]:
        """(trait, item) -> code -> mean score over runs."""
        cells: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for x in self.own:
            for code in codes:
                if x["score"] is not None and code[0] == x["trait"] and x["trait_level"] in (code, "none"):
                    cells[x["trait"], x["items"][0]][code].append(x["score"])
        return {k: {c: statistics.fmean(s) for c, s in v.items()} for k, v in cells.items()}


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
async def written(tmp_path: Path) -> tuple[dict[str, Files], list[Table]]:
    scored = []
    for name in NAMES:
        system = Parrot(name, conditioned=name != "plain")
        system.batch_size = 100
        scope: Any = "all" if name == "ours" else "own"
        interview = await hold_interview(system, small_inventory(3), tmp_path / name, scope=scope, runs=RUNS)
        await judge_interview(interview, Noisy("first", name), mode="item", repeats=2)
        await judge_interview(interview, Noisy("second", name), mode="item")
        scored.append(load_scored(tmp_path / name, "first"))
    table = compare([entry.row() for entry in scored], [f"stand-in {BASELINE}"])
    files = write_report(scored, table, tmp_path / "out")
    tables = list(_tables(files.markdown.read_text()))
    lines = (tmp_path / "out/figures/leakage-ours.csv").read_text().splitlines()
    return {name: Files(tmp_path / name) for name in NAMES}, [*tables, [line.split(",") for line in lines]]


def _tables(markdown: str) -> Iterator[Table]:
    for block in markdown.replace("\\", "").split("\n\n"):
        if block.startswith("| "):
            rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
            yield [rows[0], *rows[2:]]


def near(printed: str, value: float, digits: int = 2) -> bool:
    """Whether a printed figure is the value to its digits; marks of rank and significance aside."""
    return abs(float(printed.rstrip("*¹²")) - value) <= 0.5 * 10**-digits + 1e-9


def means(files: dict[str, Files], table: Table) -> bool:
    return all(
        near(cell, statistics.fmean(files[row[1]].values(q)))
        for row in table[1:]
        for cell, q in zip(row[2:], QUANTITIES, strict=True)
    )


def deviations(files: dict[str, Files], table: Table) -> bool:
    return all(
        near(cell, statistics.pstdev(files[row[1]].values(q)), 3)
        for row in table[1:]
        for cell, q in zip(row[3:], QUANTITIES, strict=True)
    )


def over_runs(files: dict[str, Files], table: Table) -> bool:
    for _, name, mean, low, high, note in table[1:]:
        values = files[name].values("Overall")
        if len(set(values)) == 1:
            assert (low, high) == ("-", "-") and "same value" in note
            continue
        ends = stats.t.interval(0.95, RUNS - 1, loc=statistics.fmean(values), scale=stats.sem(values))
        assert near(mean, statistics.fmean(values)) and near(low, ends[0]) and near(high, ends[1])
    return True


def half_width(files: Files, quantity: str, other: Files | None = None) -> float:
    """The t interval of a stratified mean over items: half its width."""
    codes = {"Avg+": HIGH, "Avg-": LOW, "Overall": [*HIGH, *LOW]}.get(quantity, [quantity])
    share = 1 if len(codes) == 1 else 1 / 5
    both = [files.items(codes)] + ([other.items(codes)] if other else [])
    variance, freedom = 0.0, 0
    for trait in dict.fromkeys(code[0] for code in codes):
        values = []
        for key in (key for key in both[0] if key[0] == trait):
            signed = [
                share * (1 if c[1] == "+" or quantity != "Overall" else -1) * (s[key][c] * (1 - 2 * side))
                for side, s in enumerate(both)
                for c in codes
                if c[0] == trait
            ]
            values.append(sum(signed))
        variance += statistics.variance(values) / len(values)
        freedom += len(values) - 1
    return float(stats.t.ppf(0.975, freedom) * math.sqrt(variance))


def close_width(low: str, high: str, expected: float) -> bool:
    """A bootstrap of three items a trait is near the t interval, and not equal to it."""
    return 0.6 < (float(high) - float(low)) / 2 / expected < 1.4


def over_items(files: dict[str, Files], table: Table) -> bool:
    for row in table[1:]:
        for column, quantity in zip((2, 5, 8), ("Avg+", "Avg-", "Overall"), strict=True):
            value, low, high = row[column : column + 3]
            assert near(value, statistics.fmean(files[row[1]].values(quantity)))
            if low == "-":
                assert (row[1], quantity) == ("plain", "Overall") and row[-1]
            else:
                assert close_width(low, high, half_width(files[row[1]], quantity))
    return True


def contrasts(files: dict[str, Files], table: Table) -> bool:
    baseline = files[BASELINE].values("Overall")
    own = {row[0].split()[1]: files[row[0].split()[1]].values("Overall") for row in table[1:]}
    tests = {name: stats.ttest_ind(values, baseline, equal_var=False) for name, values in own.items()}
    holm = multipletests([test.pvalue for test in tests.values()], method="holm")[1]
    for row, (name, values), p in zip(table[1:], own.items(), holm, strict=True):
        ends = tests[name].confidence_interval()
        pooled = math.sqrt((statistics.variance(values) + statistics.variance(baseline)) / 2)
        gain = statistics.fmean(values) - statistics.fmean(baseline)
        flips = stats.permutation_test(
            ([a - b for a, b in zip(values, baseline, strict=True)],), statistics.fmean,
            permutation_type="samples", n_resamples=100, vectorized=False,
        )  # fmt: skip
        expected = (gain, *ends, tests[name].statistic)
        assert all(near(cell, value) for cell, value in zip((row[2], *row[5:8]), expected, strict=True))
        assert near(row[8], p, 4) and near(row[9], flips.pvalue, 4)
        assert near(row[10], gain / pooled * (1 - 3 / (8 * 4 - 1)))
        assert close_width(row[3], row[4], half_width(files[name], "Overall", files[BASELINE]))
    return True


def other_contrasts(files: dict[str, Files], table: Table) -> bool:
    quantities = table[0][2:]
    tests = [
        (files[row[0].split()[1]].values(q), files[BASELINE].values(q))
        for row in table[1:]
        for q in quantities
    ]
    p_values = [stats.ttest_ind(a, b, equal_var=False).pvalue for a, b in tests]
    adjusted = iter(multipletests(p_values, method="fdr_bh")[1])
    pairs = iter(tests)
    for row in table[1:]:
        for cell, quantity in zip(row[2:], quantities, strict=True):
            gain, _, inside = cell.partition(" (")
            interval, _, p = inside.rstrip(")").partition("; p ")
            values, other = next(pairs)
            assert near(gain, statistics.fmean(values) - statistics.fmean(other)) and near(
                p, next(adjusted), 4
            )
            expected = half_width(files[row[0].split()[1]], quantity, files[BASELINE])
            assert close_width(*interval.split(" to "), expected) or len(quantity) == 2
    return True


def controls(files: dict[str, Files], table: Table) -> bool:
    _, *judges = zip(*table, strict=True)
    for row in judges:
        judge = row[0].removesuffix(" (item)")
        for name in row[-1].split(", "):
            given: dict[tuple[str, str], list[float]] = defaultdict(list)
            for x in files[name].controls[judge]:
                given[x["trait_level"], x["trait"]] += [] if x["score"] is None else [x["score"]]
            score = {key: statistics.fmean(own) if own else math.nan for key, own in given.items()}
            gaps = [score["high", t.value] - score["low", t.value] for t in TRAITS]
            for cell, gap in zip(row[1:6], gaps, strict=True):
                assert cell == "-" if math.isnan(gap) else near(cell, gap)
            for cell, kind in zip(
                row[6:11], ("blank", "gibberish", "off-topic", "echo", "assistant"), strict=True
            ):
                assert int(cell) == sum(abs(score[kind, t.value] - 3) > 0.5 for t in TRAITS)
            longer = [
                score[f"{n}-long", t.value] - score[n, t.value] for n in ("high", "low") for t in TRAITS
            ]
            assert near(row[11], statistics.fmean(gain for gain in longer if not math.isnan(gain)))
            assert row[12] == "-" and statistics.fmean(gap for gap in gaps if not math.isnan(gap)) < 1
    return {name for row in judges for name in row[-1].split(", ")} == set(NAMES)


def agreements(files: dict[str, Files], table: Table) -> bool:
    for name, between, count, r, _, difference in table[1:]:
        own = {_key(x): x["score"] for x in files[name].own if x["score"] is not None}
        second = (
            [x for x in files[name].all["first"] if x["repeat"] == 1]
            if between.endswith("itself")
            else files[name].all["second"]
        )
        pairs = [(own[_key(x)], x["score"]) for x in second if x["score"] is not None and _key(x) in own]
        assert int(count) == len(pairs) and near(r, statistics.correlation(*zip(*pairs, strict=True)))
        assert near(difference, statistics.fmean(abs(a - b) for a, b in pairs))
    return len(table) == 1 + 2 * len(NAMES)


def _key(line: dict[str, Any]) -> tuple[Any, ...]:
    return line["trait_level"], line["run"], line["trait"], tuple(line["items"])


def missing(files: dict[str, Files], table: Table) -> bool:
    treatments: list[Callable[[str], float | None]] = [
        lambda code: None, lambda code: 3.0, lambda code: 1.0 if code[1] == "+" else 5.0
    ]  # fmt: skip
    for _, name, *cells, count in table[1:]:
        for cell, treatment in zip(cells, treatments, strict=True):
            assert near(cell, statistics.fmean(run["Overall"] for run in files[name].runs(treatment)))
        assert int(count) == sum(x["score"] is None for x in files[name].own)
    return True


def states(files: dict[str, Files], table: Table) -> bool:
    for name, code, *counts in table[1:]:
        own = [x["state"] for x in files[name].own if x["trait_level"] == code]
        assert [int(c) for c in counts] == [*(own.count(state) for state in UNSCORED), 0, 0, 0]
    return sum(int(cell) for row in table[1:] for cell in row[2:]) == sum(
        x["score"] is None for own in files.values() for x in own.own
    )


def words(files: dict[str, Files], table: Table) -> bool:
    for _, name, *cells in table[1:]:
        for cell, code in zip(cells, (*CODES, "none"), strict=True):
            own = [len(x["answer"].split()) for x in files[name].answers if x["trait_level"] == code]
            assert near(cell, statistics.fmean(own), 1) if own else cell == "-"
    return True


def keyed(files: dict[str, Files], table: Table) -> bool:
    for name, key, value, low, high in table[1:]:
        own = [
            (x["score"] - 3) * (1 if x["trait_level"][1] == "+" else -1)
            for x in files[name].own
            if x["score"] is not None
            and x["trait_level"][0] == x["trait"]
            and files[name].reversed[x["items"][0]] is (key == "negative")
        ]
        assert near(value, statistics.fmean(own)) and float(low) <= float(value) <= float(high)
    return True


def shifts(files: dict[str, Files], table: Table) -> bool:
    return all(
        near(cell, statistics.fmean(files[name].values(c)) - statistics.fmean(files["plain"].values(c)))
        for _, name, *cells in table[1:]
        for cell, c in zip(cells, CODES, strict=True)
    )


def flaws(files: dict[str, Files], table: Table) -> bool:
    """Counts are held against the answers in the tests of flaws; here against how many answers there are."""
    for _, *cells in table[1:]:
        for cell, own in zip(cells, files.values(), strict=True):
            assert cell == "-" or f"of {len(own.answers)}" in cell
    return True


def leakage(files: dict[str, Files], table: Table) -> bool:
    for code, *cells in table[1:]:
        for cell, trait in zip(cells, TRAITS, strict=True):
            own = [x["score"] for x in files["ours"].own if (x["trait_level"], x["trait"]) == (code, trait)]
            assert near(cell, statistics.fmean(score for score in own if score is not None), 6)
    return len(table) == 11


CHECKS: dict[tuple[str, ...], Callable[[dict[str, Files], Table], bool]] = {
    ("Backbone", "Model", "O+", "C+", "E+", "A+", "N+", "Avg+"): means,
    ("Backbone", "Model", "Avg+", "from"): over_items,
    ("Backbone", "Model", "Runs", "O+"): deviations,
    ("Backbone", "Model", "Overall", "95 % from"): over_runs,
    ("System", "Baseline", "Overall"): contrasts,
    ("System", "Baseline", "O+"): other_contrasts,
    ("Control",): controls,
    ("Interview", "Between", "Batches"): agreements,
    ("Backbone", "Model", "excluded"): missing,
    ("Model", "Trait-level"): states,
    ("Backbone", "Model", "O+", "C+", "E+", "A+", "N+", "O-", "C-", "E-", "A-", "N-", "none"): words,
    ("Answers that",): flaws,
    ("Model", "Keyed"): keyed,
    ("asked for", "Openness"): leakage,
}
"""First headings of a table -> what checks it; facts of provenance are no figures."""


async def test_every_table_of_the_report_follows_from_the_stored_files(
    written: tuple[dict[str, Files], list[Table]],
) -> None:
    files, tables = written
    checked = set()
    for table in tables:
        if table[0] == ["What", "Value"]:
            continue
        if table[0] == ["Backbone", "Model", *CODES]:
            assert shifts(files, table)
            continue
        known = [start for start in CHECKS if tuple(table[0][: len(start)]) == start]
        assert len(known) == 1, f"no check of the table {table[0]}"
        assert CHECKS[known[0]](files, table), table
        checked.add(known[0])
    assert checked == CHECKS.keys()
