"""Our own reading of rule files: places, versions, templates, and what is too much of it."""

from __future__ import annotations

import time

import pytest

from seatrial.facts.alerts.rules import Rule
from seatrial.rulefiles import durations, read, regexes, rendering
from seatrial.rulefiles.templates import check as check_template
from tests.corpus.rules import files

MARKER = "MARK_total"


def rule(text: str, version: str = "") -> Rule:
    ((group,), _) = read(text, "rules.yaml", version)
    return group.rules[0]


def alone(expr: str) -> str:
    """A file of one alert, whose expression is written just so."""
    return f"groups:\n- name: g\n  rules:\n  - alert: A\n    expr: {expr}\n    for: 5m\n"


@pytest.mark.parametrize(
    "expr",
    [
        "up + MARK_total",
        "up\n      +\n\n      MARK_total > 1\n      or down",
        '"up + MARK_total"',
        '"up{a=\\"b\\", c=~\\"\\\\\\\\d\\"} + MARK_total"',
        '"\\u0075p\\x20+ MARK_total"',
        '"up\n      + up\n\n      + MARK_total"',
        '"up \\\n      \\  + MARK_total"',
        "'up{a=''b'', c=''''} + MARK_total'",
        "'up\n\n      or ''x'' + MARK_total'",
        "|\n      up\n        + MARK_total\n      > 1\n",
        "|2\n        up\n\n       + MARK_total\n",
        "|-\n\n\n      up\n      + MARK_total\n",
        ">\n      up\n      + up\n      + MARK_total\n\n      > 1\n",
        ">-\n      up\n        + MARK_total\n      # kept\n      + MARK\n",
        "!!str up + MARK_total",
        "!!str 'up + MARK_total'",
        '&a "up + MARK_total"',
    ],
)
def test_each_character_of_an_expression_is_found_in_its_file(expr: str) -> None:
    text = alone(expr)
    found = rule(text)
    offset = found.expr.index(MARKER)
    line, column = found.place(offset)
    assert text.split("\n")[line - 1][column - 1 :].startswith(MARKER)
    first = found.place(0)
    assert text.split("\n")[first[0] - 1][first[1] - 1] in (found.expr[0], "\\", "|")


@pytest.mark.parametrize("path", files("right"), ids=lambda path: path.stem)
def test_each_word_of_the_corpus_is_found_where_it_stands(path) -> None:
    from seatrial.promql.tokens import tokens
    from seatrial.rulefiles.tree import lines_of

    text = path.read_bytes().decode("utf-8-sig")
    lines = lines_of(text)
    for group in read(text)[0]:
        for each in group.rules:
            for word in tokens(each.expr):
                line, column = each.place(word.start)
                if word.kind == "name" and lines[line - 1][column - 1] != "\\":
                    assert lines[line - 1][column - 1 :].startswith(word.text), (each.id, word)


def test_an_alias_is_told_by_the_place_of_what_it_stands_for() -> None:
    text = alone("&e up == 0") + "  - alert: B\n    expr: *e\n"
    (group,), problems = read(text)
    assert [each.expr for each in group.rules] == ["up == 0", "up == 0"]
    assert group.rules[1].place(0) == group.rules[0].place(0)
    assert problems == ()
    (group,), problems = read(text, version="2.42.0")
    assert group.rules[1].expr == "e"
    assert "an alias `*e`" in problems[0].text or "the alias `*e`" in problems[0].text


# --- versions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "since"),
    [
        (("- name: g", "- name: g\n  query_offset: 1m"), "2.53"),
        (("- name: g", "- name: g\n  labels: {team: a}"), "3.0"),
        (("for: 5m", "keep_firing_for: 5m"), "2.42"),
        ((": up\n", ": " + "mad_over_time(x[5m])" + "\n"), "2.49"),
        ((": up\n", ": " + "time() - x > 10m" + "\n"), "2.54"),
        ((": up\n", ": " + "rate(x[300])" + "\n"), "2.54"),
        ((": up\n", ": " + "x offset 300" + "\n"), "2.54"),
        ((": up\n", ": " + "'{\"a.b\"} > 0'" + "\n"), "3.0"),
        ((": up\n", ": " + "limitk(1, x)" + "\n"), "2.54"),
        (("for: 5m", "labels: {a.b: c}"), "3.0"),
    ],
)
def test_what_a_version_does_not_know_yet_is_refused_for_it_alone(change: tuple[str, str], since: str) -> None:
    text = alone("up").replace(*change)
    major, minor = map(int, since.split("."))
    before = f"{major}.{minor - 1}.0" if minor else "2.55.1"
    assert [problem for problem in read(text, version=f"{since}.0")[1] if problem.refused] == []
    assert [problem for problem in read(text)[1] if problem.refused] == []
    assert [problem for problem in read(text, version=before)[1] if problem.refused] != []


def test_what_a_version_no_more_knows_is_refused_for_it_alone() -> None:
    text = alone("holt_winters(x[5m], 0.5, 0.5)")
    assert read(text, version="2.55.1")[1] == read(text)[1] == ()
    assert "no more since 3.0" in read(text, version="3.0.0")[1][0].text


def test_labels_of_a_group_are_those_of_its_rules() -> None:
    text = alone("up").replace("- name: g", "- name: g\n  labels: {team: a, severity: page}")
    text = text.replace("for: 5m", "labels: {severity: ticket}")
    assert rule(text).labels == {"team": "a", "severity": "ticket"}


# --- parts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"), [("5m", 300), ("1h30m", 5400), ("0", 0), ("250ms", 0.25), ("1y", 31536000)]
)
def test_durations(text: str, seconds: float) -> None:
    assert durations.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "1.5h", "30s5m", "-5m", "5 m", "٥m", "300y", "5m\n", "1" * 5000 + "s"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|longer"):
        durations.seconds(text)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("{{ $labels.a }} {{ $x }}", 19),
        ("a {{ nope }}", 5),
        ("a {{ if }}b{{ end }}", 8),
        ("a\n{{ if true }}b", 16),
        ("{{ 1.2.3 }}", 6),
    ],
)
def test_what_is_wrong_with_a_template_is_told_with_its_place(text: str, offset: int) -> None:
    wrong = check_template(text)
    assert wrong is not None
    assert wrong.offset == offset


def test_a_newer_go_chains_with() -> None:
    text = "{{ with $labels }}a{{ else with $value }}b{{ end }}"
    assert check_template(text) is not None
    assert check_template(text, newer=True) is None


@pytest.mark.parametrize(
    ("regex", "offset"),
    [
        ("(a", 0),
        ("a)", 1),
        ("a**", 2),
        ("(?!a)", 0),
        ("[b-a]", 1),
        ("a{1001}", 1),
        (r"a\Z", 1),
        ("*", 0),
        ("[a", 0),
        (r"\1", 0),
        (r"\Qa", 0),
    ],
)
def test_what_is_no_regular_expression_of_go_is_told_with_its_place(regex: str, offset: int) -> None:
    wrong = regexes.check(regex)
    assert wrong is not None
    assert wrong.offset == offset


@pytest.mark.parametrize(
    "regex",
    ["", "a|b", r"\Qa.b\E+", "(?i:x)y", "[]a-]", "a{,2}", r"\x{1F600}\012", "[[:alpha:]_]", r"\p{Greek}", "(?P<n>.)"],
)
def test_regular_expressions_of_go(regex: str) -> None:
    assert regexes.check(regex) is None


@pytest.mark.parametrize(
    ("regex", "nothing"),
    [
        ("", True),
        ("a?", True),
        ("a|", True),
        ("(a*)+", True),
        ("^$", True),
        ("a", False),
        ("a?b", False),
        (r"\b", False),
    ],
)
def test_whether_a_regular_expression_takes_nothing(regex: str, nothing: bool) -> None:
    assert regexes.takes_nothing(regex) is nothing


# --- too much of it ---------------------------------------------------------------------------------------------------


def quickly(text: str) -> list[str]:
    """Problems of a text, in a time that nobody minds."""
    start = time.monotonic()
    _, problems = read(text, version="2.42.0")
    assert time.monotonic() - start < 60
    return [problem.text for problem in problems]


def test_ten_thousand_rules_are_read() -> None:
    rules = "".join(f'  - alert: A{n}\n    expr: rate(x_total{{n="{n}"}}[5m]) > {n}\n' for n in range(10_000))
    (group,), problems = read(f"groups:\n- name: g\n  rules:\n{rules}")
    assert len(group.rules) == 10_000
    assert problems == ()


def test_more_rules_than_anybody_has_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seatrial.rulefiles.reading.MOST_RULES", 1000)
    rules = "  - {alert: A, expr: up}\n" * 1002
    assert quickly(f"groups:\n- name: g\n  rules:\n{rules}") == ["more than 1,000 rules, which nobody can look after"]


LAUGHS = "x: &a0 [up]\n" + "".join(f"y{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 20)}]\n" for n in range(1, 12))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 200_000, "nested deeper than 64 levels"),
        ("{a: " * 200_000, "nested deeper than 64 levels"),
        (alone("(" * 400_000 + "up"), "more than"),
        (alone("up" + " or up" * 180_000), "more than"),
        (alone("-" * 1000 + "up"), "more than"),
        (alone("'" + "x" * 1_000_000 + "'"), "more than"),
        ("x" * (17 * 1024 * 1024), "more than 16 MiB"),
        ("groups:\n" + "- {name: g, name: g}\n" * 20_000, "is in a group twice"),
        (LAUGHS + "groups: [{name: g, rules: *a11}]\n", "has no field"),
        (alone("up") + "    annotations: {a: '" + "{{ if true }}" * 10_000 + "'}\n", "nested deeper than 200"),
        (alone("up") + "    annotations: {a: '" + "{{ (((((( " * 20_000 + "'}\n", "nested deeper than 200|can't stand|deeper"),
        (alone("up") + "    annotations: {a: '{{ " + "(" * 100_000 + " }}'}\n", "nested deeper than 200"),
        (alone("up") + "    annotations: {a: '" + "{{ $value }}" * 50_000 + "'}\n", "longer than 256 KiB"),
        ("&a [*a]", "must be a mapping"),
        ("groups: &a\n- *a\n", "must be a mapping"),
        ("groups: &a\n- name: x\n  rules: *a\n", "a rule has no field"),
        ("\0", "not YAML"),
        ("groups: \ud800", "not YAML"),
        (alone("up") + "    labels: {<<: &m {<<: *m}}\n", "not YAML|`<<` takes|alias"),
    ],
)  # fmt: skip
def test_what_is_hostile_is_answered(text: str, said: str) -> None:
    import re

    told = quickly(text)
    assert any(re.search(said, each) for each in told), told[:3]


def test_a_template_of_many_actions_is_looked_at_in_time() -> None:
    start = time.monotonic()
    assert list(rendering.problems("{{ $value | humanize }}" * 10_000)) == []
    assert time.monotonic() - start < 5
