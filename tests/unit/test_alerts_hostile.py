"""Input that is hostile or huge is read in bounded time, and answered with a clear reason."""

from __future__ import annotations

import json
import time

import pytest

from seatrial.facts.alerts.dashboards_variables import fill, used
from seatrial.looks._dashboard_json import read as read_dashboard
from seatrial.promql.reading import Unreadable, operands, parse, selectors
from seatrial.rulefiles import read

RULE = {"alert": "Long", "expr": "app_jobs > 1000", "for": "1m", "labels": {"severity": "page"}}


@pytest.fixture(autouse=True)
def bounded():
    """Each is read within seconds, also on a machine that is busy."""
    began = time.process_time()
    yield
    assert time.process_time() - began < 60


def rules(*changed):
    return json.dumps({"groups": [{"name": "g", "rules": [RULE | change for change in changed]}]})


def test_ten_thousand_rules_are_read():
    groups, problems = read(rules(*({"alert": f"Long{n}", "expr": f"app_jobs > {n}"} for n in range(10_000))), "r.yaml")
    assert problems == ()
    assert len(groups[0].rules) == 10_000


@pytest.mark.parametrize(
    "change",
    [
        {"expr": " + ".join(["app_jobs"] * 100_000) + " > 1"},
        {"expr": "(" * 50_000 + "app_jobs" + ")" * 50_000 + " > 1"},
        {"expr": "abs(" * 5_000 + "app_jobs" + ")" * 5_000 + " > 1"},
        {"expr": "-" * 60_000 + "app_jobs"},
        {"expr": "app_jobs[5m:1m]" * 20_000},
        {"annotations": {"summary": "{{ if true }}" * 20_000}},
        {"annotations": {"summary": "{{" * 100_000}},
    ],
    ids=["long", "parentheses", "functions", "signs", "subqueries", "blocks", "braces"],
)
def test_a_rule_that_is_too_much_is_a_problem(change):
    _, problems = read(rules(change), "r.yaml")
    assert problems
    assert all(problem.text and len(problem.text) < 2_000 for problem in problems)


@pytest.mark.parametrize(
    "change",
    [{"labels": {"l" * 200_000: "x"}}, {"labels": {f"l{n}": "x" for n in range(50_000)}}, {"alert": "L" * 500_000}],
    ids=["long-label", "many-labels", "long-name"],
)
def test_labels_in_masses_are_read(change):
    read(rules(change), "r.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "groups: " + "[" * 100_000 + "]" * 100_000,
        "groups: " + "{a: " * 100_000,
        "\n".join(["a: &a [x,x,x,x,x,x,x,x,x]", "b: &b [*a,*a,*a,*a,*a]", "groups: *b"]),
        "groups:\n" + "- name: x\n  rules: *nothing\n",
        "\x00\x01\x02" * 1000,
        "?" * 100_000,
        "- " * 50_000,
    ],
    ids=["brackets", "braces", "aliases", "no-anchor", "binary", "keys", "lists"],
)
def test_yaml_that_is_none_is_a_problem(text):
    _, problems = read(text, "r.yaml")
    assert problems
    assert all(problem.text for problem in problems)


@pytest.mark.parametrize(
    "text",
    ["(" * 65_000, "sum(" * 10_000, "a" * 70_000, "x{" + 'a="b",' * 10_000 + "}", "1" + "^1" * 20_000, "a or " * 12_000 + "a", "[" * 60_000, '"' * 60_000, "x" + " offset 1m" * 5_000],
)  # fmt: skip
def test_promql_is_read_or_refused(text):
    try:
        expression = parse(text)
    except Unreadable:
        return
    selectors(expression)
    operands(expression)


def test_a_chain_as_long_as_is_read_is_gone_through():
    expression = parse(" + ".join(f"a{n}" for n in range(150)))
    assert len(selectors(expression)) == 150
    assert len(operands(expression)) > 150


@pytest.mark.parametrize(
    "text",
    [
        '{"title": "a", "panels": ' + "[" * 2_000_000,
        '{"a":' * 500_000,
        "[" * 60 + "]" * 60,
        '{"title": 3, "panels": [null, 3, {"type": [], "targets": {"a": 1}}], "templating": {"list": {}}, "annotations": [], "rows": "x"}',
        json.dumps(
            {"title": "a", "panels": [{"type": "row", "panels": [None, [], "x"]}], "annotations": {"list": [None, 3]}}
        ),
        json.dumps(
            {
                "dashboard": {
                    "title": None,
                    "uid": {},
                    "__inputs": [3],
                    "templating": {"list": [3, {"name": 3, "query": []}]},
                }
            }
        ),
    ],
    ids=["cut", "objects", "brackets", "types", "rows", "inputs"],
)
def test_a_dashboard_of_any_shape_is_read(text):
    assert read_dashboard(text, "d.json").faults


def test_a_dashboard_of_twenty_thousand_panels_is_read_in_part():
    panels = [{"type": "stat", "title": f"p{n}", "targets": [{"expr": f"a{n}"}] * 3} for n in range(20_000)]
    assert 0 < len(read_dashboard(json.dumps({"title": "a", "panels": panels}), "d.json").panels) <= 2_000


@pytest.mark.parametrize(
    "text", ["$" * 200_000, "${x" * 50_000, "[[" * 100_000, "$a" * 50_000, '"$a' * 50_000, "[$a" * 30_000]
)
def test_variables_in_masses_are_filled(text):
    filled = fill(text)
    used(text)
    assert filled.quoted(0, 10) is not None
