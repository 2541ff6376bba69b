"""Specimens of the loading of rule files: files, right and wrong, read as a look reads them."""

from __future__ import annotations

from seatrial.facts.alerts.rules import RuleFile
from seatrial.facts.alerts.rules_judged import LoadedRules
from seatrial.rulefiles import read
from seatrial.words import Missing
from tests.specimens import Specimens

NO_PROMTOOL = Missing("promtool is not installed", "promtool on PATH, or alerts.promtool.path")
RIGHT = """\
groups:
- name: api
  rules:
  - record: job:http_requests:rate5m
    expr: sum by (job) (rate(http_requests_total[5m]))
  - record: job:http_errors:rate5m
    expr: sum by (job) (rate(http_requests_total{code=~"5.."}[5m]))
  - alert: ApiErrors
    expr: job:http_errors:rate5m / job:http_requests:rate5m > 0.05
    for: 5m
    labels: {severity: page}
    annotations:
      summary: '{{ $value | humanizePercentage }} of the requests to {{ $labels.job }} fail.'
"""


def file(text=RIGHT, promtool=(), path="rules.yaml", version="2.42.0"):
    """A file, as it is read; promtool has nothing against it unless said otherwise."""
    groups, problems = read(text, path, version)
    reader = "promql-parser 0.12.0" if isinstance(promtool, Missing) else "promtool 2.42.0 and promql-parser 0.12.0"
    return RuleFile(path, groups, problems, promtool, reader)


def rules(text=RIGHT, promtool=(), others=(), **changes):
    """The rules of a file."""
    return LoadedRules("rules.yaml", file(text, promtool), tuple(others), **changes)


def ours(text):
    """The rules of a file where there is no promtool."""
    return rules(text, NO_PROMTOOL)


def group(*lines, name="api"):
    """A file of one group."""
    return f"groups:\n- name: {name}\n  rules:\n" + "".join(f"  {line}\n" for line in lines)


def saying(text, key="annotations"):
    """A file with one alert that says something."""
    return group("- alert: ApiDown", "  expr: up == 0", f"  {key}:", "    summary: |", f"      {text}")


BROKEN = "groups:\n- name: api\n\trules: []\n"
UNREAD = {"no rule of rules.yaml could be read: not YAML": ours(BROKEN)}
DEEP = group(f"- {{alert: Deep, expr: '{'(' * 200}up{')' * 200}'}}")

ALR_001 = Specimens(
    passes=[
        rules(),
        ours(RIGHT),
        rules(group()),
        rules(BROKEN, running=True),
        # What we refuse and promtool does not is right.
        rules(group("- {alert: A, expr: 'newest(up)'}")),
        rules(DEEP),
    ],
    fails={
        "rules.yaml:3:1: not YAML: found a tab character that violates indentation": ours(BROKEN),
        "(by our own reading: promtool is not installed)": ours(BROKEN),
        "(promtool 2.42.0 refuses the file)": rules(BROKEN, ("yaml: line 3: found a tab character",)),
        "rules.yaml:12:3 api/ApiDown: could not parse expression (promtool 2.42.0 refuses the file)": rules(
            RIGHT, ('12:3: group "api", rule 1, "ApiDown": could not parse expression',)
        ),
        "rules.yaml:5:5 api/ApiDown: a rule has no field `fro`; did you mean `for`?": ours(
            group("- alert: ApiDown", "  fro: 5m", "  expr: up")
        ),
        "a rule has no field `severity`; there are record, alert, expr": ours(
            group("- {alert: A, expr: up, severity: x}")
        ),
        "rules.yaml:4:31 api/A: `for`: `300` is no duration: write whole numbers with units": ours(
            group("- {alert: A, expr: up, for: 300}")
        ),
        "api/A: a rule without an expression: write `expr:`": ours(group("- {alert: A}")),
        "a rule with both `alert` and `record`: write two": ours(group("- {alert: A, record: b, expr: up}")),
        "a rule with neither `alert:` nor `record:`": ours(group("- {expr: up}")),
        "a recording rule has no `for`; only alerts have": ours(group("- {record: a, expr: up, for: 5m}")),
        "`http-errors` is no name of a metric": ours(group("- {record: http-errors, expr: up}")),
        "label `on-call` is no name of a label": ours(group("- {alert: A, expr: up, labels: {on-call: me}}")),
        "rules.yaml:2:1: a PrometheusRule of Kubernetes: what Prometheus loads is only what stands below its `spec:`": ours(
            "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec: {groups: []}\n"
        ),
        "two groups are called `api`; the first is on line 2": ours(RIGHT + RIGHT.partition("\n")[2]),
        "`expr` is in a rule twice; first on line 4": ours(group("- expr: up", "  alert: A", "  expr: down")),
        "`labels` must be a mapping, `key: value`; this is a list": ours(group("- {alert: A, expr: up, labels: [a]}")),
        "annotation `summary`: there is no function `labels`; write `$labels`": ours(saying("{{ labels.job }}")),
        "annotation `summary`: there is no variable `$label`; there are `$labels`": ours(saying("{{ $label.job }}")),
        "rules.yaml:8:9 api/ApiDown: annotation `summary`: an action that does not end: write `}}`": ours(
            saying("{{ $labels.job")
        ),
        "a group has `query_offset` since Prometheus 2.53; Prometheus 2.42 refuses it": ours(
            "groups:\n- {name: api, query_offset: 1m, rules: [{alert: A, expr: up}]}\n"
        ),
        "Prometheus 2.42 does not know `mad_over_time`; it is known only since 2.49": ours(
            group("- {alert: A, expr: 'mad_over_time(x[5m]) > 1'}")
        ),
    },
    undecided={"nested more than 64 deep; promtool is not installed": ours(DEEP)},
)
ALR_002 = Specimens(
    passes=[rules(), rules(RIGHT + "- name: empty\n")],
    fails={
        "rules.yaml: no group, and no rule (expected at least one rule)": rules("groups: []\n"),
        "no group, and no rule": rules(""),
        "none of its 2 groups has a rule": rules("groups:\n- name: a\n- name: b\n  rules: []\n"),
    },
    undecided=UNREAD,
)
ALR_003 = Specimens(
    passes=[rules(), rules("")],
    fails={"rules.yaml:14: group `later` has no rules": rules(RIGHT + "- name: later\n  rules: []\n")},
    undecided=UNREAD,
)
SAME = group(
    "- {alert: Errors, expr: 'rate(errors_total[5m]) > 1', labels: {severity: page}}",
    "- {alert: Errors, expr: 'rate(errors_total [5m])>1', labels: {severity: page}}",
)
ALIKE = group("- {alert: Errors, expr: 'rate(a_total[5m]) > 1'}", "- {alert: Errors, expr: 'rate(b_total[5m]) > 1'}")
ALR_004 = Specimens(
    passes=[rules(), rules(ALIKE), rules(SAME.replace("page", "ticket", 1)), rules(others=[file(ALIKE)])],
    fails={
        "rules.yaml:5 api/Errors: the same alert `Errors`, with the same expression, as api/Errors on line 4": rules(
            SAME
        ),
        "the same series `job:http_requests:rate5m`, with the same expression, as api/job:http_requests:rate5m on line 4 "
        "of first.yaml": rules(others=[file(path="first.yaml")]),
    },
    undecided=UNREAD,
)
ALR_005 = Specimens(
    passes=[
        rules(),
        rules(SAME),
        rules(ALIKE.replace("b_total[5m]) > 1'", "b_total[5m]) > 1', labels: {window: long}")),
        rules(ALIKE.replace("a_total", 't{job="a"}').replace("b_total", 't{job="b"}')),
        rules(group('- {record: a:b:c, expr: \'label_replace(x, "y", "1", "", "")\'}', "- {record: a:b:c, expr: z}")),
    ],
    fails={
        "rules.yaml:5 api/Errors: `Errors` has the same name and labels as api/Errors on line 4, and another expression": rules(
            ALIKE
        ),
    },
    undecided=UNREAD,
)
ALR_006 = Specimens(
    passes=[
        rules(),
        rules(saying("{{ $labels.job is down")),
        rules(saying('{{ printf "%.2f of %s: %v" $value $labels.job .Value }}')),
        rules(saying('{{ with query "up" }}{{ . | first | value | humanize }}{{ .labels }}{{ end }}')),
        rules(saying("{{ if gt $value 5.0 }}{{ $labels.a | toUpper }}{{ else if eq $labels.b `c` }}{{ end }}")),
        rules(saying("{{ $value := $labels.job }}{{ $value | title }}")),
    ],
    fails={
        "rules.yaml:8:22 api/ApiDown: annotation `summary`: `%d` can't show a number with a fraction": rules(
            saying('{{ printf    "%d" $value }}')
        ),
        "`gt` compares a fraction with a whole number, which Go does not: write 5.0": rules(
            saying("{{ if gt $value 5 }}{{ end }}")
        ),
        "an alert has no field `.labels`; write `.Labels`": rules(saying("{{ .labels.job }}")),
        "`title` takes texts, and is given a number": rules(saying("{{ $value | title }}")),
        "`humanize` is given 0 arguments, and takes 1": rules(saying("{{ humanize }}")),
        '"%s %s" has 2 verbs for 1 values': rules(saying('{{ printf "%s %s" $labels.job }}')),
        "`$value` has no field `.job`": rules(saying("{{ $value.job }}")),
        'the query of "up ==" is no PromQL': rules(saying('{{ query "up ==" | first | value }}')),
    },
    undecided=UNREAD,
)
ALR_007 = Specimens(
    passes=[rules(), rules(saying("costs $5; {{ $labels.job }} and {{ `$value` }}")), rules(saying("see labels.job"))],
    fails={
        "rules.yaml:8:9 api/ApiDown: annotation `summary`: `$labels.job` stands outside of `{{ }}`": rules(
            saying("$labels.job is down")
        ),
        "`$value` stands outside": rules(saying("{ $value } of {{ $labels.job }}")),
    },
    undecided=UNREAD,
)
ALR_008 = Specimens(
    passes=[rules(), rules(group("- {alert: errors, expr: up}"))],
    fails={
        "rules.yaml:4 api/http_errors: `http_errors` has no `:`, as if it were scraped": rules(
            group("- {record: http_errors, expr: up}")
        )
    },
    undecided=UNREAD,
)
LATE = group("- {alert: Errors, expr: 'up == 0 or job:errors:rate5m > 1'}", "- {record: 'job:errors:rate5m', expr: up}")
ALR_009 = Specimens(
    passes=[
        rules(),
        rules(LATE.replace("rate5m >", "rate5m offset 1m >")),
        rules(LATE.replace("job:errors:rate5m >", "max_over_time(job:errors:rate5m[1h]) >")),
        rules(LATE.replace("  - {record", "- name: other\n  rules:\n  - {record")),
        rules(group("- {record: 'a:b:c', expr: 'a:b:c + 1'}", "- {record: 'd:e:f', expr: 'a:b:c'}")),
    ],
    fails={
        "rules.yaml:4:39 api/Errors: `job:errors:rate5m` is recorded only after it in the same group, on line 5": rules(
            LATE
        ),
    },
    undecided={**UNREAD, "what api/Errors reads could not be told": rules(LATE.replace("up == 0 or", "up == 0 of"))},
)
