"""Rule files by our own reading and by a real promtool: they agree on every file, and each requirement turns red alone."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import suites
from seatrial.catalogue import catalogue
from seatrial.drivers import Session, _promtool
from seatrial.facts.alerts.rules import Problem
from seatrial.facts.alerts.rules_judged import LoadedRules
from seatrial.looks.rules import _read, rule_file
from seatrial.profile.loading import load
from seatrial.rulefiles import read
from seatrial.words import Missing
from tests.corpus.rules import files, mutations
from tests.integration.runs import Run
from tests.lab.watch import Watch, watch

PROMTOOL = shutil.which("promtool")
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(PROMTOOL is None, reason="no promtool on PATH"),
]
ROOT = Path(__file__).parents[3]
IDS = [requirement.id for requirement, _ in catalogue(suites) if "ALR-000" < requirement.id < "ALR-010"]
LOADED = [path for path in files("wrong") if path.stem not in ("latin1", "control_character")]
"""What a test can write as text."""
RULES = """\
groups:
- name: api
  rules:
  - record: job:http_errors:rate5m
    expr: sum by (job) (rate(http_requests_total{code=~"5.."}[5m]))
  - alert: ApiErrors
    expr: |
      job:http_errors:rate5m
        > 0.05
    for: 5m
    labels: {severity: page}
    annotations:
      summary: '{{ $value | humanize }} requests a second to {{ $labels.job }} fail.'
      description: Look at its log.
      runbook_url: https://runbooks.example.org/api-errors
"""


def said(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PROMTOOL), *arguments], capture_output=True, text=True, errors="replace", check=False)


VERSION = said("--version").stdout.partition("version ")[2].partition("+")[0].partition(" ")[0] if PROMTOOL else ""


def accepted(paths: Sequence[Path]) -> dict[Path, bool]:
    """Which files promtool accepts, many in one call."""
    found: dict[Path, bool] = {}
    for start in range(0, len(paths), 400):
        done = said("check", "rules", "--lint=none", *map(str, paths[start : start + 400]))
        for block in done.stdout.split("Checking ")[1:]:
            name, _, rest = block.partition("\n")
            found[Path(name)] = "SUCCESS:" in rest
    assert sorted(found) == sorted(paths)
    return found


def ours(path: Path) -> list[Problem]:
    """What our own reading would refuse a file for."""
    return [problem for problem in _read(path.read_bytes(), str(path), VERSION)[1] if problem.refused]


def disagreements(paths: Sequence[Path]) -> list[tuple[str, bool, list[Problem]]]:
    told = accepted(paths)
    refused = {path: ours(path) for path in paths}
    return [
        (path.read_text(errors="replace"), told[path], refused[path])
        for path in paths
        if told[path] == bool(refused[path])
    ]


# --- both readings ----------------------------------------------------------------------------------------------------


def rule_files() -> list[Path]:
    """Every rule file that the repository has."""
    git = subprocess.run(
        ["git", "ls-files", "-z", "*.yaml", "*.yml"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    kept = [ROOT / name for name in git.stdout.split("\0") if name]
    return [
        path
        for path in kept
        if path.exists() and re.search(r"^groups:", path.read_text(errors="replace"), re.MULTILINE)
    ]


def test_both_readings_agree_on_every_rule_file_there_is() -> None:
    paths = sorted({*files("right"), *files("wrong"), *rule_files()})
    assert len(paths) > 100
    assert disagreements(paths) == []


def test_the_corpus_is_labelled_as_promtool_judges() -> None:
    told = accepted([*files("right"), *files("wrong")])
    assert {path for path, right in told.items() if right} == set(files("right"))


@pytest.mark.parametrize("kind", ["text", "expression", "types", "regex", "template", "fields"])
def test_both_readings_agree_on_what_is_changed_at_random(kind: str, tmp_path: Path) -> None:
    """So many as the time of a test allows; of 100,000 that were tried when this was written they agreed on each."""
    chance = random.Random(f"{kind} {os.environ.get('SEATRIAL_SEED', 4711)}")
    count = int(os.environ.get("SEATRIAL_MUTATIONS", "250"))
    texts = [path.read_bytes().decode("utf-8", "replace") for path in files("right")]
    make: dict[str, Callable[[], str]] = {
        "text": lambda: mutations.of_text(chance, texts),
        "expression": lambda: mutations.of_expression(chance),
        "types": lambda: mutations.of_types(chance),
        "regex": lambda: mutations.of_regex(chance),
        "template": lambda: mutations.of_template(chance),
        "fields": lambda: mutations.of_fields(chance),
    }
    paths = [tmp_path / f"{number}.yaml" for number in range(count)]
    for path in paths:
        path.write_text(make[kind](), newline="")
    assert disagreements(paths) == []
    assert 0 < sum(accepted(paths).values()) < count


# --- what templates become --------------------------------------------------------------------------------------------

FAILING = (
    "{{ if gt $value 5 }}a{{ end }}", "{{ eq $labels.job 5 }}", '{{ $value | printf "%d" }}', '{{ printf "%s" $value }}',
    '{{ printf "%.2f" $labels.job }}', '{{ printf "%s %s" $labels.job }}', '{{ printf "none" $value }}', "{{ .labels.job }}",
    "{{ .Job }}", "{{ $value.x }}", "{{ $labels.job.x }}", "{{ .Value.x }}", "{{ $value | title }}", "{{ toUpper $value }}",
    "{{ humanize }}", "{{ humanize 1 2 }}", "{{ reReplaceAll `a` $labels.job }}", '{{ query "up ==" }}', "{{ query $value }}",
    '{{ printf "%s" humanize }}', "{{ $value | stripPort }}", "{{ $.labels.job }}", "{{ match `a` $value }}", "{{ externalURL 1 }}",
)  # fmt: skip
RENDERED = (
    "{{ if gt $value 5.0 }}a{{ else }}b{{ end }}", '{{ eq $labels.job "5" }}', '{{ $value | printf "%.0f" }}', "{{ .Value }} {{ .Labels.job }}",
    '{{ printf "%s: %v, %5.1f%%" $labels.job $value $value }}', '{{ printf "%v" $value | title }}', "{{ $labels.none | toUpper }}",
    '{{ with query "up" }}{{ .x }}{{ else }}none{{ end }}', '{{ range query "x" }}{{ .Value }}{{ .Labels.a }}{{ end }}', "{{ $value := 5 }}{{ gt $value 5 }}",
    "{{ reReplaceAll `a` `b` $labels.job }}", "{{ $labels.job | len | humanize }}", "{{ $externalLabels.x }}{{ $externalURL }}", "{{ $.Labels.job }}",
    "{{ ne $labels.job `x` }}{{ lt 1 2 }}{{ and $value $labels.job }}", "{{ index $labels `job` | safeHtml }}", '{{ printf "%q %x" $labels.job $value }}',
    '{{ define "t" }}{{ .x }}{{ end }}text', "{{ 0x10 | humanize }}{{ eq 0x10 16 }}{{ eq 1e1 10.0 }}",
)  # fmt: skip


def test_what_is_said_of_templates_is_what_a_real_evaluation_makes_of_them(tmp_path: Path) -> None:
    texts = [*FAILING, *RENDERED]
    alerts = [{"alert": f"T{n}", "expr": "x > 0", "annotations": {"text": text}} for n, text in enumerate(texts)]
    (tmp_path / "rules.yaml").write_text(json.dumps({"groups": [{"name": "g", "rules": alerts}]}))
    series = [{"series": 'x{job="api"}', "values": "7.5x5"}]
    asked = [
        {"eval_time": "1m", "alertname": f"T{n}", "exp_alerts": [{"exp_annotations": {"text": "?"}}]}
        for n in range(len(texts))
    ]
    test = {
        "rule_files": ["rules.yaml"],
        "tests": [{"interval": "1m", "input_series": series, "alert_rule_test": asked}],
    }
    (tmp_path / "test.yaml").write_text(json.dumps(test))
    done = said("test", "rules", str(tmp_path / "test.yaml"))
    got = dict(re.findall(r"alertname: (T\d+), time.*?got:\[(.*?)\]\n\s*\n?", done.stdout + done.stderr, re.DOTALL))
    assert len(got) == len(texts), done.stdout + done.stderr
    failed = [bool(re.search(r"error expanding template|%!", got[f"T{n}"])) for n in range(len(texts))]
    _, problems = read((tmp_path / "rules.yaml").read_text(), "", VERSION)
    told = {problem.rule for problem in problems if problem.kind == "template"}
    assert [text for text, wrong in zip(texts, failed, strict=True) if wrong] == list(FAILING)
    assert [text for n, text in enumerate(texts) if f"g/T{n}" in told] == list(FAILING)


# --- each requirement alone -------------------------------------------------------------------------------------------


class Alerts(Run):
    """A run of the area."""

    area = "alerts"


SAME = '  - {record: "job:http_errors:rate5m", expr: \'sum by (job) (rate(http_requests_total{code=~"5.."}[5m]))\'}\n  - alert:'
HEAD, RECORD, ALERT = re.split(r"(?=  - record)|(?=  - alert)", RULES)
DEFECTS: dict[str, tuple[str, str]] = {
    "right": (RULES, ""),
    "ALR-001": (RULES.replace("> 0.05", "> > 0.05"), ":9:11 api/"),
    "ALR-002": ("groups: []\n", "no group, and no rule"),
    "ALR-003": (RULES.replace("groups:\n", "groups:\n- name: empty\n"), "group `empty` has no rules"),
    "ALR-004": (RULES.replace("  - alert:", SAME), "the same series `job:http_errors:rate5m`, with the same expression, as"),
    "ALR-005": (RULES.replace("  - alert:", SAME.replace("(http_", "(grpc_")), "has the same name and labels as api/job:http_errors:rate5m on line 4"),
    "ALR-006": (RULES.replace("$value | humanize", '$value | printf "%d"'), ":13:36 api/"),
    "ALR-007": (RULES.replace("{{ $labels.job }} fail", "$labels.job fail"), "annotation `summary`: `$labels.job` stands outside of `{{ }}`"),
    "ALR-008": (RULES.replace("job:http_errors:rate5m", "job_http_errors_rate5m"), "has no `:`, as if it were scraped"),
    "ALR-009": (HEAD + ALERT + RECORD, ":6:7 api/"),
    "no-yaml": (RULES.replace("- name: api", "- name: [api"), "not YAML: did not find expected ',' or ']'"),
}  # fmt: skip


def profile(folder: Path, files: dict[str, str] | None = None, **alerts: Any) -> Path:
    files = files or {"rules.yaml": RULES}
    for name, text in files.items():
        (folder / name).write_text(text)
    declared = {
        "profile": "small", "environment": "test", "target": {"driver": "http"}, "services": {"api": {"url": "http://127.0.0.1:9"}},
        "alerts": {"files": list(files), "severities": ["page"], "scrape_interval": "15s", **alerts},
    }  # fmt: skip
    (folder / "small.yaml").write_text(json.dumps(declared))
    return folder / "small.yaml"


def red(run: Run) -> list[str]:
    return run.ids("violation", "advisory")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Alerts:
    """One run on a file for each defect; what is in one is called otherwise than what is in the others."""
    folder = tmp_path_factory.mktemp("defects")
    texts = {
        f"{name}.yaml": text.replace("ApiErrors", f"Api{n}Errors").replace("http_errors", f"http{n}_errors")
        for n, (name, (text, _)) in enumerate(DEFECTS.items())
    }
    return Alerts(profile(folder, texts), folder)


def of(run: Run, name: str, *outcomes: str) -> list[dict[str, Any]]:
    """What came of one file."""
    return [one for one in run.results if one["subject"] == f"{name}.yaml" and one["outcome"] in outcomes]


def test_a_file_that_conforms_is_green_and_all_of_it_was_looked_at(run: Alerts) -> None:
    assert of(run, "right", "violation", "advisory") == [], run.text
    assert [one["id"] for one in of(run, "right", "pass") if one["id"] in IDS] == sorted(IDS)


@pytest.mark.parametrize("id", [name for name in DEFECTS if name in IDS])
def test_exactly_its_requirement_turns_red(id: str, run: Alerts) -> None:
    (found,) = of(run, id, "violation", "advisory")
    assert found["id"] == id
    said = re.sub(r"http\d+_", "http_", str(found["seen"]))
    assert DEFECTS[id][1] in said
    assert id != "ALR-001" or f"(promtool {VERSION} refuses the file)" in said


def test_a_file_that_is_no_yaml_is_told_once(run: Alerts) -> None:
    (found,) = of(run, "no-yaml", "violation", "advisory")
    assert found["id"] == "ALR-001"
    assert DEFECTS["no-yaml"][1] in str(found["seen"])
    assert [one["id"] for one in of(run, "no-yaml", "error") if one["id"] in IDS] == sorted(set(IDS) - {"ALR-001"})


def test_its_facts_give_the_same_verdicts(run: Alerts, tmp_path: Path) -> None:
    again = Alerts(run.folder.parents[1] / "small.yaml", tmp_path, f"--facts={run.folder}")
    assert again.told() == run.told()


def test_without_promtool_our_own_reading_decides_and_says_so(tmp_path: Path) -> None:
    text = RULES.replace("> 0.05", "> > 0.05").replace("humanize }}", "humanise }}")
    run = Alerts(profile(tmp_path, {"rules.yaml": text}, promtool={"none": "a small box", "owner": "me"}), tmp_path)
    assert [id for id in red(run) if id in IDS] == ["ALR-001"], run.text
    assert "by our own reading: alerts.promtool declares none: a small box" in run.text
    assert "there is no function `humanise`; did you mean `humanize`?" in run.text


# --- a running server -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    if shutil.which("prometheus") is None:
        pytest.skip("no prometheus on PATH")
    with watch(tmp_path_factory.mktemp("watch") / "w") as up:
        yield up


def of_files(run: Run) -> list[str]:
    """Of the requirements of this file, those that are red."""
    return [id for id in red(run) if id in IDS]


def test_a_real_prometheus_loads_what_we_accept_and_nothing_else(prometheus: Watch) -> None:
    wrong = {
        path.name: prometheus.reload({"wrong.yaml": path.read_bytes().decode("utf-8", "replace")}) for path in LOADED
    }
    assert [name for name, loaded in wrong.items() if loaded] == []
    assert prometheus.reload({"rules.yaml": RULES})


def test_the_rules_of_a_running_server_are_looked_at_where_no_file_is_declared(
    prometheus: Watch, tmp_path: Path
) -> None:
    text = RULES.replace("job:http_errors:rate5m", "job_http_errors").replace(
        "$value | humanize", '$value | printf "%d"'
    )
    assert prometheus.reload({"rules.yaml": text})
    run = Alerts(prometheus.profile(files=None, severities=["page"]), tmp_path)
    assert of_files(run) == ["ALR-006", "ALR-008"], run.text
    assert "`%d` can't show a number with a fraction" in run.text
    assert [id for id in run.ids("pass") if id in IDS] == sorted(set(IDS) - {"ALR-006", "ALR-008"})


def session(path: Path, **alerts: Any) -> Session:
    profile(path, **alerts)
    return again(path)


def test_what_promtool_is_too_old_for_is_decided_by_our_own_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = session(tmp_path)
    (tmp_path / "rules.yaml").write_text(RULES.replace("- name: api", "- name: api\n  query_offset: 1m"))
    monkeypatch.setattr("seatrial.looks.rules._server_version", lambda _: "3.5.0")
    file = rule_file(asked, "rules.yaml")
    assert isinstance(file.promtool, Missing)
    assert file.promtool.reason == f"promtool {VERSION} does not read what the running Prometheus 3.5.0 reads"
    assert LoadedRules("rules.yaml", file).refusals == []
    (tmp_path / "rules.yaml").write_text(RULES.replace("- name: api", "- name: api\n  query_offsets: 1m"))
    file = rule_file(again(tmp_path), "rules.yaml")
    assert isinstance(file.promtool, tuple)
    assert "refuses the file" in str(LoadedRules("rules.yaml", file).refusals)


def again(path: Path) -> Session:
    """Another run on what is there."""
    return Session(load(str(path / "small.yaml")).profile, path, resolve=str)


@pytest.mark.parametrize("program", ["hangs", "floods", "lies"])
def test_a_promtool_that_is_none_is_no_verdict(program: str, tmp_path: Path) -> None:
    script = {"hangs": "sleep 600", "floods": "head -c 50000000 /dev/zero; exit 1", "lies": "exit 0"}[program]
    path = tmp_path / "promtool"
    path.write_text(f"#!/bin/sh\n[ \"$1\" = --version ] && echo 'promtool, version 2.42.0' && exit\n{script}\n")
    path.chmod(0o755)
    asked = session(tmp_path, promtool={"path": str(path)})
    done = _promtool.run(asked, "check", "rules", within=1, largest=1000)
    if program == "hangs":
        assert done == Missing("promtool had not ended after 1 s")
    else:
        assert isinstance(done, _promtool.Done)
        assert (len(done.out), done.cut) == ((1000, True) if program == "floods" else (0, False))
    if program == "floods":
        assert isinstance(_promtool.check(asked, "rules.yaml"), Missing)
