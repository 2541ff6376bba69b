"""Judging the expressions of rules: nothing is said of good ones, hostile ones are bounded, and what was found wins."""

import subprocess
import sys
import time

import pytest

from seatrial.facts.alerts.expressions_judged import MOST_SLIPS, Intervals, RuleExpressions
from seatrial.facts.alerts.expressions_texts import labels_used, plain_numbers, quantities
from seatrial.facts.alerts.rules import Group, Rule, RuleFile
from seatrial.words import CouldNotLook, Missing
from tests.specimens import alerts_expressions as specimens
from tests.specimens.alerts_expressions import CATALOG, GOOD, read, written

JUDGED = {
    "ALR-030": "unconditional",
    "ALR-031": "misused_types",
    "ALR-032": "short_ranges",
    "ALR-033": "wrong_quantiles",
    "ALR-034": "lost_labels",
    "ALR-035": "mismatched",
    "ALR-036": "fixed_conditions",
    "ALR-037": "mixed_units",
    "ALR-038": "idle_fallbacks",
    "ALR-039": "tight_ranges",
}
SPECS = """\
groups:
- name: opossum-alerts
  rules:
  - alert: HighErrorRate
    expr: rate(opossum_requests_total{status="error"}[5m]) / rate(opossum_requests_total[5m]) > 0.05
    for: 2m
    annotations: {description: "Error rate is above 5% for the last 2 minutes"}
  - alert: ServiceUnavailable
    expr: opossum_service_availability == 0
    for: 5m
    annotations: {description: "{{ $labels.service_name }} has been unavailable for 5 minutes"}
  - alert: HighResponseTime
    expr: histogram_quantile(0.95, rate(opossum_response_time_seconds_bucket[5m])) > 2
    for: 5m
    annotations: {description: "95th percentile response time is above 2 seconds for 5 minutes"}
"""


def told(rules, without=()):
    """Ids that have something against a file, with all they have."""
    return {id: found for id, name in JUDGED.items() if id not in without and (found := getattr(rules, name))}


@pytest.mark.parametrize("catalog", [CATALOG, Missing("there is none")], ids=["catalog", "no-catalog"])
def test_nothing_is_said_of_good_rules(catalog):
    rules = read(GOOD.read_text(), catalog=catalog)
    assert len(rules.file.rules) > 100
    # Without a catalog, whether node_vmstat_pgmajfault is a counter is not known, and that is all.
    assert told(rules, () if catalog is CATALOG else ("ALR-031",)) == {}


@pytest.mark.parametrize("id", sorted(JUDGED))
def test_each_failing_specimen_is_wrong_in_that_one_way(id):
    for rules in getattr(specimens, id.replace("-", "_")).fails.values():
        found = {other for other, name in JUDGED.items() if _found(rules, name)}
        assert found == {id}, rules.file.rules[0].expr


def _found(rules, name):
    try:
        return getattr(rules, name)
    except CouldNotLook:
        return []


def test_the_rules_of_a_spec_are_judged_as_they_are_written():
    found = told(read(SPECS))
    assert list(found) == ["ALR-035"]
    (finding,) = found["ALR-035"]
    assert finding.where == "alerts.yaml:5:11 opossum-alerts/HighErrorRate"
    assert (
        'Write `sum(rate(opossum_requests_total{status="error"}[5m])) / sum(rate(opossum_requests_total[5m]))`'
        in finding.seen
    )


def test_a_finding_wins_over_what_could_not_be_decided():
    rules = written("up", "sum by (job (up) > 1")
    assert [finding.where for finding in rules.unconditional] == ["alerts.yaml:6:11 g/A0"]
    with pytest.raises(CouldNotLook, match="g/A1 could not be read"):
        assert rules.mismatched


def test_what_is_written_over_several_lines_is_found_where_it_stands():
    rules = written("sum by (job) (\n  rate(calls_total[5m])\n)\n  / sum by (instance) (rate(calls_total[5m])) > 2")
    assert [finding.where for finding in rules.mismatched] == ["alerts.yaml:6:11 g/A0"]
    rules = written("up == 1\n  and on (job)\nmax by (pod) (sum by (job) (x)) > 2")
    assert [finding.where for finding in rules.lost_labels] == ["alerts.yaml:7:21 g/A0", "alerts.yaml:8:19 g/A0"]


HOSTILE = {
    "chain of or": " or ".join(["errors_total > 0"] * 170),
    "matchers": "x{" + ",".join(f'l{i}="a"' for i in range(2400)) + "} > 5",
    "one label": "x{" + ",".join(f'l!="a{i}"' for i in range(2400)) + "} > 5",
    "grouping": "sum by (" + ",".join(f"l{i}" for i in range(4000)) + ") (sum by (x) (y)) > 5",
    "matching": "x * on (" + ",".join(f"l{i}" for i in range(4000)) + ") sum by (x) (y) > 5",
    "expression of stars": 'x{a="' + "a" * 5000 + '", a=~"' + "|".join([".*a.*a.*"] * 500) + 'b"} > 5',
    "expression that explodes": 'x{a="' + "a" * 5000 + '", a=~"(a+)+$"} > 5',
    "aggregations": "sum by (a) (" * 60 + "x" + ")" * 60 + " > 5",
    "comparisons": "x" + " > 5" * 178,
    "differences": " - ".join(["x"] * 170) + " > 5",
    "nested quantiles": "histogram_quantile(0.9, " * 60 + "x" + ")" * 60 + " > 5",
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_expressions_are_judged_in_a_moment(name):
    texts = {"summary": "5% 500ms {{ $labels.a }} {{" * 2000}
    rule = Rule("alert", "A", "g", HOSTILE[name], annotations=texts)
    rules = RuleExpressions("r", RuleFile("r", (Group("g", (rule,)),)), CATALOG, Intervals(15.0, None))
    began = time.process_time()
    for judged in JUDGED.values():
        assert len(_found(rules, judged)) <= MOST_SLIPS
    assert time.process_time() - began < 3


def test_a_file_of_endless_expressions_is_not_read_to_its_end():
    text = "x{a='" + "a" * 60_000 + "'} > 1"
    rules = tuple(Rule("alert", f"A{i}", "g", f"{text} + {i}") for i in range(1000))
    with pytest.raises(CouldNotLook, match="characters together"):
        assert RuleExpressions("r", RuleFile("r", (Group("g", rules),)), CATALOG, Intervals(15.0, None)).unconditional


def test_a_thousand_rules_are_judged_within_two_seconds_of_one_processor():
    known = read(GOOD.read_text()).file.rules
    rules = tuple(
        Rule(one.kind, f"{one.name}{i}", "g", f"{one.expr} # {i}", annotations=one.annotations)
        for i, one in ((i, known[i % len(known)]) for i in range(1000))
    )
    file = RuleFile("r", (Group("g", rules),))
    began = time.process_time()
    assert told(RuleExpressions("r", file, CATALOG, Intervals(15.0, None))) == {}
    assert time.process_time() - began < 2


def test_the_parser_is_not_loaded_before_an_expression_is_read():
    code = "import sys, seatrial.facts.alerts.expressions_judged; print('promql_parser' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('{{ $labels.a }} and {{$labels.b | title}} {{ printf "%s" $labels.c }}', ["a", "b", "c"]),
        ('{{ index $labels "x.y" }}', ["x.y"]),
        ("{{ .Labels.a }}", ["a"]),
        ("{{ range query `up` }}{{ .Labels.a }}{{ $labels.b }}{{ end }}", ["b"]),
        ("{{ with $labels.a }}{{ . }}{{ end }}", []),
        ("{{ if $labels.a }}{{ $labels.a }}{{ end }}{{ $labels.b }}", ["b"]),
        ("{{ or $labels.a $labels.b }}", []),
        ("$labels.a {{ $value }} {{ $labels.", []),
        ("{{" * 10_000, []),
    ],
)
def test_labels_that_a_text_prints(text, names):
    assert [used.name for used in labels_used(text)] == names


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("more than 5% of all", [("5%", 0.05, False)]),
        ("95th percentile above 500 ms", [("500 ms", 0.5, False)]),
        ("above 2 seconds for 5 minutes", [("2 seconds", 2, False), ("5 minutes", 300, True)]),
        ("in the last 10m (5m)", [("10m", 600, True), ("5m", 300, True)]),
        ("older than 26h", [("26h", 93600, False)]),
        ("less than 1.5GiB left, v2.5.1, 10.0.0.1, {{ $value }}%", [("1.5GiB", 1.5 * 2**30, False)]),
        ("100MB/s, $5, 3 million, 7d6", []),
    ],
)
def test_numbers_with_units_in_a_text(text, found):
    assert [(each.text, each.value, each.lasting) for each in quantities(text)] == found


def test_numbers_without_units_in_a_text():
    assert plain_numbers("more than 5 errors per second, 5.5 or 7% of 10") == {5, 5.5, 10}
