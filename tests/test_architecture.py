"""The code keeps its form: a true map, short files and functions, imports at the top, light commands.

Which module may import which is the matter of the contracts in pyproject.toml, checked by `lint-imports`.
"""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import run_json

ROOT = Path(__file__).parent.parent
PACKAGES = ("oceanchat", "annotation_app", "preact")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
FUNCTIONS = [
    (path, node)
    for path, tree in TREES.items()
    for node in ast.walk(tree)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
]

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
COMMAND_LINES = ("oceanchat/cli/", "preact/cli/")
"""Command bodies import their service late, so that `--help` stays fast."""
NOT_NOUNS = frozenset({"found", "made", "told", "said", "kept", "place"})


def shown(path: Path) -> str:
    """A path below the project's root."""
    return path.relative_to(ROOT).as_posix()


def test_files_and_functions_are_short() -> None:
    files = [shown(path) for path in MODULES if len(path.read_text().splitlines()) > LONGEST_FILE]
    functions = [
        f"{shown(path)}: {node.name}"
        for path, node in FUNCTIONS
        if (node.end_lineno or node.lineno) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert (files, functions) == ([], [])


def test_functions_say_what_they_return() -> None:
    assert [f"{shown(path)}: {node.name}" for path, node in FUNCTIONS if node.returns is None] == []


def test_imports_stand_at_the_top() -> None:
    late = [
        f"{shown(path)}: {node.name}"
        for path, node in FUNCTIONS
        if not shown(path).startswith(COMMAND_LINES) and path.name != "__init__.py"
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert late == []


FACES = ("oceanchat/__init__.py", "preact/__init__.py")
"""Package files that load the names for Python when these are first used; see tests/test_faces.py."""


def test_package_files_hold_a_docstring_only() -> None:
    for path in MODULES:
        if path.name == "__init__.py" and shown(path) not in FACES:
            assert all(isinstance(node, ast.Expr) for node in TREES[path].body), f"{shown(path)} holds code"


def test_a_class_name_means_one_thing() -> None:
    homes = defaultdict(list)
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(shown(path))
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


def names_given(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of every variable, parameter, attribute, function and class that a file defines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name


def test_names_are_nouns() -> None:
    folders = (*PACKAGES, "benchmarks", "tests")
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    wanting = [
        f"{shown(path)}:{line} {name}"
        for path in paths
        for line, name in names_given(ast.parse(path.read_text(encoding="utf-8")))
        if name.strip("_") in NOT_NOUNS
    ]
    assert wanting == []


TESTED_ELSEWHERE = {
    "tests/oceanchat/doctor/test_project.py": "oceanchat/doctor/findings",
    "tests/test_commands.py": "oceanchat/__main__ oceanchat/cli/help_layout preact/__main__",
    "tests/annotation_app/test_access.py": (
        "annotation_app/app annotation_app/entrance annotation_app/navigation annotation_app/routes "
        "annotation_app/session annotation_app/settings annotation_app/sign_in"
    ),
    "tests/annotation_app/test_qualifying.py": (
        "annotation_app/views/qualify annotation_app/components/drawer"
    ),
    "tests/annotation_app/test_validating.py": (
        "annotation_app/components/item annotation_app/components/table annotation_app/figures "
        "annotation_app/views/agreement annotation_app/views/items "
        "annotation_app/views/dialogue annotation_app/views/disagreements annotation_app/views/progress "
        "annotation_app/views/validate"
    ),
    "tests/oceanchat/annotation/test_accounts.py": "oceanchat/store/annotators",
    "tests/oceanchat/annotation/test_assignment.py": "oceanchat/store/assignments",
    "tests/annotation_app/test_rating.py": "annotation_app/views/rate",
    "tests/oceanchat/annotation/test_conversations.py": "oceanchat/store/conversations",
    "tests/oceanchat/annotation/test_labels.py": "oceanchat/store/labels oceanchat/store/presentations",
    "tests/oceanchat/annotation/test_revisions.py": "oceanchat/store/second_looks",
    "tests/oceanchat/annotation/test_sample.py": "oceanchat/store/samples",
    "tests/oceanchat/cli/test_release.py": "oceanchat/cli/display/release",
    "tests/oceanchat/cli/test_agreement.py": "oceanchat/cli/display/ratings",
    "tests/oceanchat/cli/test_annotation.py": "oceanchat/cli/display/agreement",
    "tests/oceanchat/cli/test_build.py": (
        "oceanchat/cli/build_options oceanchat/cli/chosen_build oceanchat/cli/options "
        "oceanchat/llm/endpoint/served_models"
    ),
    "tests/oceanchat/cli/test_calls.py": ("oceanchat/cli/endpoint oceanchat/pipeline/retry"),
    "tests/oceanchat/cli/test_group.py": "oceanchat/cli/main oceanchat/errors",
    "tests/oceanchat/cli/test_terminal.py": "oceanchat/cli/spending",
    "tests/oceanchat/cli/test_results.py": (
        "oceanchat/cli/display/build oceanchat/cli/display/statistics oceanchat/pipeline/replies/stored"
    ),
    "tests/oceanchat/cluster/test_endpoint.py": (
        "oceanchat/cli/cluster oceanchat/cluster/connection oceanchat/cluster/splitting"
    ),
    "tests/oceanchat/corpus/test_delimited.py": "oceanchat/corpus/tables",
    "tests/oceanchat/corpus/test_ingest.py": "oceanchat/store/corpora",
    "tests/oceanchat/corpus/test_readers.py": "oceanchat/corpus/decoding oceanchat/corpus/rows",
    "tests/oceanchat/hub/test_publishing.py": "oceanchat/hub/explaining",
    "tests/oceanchat/llm/endpoint/test_odd_batches.py": (
        "oceanchat/llm/endpoint/batch_api oceanchat/llm/endpoint/batch_requests"
    ),
    "tests/oceanchat/llm/endpoint/test_odd_endpoints.py": "oceanchat/llm/endpoint/transport",
    "tests/oceanchat/llm/endpoint/test_live.py": (
        "oceanchat/llm/endpoint/client oceanchat/llm/endpoint/openai_endpoint oceanchat/llm/provider"
    ),
    "tests/oceanchat/llm/test_shared_budget.py": "oceanchat/store/shared_limits",
    "tests/oceanchat/llm/test_usefulness.py": "oceanchat/llm/roles",
    "tests/oceanchat/notebook/test_building.py": "oceanchat/notebook/bars",
    "tests/oceanchat/pipeline/test_trial.py": "oceanchat/pipeline/stages oceanchat/pipeline/yields",
    "tests/oceanchat/pipeline/test_build.py": "oceanchat/progress oceanchat/store/builds",
    "tests/oceanchat/store/test_export.py": "oceanchat/store/export_columns",
    "tests/oceanchat/scripted/server/test_app.py": (
        "oceanchat/scripted/server/batches oceanchat/scripted/server/faults"
    ),
    "tests/oceanchat/scripted/test_checking.py": (
        "oceanchat/scripted/evidence oceanchat/scripted/examples oceanchat/scripted/judging"
    ),
    "tests/oceanchat/scripted/test_conversation.py": (
        "oceanchat/scripted/answers oceanchat/scripted/grammar oceanchat/scripted/questions "
        "oceanchat/scripted/topics oceanchat/scripted/voice"
    ),
    "tests/oceanchat/scripted/test_labeling.py": "oceanchat/scripted/lexica oceanchat/scripted/patterns",
    "tests/oceanchat/statistics/test_label_file.py": "oceanchat/statistics/text_table",
    "tests/oceanchat/statistics/test_table_six.py": "oceanchat/statistics/paper",
    "tests/oceanchat/store/test_database.py": (
        "oceanchat/store/location oceanchat/store/schema oceanchat/store/upsert"
    ),
    "tests/oceanchat/viewer/test_page.py": "oceanchat/viewer/content",
    "tests/oceanchat/viewer/test_store_content.py": "oceanchat/viewer/agreement",
    "tests/preact/cli/test_evaluation.py": "preact/cli/options preact/cli/plots",
    "tests/preact/evaluation/comparison/test_comparing.py": (
        "preact/evaluation/comparison/assembly preact/evaluation/comparison/diagnosis"
    ),
    "tests/preact/evaluation/judge/test_exam.py": (
        "preact/cli/exam_options preact/evaluation/judge/exam_figures preact/evaluation/judge/groups"
    ),
    "tests/preact/evaluation/interview/test_flaws.py": "preact/evaluation/clear_answers",
    "tests/preact/evaluation/report/test_report.py": (
        "preact/evaluation/comparison/basis preact/evaluation/report/cases "
        "preact/evaluation/report/reliability preact/evaluation/report/results"
    ),
    "tests/preact/evaluation/exam/test_examining.py": (
        "preact/cli/exam preact/evaluation/exam/exam_page preact/evaluation/exam/measuring "
        "preact/evaluation/exam/rating_costs preact/evaluation/exam/records"
    ),
    "tests/preact/evaluation/test_identification.py": "preact/evaluation/identification_text",
    "tests/preact/serving/test_app.py": (
        "preact/serving/answering preact/serving/batch preact/serving/chat_calls preact/serving/counting "
        "preact/serving/guards preact/serving/preparing preact/serving/replies "
        "preact/serving/roster preact/serving/server preact/serving/text_calls"
    ),
    "tests/preact/notebook/test_training.py": "preact/notebook/bars preact/notebook/loading",
    "tests/preact/systems/test_local.py": (
        "preact/systems/portrayal preact/systems/system preact/systems/trained preact/systems/untrained"
    ),
    "tests/preact/training/test_distributed.py": "preact/training/sharding",
}
"""Test file -> the modules it tests although it does not lie beside them; every other module has its own."""


def test_tests_lie_beside_their_modules() -> None:
    assert all((ROOT / test).is_file() for test in TESTED_ELSEWHERE)
    without_own = {
        shown(path.with_suffix(""))
        for path in MODULES
        if path.name != "__init__.py"
        and not (ROOT / f"tests/{shown(path.with_name('test_' + path.name))}").is_file()
    }
    assert without_own == set(" ".join(TESTED_ELSEWHERE.values()).split())


def caption(path: Path) -> str:
    """The first line of a module's docstring."""
    return (ast.get_docstring(TREES[path]) or "").split("\n")[0]


def file_map() -> str:
    """Every module as a tree: folders in order, each file with its caption."""
    lines = []
    folders: list[str] = []
    for path in sorted(MODULES, key=lambda path: (path.parent.parts, path.name != "__init__.py", path.name)):
        *parents, name = shown(path).split("/")
        for depth, folder in enumerate(parents):
            if folders[: depth + 1] != parents[: depth + 1]:
                face = ROOT.joinpath(*parents[: depth + 1], "__init__.py")
                lines.append(f"{'  ' * depth}{folder}/  {caption(face) if face.exists() else ''}".rstrip())
                folders = parents[: depth + 1]
        folders = parents
        if name != "__init__.py":
            lines.append(f"{'  ' * len(parents)}{name.removesuffix('.py')}  {caption(path)}")
    return "\n".join(f"    {line}" for line in lines)


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_a_caption_is_a_short_sentence(path: Path) -> None:
    assert re.fullmatch(r"[A-Z`\d].*\.", caption(path)), caption(path)
    assert 3 <= len(caption(path).split()) <= 8, caption(path)


def test_the_map_is_true() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert file_map() in text, "paste the map that `python -m tests.test_architecture` prints"


LIGHT = ("torch", "streamlit", "datasets", "pandas", "sklearn", "scipy", "matplotlib", "pyarrow")
LIGHT += ("krippendorff",)
"""What no command of the build loads."""
FOR_HELP = (*LIGHT, "nltk", "openai", "sqlalchemy", "rich", "pydantic", "ftfy", "starlette")
"""What `--help` does without, too."""


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--help"], FOR_HELP),
        (["build", "--help"], FOR_HELP),
        (["status", "--help"], FOR_HELP),
        (["build", "--trait", "O", "--level", "high", "--count", "1"], (*LIGHT, "openai")),
        (["status"], (*LIGHT, "openai", "nltk")),
        (["show"], (*LIGHT, "openai", "nltk")),
        (["stats"], (*LIGHT, "openai", "nltk")),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_a_command_loads_only_what_it_uses(
    arguments: list[str], heavy: tuple[str, ...], store_folder: Path
) -> None:
    script = (
        "import sys\n"
        "from oceanchat.cli.main import oceanchat\n"
        f"oceanchat.main({arguments!r}, standalone_mode=False)\n"
        "print('LOADED', sorted({m.split('.')[0] for m in sys.modules}))\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=store_folder)
    loaded = done.stdout.rpartition("LOADED")[2]
    assert not [name for name in heavy if f"'{name}'" in loaded]


@pytest.fixture(scope="module")
def store_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose store holds one dialogue."""
    folder = tmp_path_factory.mktemp("store")
    run_json(folder, "build", "--trait", "O", "--level", "high", "--count", "1")
    return folder


if __name__ == "__main__":
    print(file_map())
