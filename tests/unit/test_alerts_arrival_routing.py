"""The routing tree by our own reading: what amtool says of the same tree, seeded and many times; and what can't be told."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from datetime import UTC, datetime

import pytest

from seatrial.drivers._alertmanager_config import configuration, matchers_in
from seatrial.facts.alerts.arrival import Matcher, Route, Span
from seatrial.facts.alerts.arrival_routing import holds, possible, reach, routes, walk, within
from seatrial.words import CouldNotLook, Missing

AMTOOL = shutil.which("amtool")
NAMES = ("severity", "team", "job", "env", "no_such")
VALUES = ("page", "ticket", "db", "cache", "db-1", "", "a,b", "x=y", 'quo"te', "back\\slash", "Page", "ümlaut", "1.5")
PATTERNS = (
    "db|cache",
    "db.*",
    ".*",
    ".+",
    "",
    "[a-c].*",
    "(page|ticket)",
    "db-\\d",
    "(?i)PAGE",
    "^db$",
    "1.5",
    "p(a|b)ge?",
    "(?:db)?(-1)?",
)


def read(text):
    return configuration(text, str)


def quoted(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def spelled(chance, name, op, value):
    """A matcher in one of the spellings that mean the same."""
    plain = all(letter.isalnum() or letter in "-.|*+" for letter in value) and value
    text = value if plain and chance.random() < 0.4 else quoted(value)
    gap = chance.choice(("", " "))
    return f"{name}{gap}{op}{gap}{text}"


def some_route(chance, depth, receivers):
    node = {}
    if chance.random() < 0.8:
        node["receiver"] = chance.choice(receivers)
    if chance.random() < 0.35:
        node["match"] = {chance.choice(NAMES): chance.choice(VALUES) for _ in range(chance.randint(1, 2))}
    if chance.random() < 0.35:
        node["match_re"] = {chance.choice(NAMES): chance.choice(PATTERNS)}
    if chance.random() < 0.5:
        lines = []
        for _ in range(chance.randint(1, 2)):
            one = []
            for _ in range(chance.randint(1, 2)):
                op = chance.choice(("=", "!=", "=~", "!~"))
                one.append(spelled(chance, chance.choice(NAMES), op, chance.choice(PATTERNS if "~" in op else VALUES)))
            text = ", ".join(one)
            lines.append(f"{{{text}}}" if chance.random() < 0.5 else text)
        node["matchers"] = lines
    node["continue"] = chance.random() < 0.4
    if depth and chance.random() < 0.7:
        node["routes"] = [some_route(chance, depth - 1, receivers) for _ in range(chance.randint(1, 4))]
    return node


def some_tree(chance):
    receivers = [f"r{number}" for number in range(5)]
    top = {"receiver": "r0", "routes": [some_route(chance, 2, receivers) for _ in range(chance.randint(1, 4))]}
    return json.dumps({"route": top, "receivers": [{"name": name} for name in receivers]}, ensure_ascii=False)


@pytest.mark.skipif(AMTOOL is None, reason="amtool is not installed")
@pytest.mark.parametrize("seed", range(40))
def test_amtool_agrees(seed, tmp_path):
    chance = random.Random(seed)
    file = tmp_path / "am.yml"
    text = some_tree(chance)
    file.write_text(text)
    route = read(text)["route"]
    for _ in range(5):
        labels = {name: value for name in NAMES if (value := chance.choice(VALUES)) and chance.random() < 0.7}
        # In quotes, as its own parser is as particular as that of the configuration.
        words = [f"{name}={quoted(value)}" for name, value in labels.items()]
        done = subprocess.run(
            [AMTOOL, "config", "routes", "test", f"--config.file={file}", *words],
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{text}\n{words}\n{done.stderr}"
        assert ",".join(each.receiver for each in walk(route, labels)) == done.stdout.strip(), f"{text}\n{labels}"


@pytest.mark.parametrize("seed", range(60))
def test_what_is_possible_holds_whatever_the_other_labels_are(seed):
    chance = random.Random(seed)
    route = read(some_tree(chance))["route"]
    for _ in range(20):
        labels = {name: chance.choice(VALUES) for name in NAMES if chance.random() < 0.7}
        known = {name: value for name, value in labels.items() if chance.random() < 0.5}
        ended = {each.place for each in walk(route, labels)}
        assert ended <= {each.place for each in possible(route, known)}
        assert ended <= reach(route, known)
        assert ended == {each.place for each in possible(route, labels, open=())}


def test_a_route_inherits_all_but_the_times_it_is_mute():
    top = read(
        "route: {receiver: a, group_by: ['...'], group_wait: 1m30s, mute_time_intervals: [night], routes: [{matchers: [a=b],"
        " group_interval: 1h, routes: [{receiver: c, group_by: [x]}]}]}"
    )["route"]
    _, child, grandchild = routes(top)
    assert (child.receiver, child.group_by, child.group_wait, child.group_interval) == ("a", ("...",), 90, 3600)
    assert (top.mute, child.mute) == (("night",), ())
    assert (grandchild.receiver, grandchild.group_by, grandchild.place) == ("c", ("x",), "route.routes[0].routes[0]")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a=b", [("a", "=", "b")]),
        ('{a="b,c", d!~ "e|f" }', [("a", "=", "b,c"), ("d", "!~", "e|f")]),
        ('a="say \\"ahoy\\""', [("a", "=", 'say "ahoy"')]),
        ("a=~b=c", [("a", "=~", "b=c")]),
        ('"with space"="x"', [("with space", "=", "x")]),
        ("a=", [("a", "=", "")]),
        ("a=\"\\d\\n\"", [("a", "=", "\\d\n")]),
    ],
)  # fmt: skip
def test_matchers(text, told):
    assert matchers_in(text) == told


@pytest.mark.parametrize("text", ["a", "=b", 'a="b', "a b=c"])
def test_what_is_no_matcher(text):
    with pytest.raises(ValueError, match="matcher"):
        matchers_in(text)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(a|a)*b", "(?=x)", "[[:alpha:]]+", "\\pL", "a++", "x" * 2000, "(", "((a*)b)*", "a(?i)b"]
)
def test_patterns_that_are_not_read_for_sure_are_not_tried(pattern):
    with pytest.raises(CouldNotLook, match="pattern"):
        holds(Matcher("a", "=~", pattern), "a" * 50)


def test_a_pattern_that_would_take_for_ever_is_not_tried():
    with pytest.raises(CouldNotLook, match="take too long"):
        holds(Matcher("a", "=~", ".*.*.*.*.*.*x"), "a" * 200)


def test_a_value_that_looks_like_a_secret_is_not_kept_and_not_guessed_at():
    made = configuration(
        "route: {receiver: a, routes: [{match: {token: hunter2}}]}", lambda text: text.replace("hunter2", "…")
    )
    (matcher,) = made["route"].routes[0].matchers
    assert "hunter2" not in repr(made)
    with pytest.raises(CouldNotLook, match="not kept"):
        holds(matcher, "hunter2")


def test_of_receivers_only_their_kinds_are_kept():
    text = (
        "route: {receiver: a}\nreceivers:\n- name: a\n  webhook_configs: [{url: 'http://u:pw@h:9/deep?t=1'}]\n"
        "- name: b\n  webhook_configs: [{url: 'http://u:pw@127.0.0.1:9099/in?t=1', send_resolved: false}, {url: '<secret>'}]\n"
        "  slack_configs: [{api_url: 'http://x/secret'}]\n"
    )
    a, b = configuration(text, str, "b", "/in")["receivers"]
    assert [(each.kind, each.resolved, each.host) for each in a.integrations] == [("webhook", True, "")]
    assert [(each.kind, each.resolved, each.host) for each in b.integrations] == [
        ("webhook", False, "127.0.0.1:9099"), ("webhook", True, ""), ("slack", False, ""),
    ]  # fmt: skip
    assert b.integrations[0].path == "/in"
    assert isinstance(b.integrations[1].path, Missing)
    assert not any(secret in repr((a, b)) for secret in ("pw", "t=1", "deep", "x/secret"))


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "a: [", "route: 3", "route: {receiver: a, routes: [3]}", "route: {receiver: a, group_wait: soon}",
        "route: {matchers: [nonsense]}", "route: &a {routes: [*a]}", "[" * 200_000, "{a: " * 5000, "route: {[a]: b}",
        "a: !!python/object/apply:os.system [true]",
    ],
)  # fmt: skip
def test_what_is_no_configuration_is_told_as_such(text):
    with pytest.raises(CouldNotLook, match="configuration can't be read"):
        read(text)


NIGHT = Span(times=((22 * 60, 24 * 60), (0, 6 * 60)))


@pytest.mark.parametrize(
    ("span", "at", "inside"),
    [
        (NIGHT, "2026-03-01T22:00", True),
        (NIGHT, "2026-03-01T06:00", False),
        (Span(weekdays=((0, 0), (6, 6))), "2026-11-22T10:00", True),
        (Span(weekdays=((1, 5),)), "2026-11-22T10:00", False),
        (Span(days=((-3, -1),)), "2026-02-26T10:00", True),
        (Span(days=((-3, -1),)), "2026-02-25T10:00", False),
        (Span(days=((30, 31),)), "2026-02-28T10:00", False),
        (Span(days=((-31, 1),)), "2026-02-01T10:00", True),
        (Span(months=((1, 3),), years=((2026, 2027),)), "2027-03-31T10:00", True),
        (Span(months=((1, 3),), years=((2026, 2026),)), "2027-03-31T10:00", False),
        (Span(times=((9 * 60, 10 * 60),), location="Europe/Berlin"), "2026-07-01T07:30", True),
        (Span(), "2026-07-01T07:30", True),
    ],
)
def test_times(span, at, inside):
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()
    assert within((span,), moment) is inside


def test_times_are_read_as_they_are_reported():
    told = read(
        'route: {receiver: a}\nmute_time_intervals:\n- name: night\n  time_intervals:\n  - times: [{start_time: "22:00", end_time:'
        " \"24:00\"}]\n    weekdays: [saturday, 'monday:wednesday']\n    days_of_month: ['-3:-1', '5']\n    months: [\"1:3\", may]\n"
        "    years: ['2026:2030']\n    location: Europe/Berlin\ntime_intervals:\n- name: odd\n  time_intervals: [{weekdays: [someday]}]\n"
    )["intervals"]
    assert told["night"] == (
        Span(((1320, 1440),), ((6, 6), (1, 3)), ((-3, -1), (5, 5)), ((1, 3), (5, 5)), ((2026, 2030),), "Europe/Berlin"),
    )
    with pytest.raises(CouldNotLook, match="can't be read"):
        within(told["odd"], 0)


def test_a_route_is_told_by_its_place_and_matchers():
    assert (
        str(Route("a", "route.routes[0]", (Matcher("severity", "=", "page"),))) == 'route.routes[0] {severity="page"}'
    )
