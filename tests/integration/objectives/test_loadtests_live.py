"""The shipped load tests, each alone with plain Locust, against stand-ins that keep what is written and others that do not."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NAMES = ("akidb", "open_webui", "openviking", "opossum", "victor")
KEY = "a-key-of-this-test"
ENVIRONMENT = {
    "AKIDB_API_KEY": KEY, "AKIDB_DIMENSION": "24", "AKIDB_VECTORS": "60",
    "OPENVIKING_API_KEY": KEY, "OPENVIKING_DOCUMENTS": "8",
    "OPOSSUM_API_KEY": KEY, "OPOSSUM_ECHO": "1",
    "VICTOR_API_KEY": KEY, "VICTOR_ECHO": "1", "VICTOR_SEARCH": "def add", "VICTOR_PLANS": "6",
    "OPEN_WEBUI_TOKEN": KEY, "OPEN_WEBUI_ECHO": "1", "OPEN_WEBUI_CHATS": "9",
    "SEATRIAL_THINKING": "0.02",
}  # fmt: skip
BROKEN = ("empty", "braces", "redirects", "stale", "mixes", "loses=2")
SEES_ALL = ("empty", "braces", "redirects")

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def standins() -> Iterator[dict[str, str]]:
    """Addresses by name and defect, `akidb` and `akidb:empty`; each defect's are one process."""
    asked = [[name if not defect else f"{name}:{defect}" for name in NAMES] for defect in ("", *BROKEN)]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.systems.standins.apis", *names, "--key", KEY],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for names in asked
    ]  # fmt: skip
    try:
        yield {
            name: json.loads(process.stdout.readline())["url"]
            for names, process in zip(asked, started, strict=True)
            for name in names
        }
    finally:
        for process in started:
            process.communicate()


class Run:
    """One Locust process."""

    def __init__(self, name: str, url: str, folder: Path, *more: str, **environment: str) -> None:
        self.folder = folder
        folder.mkdir()
        command = [
            sys.executable,
            "-m",
            "locust",
            "-f",
            f"loadtests/{name}.py",
            "--host",
            url,
            "--headless",
            "-t",
            "6s",
        ]
        self.process = subprocess.Popen(
            [*command, "--rate", "15", "--only-summary", "--csv", str(folder / "run"), *more],
            cwd=ROOT, env=os.environ | ENVIRONMENT | environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def ended(self) -> Run:
        """It, when it is over."""
        try:
            self.said = self.process.communicate(timeout=60)[0]
        finally:
            self.process.kill()
        self.code = self.process.returncode
        self.asked = {
            f"{row['Type']} {row['Name']}": int(row["Request Count"]) for row in self._rows("stats") if row["Type"]
        }
        self.failed = {
            (f"{row['Method']} {row['Name']}", row["Error"]): int(row["Occurrences"]) for row in self._rows("failures")
        }
        return self

    def _rows(self, what: str) -> list[dict[str, str]]:
        path = self.folder / f"run_{what}.csv"
        return list(csv.DictReader(path.read_text().splitlines())) if path.exists() else []


def kept(url: str) -> dict[str, int]:
    """How many things of each kind a stand-in has."""
    with urllib.request.urlopen(f"{url}/-/kept", timeout=10) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def ran(standins: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """All five at once: against stand-ins that do what they should, those that answer 200 with nothing, and those that lose writes."""
    folder = tmp_path_factory.mktemp("runs")
    over: dict[str, Run] = {}
    for defect in ("", ":empty", ":loses=2"):
        started = {
            f"{name}{defect}": Run(name, standins[f"{name}{defect}"], folder / f"{name}{defect}") for name in NAMES
        }
        over |= {name: run.ended() for name, run in started.items()}
    return over


@pytest.fixture(scope="module")
def walked(standins: dict[str, str]) -> dict[str, dict[str, dict[str, int]]]:
    """What went wrong, by stand-in and journey."""
    program = Path(__file__).with_name("walking.py")
    started = [
        subprocess.Popen(
            [sys.executable, str(program), f"loadtests/{name}.py", *(standins[f"{name}:{defect}"] for defect in BROKEN)],
            cwd=ROOT, env=os.environ | ENVIRONMENT, stdout=subprocess.PIPE, text=True,
        )
        for name in NAMES
    ]  # fmt: skip
    told = [json.loads(process.communicate(timeout=60)[0]) for process in started]
    by_url = {url: journeys for each in told for url, journeys in each.items()}
    return {name: by_url[url] for name, url in standins.items() if url in by_url}


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_alone_and_finds_nothing_wrong_with_a_sound_target(ran, name):
    run = ran[name]
    assert (run.code, run.failed) == (0, {}), run.said
    assert sum(run.asked.values()) > 20, run.said


@pytest.mark.parametrize("name", NAMES)
def test_what_is_asked_is_counted_by_endpoints_and_not_by_things(ran, name):
    assert [asked for asked in ran[name].asked if re.search(r"[0-9a-f]{6}|seatrial|\?", asked)] == []
    assert 4 <= len(ran[name].asked) <= 25


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_it_is_left(ran, standins, name):
    assert ran[name].code == 0
    assert kept(standins[name]) == {}


@pytest.mark.parametrize("name", NAMES)
def test_a_target_that_answers_200_with_nothing_fails_every_request(ran, name):
    run = ran[f"{name}:empty"]
    assert run.code == 1, run.said
    assert sum(run.failed.values()) == sum(run.asked.values()) > 5
    assert {error for _, error in run.failed} <= {"the body is no JSON", "the stream has no end"}


@pytest.mark.parametrize("name", NAMES)
def test_a_target_that_loses_writes_is_told_by_what_is_missing(ran, name):
    run = ran[f"{name}:loses=2"]
    assert run.code == 1, run.said
    assert 0 < sum(run.failed.values()) < sum(run.asked.values())
    assert all(re.search(r"not|another|HTTP 40", error) for _, error in run.failed), run.failed


@pytest.mark.parametrize("defect", SEES_ALL)
@pytest.mark.parametrize("name", NAMES)
def test_no_journey_is_content_with_nothing(walked, name, defect):
    assert [journey for journey, wrong in walked[f"{name}:{defect}"].items() if not wrong] == []


@pytest.mark.parametrize(("name", "defect"), [(name, "stale") for name in NAMES] + [
    ("akidb", "mixes"), ("open_webui", "mixes"), ("openviking", "mixes"), ("victor", "mixes"),
])  # fmt: skip
def test_old_and_foreign_answers_are_seen(walked, name, defect):
    assert [journey for journey, wrong in walked[f"{name}:{defect}"].items() if wrong] != []


def test_a_wrong_key_is_told_by_its_status(standins, tmp_path):
    run = Run("victor", standins["victor"], tmp_path / "run", "-t", "3s", VICTOR_API_KEY="another").ended()
    assert run.code == 1, run.said
    assert "HTTP 401" in {error for _, error in run.failed}
    assert KEY not in run.said


def test_a_server_that_is_not_there_is_told_in_one_line(tmp_path):
    run = Run("akidb", "http://127.0.0.1:1", tmp_path / "run").ended()
    assert run.code != 0
    assert "refused" in run.said
