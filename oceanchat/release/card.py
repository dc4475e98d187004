"""The dataset card, README.md of a release: its head, then a quality page anyone can hold against the files.

A pure function of manifest and figures: rendering it again from the two must give the same text, which is how
an edited figure is noticed. Each section is a function.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from oceanchat.release.card_header import card_header
from oceanchat.release.folder import TOPICS_PLOT
from oceanchat.release.manifest import Manifest
from oceanchat.release.personal_data import PATTERNS
from oceanchat.release.summary import PAPER

Quality = Mapping[str, Any]

_SCRIPTED = """\
> **Scripted data.** The dialogues, labels or verdicts here come, at least in part, from the scripted model
> built into OCEAN-Chat: templates and word lists, no language model. They let everything be tried without a
> key or a payment. Train nothing on them that people will meet, and do not quote their figures as results.
"""
_INTRODUCTION = """\
Dialogues between a questioner and a self-discloser whose answers show one of the Big Five personality
traits at a high or a low level, each grown from a seed topic. Built with OCEAN-Chat, after the data set of
the P-React paper (Dan, Zhou, Chen, Tian and He); it is not that data set.
"""
_USES = """\
The dialogues show *one reading* of a trait, as it was acted out on request; they are no record of how people
with that trait speak, and no evidence about any person.

Out of scope: judging, screening or profiling people; passing a model off as a human being; persuading people
by playing to their personality; clinical use of any kind. Whoever talks to a model trained on this must know
that it is a machine.

Known limits: one trait at a time, the other four are only asked not to show; one language, and the habits of
what wrote it; the traits are those of one theory, and their stereotypes come with it; labels are as good as
the checks above say, no better.
"""


def render_card(manifest: Manifest, quality: Quality) -> str:
    """The whole card."""
    figures = quality["rows"]
    checked, humans = figures["back_validation"]["total"] > 0, figures["humans"] is not None
    parts = [card_header(manifest, checked, humans)]
    for title, section in _SECTIONS:
        body = section(manifest, quality)
        if body:
            parts.append(f"## {title}\n\n{body.rstrip()}\n" if title else body)
    return "\n".join(parts)


def _opening(manifest: Manifest, quality: Quality) -> str:
    title = f"# OCEAN-Chat {manifest.version}{' (scripted)' if manifest.scripted else ''}\n\n"
    banner = f"{_SCRIPTED}\n" if manifest.scripted else ""
    return title + banner + _INTRODUCTION


def _use(manifest: Manifest, quality: Quality) -> str:
    config = (
        '\nload_dataset(PATH, "rejected")             # what did not make it, and why'
        if manifest.counts.rejected
        else ""
    )
    rows = [[split, *_counts(levels)] for split, levels in manifest.counts.splits.items()]
    codes = list(PAPER)[:-1]
    return (
        "```python\nfrom datasets import load_dataset\n\n"
        'rows = load_dataset(PATH, split="train")     # PATH: this folder, or OWNER/NAME on the Hub'
        f"{config}\n```\n\n"
        "`messages` is ready for chat templates: the questioner is `user`, the self-discloser"
        " `assistant`.\n\n"
        + _table(["split", "rows", *codes], rows)
        + f"\nSplit {'/'.join(map(str, manifest.split_ratio))} by author with seed {manifest.split_seed}:"
        " no author, no"
        " seed topic and no near-duplicate is in two splits.\n"
    )


def _counts(levels: Mapping[str, int]) -> list[str]:
    return [f"{sum(levels.values()):,}", *(f"{levels.get(code, 0):,}" for code in list(PAPER)[:-1])]


def _columns(manifest: Manifest, quality: Quality) -> str:
    seed = {"text": "the seed topic as written", "hash": "a hash of it", "omit": "left out"}[
        manifest.seed_topics
    ]
    rows = [
        ["`id`", "hash of trait-level and messages"],
        ["`trait`, `level`, `trait_level`", "such as `O`, `high`, `O+`"],
        ["`facet`", "one of the thirty facets, or null"],
        ["`seed_topic`", f"what the dialogue grew from: {seed}"],
        ["`messages`", "role and content, in order"],
        ["`turns`, `words`", "utterances; mean words of one"],
        ["`split`", "where the row is"],
        ["`provenance`", "models, prompts, sampling, seed sentence, hashed author, verdict, human labels"],
        ["`flags`", "`scripted`, `imported`, a state other than passed, kinds of personal data found"],
    ]
    return _table(["column", "holds"], rows)


def _making(manifest: Manifest, quality: Quality) -> str:
    lines = [f"Require: `{manifest.require}`. Code: {_listed(manifest.code)}."]
    for corpus in manifest.corpora:
        lines.append(
            f"Corpus `{corpus['name']}`: {corpus.get('essays', 0):,} essays,"
            f" {corpus.get('sentences', 0):,} sentences,"
            f" licence {corpus.get('licence', 'not stated')}."
        )
    sources = [_source(found) for found in quality["rows"]["sources"]]
    lines.append(_table(["rows", "source", "from", "written by", "state"], sources))
    configs = {str(sorted(b.items())): b for b in map(_models, manifest.builds.values())}
    for build in configs.values():
        lines.append("Built with " + ", ".join(f"{name} `{value}`" for name, value in build.items()) + ".")
    return "\n\n".join(lines) + "\n"


def _source(found: Mapping[str, Any]) -> list[str]:
    return [
        f"{found['rows']:,}",
        found["source"],
        found["corpus"],
        found["writer"] or "not stated",
        found["state"],
    ]


def _models(build: Mapping[str, Any]) -> dict[str, Any]:
    names = ("labeler", "writer", "checker", "mode", "check", "exchanges", "words", "seed")
    return {name: build[name] for name in names if name in build}


def _funnel(manifest: Manifest, quality: Quality) -> str:
    header = ["", "labelled", "selected", "written", "passed", "gates", "check", "failed"]
    rows = [[code, *_funnel_cells(steps)] for code, steps in quality["funnel"].items()]
    text = _table(header, rows) if rows else ""
    states = _table(
        ["rejected because", "rows"], [[s, f"{n:,}"] for s, n in manifest.counts.rejected.items()]
    )
    withheld = _table(
        ["withheld because", "dialogues"], [[s, f"{n:,}"] for s, n in manifest.counts.withheld.items()]
    )
    parts = [text, states if manifest.counts.rejected else "", withheld if manifest.counts.withheld else ""]
    return "\n".join(part for part in parts if part)


def _funnel_cells(steps: Mapping[str, Mapping[str, int]]) -> list[str]:
    candidates, seeds, dialogues = steps["candidates"], steps["seeds"], steps["dialogues"]
    gates = sum(count for state, count in dialogues.items() if state.startswith("gate:"))
    check = sum(dialogues.get(state, 0) for state in ("off-trait", "wrong-level"))
    failed = candidates.get("failed", 0) + dialogues.get("failed", 0)
    failed += sum(count for state, count in seeds.items() if state != "written")
    cells = (sum(candidates.values()), candidates.get("selected", 0), seeds.get("written", 0))
    return [f"{count:,}" for count in (*cells, dialogues.get("passed", 0), gates, check, failed)]


def _statistics(manifest: Manifest, quality: Quality) -> str:
    rows = []
    for line in quality["rows"]["table_six"]:
        paper = PAPER[line["trait_level"]]
        counts = f"{line['dialogues']:,.0f} ({paper.dialogues:,.0f})"
        ours = ((line["turns"], paper.turns), (line["words_a_turn"], paper.words_a_turn))
        rows.append([line["trait_level"], counts, *(f"{a:,.2f} ({b:,.2f})" for a, b in ours)])
    note = "In brackets the paper's Table 6; a turn is one utterance.\n\n"
    return note + _table(["trait-level", "dialogues", "turns", "words a turn"], rows)


def _rates(manifest: Manifest, quality: Quality) -> str:
    figures = quality["rows"]
    check, humans = figures["back_validation"], figures["humans"]
    rows = [
        [
            "back-validation by " + (", ".join(check["checkers"]) or "nobody"),
            _share(check),
            f"{check['paper']:.1%}",
        ]
    ]
    rows += [[f"of these {code}", _share(found), ""] for code, found in check["by_trait_level"].items()]
    if humans is None:
        rows.append(["human validation", "nobody has validated these dialogues", "96.5%"])
    else:
        rows.append(
            ["human validation, majority", _share(humans["pass_rate"]), f"{humans['paper_pass_rate']:.1%}"]
        )
    text = _table(["", "passed (95 % interval)", "paper"], rows)
    return text + (_agreement(figures) + _annotators(quality["annotators"]) if humans is not None else "")


def _agreement(figures: Mapping[str, Any]) -> str:
    humans, checker = figures["humans"], figures["checker_against_humans"]
    lines = [
        f"\n{humans['annotators']} annotators gave {humans['labels']:,} labels (the paper: 89.5 %"
        " unanimous).\n"
    ]
    rows = [[name.replace("_", " "), _figure(found)] for name, found in humans["agreement"].items()]
    if checker is not None:
        rows += [[f"checker against humans, {name}", _share(found)] for name, found in checker.items()]
    return "\n".join([*lines, _table(["agreement", "value (95 % interval)"], rows)])


def _annotators(profiles: Mapping[str, Mapping[str, str]]) -> str:
    """Who labelled, as far as it was recorded (the paper's Appendix E)."""
    names = list(dict.fromkeys(name for profile in profiles.values() for name in profile))
    rows = [[who, *(profile.get(name, "") for name in names)] for who, profile in profiles.items()]
    return "\n" + _table(["annotator", *names], rows) if names else ""


def _overlap(manifest: Manifest, quality: Quality) -> str:
    near, seed = quality["rows"]["near_duplicates"], quality["seed_overlap"]
    copied = manifest.counts.rejected.get("gate:copied", 0)
    return (
        f"Near-duplicates (Jaccard similarity of word 5-grams of {near['jaccard']} or more):"
        f" {near['pairs']:,} pairs"
        f" among {near['total']:,} rows, {near['across_splits']} of them across splits.\n\n"
        f"Repeating {seed['words']} or more words of the seed topic in a row: {_share(seed)} of the rows"
        " with a seed"
        f" topic. Rejected for repeating their essay: {copied:,}.\n"
    )


def _topics(manifest: Manifest, quality: Quality) -> str:
    topics = quality["topics"]
    if topics is None:
        return ""
    rows = [[t["label"], ", ".join(t["terms"][3:]), f"{t['share']:.1%}"] for t in topics["topics"]]
    stability = ", ".join(f"{number}: {value:.2f}" for number, value in topics["stability"].items())
    return (
        f"![Topic distribution]({TOPICS_PLOT})\n\nTopics of NMF on TF-IDF, labelled by their strongest"
        " words; a dialogue"
        f" counts for its strongest topic ({topics['none']} have none). The number of topics is the one"
        " that is most"
        f" alike from sample to sample (number: stability): {stability}.\n\n"
        + _table(["topic", "further words", "share"], rows)
    )


def _costs(manifest: Manifest, quality: Quality) -> str:
    rows = [
        [
            c["model"],
            c["task"],
            f"{c['calls']:,}",
            f"{c['prompt_tokens']:,}",
            f"{c['completion_tokens']:,}",
            "unknown" if c["usd"] is None else f"{c['usd']:.4f}",
        ]
        for c in quality.get("costs", ())
    ]
    return (
        _table(["model", "task", "calls", "prompt tokens", "completion tokens", "USD"], rows) if rows else ""
    )


def _personal(manifest: Manifest, quality: Quality) -> str:
    found = quality["rows"]["personal_data"]
    listed = ", ".join(f"{name} {found.get(name, 0)}" for name in PATTERNS)
    return (
        "Patterns looked for in every released dialogue, with the rows they were found in (each row says"
        " so in"
        f" `flags`): {listed}. Names of people are not looked for: the characters are invented, but a"
        " seed topic may"
        " have named someone. Author ids are hashed; whoever holds the corpus can match them. Seed topics are"
        f" released as: {manifest.seed_topics}. If you find yourself in here, tell the publisher and the"
        " row will go.\n"
    )


def _uses(manifest: Manifest, quality: Quality) -> str:
    return _USES


def _licence(manifest: Manifest, quality: Quality) -> str:
    sources = "; ".join(f"`{c['name']}`: {c.get('licence', 'not stated')}" for c in manifest.corpora)
    return (
        f"These dialogues: `{manifest.license}`, as their publisher says."
        + (f" The corpora behind the seed topics: {sources}." if sources else "")
        + "\n"
    )


def _reproduce(manifest: Manifest, quality: Quality) -> str:
    ratio = "/".join(map(str, manifest.split_ratio))
    return (
        "With the store this came from:\n\n```\n"
        f"oceanchat release --version {manifest.version} --require {manifest.require} --license"
        f" {manifest.license}"
        f" --seed-topics {manifest.seed_topics} --split-ratio {ratio} --split-seed"
        f" {manifest.split_seed}\n```\n\n"
        f"gives the same bytes with {_listed(manifest.code)}. `oceanchat verify PATH` recomputes every"
        " checksum, count"
        " and figure of this page from the files.\n"
    )


def _prompts(manifest: Manifest, quality: Quality) -> str:
    parts = []
    for prompt in quality["prompts"].values():
        text = prompt["text"].rstrip() or "(the template has changed since; only its fingerprint is known)"
        parts.append(f"### {prompt['task']} ({prompt['fingerprint']})\n\n````text\n{text}\n````\n")
    return "\n".join(parts)


_SECTIONS: Sequence[tuple[str, Callable[[Manifest, Quality], str]]] = (
    ("", _opening),
    ("Use", _use),
    ("Columns", _columns),
    ("How it was made", _making),
    ("What became of every dialogue", _funnel),
    ("Statistics", _statistics),
    ("Pass rates and agreement", _rates),
    ("Overlap", _overlap),
    ("Topics", _topics),
    ("Costs", _costs),
    ("Personal data", _personal),
    ("Uses and limits", _uses),
    ("Licence", _licence),
    ("How to reproduce", _reproduce),
    ("Prompts", _prompts),
)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _share(found: Mapping[str, Any]) -> str:
    if found["value"] is None:
        return "none checked"
    return f"{found['count']:,} of {found['total']:,}: {_figure(found)}"


def _figure(found: Mapping[str, Any]) -> str:
    if found["value"] is None:
        return str(found.get("note") or "undefined")
    if found["low"] is None:
        return f"{found['value']:.3f}"
    return f"{found['value']:.1%} ({found['low']:.1%} to {found['high']:.1%})"


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{package} {version}" for package, version in versions.items())
