"""Rule files changed at random: their text, their expressions, their templates, their fields."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

EXPRESSIONS = (
    "up == 0",
    'sum by (job) (rate(http_requests_total{code=~"5..", job!="probe"}[5m])) / sum by (job) (rate(http_requests_total[5m])) > 0.05',
    "histogram_quantile(0.99, sum by (le, route) (rate(request_duration_seconds_bucket[10m]))) > 1.5",
    'absent(up{job="api"}) or up{job="api"} == 0',
    "predict_linear(node_filesystem_avail_bytes[6h], 4 * 3600) < 0 and on (instance) node_filesystem_readonly == 0",
    "changes(process_start_time_seconds[15m]) > 2",
    "max_over_time(deriv(queue_length[5m])[1h:1m] offset 5m) > bool 0",
    'label_replace(kube_pod_info, "node", "$1", "host", "(.+)") * on (namespace, pod) group_left (node) kube_pod_status_ready',
    'count_values without (instance) ("version", build_info) > 1 unless ignoring (version) maintenance',
    "topk(3, -x) ^ 2 % 7 atan2 y @ 1609746000.5",
    "quantile by () (0.9, x offset -1w) >= 1e-3 or vector(0x1F)",
    "clamp_max(x, 1) == inf or y != NaN",
    "(time() - last_success_timestamp_seconds) / 3600 > 24 # hours",
    "rate(x_total[1m30s] @ end()) <= .5",
    "day_of_week() == 6 and hour(vector(time())) < 8",
    "sum(x) without (a, b,) + on () group_right sum(y)",
    'avg_over_time({__name__=~"a:.+", b=""}[1d])',
    "holt_winters(x[1h], 0.5, 0.5) > 0",
    "group by (le) (x) and x:y:z",
    "stddev_over_time(x[1y2w3d4h5m6s7ms]) > scalar(sum(y))",
)
REGEXES = (
    "5..|4[0-9]{2}", r"a\\.b|c\\d+", "(?i:get|post)", "^(a|b)?$", "[^a-z_-]+", "[[:alpha:]]*x", r"\\p{Greek}\\pL", "x{2,}?y{1,3}", "(?P<n>a)",
    "a||b", "[]a]", r"\\Qa.b\\E", r"\\x41\\x{1F600}\\101", "(?s).+(?-s)", ".*", "", "(a{30}){30}", "a{,2}", "[a-\\\\d]", r"\\bx\\B",
    "(?:)", "a{1001}", "(?!x)", "a**", "(?<x>a)", "[z-a]", r"\\Z", r"\\1", "ä[é-ü]", "a{2}{3}", "^*", "(|a)*", "[[a]]", "[a&&b]",
)  # fmt: skip
TEMPLATES = (
    "{{ $labels.instance }} is down.",
    '{{ $value | humanizePercentage }} of {{ $labels.job }} fail, {{ printf "%.2f" $value }} a second',
    "{{ with query \"up{job='x'}\" }}{{ . | first | value | humanize }}{{ end }}",
    '{{ range query "sum by (a) (x)" }}{{ .Labels.a }} {{ .Value | humanize1024 }}\n{{ else }}none{{ end }}',
    '{{ if eq $labels.severity "page" }}now{{ else if gt $value 5.0 }}soon{{ else }}later{{ end }}',
    "{{- /* why */ -}} {{ .ExternalURL }}/graph?{{ $externalURL }}{{ externalURL }}{{ pathPrefix }}",
    '{{ define "x" }}{{ . }}{{ end }}{{ template "x" $value }}',
    '{{ $x := $labels.a }}{{ $x = reReplaceAll "a(.)" `$1` $x }}{{ ($x | toUpper).y }}{{ index $labels "a-b" }}',
    "{{ range $i, $e := query `up` }}{{ if $i }}, {{ break }}{{ end }}{{ $e.Labels.job | title }}{{ end }}",
    "{{ 'a' }} {{ 0x1p-2 }} {{ 1_000 }} {{ -1.5e3 }} {{ 1+2i }} {{ true }} {{ nil | not }}",
    "a }} b {single} $labels.c",
    "{{ block `b` .Labels }}{{ .a }}{{ end }}",
    "{{ $labels.a\n| toLower }}",
    '{{ (index (query "up") 0).Value | humanizeTimestamp }} {{ .Labels.x.y }}',
)
DURATIONS = (
    "5m", "1h30m", "0", "0s", "15", "1.5h", "90s", "1d", "1w2d", "2d1w", "-5m", "5 m", '"5m"', "'1m'", "", "~", "null", "5M",
    "1y", "999999y", "300y", "[5m]", "{a: b}", "5ms", "1m1m", "00005m", "5µs", "!!str 5m", "1e3s", "+5m", "٥m",
)  # fmt: skip
INTEGERS = (
    "5", "0", "-1", "1.5", "1e3", '"5"', "0x10", "0b11", "0o17", "017", "1_000", "~", "five", "[1]", "99999999999999999999",
    "true", ".5", "5.", "1e30", "2020-01-01", "+7", "08", "!!int 5", '!!int "5"', "!!float 5", ".inf", "-0x1F", "",
)  # fmt: skip
NAMES = (
    "a", "Down", "a:b:c", "a-b", "9a", "__name__", "ä", '""', "''", "~", "null", "5", "true", "[a]", "{b: c}", "a b", "_", ":",
    "'a'", '"a\\tb"', "*x", "&x y", "!!str 7", "a{b='c'}", "le", "",
)  # fmt: skip
CHARACTERS = "{}[]()\"'`:,#&*!|>-%@\\ \n\tabc019.$~=+/<^é\u00a0_"


def rule_file(rules: str) -> str:
    """A file of one group."""
    return f"groups:\n- name: g\n  rules:\n{rules}"


def of_expression(chance: random.Random) -> str:
    """A rule with a changed expression."""
    return rule_file(
        f"  - record: a:b:c\n    expr: {_json(changed(chance, chance.choice(EXPRESSIONS), EXPRESSIONS))}\n"
    )


FUNCTIONS = (  # noqa: SIM905 - it is to be read
    "abs absent absent_over_time acos acosh asin asinh atan atanh avg_over_time ceil changes clamp clamp_max clamp_min cos cosh "
    "count_over_time days_in_month day_of_month day_of_week day_of_year deg delta deriv exp floor histogram_count histogram_sum "
    "histogram_fraction histogram_quantile holt_winters hour idelta increase irate label_replace label_join last_over_time ln "
    "log10 log2 max_over_time min_over_time minute month pi predict_linear present_over_time quantile_over_time rad rate resets "
    "round scalar sgn sin sinh sort sort_desc sqrt stddev_over_time stdvar_over_time sum_over_time tan tanh time timestamp vector "
    "year sum avg count min max group stddev stdvar topk bottomk count_values quantile sort_by_label mad_over_time info "
    "histogram_avg double_exponential_smoothing limitk first_over_time SUM Rate"
).split()
OPERANDS = (
    "x", "1", "x[5m]", '"a"', "x > 1", "vector(1)", "time()", "-x", "(x)", "rate(x[5m])", "x[5m:]", "sum(x)", "1 > bool 2", "x[5m] offset 1m",
    "x offset 1m", "x @ end()", "x and y", "{a='b'}", "-1", "(1)", "('a')", "(x[5m])", "+x[5m]", "x or 1", "x @ -1", "inf", "scalar(x)",
)  # fmt: skip
OPERATORS = (
    "+", "-", "*", "/", "%", "^", "atan2", "==", "!=", ">", "<=", "and", "or", "unless", "> bool", "+ bool", "and bool", "* on(a)",
    "/ ignoring(b)", "+ on() group_left(c)", "and on(a) group_right()", "== on(a, b) group_left(a)", "or ignoring()", "> bool on(a)", "OR", "= ",
)  # fmt: skip


def of_types(chance: random.Random) -> str:
    """A rule with functions and operators on what they may not take."""

    def some(depth: int) -> str:
        if depth == 0 or chance.random() < 0.2:
            return chance.choice(OPERANDS)
        match chance.randrange(4):
            case 0 | 1:
                given = ", ".join(some(depth - 1) for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3, 5))))
                by = chance.choice(("", "", "", " by (a)", " without ()", " by (a, on)"))
                return chance.choice(FUNCTIONS) + chance.choice((f"{by}({given})", f"({given}){by}"))
            case 2:
                return f"{some(depth - 1)} {chance.choice(OPERATORS)} {some(depth - 1)}"
            case _:
                after = chance.choice(
                    ("[5m]", "[1h:5m]", " offset 5m", " @ start()", "[5m:] @ 5", " offset -1m offset 1m", "")
                )
                return f"({some(depth - 1)}){after}" if chance.random() < 0.7 else some(depth - 1) + after

    return rule_file(f"  - record: a:b:c\n    expr: {_json(some(chance.randrange(1, 4)))}\n")


def of_regex(chance: random.Random) -> str:
    """A rule with a changed regular expression."""
    regex = changed(chance, chance.choice(REGEXES), REGEXES)
    quote = chance.choice("\"'`")
    sign = chance.choice(("=~", "!~"))
    expr = f"x{{a{sign}{quote}{regex}{quote}}}" if chance.random() < 0.5 else f"{{a{sign}{quote}{regex}{quote}}}"
    return rule_file(f"  - record: a:b:c\n    expr: {_json(expr)}\n")


def of_template(chance: random.Random) -> str:
    """An alert with a changed template."""
    text = changed(chance, chance.choice(TEMPLATES), TEMPLATES)
    key = chance.choice(("annotations", "labels"))
    return rule_file(f"  - alert: A\n    expr: up\n    {key}: {{summary: {_json(text)}}}\n")


def of_fields(chance: random.Random) -> str:
    """A rule of fields with values that may be none of theirs."""
    value = {
        "alert": NAMES, "record": NAMES, "expr": ("up", "1", "~", "[a]", "'up == 0'", "*x", '""', ">\n      up\n      > 0", "|-\n      up"),
        "for": DURATIONS, "keep_firing_for": DURATIONS,
    }  # fmt: skip
    keys = [key for key in ("alert", "record", "expr", "for", "keep_firing_for") if chance.random() < 0.6]
    if chance.random() < 0.6 and "alert" in keys and "record" in keys:
        keys.remove("record")
    if "expr" not in keys and chance.random() < 0.8:
        keys.append("expr")
    chance.shuffle(keys)
    lines = [f"{key}: {chance.choice((value[key][0], chance.choice(value[key])))}" for key in keys]
    for key in ("labels", "annotations"):
        if chance.random() < 0.4:
            pairs = ", ".join(
                f"{_flow(chance.choice(NAMES))}: {_flow(chance.choice(NAMES))}" for _ in range(chance.randrange(3))
            )
            lines.append(
                f"{key}: {chance.choice((f'{{{pairs}}}', f'{{{pairs}}}', '~', '[a]', 'text', '{<<: {a: b}, c: d}'))}"
            )
    if chance.random() < 0.1:
        lines.append(
            chance.choice(
                ("summary: x", "if: up", "Expr: up", "<<: {for: 5m}", "<<: [a]", "? [a]\n    : b", "~: x", "expr: up")
            )
        )
    group = [f"interval: {chance.choice(DURATIONS)}"] * (chance.random() < 0.2)
    group += [f"limit: {chance.choice(INTEGERS)}"] * (chance.random() < 0.3)
    group += [f"name: {chance.choice(NAMES)}"] * (chance.random() < 0.1)
    group += [chance.choice(("labels: {a: b}", "query_offset: 1m", "partial_response_strategy: warn"))] * (
        chance.random() < 0.05
    )
    head = "groups:\n- " + "\n  ".join([chance.choice(("name: g", "name: &x g")), *group])
    return head + "\n  rules:\n  - " + "\n    ".join(lines or ["{}"]) + "\n"


def of_text(chance: random.Random, texts: Sequence[str]) -> str:
    """A file with changed lines or characters."""
    text = chance.choice(texts)
    for _ in range(chance.randrange(1, 3)):
        lines = text.split("\n")
        at = chance.randrange(len(lines))
        match chance.randrange(7):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[chance.randrange(len(lines))])
            case 2:
                lines[at] = "  " + lines[at]
            case 3:
                lines[at] = lines[at][1:] if lines[at].startswith(" ") else f" {lines[at]}"
            case 4:
                text = changed(chance, text, [text])
                lines = text.split("\n")
            case 5:
                line = lines[at]
                lines[at] = changed(chance, line, [line])
            case _:
                lines = lines[:at] if chance.random() < 0.3 else lines
        text = "\n".join(lines)
    return text


def changed(chance: random.Random, text: str, others: Sequence[str]) -> str:
    """A text with one to three changes; sometimes none."""
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(text) + 1)
        to = min(len(text), at + chance.randrange(1, 6))
        match chance.randrange(6):
            case 0:
                text = text[:at] + text[to:]
            case 1:
                text = text[:at] + chance.choice(CHARACTERS) + text[at:]
            case 2:
                text = text[:at] + chance.choice(CHARACTERS) + text[to:]
            case 3:
                other = chance.choice(others)
                start = chance.randrange(len(other) or 1)
                text = text[:at] + other[start : start + chance.randrange(1, 12)] + text[at:]
            case 4:
                text = text[:at] + text[at:to] * 2 + text[to:]
            case _:
                words = text.split(" ")
                one, two = chance.randrange(len(words)), chance.randrange(len(words))
                words[one], words[two] = words[two], words[one]
                text = " ".join(words)
    return text


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _flow(text: str) -> str:
    return text or "~"
