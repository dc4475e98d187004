"""The dataset card, README.md of a release.

Its head, then a quality page that anyone can hold against the files. A pure function of manifest and figures,
a function for each section: rendering it again from the two must give the same text, which is how an edited
figure is noticed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from oceanchat.release.card.header import card_header
from oceanchat.release.card.markdown import fenced, table, versions_listed
from oceanchat.release.card.quality import Quality, costs, funnel, length, overlap, rates, statistics, topics
from oceanchat.release.card.use import citation, example, use
from oceanchat.release.manifest import Manifest
from oceanchat.release.personal_data import PATTERNS

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
    return table(["column", "holds"], rows)


def _making(manifest: Manifest, quality: Quality) -> str:
    lines = [f"Require: `{manifest.require}`. Code: {versions_listed(manifest.code)}."]
    for corpus in manifest.corpora:
        lines.append(
            f"Corpus `{corpus['name']}`: {corpus.get('essays', 0):,} essays,"
            f" {corpus.get('sentences', 0):,} sentences,"
            f" licence {corpus.get('licence', 'not stated')}."
        )
    names = {corpus["id"]: corpus["name"] for corpus in manifest.corpora}
    sources = [_source(source, names) for source in quality["rows"]["sources"]]
    lines.append(table(["rows", "source", "from", "written by", "state"], sources))
    configs = {str(sorted(b.items())): b for b in map(_models, manifest.builds.values())}
    for build in configs.values():
        lines.append("Built with " + ", ".join(f"{name} `{value}`" for name, value in build.items()) + ".")
    return "\n\n".join(lines) + "\n"


def _source(source: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    return [
        f"{source['rows']:,}",
        source["source"],
        names.get(source["corpus"], source["corpus"]),
        source["writer"] or "not stated",
        source["state"],
    ]


def _models(build: Mapping[str, Any]) -> dict[str, Any]:
    names = ("labeler", "writer", "checker", "mode", "check", "exchanges", "words", "answer_words", "seed")
    return {name: build[name] for name in names if name in build}


def _personal(manifest: Manifest, quality: Quality) -> str:
    counts = quality["rows"]["personal_data"]
    listed = ", ".join(f"{name} {counts.get(name, 0)}" for name in PATTERNS)
    return (
        "Patterns looked for in every released dialogue and seed topic, with the rows they were found in"
        " (each row says"
        f" so in `flags`): {listed}. Names of people are not looked for: the characters are invented, but a"
        " seed topic may have named someone. Author ids are hashed; whoever holds the corpus can match them."
        f" Seed topics are released as: {manifest.seed_topics}. If you find yourself in here, tell the"
        " publisher and the row will go.\n"
    )


def _uses(manifest: Manifest, quality: Quality) -> str:
    return _USES


def _license(manifest: Manifest, quality: Quality) -> str:
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
        f"{' --balance length' if manifest.balance == 'length' else ''}"
        f" --seed-topics {manifest.seed_topics} --split-ratio {ratio} --split-seed"
        f" {manifest.split_seed}\n```\n\n"
        f"gives the same bytes with {versions_listed(manifest.code)}. `oceanchat verify PATH` recomputes"
        " every checksum, count and figure of this page from the files. sha256 over every column of every"
        f" row:\n\n```\n{manifest.rows_sha256}\n```\n"
    )


def _prompts(manifest: Manifest, quality: Quality) -> str:
    parts = []
    for prompt in quality["prompts"].values():
        text = prompt["text"].rstrip() or "(the template has changed since; only its fingerprint is known)"
        parts.append(f"### {prompt['task']} ({prompt['fingerprint']})\n\n{fenced(text)}")
    return "\n".join(parts)


_SECTIONS: Sequence[tuple[str, Callable[[Manifest, Quality], str]]] = (
    ("", _opening),
    ("Use", use),
    ("Example", example),
    ("Columns", _columns),
    ("How it was made", _making),
    ("What became of every dialogue", funnel),
    ("Statistics", statistics),
    ("Length", length),
    ("Pass rates and agreement", rates),
    ("Overlap", overlap),
    ("Topics", topics),
    ("Costs", costs),
    ("Personal data", _personal),
    ("Uses and limits", _uses),
    ("Licence", _license),
    ("Cite", citation),
    ("How to reproduce", _reproduce),
    ("Prompts", _prompts),
)
