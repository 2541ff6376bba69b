"""What is made from the suites is not stale, and says what they say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from seatrial.manual import __main__ as manual
from seatrial.manual import entries
from seatrial.manual.document import INDEX, documents
from seatrial.manual.page import FAILURES
from tests import printed

ALL = entries()
ROOT = Path(__file__).parents[2]


@cache
def made():
    return documents(ALL)


def test_the_pages_are_not_stale():
    there = manual.written()
    assert sorted(there) == sorted(made()), "run make docs"
    assert [name for name, text in made().items() if there[name] != text] == [], "run make docs"


def test_the_failures_are_not_stale():
    assert json.loads(FAILURES.read_text(encoding="utf-8")) == json.loads(printed.text()), "run make docs"


def test_every_requirement_shows_a_failure_that_says_what_was_seen():
    shown = json.loads(FAILURES.read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(entry.requirement.id for entry in ALL)
    specimens = printed.specimens()
    for id, lines in shown.items():
        text = " ".join(" ".join(lines).split())
        assert " ".join(next(iter(specimens[id].fails)).split()) in text


def test_the_failures_are_the_same_wherever_they_are_made(tmp_path):
    """Not of this process, this place, this hour or this order of hashes."""
    code = "import sys; from tests import printed; sys.stdout.write(printed.text())"
    environ = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": "7", "TZ": "Asia/Kathmandu", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert json.loads(done.stdout) == json.loads(printed.text())
    assert str(ROOT) not in done.stdout


def test_every_requirement_has_a_page_that_the_list_points_to():
    index = made()[INDEX]
    pages = {f"requirements/{entry.requirement.id}.md" for entry in ALL}
    assert set(re.findall(r"\]\((requirements/[^)]*)\)", index)) == pages == set(made()) - {INDEX}
    anchors = {f"#{heading}" for heading in re.findall(r"^## (\S+)$", index, re.MULTILINE)}
    assert set(re.findall(r"\]\((#[^)]*)\)", index)) <= anchors
    for name in pages:
        assert set(re.findall(r"\.\./requirements\.md(#[^)]*)", made()[name])) <= anchors


def test_nothing_in_prose_becomes_html_and_fences_are_closed():
    page = "\n".join(made().values())
    fences = [line for line in page.splitlines() if line.startswith("```")]
    assert len(fences) % 2 == 0
    outside = re.sub(r"```.*?```|``[^\n]*?``|`[^`\n]*`", "", page, flags=re.DOTALL)
    assert re.findall(r"<[^>]*>", outside) == []


def test_a_stale_page_is_told_and_mended(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(manual, "FOLDER", tmp_path)
    assert manual.main(["--check"]) == 1
    assert "stale, run make docs" in capsys.readouterr().err
    assert manual.main([]) == 0
    (tmp_path / "requirements" / "OLD-001.md").write_text("# OLD-001\n")
    assert manual.main(["--check"]) == 1
    assert manual.main([]) == 0
    assert not (tmp_path / "requirements" / "OLD-001.md").exists()
    assert manual.main(["--check"]) == 0


@pytest.mark.parametrize("area", sorted({entry.requirement.area for entry in ALL}))
def test_the_overview_counts_each_area(area):
    chosen = [entry.requirement for entry in ALL if entry.requirement.area == area]
    must = sum(requirement.level.binding for requirement in chosen)
    assert f"| [{area}](#{area}) | {chosen[0].id} to {chosen[-1].id} | {must} | {len(chosen) - must} |" in made()[INDEX]
