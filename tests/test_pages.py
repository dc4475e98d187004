"""What the pages in docs/ name exists: links and their anchors, files, columns, states, facets and terms."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from oceanchat.annotation import accounts
from oceanchat.facets import FACETS
from oceanchat.pipeline.gates import GATES
from oceanchat.records import REJECTED_BY_CHECK
from oceanchat.release.schema import REJECTED_SCHEMA
from oceanchat.store.database import open_store
from preact.methods import METHODS
from tests.documents import blocks
from tests.test_architecture import ROOT

DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), ROOT / "prompts" / "README.md", ROOT / "llms.txt"])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for block in blocks(page):
        for number in range(block.line - 1, block.line - 1 + block.text.count("\n")):
            lines[number] = ""
    return "\n".join(lines)


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    slugs: dict[str, int] = {}
    for heading in re.findall(r"^#{1,6} (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        plain = re.sub(r"<!--.*?-->|`", "", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        slugs[slug] = slugs.get(slug, 0) + 1
    return {f"{slug}-{again}" if again else slug for slug, count in slugs.items() for again in range(count)}


def broken_links(page: Path, text: str) -> list[str]:
    """The relative links of a page that lead to no file, or to no heading of it."""
    broken = []
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_their_anchors_lead_somewhere(page: Path) -> None:
    assert broken_links(page, prose(page)) == []


def test_a_broken_link_would_be_noticed() -> None:
    text = "[a](gone.md) [b](commands.md#gone) [c](#gone) [d](architecture.md#the-layers) [e](https://a.b)"
    assert broken_links(DOCS / "annotation.md", text) == ["gone.md", "commands.md#gone", "#gone"]


def test_files_that_pages_name_are_there() -> None:
    missing = []
    for page in PAGES:
        named = re.findall(r"`((?:oceanchat|preact|annotation_app|tests|benchmarks)/[\w/.-]+)`", prose(page))
        missing += [f"{page.name}: {name}" for name in named if not (ROOT / name).exists()]
    assert missing == []


def columns_of(fields: Any, before: str = "") -> Iterator[str]:
    """The columns of a schema and what lies in them, such as `provenance.verdict.passed`."""
    for field in fields:
        name = before + field.name
        yield name
        kind = field.type.value_type if pa.types.is_list(field.type) else field.type
        if pa.types.is_struct(kind):
            yield from columns_of(kind, f"{name}.")


def section_of(page: str, heading: str) -> str:
    """The text under a heading of the second rank."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def first_cells(page: str, heading: str) -> list[str]:
    """What stands in backticks in the first cells of the tables under a heading."""
    section = (
        (DOCS / page).read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    )
    cells = re.findall(r"^\| (`[^|]+?) \|", section, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def test_the_page_of_a_release_lists_its_columns_with_their_types() -> None:
    assert first_cells("release.md", "Columns") == list(columns_of(REJECTED_SCHEMA))
    rows = re.findall(r"^\| `([\w.]+)` \| (\w+) \|", (DOCS / "release.md").read_text("utf-8"), re.MULTILINE)
    types = dict(rows)
    for field in REJECTED_SCHEMA:
        kind = "list" if pa.types.is_list(field.type) else "struct" if pa.types.is_struct(field.type) else ""
        assert types[field.name] == (kind or str(field.type)), field.name


def test_the_page_of_the_dataset_lists_gates_states_and_facets() -> None:
    gates = {f"gate:{name}" for name, _ in GATES} | {"gate:near-duplicate"}
    assert set(first_cells("dataset.md", "Gates")) == gates
    assert tuple(first_cells("dataset.md", "The checker")) == REJECTED_BY_CHECK
    section = (
        (DOCS / "dataset.md").read_text("utf-8").partition("## Traits and facets")[2].partition("## ")[0]
    )
    for trait, facets in FACETS.items():
        row = next(line for line in section.splitlines() if line.startswith(f"| `{trait.value}`"))
        assert re.findall(r"`([\w-]{2,})`", row) == [facet.id for facet in facets]
        assert f"{trait.label} | {trait.definition} |" in row


def test_a_person_is_taken_out_by_the_statements_on_the_page(tmp_path: Path) -> None:
    store = open_store(tmp_path / "study.db")
    people = [accounts.add(store, name).annotator for name in ("Ann", "Ben", "Dee")]
    accounts.record_profile(store, people[2], {"background": "MSc"})
    (statements,) = [block.text for block in blocks(DOCS / "security.md") if block.kind == "sql"]
    with closing(sqlite3.connect(tmp_path / "study.db", isolation_level=None)) as connection, connection:
        for number in (2, 3):
            answers = '{"trait_shown": "no", "comment": "said Dee"}'
            connection.execute(
                "INSERT INTO assignments (id, item_id, annotator_id, purpose, slot, position, revision)"
                " VALUES (?, 1, ?, 'label', ?, 0, 1)",
                (number, number, number),
            )
            connection.execute(
                "INSERT INTO labels (assignment_id, revision, token, answers, active_seconds, wall_seconds,"
                " saved_at) VALUES (?, 1, ?, ?, 1, 1, 0)",
                (number, str(number), answers),
            )
        connection.executescript(statements)
        rest = connection.execute("SELECT answers FROM labels ORDER BY assignment_id").fetchall()
    assert rest == [(answers,), ('{"trait_shown":"no"}',)]
    assert [(each.name, dict(each.profile)) for each in accounts.everyone(store)] == [
        ("Ann", {}),
        ("Ben", {}),
        ("removed-3", {}),
    ]


def test_the_page_of_the_model_lists_every_method() -> None:
    assert sorted(first_cells("model.md", "Methods")) == sorted(METHODS)
    rows = section_of("model.md", "Methods").splitlines()
    for name, method in METHODS.items():
        assert any(row.startswith(f"| `{name}` | {method.title} |") for row in rows), name


def test_the_glossary_is_in_order_and_names_a_word_once() -> None:
    terms = re.findall(r"^### (.+)$", (DOCS / "glossary.md").read_text("utf-8"), re.MULTILINE)
    assert len(terms) > 50 and terms == sorted(set(terms), key=str.lower)


def test_the_index_leads_to_every_page() -> None:
    linked = {link.partition("#")[0] for link in LINK.findall((DOCS / "README.md").read_text("utf-8"))}
    assert {page.name for page in DOCS.glob("*.md")} - {"README.md"} <= linked
