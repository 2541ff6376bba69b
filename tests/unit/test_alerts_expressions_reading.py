"""PromQL is read with places, agrees with promql-parser, and never ends the process."""

import subprocess
import sys

import pytest

from seatrial.promql.labels import Flow
from seatrial.promql.reading import Unreadable, operands, parse, selectors

READABLE = [
    "up",
    "up == 0 or absent(up)",
    "sum by (job) (rate(x_total{status=~'5..'}[5m])) / sum by (job) (rate(x_total[5m])) > 0.05",
    "SUM BY (a) (x) AND y",
    "sum(x) by (on)",
    "-x ^ 2 * 3",
    "2 ^ -x",
    "+-x",
    "x ^ y ^ z",
    "x[5m:1m] offset 1h @ 5 ",
    "max_over_time((x > 3)[5m:1m]) > 2",
    "max_over_time(:a:b[5m])",
    '{"foo.bar", a="b",}',
    '{a="b" or c="d", e="f"}',
    "x{or='1', by=\"2\"}",
    "x offset -5m # later\n + y @ start()",
    "x * on (a) group_left (b) y",
    "x * on (a) group_left y",
    "label_replace(x, 'a', '$1', 'b', '(.*)')",
    "quantile(0.5, x) > 1e3",
    "count_values('v', x)",
    "1 > bool 0x1F",
]


@pytest.mark.parametrize("text", READABLE)
def test_promql_is_read(text):
    assert parse(text.strip()).text == text.strip()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "at its end"),
        ("rate(x)", "expected type matrix"),
        ("x +", "at its end"),
        ("x y", "an operator is missing before `y`"),
        ("x{a=b}", "not in quotes"),
        ("x[5x]", "`]` is missing before `x`"),
        ("rate(x[$__interval])", "`$` does not belong into PromQL"),
        ("nosuch(x)", "unknown function"),
        ("1 == 1", "BOOL"),
        ("(x", "`)` is missing at its end"),
    ],
)
def test_what_is_no_promql_is_refused_with_its_reason(text, reason):
    with pytest.raises(Unreadable) as refused:
        parse(text)
    assert reason in refused.value.reason


HOSTILE = {
    "a megabyte": "'x' * 1_000_000",
    "parentheses": "'(' * 100_000 + 'x' + ')' * 100_000",
    "signs": "'-' * 100_000 + 'x'",
    "a chain": "'x' + '+x' * 100_000",
    "fewer parentheses": "'(' * 2_000 + 'x' + ')' * 2_000",
    "fewer signs": "'-' * 9_000 + 'x'",
    "a shorter chain": "'x' + '+x' * 4_000",
    "calls": "'abs(' * 2_000 + 'x' + ')' * 2_000",
    "powers": "'x' + '^x' * 2_000",
    "subqueries": "'x' + '[1m:1m]' * 1_000",
    "an expression in a string": "'x{a=~\"' + '(' * 20_000 + ')' * 20_000 + '\"}'",
    "a large regular expression": "'x{a=~\"(((a{1000}){1000}){1000})\"}'",
    "a zero byte": "'x' + chr(0)",
    "a duration without end": "'rate(x[' + '9' * 400 + 'y])'",
    "a number without end": "'x[' + '9' * 5000 + ']'",
}


def test_hostile_expressions_are_refused_and_never_end_the_process():
    code = (
        "import threading, time\n"
        "from seatrial.promql.reading import Unreadable, parse\n"
        "def each():\n"
        "    for text in (" + ", ".join(HOSTILE.values()) + "):\n"
        "        began = time.monotonic()\n"
        "        try: parse(text); print('read')\n"
        "        except Unreadable as refused: print('refused', str(refused)[:60])\n"
        "        assert time.monotonic() - began < 5\n"
        "threading.stack_size(512 * 1024)\n"
        "one = threading.Thread(target=each); one.start(); one.join()\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (out.returncode, out.stderr) == (0, "")
    assert [line.split()[0] for line in out.stdout.splitlines()] == ["refused"] * len(HOSTILE)


@pytest.mark.parametrize("text", ["(" * 63 + "x" + ")" * 63, "x" + "+x" * 178, "abs(" * 63 + "x" + ")" * 63])
def test_what_is_just_within_the_bounds_is_read_in_a_small_stack(text):
    code = (
        "import threading, sys\nfrom seatrial.promql.reading import parse\nthreading.stack_size(512 * 1024)\n"
        "one = threading.Thread(target=lambda: print(parse(sys.argv[1]).text == sys.argv[1])); one.start(); one.join()"
    )
    out = subprocess.run([sys.executable, "-c", code, text], capture_output=True, text=True, timeout=60, check=False)
    assert (out.returncode, out.stdout) == (0, "True\n")


def test_selectors_have_their_places_and_what_is_made_of_them():
    text = 'sum by (job) (rate(a_total{x="1"}[5m] offset 1h)) > 3 unless on (job) absent(up{job=~"a|b"})'
    first, second = selectors(parse(text))
    assert (first.metric, first.matchers, first.range) == ("a_total", (("x", "=", "1"),), 300)
    assert (first.calls, first.guarded, first.query) == (("rate", "sum"), False, 'a_total{x="1"}')
    assert text[first.start : first.end] == first.query
    assert (second.metric, second.calls, second.guarded) == ("up", ("absent",), True)
    assert text[second.start : second.end] == second.query == 'up{job=~"a|b"}'


def test_a_series_beside_its_own_absence_is_not_optional():
    assert [s.guarded for s in selectors(parse("up == 0 or absent(up)"))] == [False, True]
    assert [s.guarded for s in selectors(parse("a or b"))] == [True, True]
    assert [s.guarded for s in selectors(parse("a or vector(0)"))] == [True]


def test_operands_are_what_can_be_asked_for():
    text = "sum by (job) (rate(a[5m])) / (b + 1) > 0.5"
    assert [(o.query, o.role, o.op) for o in operands(parse(text))] == [
        (text, "whole", ""),
        ("sum by (job) (rate(a[5m])) / (b + 1)", "left", ">"),
        ("sum by (job) (rate(a[5m]))", "left", "/"),
        ("rate(a[5m])", "argument", "sum"),
        ("b + 1", "right", "/"),
        ("b", "left", "+"),
        ("1", "right", "+"),
        ("0.5", "right", ">"),
    ]


@pytest.mark.parametrize(
    ("text", "there", "gone"),
    [
        ("x", "a job", ""),
        ('x{a=""}', "job", "a"),
        ("sum(x)", "", "a job"),
        ("sum by (a) (x)", "a", "job"),
        ("sum without (a) (x)", "job", "a"),
        ("sum by (a) (sum without (a) (x))", "", "a job"),
        ("topk by (a) (3, x)", "a job", ""),
        ("count_values by (a) ('v', x)", "a v", "job"),
        ("histogram_quantile(0.9, sum by (le, a) (rate(x_bucket[5m])))", "a", "le job"),
        ("absent(x{a='1', b=~'2'})", "a", "b job"),
        ("absent(sum by (a) (x))", "", "a"),
        ("vector(1)", "", "a"),
        ("x * on (a) y", "a", "job"),
        ("x * ignoring (a) y", "job", "a"),
        ("x * on (a) group_left (b) y", "a b job", ""),
        ("x * on (a) group_left (b) sum by (a) (y)", "a job", "b"),
        ("sum by (a) (x) * on (a) group_right (b) y", "a job", "b"),
        ("x / sum by (a) (y)", "a", "job"),
        ("x > 5", "a", ""),
        ("time() - x", "a", ""),
        ("x and on (a) y", "a job", ""),
        ("sum by (a) (x) or sum by (b) (y)", "a b", "c"),
        ("sum(x) or vector(0)", "", "a"),
        ("label_replace(sum by (a) (x), 'b', '$1', 'a', '(.*)')", "a b", "c"),
        ("label_join(sum(x), 'b', '-', 'a')", "b", "a"),
        ("max_over_time(sum by (a) (x)[5m:1m])", "a", "b"),
        ("-sum by (a) (x)", "a", "b"),
        ("scalar(x)", "", "a"),
        ("hour()", "", "a"),
        ("hour(x)", "a", ""),
    ],
)
def test_labels_flow_as_prometheus_lets_them(text, there, gone):
    labels = Flow().of(parse(text).root)
    assert [name for name in there.split() if not labels.can(name)] == []
    assert [name for name in gone.split() if labels.can(name)] == []


def test_a_loss_says_what_took_the_label_away():
    text = "sum by (a) (sum by (job, a) (x)) > 0"
    loss = Flow().of(parse(text).root).why("job")
    assert (loss.text, text[loss.node.start : loss.node.end]) == (
        "`sum by (a)` keeps a alone",
        "sum by (a) (sum by (job, a) (x))",
    )
