"""Alert rules, in seconds of processor time: loading and references of 1,000 beside `promtool check rules`, firing of 200 beside `promtool test rules`."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from _rules import Written, corpus, metrics, text

ROOT = Path(__file__).parents[1]
# Shapes that say in their own texts what they mean, so that each is really evaluated.
TOLD = ("Errors", "RouteErrors", "Slow", "DiskFull", "Pool")


def _processor():
    """Seconds of processor time that finished children took."""
    times = os.times()
    return times.children_user + times.children_system


def _right(count: int, names: tuple[str, ...] = ()) -> list[Written]:
    """So many rules that are right, each under a name of its own."""
    rules = [rule for rule in corpus()[1] if not names or rule.name.endswith(names)]
    return [dataclasses.replace(rules[n % len(rules)], name=f"{rules[n % len(rules)].name}{n}") for n in range(count)]


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A Prometheus that has loaded a thousand rules, and its folder."""
    if not shutil.which("prometheus") or not shutil.which("promtool"):
        pytest.skip("no prometheus and promtool on PATH")
    from tests.lab.watch import watch

    now = f"{time.time() - 3600:.0f} +1"
    rules = {"thousand.yaml": text("thousand", _right(1_000))}
    with watch(tmp_path_factory.mktemp("watch"), rules, metrics().replace("NOW", now), history=3600) as up:
        yield up


@pytest.fixture(scope="module")
def fired(tmp_path_factory):
    """A folder with 200 rules, a profile of them, and the test that one would write for promtool."""
    if not shutil.which("promtool"):
        pytest.skip("no promtool on PATH")
    folder = tmp_path_factory.mktemp("fired")
    rules = _right(200, TOLD)
    (folder / "rules.yaml").write_text(text("fired", rules))
    series = [{"series": f'up{{job="j{n}"}}', "values": "1x40"} for n in range(200)]
    silent = [{"eval_time": "30m", "alertname": rule.name} for rule in rules]
    tests = [{"interval": "1m", "input_series": series, "alert_rule_test": silent}]
    (folder / "tests.yaml").write_text(json.dumps({"rule_files": ["rules.yaml"], "tests": tests}))
    profile = {
        "profile": "fired", "environment": "test", "target": {"driver": "http"}, "services": {"api": {"url": "http://127.0.0.1:9"}},
        "alerts": {"files": ["rules.yaml"]},
    }  # fmt: skip
    (folder / "fired.yaml").write_text(json.dumps(profile))
    return folder


def _once(benchmark, command, cwd, codes=(0,), rounds=3):
    def run():
        return subprocess.run(
            list(map(str, command)), cwd=cwd, capture_output=True, text=True, timeout=900, check=False
        )

    done = benchmark.pedantic(run, rounds=rounds)
    assert done.returncode in codes, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def _suite(benchmark, profile, folder, *files):
    named = [f"suites/alerts/test_{file}.py" for file in files]
    reports = f"--report-dir={folder / 'reports'}"
    command = [sys.executable, "-m", "pytest", *named, "-q", "-p", "no:cacheprovider", f"--profile={profile}", reports]
    return _once(benchmark, command, ROOT, codes=(0, 1, 3), rounds=1)


@pytest.mark.benchmark(group="1,000 rules, loading and references, processor time", timer=_processor)
def test_seatrial_1000_rules(benchmark, watched):
    _suite(benchmark, watched.profile(), watched.folder, "loading", "references")
    assert benchmark.stats.stats.median < 120


@pytest.mark.benchmark(group="1,000 rules, loading and references, processor time", timer=_processor)
def test_promtool_check_1000_rules(benchmark, watched):
    _once(benchmark, ["promtool", "check", "rules", "--lint=all", "thousand.yaml"], watched.folder, codes=(0, 1, 3))


@pytest.mark.benchmark(group="200 rules, firing, processor time", timer=_processor)
def test_seatrial_200_rules(benchmark, fired):
    _suite(benchmark, fired / "fired.yaml", fired, "boundaries")
    assert benchmark.stats.stats.median < 120


@pytest.mark.benchmark(group="200 rules, firing, processor time", timer=_processor)
def test_promtool_test_200_rules(benchmark, fired):
    _once(benchmark, ["promtool", "test", "rules", "tests.yaml"], fired)
