"""What rules refer to: how a server is asked, and what hostile input costs."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from seatrial.drivers import Session, _prometheus_api
from seatrial.facts.alerts.references_asked import empty_matches, matching, questions
from seatrial.facts.alerts.rules import Rule
from seatrial.looks import _asking
from seatrial.looks import operands as looking
from seatrial.looks._asking import Asking
from seatrial.profile.alerting import Monitor
from seatrial.promql.nodes import Binary, bare
from seatrial.promql.reading import parse
from seatrial.words import CouldNotLook
from tests.specimens.alerts_references import catalog, exposed, references

MONITOR = Monitor(url="http://127.0.0.1:9")
NOW = 1_000_000.0


class Server:
    """What answers in place of a Prometheus: so many series for each expression; it refuses those with a word in them."""

    def __init__(self, refuses="refused", reason="answered HTTP 400: it is wrong", lasts=0.0):
        self.queries, self.refuses, self.reason, self.lasts = [], refuses, reason, lasts
        self.moments = []

    def get(self, _session, _monitor, _path, params=None, *, limit=0):
        time.sleep(self.lasts)
        query, start, end = (params or {}).get("query", ""), float(params["start"]), float(params["end"])
        self.queries.append(query)
        self.moments.append(1 + round((end - start) / float(params["step"])))
        if self.refuses in query and (self.reason != "too many samples" or end > start):
            raise CouldNotLook(f"GET {_path} {self.reason}")
        marks = re.findall(r'"seatrial","(\w+)"', query)
        return {"result": [{"metric": {"seatrial": mark}, "values": [[NOW, "3"]]} for mark in marks]}


@pytest.fixture
def asking(monkeypatch):
    def make(server, end=60.0):
        monkeypatch.setattr(_prometheus_api, "get", server.get)
        session = Session(profile=None, base=Path(), resolve=str)
        return Asking(session, MONITOR, now=NOW, over=3600.0, step=120.0, end=time.monotonic() + end)

    return make


def test_many_expressions_are_few_queries(asking):
    server = Server()
    asked = asking(server)
    asked.ask({f"metric_{n}": "c" for n in range(600)})
    assert len(server.queries) == 10
    assert {given.now for given in asked.given.values()} == {3}
    assert {len(given.series) for given in asked.given.values()} == {31}


def test_one_that_is_refused_costs_the_others_nothing(asking):
    server = Server()
    asked = asking(server)
    asked.ask({**{f"metric_{n}": "c" for n in range(40)}, "refused": "clh"})
    assert [name for name, given in asked.given.items() if given.error] == ["refused"]
    assert len(asked.given) == 41
    assert len(server.queries) < 20


def test_what_was_asked_is_not_asked_again(asking):
    server = Server()
    asked = asking(server)
    asked.ask({"metric": "c"})
    asked.ask({"metric": "c"})
    assert len(server.queries) == 1


def test_what_is_too_much_for_an_hour_is_asked_for_now(asking):
    asked = asking(Server(reason="too many samples"))
    asked.heard = True
    asked.ask({"refused": "c"})
    assert asked.given["refused"].series == (3,)


def test_when_time_is_up_the_rest_is_counted_and_not_asked(asking):
    server = Server(lasts=0.2)
    asked = asking(server, end=0.1)
    asked.ask({f"metric_{n}": "c" for n in range(6000)})
    assert asked.unasked + len(asked.given) == 6000
    assert len(server.queries) <= _asking.PARALLEL
    assert asked.given


def test_a_server_that_does_not_answer_is_told_at_once(asking):
    asked = asking(Server(refuses="metric", reason="refused the connection"))
    with pytest.raises(CouldNotLook, match="refused the connection"):
        asked.ask({f"metric_{n}": "c" for n in range(6000)})


def test_a_server_that_refuses_whatever_it_is_asked_is_left_alone_soon(asking):
    for reason in ("answered HTTP 403: not you", "answered HTTP 400: whatever", "answered a page and no JSON"):
        server = Server(refuses="metric", reason=reason)
        asked = asking(server)
        with pytest.raises(CouldNotLook, match=reason):
            asked.ask({f"metric_{n}": "c" for n in range(6000)})
        assert len(server.queries) < 400


@pytest.mark.parametrize(
    "result",
    [
        None, {}, "x", [1], [{"metric": {"seatrial": "0c"}, "values": None}], [{"metric": {"seatrial": "0c"}, "values": [[1, "inf"]]}],
        [{"metric": {"seatrial": "0c"}, "values": [["x", "1"]]}], [{"metric": [], "values": []}],
        [{"metric": {"seatrial": "0c"}, "values": [[1]]}],
    ],
)  # fmt: skip
def test_what_is_no_answer_to_a_query_is_told(result, asking):
    server = Server()
    server.get = lambda *_, **__: {"result": result}
    asked = asking(server)
    with pytest.raises(CouldNotLook, match="something else than series"):
        asked.ask({"metric": "c"})
    if not isinstance(result, list) or result == [1]:
        with pytest.raises(CouldNotLook, match="something else than series"):
            _asking.span(asked.session, MONITOR, NOW)


def test_metrics_with_very_many_series_are_asked_at_one_moment(asking):
    server = Server()
    asked = asking(server)
    asked.ask({f"metric_{n}": "c" for n in range(12)}, once=True)
    assert server.moments == [1, 1]
    assert asked.given["metric_3"].series == (3,)


def test_thousands_of_rules_are_so_many_questions_and_no_more(asking, monkeypatch):
    server = Server()
    asked = asking(server)
    monkeypatch.setattr("seatrial.looks.catalogs.catalog", lambda _session: catalog({}))
    rules = [Rule("alert", f"A{n}", "g", f"metric_{n} > {n} and other_{n} > 1") for n in range(5_000)]
    look = looking._Look(asked.session, MONITOR, rules)
    look._ask(asked, look._first())
    assert len(asked.given) == looking.MOST
    assert look.left > 2_000


# --- questions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "value", "empty"),
    [
        ("=", "", True), ("=", "a", False), ("!=", "", False), ("!=", "a", True), ("=~", ".*", True), ("=~", ".+", False),
        ("=~", "a|", True), ("=~", "(a|)", True), ("=~", "a|b", False), ("!~", ".+", True), ("!~", ".*", False),
        ("=~", "5..", False), ("=~", r"\pN+", True), ("=~", "a" * 3000, True),
    ],
)  # fmt: skip
def test_matchers_that_take_series_without_the_label(op, value, empty):
    assert empty_matches(("label", op, value)) is empty


@pytest.mark.parametrize(
    ("expression", "test"),
    [
        ("a / b", "(a) / (b)"),
        ("a > 5 and on (x) b == 1", "(a) and on (x) (b)"),
        ("a * on (x, y) group_left (z) b", "(a) * on (x, y) group_left (z) (b)"),
        ("a > ignoring (q) sum(b)", "(a) > bool ignoring (q) (sum(b))"),
        ("(a # what\n > 5) / b", "(a) / (b)"),
    ],
)
def test_whether_two_sides_match_is_asked_whatever_their_values(expression, test):
    parsed = parse(expression)
    root = bare(parsed.root)
    assert isinstance(root, Binary)
    assert matching(parsed, root) == test


@pytest.mark.parametrize(
    "expression",
    [
        "vector(1)",
        "1 > bool 2",
        '{__name__=~"a.*"} > 1',
        "time() > bool 5",
        "vector(scalar(a)) > 1",
        "a[5m:1m]",
        "absent(a)",
        "-a ^ 2 > 1",
    ],
)
def test_every_expression_has_questions_that_can_be_read(expression):
    parsed = parse(expression)
    for text, forms in questions(parsed, whole=False):
        assert parse(text)
        assert forms in ("c", "clh")


# --- hostile input ----------------------------------------------------------------------------------------------------


def test_a_regular_expression_that_explodes_is_not_run():
    began = time.monotonic()
    found = exposed(
        *(f'calls_total{{route=~"{evil}",status!~"{evil}"}} > 1' for evil in ("(a+)+b", "(/n*)*x", "(.*)*y" * 40))
    )
    assert found.unseen_values is not None
    assert time.monotonic() - began < 2


def test_a_label_bomb_and_deep_nesting_end_soon():
    bomb = ",".join(f'l{n}="v"' for n in range(2000))
    deep = "(" * 60 + "calls_total" + ")" * 60
    began = time.monotonic()
    found = references(f"calls_total{{{bomb}}} > 1", f"{deep} > 1", "(" * 5000 + "a")
    assert len(found.unknown_labels) == 2000
    assert time.monotonic() - began < 10


def test_findings_of_a_running_servers_rules_have_no_line():
    found = references(Rule("alert", "A", "g", "cals_total > 1"))
    assert [str(each).partition(":")[0] for each in found.missing_metrics] == ["alerts.yaml g/A"]
