"""The rules of design and style that a reviewer would otherwise have to remember."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import suites
from seatrial.catalogue import catalogue

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "seatrial"
REQUIREMENTS = list(catalogue(suites))
SUITE_FILES = sorted((ROOT / "suites").rglob("test_*.py"))

# Who may import whom (a part, and the parts it may use); types alone may come from anywhere.
ALLOWED = {
    "words": set(),
    "outcomes": set(),
    "requirement": {"outcomes", "words"},
    "explain": set(),
    "catalogue": {"requirement"},
    "yaml_events": set(),
    "promql": {"promql", "words"},
    "archives": {"archives", "words"},
    "rulefiles": {"rulefiles", "promql", "facts", "words", "yaml_events"},
    "latency": {"latency", "words"},
    "facts": {"facts", "latency", "promql", "words"},
    "profile": {"profile", "words", "data", "yaml_events"},
    "meanings": {"meanings", "promql", "facts", "profile", "words"},
    "record": {"outcomes", "words"},
    "safety": {"safety", "outcomes", "words"},
    "drivers": {"drivers", "facts", "profile", "safety", "outcomes", "words"},
    "handshakes": {"handshakes", "drivers", "facts", "profile", "safety", "outcomes", "words"},
    "looks": {
        "looks",
        "drivers",
        "handshakes",
        "scan",
        "archives",
        "rulefiles",
        "meanings",
        "promql",
        "facts",
        "profile",
        "outcomes",
        "words",
    },
    "observe": {"drivers", "looks", "facts", "profile", "words"},
    "drills": {"drills", "archives", "drivers", "facts", "profile", "safety", "outcomes", "words"},
    "experiments": {
        "experiments",
        "drills",
        "load",
        "latency",
        "archives",
        "drivers",
        "facts",
        "observe",
        "profile",
        "safety",
        "outcomes",
        "words",
    },
    "load": {"load", "latency", "words"},
    "scan": {"scan", "words"},
    "draft": {"draft", "drivers", "handshakes", "scan", "facts", "profile", "words", "data", "__version__"},
    "writers": {"writers", "record", "latency", "outcomes", "words"},
    "demo": {"demo", "words"},
}


def _imports(file: Path) -> set[str]:
    """Parts of the engine that a file imports when it runs (not for types alone)."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.ImportFrom) and child.module and child.module.split(".")[0] == "seatrial":
                rest = child.module.split(".")[1:]
                found.update([rest[0]] if rest else [alias.name for alias in child.names])
            if isinstance(child, ast.Import):
                found.update(a.name.split(".")[1] for a in child.names if a.name.startswith("seatrial."))
            visit(child)

    visit(ast.parse(file.read_text()))
    return found


@pytest.mark.parametrize("part", sorted(ALLOWED))
def test_a_part_imports_only_what_it_may(part):
    files = [ENGINE / f"{part}.py"] if (ENGINE / f"{part}.py").exists() else sorted((ENGINE / part).rglob("*.py"))
    assert files
    wrong = {file.name: extra for file in files if (extra := _imports(file) - ALLOWED[part])}
    assert wrong == {}


@pytest.mark.parametrize("file", SUITE_FILES, ids=lambda file: file.stem)
def test_a_suite_imports_no_engine(file):
    assert _imports(file) <= {"words"}


@pytest.mark.parametrize("file", SUITE_FILES, ids=lambda file: file.stem)
def test_a_test_is_assertions_and_nothing_else(file):
    """No loops, no all() or any(), no message strings, and each assert is a comparison, whose operands are recorded."""
    for node in ast.walk(ast.parse(file.read_text())):
        where = f"{file.name}:{getattr(node, 'lineno', 0)}"
        assert not isinstance(node, ast.For | ast.While | ast.If | ast.Try | ast.With | ast.comprehension), where
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in ("all", "any", "len", "bool"), where
        if isinstance(node, ast.Assert):
            assert isinstance(node.test, ast.Compare), f"{where}: nothing records what is compared"
            assert len(node.test.ops) == 1, f"{where}: one comparison, so that one thing is wrong"
            assert node.msg is None, f"{where}: the plugin writes the message"


def test_ids_are_unique():
    ids = [requirement.id for requirement, _ in REQUIREMENTS]
    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize(("requirement", "function"), REQUIREMENTS, ids=lambda value: getattr(value, "id", ""))
def test_a_requirement_is_one_screen(requirement, function):
    asserts = [node for node in ast.walk(ast.parse(inspect.getsource(function))) if isinstance(node, ast.Assert)]
    assert asserts, "a test that asserts nothing cannot fail"
    assert len(inspect.signature(function).parameters) == 1
    assert requirement.refs or "declare" in requirement.clause, "say where the rule comes from, if not from the profile"
    assert requirement.see, "say how to see it by hand"
    assert requirement.clause.endswith(".")
    assert requirement.fix.endswith(".")
    assert not re.search(r"\b(not|no)_(fail|error)", requirement.test), "the name states the virtue"


@pytest.mark.parametrize("file", sorted(ENGINE.rglob("*.py")), ids=lambda f: str(f.relative_to(ENGINE)))
def test_a_file_is_read_in_one_sitting_and_says_what_it_is(file):
    text = file.read_text()
    assert ast.get_docstring(ast.parse(text)), "a module starts with what it is for"
    limit = 700 if file.name == "model.py" else 500
    assert len(text.splitlines()) <= limit


@pytest.mark.parametrize("file", sorted(ENGINE.rglob("*.py")), ids=lambda f: str(f.relative_to(ENGINE)))
def test_public_names_have_docstrings(file):
    missing = [
        node.name
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith(("_", "pytest_"))
        and not ast.get_docstring(node)
    ]
    assert missing == []


def test_the_plugin_imports_nothing_of_ours_until_it_is_needed():
    code = (
        "import sys, seatrial.plugin; "
        "print(sorted(m for m in sys.modules if m.startswith('seatrial.')), 'yaml' in sys.modules, 'pydantic' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == "['seatrial.plugin'] False False"
