"""Unloaded latencies of a real service, run after run: unchanged, made slower, and made wrong between two runs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.runs import Run as WholeRun

pytestmark = pytest.mark.alone

SERVICE = Path(__file__).with_name("slowing.py")
PROFILE = """\
profile: shop
environment: test
target: {{driver: process, identity: {identity}}}
services:
  api:
    url: http://127.0.0.1:{port}
    process: {{pid: {pid}}}
    readiness: {{path: /ready, latency: 200ms, headers: {{X-Key: {{env: SHOP_KEY}}}}}}
baseline:
  rounds: 15
  endpoints: [api GET /notes]
"""
KEY = "kept-out-of-every-file-5f3a"


class Run(WholeRun):
    area = "objectives"


class Shop:
    """The service, its profile, and runs against it that remember one another."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.settings = folder / "settings.json"
        port = folder / "port"
        self.process = subprocess.Popen([sys.executable, str(SERVICE), str(port), str(self.settings)])
        end = time.monotonic() + 20
        while not port.exists() and time.monotonic() < end:
            time.sleep(0.05)
        self.profile = folder / "shop.yaml"
        identity = Path("/etc/machine-id").read_text().strip()
        self.profile.write_text(PROFILE.format(port=port.read_text(), pid=self.process.pid, identity=identity))
        (folder / "runs").mkdir()

    def set(self, **settings):
        """What the service does from now on."""
        self.settings.write_text(json.dumps(settings))

    def run(self, *options, mode="gate"):
        state = str(self.folder / "state")
        return Run(
            self.profile,
            self.folder / "runs",
            "-k",
            "without_load",
            *options,
            mode=mode,
            SEATRIAL_STATE=state,
            SHOP_KEY=KEY,
        )

    @property
    def saved(self):
        return sorted((self.folder / "state" / "baselines").rglob("*.json"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    made = Shop(tmp_path_factory.mktemp("shop"))
    yield made
    made.process.kill()
    made.process.wait()


def outcomes(run):
    """By id."""
    return {one["id"]: one["outcome"] for one in run.results}


@pytest.fixture(scope="module")
def runs(shop):
    """One after the other: a first, one like it, one with a slower endpoint, one that is wrong, with a late probe."""
    found = {"first": shop.run()}
    found["same"] = shop.run()
    shop.set(**{"/notes": 0.3})
    found["slower"] = shop.run()
    for _ in range(2):
        if not undecided(found["slower"]):
            break
        shop.saved[-1].unlink()  # or the next would be compared with it
        found["slower"] = shop.run()
    shop.set(**{"/notes": 0.3, "status /notes": 503, "/ready": 0.25})
    found["wrong"] = shop.run()
    return found


def undecided(run):
    """Whether this machine was too busy to say what became slower, and says that."""
    if outcomes(run)["SLO-030"] != "error":
        return False
    assert "not as quiet as then" in run.text
    assert "times as long" in run.text
    return True


def test_a_first_run_has_nothing_to_compare_with_and_passes_nothing(runs):
    assert outcomes(runs["first"]) == {"SLO-030": "not applicable", "SLO-031": "pass", "SLO-032": "pass"}, runs[
        "first"
    ].text
    assert "there is no earlier run on hardware of class" in runs["first"].results[0]["reason"]
    assert runs["first"].code == 0


def test_what_is_as_it_was_is_no_reproach(runs):
    assert outcomes(runs["same"])["SLO-030"] == "pass" or undecided(runs["same"]), runs["same"].text
    assert outcomes(runs["same"])["SLO-032"] == "pass"


def test_what_became_slower_is_told_with_how_much(runs):
    if undecided(runs["slower"]):
        return
    assert outcomes(runs["slower"]) == {"SLO-030": "advisory", "SLO-031": "pass", "SLO-032": "pass"}, runs[
        "slower"
    ].text
    told = next(one for one in runs["slower"].results if one["id"] == "SLO-030")
    seen = next(text for text in told["seen"] if text.startswith("api GET /notes: "))
    assert "times as long (between " in seen
    assert "Cliff's delta 1.00" in seen


def test_what_is_late_and_what_is_wrong_are_two_things(runs):
    assert runs["wrong"].ids("violation") == ["SLO-031", "SLO-032"], runs["wrong"].text
    assert "15 of 15 requests without load took longer than 200ms" in str(runs["wrong"].results)
    assert "api GET /notes: HTTP 503 (request 1 of those made alone)" in str(runs["wrong"].results)
    assert runs["wrong"].code == 1


def test_facts_give_the_same_verdicts_again(runs, shop):
    for name in ("first", "wrong"):
        again = shop.run(f"--facts={runs[name].folder}")
        assert again.told() == runs[name].told()


def test_pytest_benchmark_reads_what_was_saved(runs, shop):
    assert len(shop.saved) == 4, runs.keys()
    assert len({file.parent for file in shop.saved}) == 1
    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", f"--storage=file://{shop.saved[0].parents[1]}", "compare", "--columns=median,rounds"],
        capture_output=True, text=True, timeout=60, cwd=shop.folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("test_unloaded[api GET /notes]") == 3
    assert done.stdout.count("test_unloaded[api.readiness]") == 4


def test_no_file_holds_a_header(runs, shop):
    for file in [*shop.saved, *(path for run in runs.values() for path in run.folder.rglob("*") if path.is_file())]:
        assert KEY not in file.read_text("utf-8", errors="replace"), file
