"""Our Allure results and those of Allure's own pytest plugin, of one run, say the same; Allure's command accepts ours."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from collections import Counter

import pytest

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def run(tmp_path_factory, redis_binary):
    """One run on a demo whose Redis is gone: violations, errors behind them, what is waived, what does not apply."""
    folder = tmp_path_factory.mktemp("allure")
    expires = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=7)
    (folder / "mine.yaml").write_text(
        "extends: demo\nprofile: mine\nspec: notes\nwaivers:\n"
        f'  - {{requirement: EXP-011, subject: api.redis, reason: it moves, owner: "@ops", expires: {expires}}}\n'
    )
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DEMO_", "ALLURE"))}
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--pyargs", "seatrial.suites",
            "--profile=./mine.yaml", "--report-dir=reports", "--alluredir=theirs",
        ],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
        env=environ | {"NO_COLOR": "1", "SEATRIAL_DEMO_DEFECT": "redis-stopped"},
    )  # fmt: skip
    (made,) = (folder / "reports").iterdir()
    assert done.returncode == 1, done.stdout + done.stderr
    return {"folder": folder, "report": made, "text": done.stdout}


def results(folder):
    return [json.loads(file.read_text()) for file in folder.glob("*-result.json")]


def test_both_say_the_same_of_every_test(run):
    theirs = {(r["fullName"].rpartition("#")[2], r["name"].partition("[")[2][:-1]): r for r in results(run["folder"] / "theirs")}  # fmt: skip
    ours = {}
    for result in results(run["report"] / "allure"):
        subject = next((p["value"] for p in result.get("parameters", ())), "not-applicable")
        ours[result["fullName"].rpartition("#")[2], subject] = result
    assert len(ours) == len(results(run["report"] / "allure"))
    assert {key: result["status"] for key, result in ours.items()} == {
        key: result["status"] for key, result in theirs.items()
    }
    assert {key: result["fullName"] for key, result in ours.items()} == {
        key: result["fullName"] for key, result in theirs.items()
    }
    assert set(Counter(result["status"] for result in ours.values())) == {"passed", "failed", "broken", "skipped"}
    (waived,) = [result for result in ours.values() if result.get("statusDetails", {}).get("known")]
    assert waived["name"].startswith("EXP-011")


def test_counts_are_those_of_the_conformance_report(run):
    report = json.loads((run["report"] / "conformance.json").read_text())
    found = results(run["report"] / "allure")
    tags = Counter(label["value"] for r in found for label in r["labels"] if label["name"] == "tag")
    assert {name: tags[name] for name in report["outcomes"]} == report["outcomes"]
    assert {label["value"] for r in found for label in r["labels"] if label["name"] == "epic"} == {"notes"}


def test_allures_command_makes_a_report_of_it(run, require, tmp_path):
    require("allure")
    done = subprocess.run(
        ["allure", "generate", str(run["report"] / "allure"), "-o", str(tmp_path / "html")],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((run["report"] / "conformance.json").read_text())
    outcomes = report["outcomes"]
    counts = {
        "failed": outcomes["violation"],
        "broken": outcomes["error"],
        "passed": outcomes["pass"],
        "skipped": sum(outcomes[word] for word in ("advisory", "not applicable", "withheld", "waived")),
        "total": len(report["results"]),
    }
    html = tmp_path / "html"
    if not (html / "data" / "categories.json").exists():  # Allure 3, which writes little that others may read
        assert json.loads((html / "summary.json").read_text())["stats"] == counts
        return
    summary = json.loads((html / "widgets" / "summary.json").read_text())
    assert summary["reportName"] == "Sea trial of mine: failure"
    assert summary["statistic"] == counts | {"unknown": 0}
    categories = json.loads((html / "data" / "categories.json").read_text())["children"]
    assert {category["name"].partition(":")[0].lower() for category in categories} == {
        "violation", "could not look", "waived", "not applicable",
    }  # fmt: skip
    environment = json.loads((html / "widgets" / "environment.json").read_text())
    assert {row["name"] for row in environment} >= {"Target", "Target.identity", "Mode", "Version.seatrial"}
    (epic,) = json.loads((html / "data" / "behaviors.json").read_text())["children"]
    assert epic["name"] == "notes"
    assert {feature["name"] for feature in epic["children"]} == set(report["areas"])
