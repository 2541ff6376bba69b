"""A test alert's sending and hearing: what is refused, what a journal holds, and whatever else may knock at the listener."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from seatrial import recovering
from seatrial.drivers import Session, _alert_hands, _alertmanager_api
from seatrial.drivers._alert_hands import AlertHands, kept_of, posts
from seatrial.drivers._alertmanager_config import added, configuration
from seatrial.drivers._alertmanager_seen import labels_of, seen_of
from seatrial.experiments import _receiving
from seatrial.experiments._handless import Handless
from seatrial.experiments._receiving import listening
from seatrial.experiments.arrival import differing
from seatrial.facts.alerts.arrival import Alertmanager, Inhibition, Integration, Matcher, Receiver, Route, Span
from seatrial.facts.alerts.arrival_sending import muted, way
from seatrial.facts.alerts.delivery_judged import Delivering
from seatrial.facts.alerts.rules import Group, Rule, RuleFile
from seatrial.outcomes import Tier
from seatrial.profile.alerting import Alerts, Monitor
from seatrial.profile.nodes import EnvReference, FileReference
from seatrial.profile.references import References
from seatrial.safety.disturbing import undo
from seatrial.words import CouldNotLook, Duration, Missing

LABELS = {"alertname": "SeatrialTest", "seatrial": "test", "seatrial_id": "4711"}
WEBHOOK = Integration("webhook", host="127.0.0.1:9099", path="/in")


# --- whether it may be sent -------------------------------------------------------------------------------------------


def found(*integrations, receiver="seatrial", route=None, **changes):
    route = route or Route(receiver, group_by=("...",), group_wait=2.0, group_interval=7.0)
    return Alertmanager("http://a", route=route, receivers=(Receiver("seatrial", integrations),), **changes)


@pytest.mark.parametrize(
    ("webhook", "listen"),
    [
        (WEBHOOK, "127.0.0.1:9099"),
        (Integration("webhook", host="localhost:9099", path="/in"), "127.0.0.1:9099"),
        (Integration("webhook", host="[::1]:9099", path="/in"), "[::1]:9099"),
        (Integration("webhook", host="host.docker.internal:9099", path="/in"), "127.0.0.1:9099"),
        (Integration("webhook", host="172.17.0.1:9099", path="/in"), "0.0.0.0:9099"),
        (Integration("webhook"), "127.0.0.1:9099"),
    ],
)
def test_a_webhook_that_may_be_ours_is_used(webhook, listen):
    assert way(found(webhook), "seatrial", LABELS, listen).webhook == webhook


@pytest.mark.parametrize(
    ("server", "text"),
    [
        (found(), "receiver seatrial has no integration"),
        (found(WEBHOOK, Integration("email")), "has webhook, email"),
        (found(Integration("slack")), "has slack"),
        (found(WEBHOOK, receiver="team"), "leads the test alert to receiver team"),
        (found(Integration("webhook", host="hooks.example.org:443", path="/in")), "sends to hooks.example.org:443"),
        (found(Integration("webhook", host="10.0.0.5:9099", path="/in")), "sends to 10.0.0.5:9099"),
        (found(Integration("webhook", host="127.0.0.1:9099", path="-")), "another path"),
    ],
)
def test_what_others_might_hear_is_not_sent(server, text):
    with pytest.raises(CouldNotLook, match="nothing was sent: ") as why:
        way(server, "seatrial", LABELS, "127.0.0.1:9099")
    assert text in why.value.reason


@pytest.mark.parametrize(
    ("rule", "refused"),
    [
        (Inhibition("i", (Matcher("seatrial", "=", "test"),)), True),
        (Inhibition("i", (Matcher("alertname", "=~", ".+"),), equal=("instance",)), True),
        (Inhibition("i", (Matcher("alertname", "=~", ".+"),), equal=("namespace", "alertname")), False),
        (Inhibition("i", (Matcher("severity", "=", "page"),)), False),
        (Inhibition("i", (Matcher("seatrial", "?"),)), True),
    ],
)
def test_an_alert_that_would_inhibit_others_is_not_sent(rule, refused):
    server = found(WEBHOOK, inhibitions=(rule,))
    if refused:
        with pytest.raises(
            CouldNotLook, match="nothing was sent: the test alert would keep others from being told, by i"
        ):
            way(server, "seatrial", LABELS, "127.0.0.1:9099")
    else:
        assert way(server, "seatrial", LABELS, "127.0.0.1:9099").ends


def test_without_an_alertmanager_there_is_nothing_to_look_at(tmp_path):
    with pytest.raises(CouldNotLook, match="no Alertmanager is declared"):
        seen_of(session(tmp_path), Alerts.model_construct(alertmanager=None))


def test_a_group_that_others_may_be_in_is_given_their_time():
    def waits(**changes):
        route = Route("seatrial", group_wait=2.0, group_interval=7.0, **changes)
        return way(found(WEBHOOK, route=route), "seatrial", LABELS, "127.0.0.1:9099").waits

    assert waits(group_by=("...",)) == waits(group_by=("seatrial_id",)) == (2.0,)
    assert waits(group_by=("alertname",)) == waits() == (7.0,)


def test_mute_is_what_every_route_is():
    always, never = (Span(),), (Span(years=((1999, 1999),)),)
    server = found(
        WEBHOOK, intervals={"always": always, "never": never, "odd": Missing("can't be read")}, at=1795286896.0
    )

    def told(*names, active=()):
        return muted(server, tuple(Route("seatrial", mute=(name,) if name else (), active=active) for name in names))

    assert told("always") == "route is mute in the time interval always, which is now"
    assert told("never") == told("") == told("always", "never") == ""
    assert told("", active=("never",)) == "route tells anybody in the time interval never alone, which is not now"
    assert told("", active=("never", "always")) == ""
    for name in ("odd", "unknown"):
        with pytest.raises(CouldNotLook):
            told(name)


def test_the_labels_of_a_test_alert_say_that_it_is_one():
    declared = SimpleNamespace(labels={"team": "sea", "seatrial": "arrival", "seatrial_id": "mine"})
    assert labels_of(SimpleNamespace(test_receiver=declared), "4711") == {
        "alertname": "SeatrialTest", "seatrial": "arrival", "team": "sea", "seatrial_id": "4711",
    }  # fmt: skip


def test_of_what_arrives_only_our_own_names_are_told():
    assert differing("label", {"a": "1", "b": "2"}, {"a": "1", "b": "2"}) == []
    got = {"a": "other-secret", "hunter2": "hunter3"}
    assert differing("label", {"a": "1", "b": "2"}, got) == [
        "its label a is changed", "its label b is missing", "it has 1 more label than were sent",
    ]  # fmt: skip


# --- what is kept, and how it is ended --------------------------------------------------------------------------------


class Double:
    """What an Alertmanager does with alerts, as far as a test needs it."""

    def __init__(self):
        self.alerts, self.headers, self.fixed = {}, [], None
        double = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                double.headers.append(self.headers.get("Authorization"))
                fixed = double.fixed(self.path) if double.fixed else None
                self.answer(*(fixed or (200, json.dumps(list(double.alerts.values())).encode())))

            def do_POST(self):
                double.headers.append(self.headers.get("Authorization"))
                for alert in json.loads(self.rfile.read(int(self.headers["Content-Length"]))):
                    id = alert["labels"]["seatrial_id"]
                    double.alerts[id] = alert
                    if alert["endsAt"] <= _alert_hands.stamp(time.time()):
                        del double.alerts[id]
                self.answer(200, b"")

            def answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


@pytest.fixture
def double():
    made = Double()
    yield made
    made.server.shutdown()
    made.server.server_close()


def session(tmp_path, granted=Tier.write, **env):
    references = References(env, tmp_path)
    return Session(SimpleNamespace(services={}), tmp_path, references.resolve, granted)


def monitor(url, headers=None):
    return Monitor.model_construct(url=url, headers=headers, timeout=Duration(2))


def posted(session, monitor, seconds=60.0):
    hands = AlertHands(session, Handless("http"))
    (act,) = hands.acts(
        "alert", "alertmanager", kept=kept_of(monitor), labels=LABELS, annotations={"a": "b"}, seconds=seconds
    )
    hands.do(act)
    return hands, act


def test_an_alert_is_posted_shown_and_ended(double, tmp_path):
    hands, act = posted(session(tmp_path), monitor(double.url))
    assert hands.left(act) == "it still fires"
    assert hands.proof(act) == "the Alertmanager lists it"
    undo(hands, act)
    assert double.alerts == {}
    undo(hands, act)
    with pytest.raises(CouldNotLook, match="does not list it"):
        hands.proof(act)


def test_a_run_that_may_not_write_posts_nothing(double, tmp_path):
    with pytest.raises(CouldNotLook, match="needs tier write"):
        posted(session(tmp_path, Tier.observe), monitor(double.url))
    assert double.alerts == {}


def test_a_journal_holds_references_and_another_process_ends_the_alert_by_them(double, tmp_path, monkeypatch):
    (tmp_path / "token").write_text("Bearer hunter2\n")
    reached = monitor(EnvReference(env="AM_URL"), {"Authorization": FileReference(file="token"), "X-Scope": "sea"})
    _, act = posted(session(tmp_path, AM_URL=double.url), reached)
    told = json.dumps(act.told())
    assert double.url not in told
    assert "hunter2" not in told
    assert double.headers == ["Bearer hunter2"]
    monkeypatch.setenv("AM_URL", double.url)
    hands = recovering.hands_of({"driver": "http", "hands": {"alerts": True}, "base": str(tmp_path)})
    assert hands.left(act) == "it still fires"
    undo(hands, act, watched=0.1)
    assert double.alerts == {}


def test_what_can_not_be_reached_is_over_after_its_time_and_not_before(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
    hands = AlertHands(session(tmp_path), Handless("http"))

    def left(seconds):
        (act,) = hands.acts(
            "alert", "alertmanager", kept=kept_of(monitor(url)), labels=LABELS, annotations={}, seconds=seconds
        )
        hands.undo(act)
        return hands.left(act)

    assert left(-_alert_hands.SKEW - 1) == ""
    with pytest.raises(CouldNotLook, match="refused the connection"):
        left(-1)


def test_an_address_with_a_password_is_kept_nowhere():
    with pytest.raises(CouldNotLook, match="password") as why:
        kept_of(monitor("http://jo:hunter2@127.0.0.1:9093"))
    assert "hunter2" not in str(why.value)


def test_everything_else_is_the_drivers_hands(tmp_path):
    hands = AlertHands(session(tmp_path), Handless("http"))
    with pytest.raises(CouldNotLook, match="driver http has no way"):
        hands.acts("stop", "api")
    assert (hands.replicas("api"), hands.checks("api"), hands.inventory(), hands.told()) == (
        (),
        (),
        {},
        {"alerts": True},
    )
    assert not posts(SimpleNamespace())
    assert not posts(SimpleNamespace(alerts=SimpleNamespace(test_receiver=None)))


# --- what answers in place of an Alertmanager -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ((500, b""), "answered HTTP 500"),
        ((401, b""), "answered HTTP 401"),
        ((302, b""), "answered HTTP 302"),
        ((200, b"<html>"), "no JSON"),
        ((200, b"[" * 100_000), "no JSON"),
        ((200, b"{}"), "what answers is no Alertmanager"),
        ((200, b"[1]"), "what answers is no Alertmanager"),
        ((200, b'{"config": {"original": 3}}'), "what answers is no Alertmanager"),
        ((200, b'{"config": {"original": "a: ["}}'), "configuration can't be read"),
        ((200, b"[" + b"1," * 1_000_001 + b"1]"), "parts"),
        ((200, b'"' + b"x" * (9 << 20) + b'"'), "more than 8 MiB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_alertmanager_is_told_for_what_it_is(answer, text, double, tmp_path):
    double.fixed = lambda _: answer
    with pytest.raises(CouldNotLook) as why:
        seen_of(session(tmp_path), Alerts.model_construct(alertmanager=monitor(double.url)))
    assert text in str(why.value)


def test_secrets_of_an_alertmanager_are_in_no_repr(tmp_path):
    server = _alertmanager_api.server(
        session(tmp_path, TOKEN="hunter2"),
        monitor("http://jo:pw@h:1/am/", {"Authorization": EnvReference(env="TOKEN")}),
    )
    assert (server.base, server.secret) == ("http://jo:pw@h:1/am", ("Authorization",))
    assert "pw" not in repr(server) + server.shown
    assert "hunter2" not in repr(server)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{}", ()),
        ("global: {external_labels: {region: eu, env: prod}}", ("env", "region")),
        ("alerting: {alert_relabel_configs: [{action: labeldrop, regex: x}]}", None),
        ("alerting: {alertmanagers: [{alert_relabel_configs: [{target_label: team}]}]}", None),
        ("[", None),
        ("global: 3", None),
    ],
)
def test_labels_that_a_prometheus_adds(text, names):
    told = added(text, str)
    assert isinstance(told, Missing) if names is None else told == names


# --- whatever knocks --------------------------------------------------------------------------------------------------


@contextmanager
def ear():
    with listening("127.0.0.1:0", "/in", "seatrial_id", "4711") as receiving:
        yield receiving, f"http://127.0.0.1:{receiving.address[1]}/in"


def send(url, body):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as why:
        return why.code
    except (urllib.error.URLError, ConnectionError):
        return 0  # it was closed before all of it was sent


def note(*ids, status="firing"):
    alerts = [
        {"status": status, "labels": {**LABELS, "seatrial_id": id, "other": "x"}, "annotations": {}} for id in ids
    ]
    return json.dumps({"receiver": "seatrial", "status": status, "alerts": alerts}).encode()


def test_only_our_alert_counts():
    with ear() as (receiving, url):
        assert send(url, note("someone-elses")) == 200
        assert receiving.arrived == []
        assert send(url, note("someone-elses", "4711")) == 200
        assert receiving.until(lambda arrived: arrived, 2)
        (one,) = receiving.arrived
    assert (one.status, one.receiver, one.labels["seatrial_id"]) == ("firing", "seatrial", "4711")


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"[]", b"3", b"{}", b'{"alerts": 3}', b'{"alerts": [3]}', b'{"alerts": [{"labels": 3}]}', b"[" * 100_000,
     b'{"alerts": [{"labels": {"seatrial_id": "4711"}}]}', b"\xff\xfe"],
)  # fmt: skip
def test_what_is_no_notification_is_noted_without_repeating_it(body):
    with ear() as (receiving, url):
        send(url, body)
        for _ in range(100):
            if receiving.trouble:
                break
            time.sleep(0.02)
        assert receiving.trouble == [
            "something that is no notification of an Alertmanager came to the test receiver's path"
        ]
        assert send(url, note("4711")) == 200
        assert receiving.until(lambda arrived: arrived, 2)


def test_other_paths_methods_and_sizes_are_refused():
    with ear() as (receiving, url):
        assert send(f"{url}/other", note("4711")) == 404
        assert send(url, b"x" * (_receiving.LARGEST + 1)) in (413, 0)
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(url, timeout=5)
        assert receiving.arrived == []


def test_who_drips_is_cut_off_and_keeps_nobody_out(monkeypatch):
    monkeypatch.setattr(_receiving, "WITHIN", 0.5)
    with ear() as (receiving, url):
        port = receiving.address[1]
        crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(_receiving.AT_ONCE + 4)]
        for each in crowd:
            each.sendall(b"POST /in HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
        time.sleep(0.9)
        assert send(url, note("4711")) == 200
        assert receiving.until(lambda arrived: arrived, 2)
        for each in crowd:
            each.close()


def test_a_flood_is_kept_within_bounds():
    with ear() as (receiving, url):
        for _ in range(3):
            send(url, note(*["4711"] * 500))
        time.sleep(0.2)
        assert len(receiving.arrived) == _receiving.MOST


def test_when_it_is_over_nobody_listens():
    with ear() as (receiving, _):
        port = receiving.address[1]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port))


@pytest.mark.parametrize("address", ["203.0.113.7:9099", "nonsense", "127.0.0.1:99999", ""])
def test_an_address_that_is_not_ours_is_told(address):
    with pytest.raises(CouldNotLook, match="is not to be had"), listening(address, "/", "a", "b"):
        pytest.fail("it listens")


# --- size -------------------------------------------------------------------------------------------------------------


def many(rules, routes):
    tree = {"receiver": "a", "routes": [{"match": {"team": f"t{n}"}, "receiver": "a"} for n in range(routes)]}
    told = configuration(json.dumps({"route": tree, "receivers": [{"name": "a"}]}), str)
    alerts = tuple(
        Rule("alert", f"A{n}", "g", "up", {"team": f"t{n}", "severity": "page"}, line=n) for n in range(rules)
    )
    declared = Alerts.model_construct(severities=[], undelivered=[], test_receiver=None)
    return Delivering("x", declared, Alertmanager("http://a", **told), {"f": RuleFile("f", (Group("g", alerts),))})


def test_ten_thousand_alerts_are_told_in_seconds_and_what_takes_minutes_is_not_begun():
    began = time.monotonic()
    assert len(many(10_000, 200).untold) == 10_000
    assert time.monotonic() - began < 30
    with pytest.raises(CouldNotLook, match="more than are compared"):
        assert many(10_000, 1000).untold
