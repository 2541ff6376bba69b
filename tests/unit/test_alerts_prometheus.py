"""What answers in the place of a Prometheus, and what a Prometheus may answer: bounded, told, and never taken for what it is not."""

from __future__ import annotations

import contextlib
import json
import resource
import time
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial.drivers import _prometheus_api as api
from seatrial.facts.alerts.catalog import Catalog
from seatrial.facts.alerts.monitoring import Monitoring
from seatrial.facts.alerts.monitoring_places import targets_of
from seatrial.facts.alerts.monitoring_same import SHORT, Undecided, same_expression
from seatrial.facts.alerts.rules import Group, RuleFile
from seatrial.looks import _catalog_scraped
from seatrial.looks import _monitoring_parts as parts
from seatrial.looks._hosts import hosts
from seatrial.looks._secrets import redacting
from seatrial.looks.catalogs import catalog
from seatrial.looks.monitoring import monitoring
from seatrial.profile.alerting import Monitor
from seatrial.profile.model import Profile
from seatrial.words import CouldNotLook, Missing
from tests.specimens.alerts_prometheus import loaded, of_file, rule, server, target
from tests.unit.test_http_driver import head, no_proxy, says, served
from tests.unit.test_http_driver import session as plain_session

__all__ = ["no_proxy"]
MIB = 2**20
JSON = "Content-Type: application/json"


def session(**changes):
    return plain_session(**{"redact": redacting(()), **changes})


def body(data, *lines, status="200 OK"):
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    return says(head(f"Content-Length: {len(text)}", *(lines or (JSON,)), status=status), text)


def ask(talk, path="/api/v1/rules", params=None, *, by=None, limit=api.LARGEST, **monitor):
    with served(talk) as there:
        monitor = Monitor.model_validate({"url": f"http://127.0.0.1:{there.port}", **monitor})
        return api.get(by or session(), monitor, path, params, limit=limit), there.got


def why(talk, **given):
    with pytest.raises(CouldNotLook) as told:
        ask(talk, **given)
    return str(told.value)


def success(data):
    return body({"status": "success", "data": data})


# --- the API ----------------------------------------------------------------------------------------------------------


def test_the_data_of_an_answer_is_given_and_asked_for_with_a_get_below_the_prefix():
    with served(success({"groups": []})) as there:
        monitor = Monitor.model_validate({"url": f"http://127.0.0.1:{there.port}/prom/", "headers": {"X-Scope": "sea"}})
        found = api.get(session(), monitor, "/api/v1/series", {"match[]": ["up", 'a{b="c"}'], "limit": "5"})
    assert found == {"groups": []}
    assert there.got[0].startswith(
        b"GET /prom/api/v1/series?match%5B%5D=up&match%5B%5D=a%7Bb%3D%22c%22%7D&limit=5 HTTP"
    )
    assert b"X-Scope: sea\r\n" in there.got[0]


@pytest.mark.parametrize(
    ("talk", "told"),
    [
        (body(b"<!doctype html><title>Sign in</title>", "Content-Type: text/html"), "answered a page and no JSON, as a proxy"),
        (body(b"", "Location: http://u:pw@login.example/?next=1", status="302 Found"), "redirects to http://login.example/, and redirects are not followed"),
        (body(b"Unauthorized", "Content-Type: text/plain", status="401 Unauthorized"), "HTTP 401 (missing right: credentials under alerts.prometheus.headers)"),
        (body(b"Service Unavailable", "Content-Type: text/plain", status="503 Service Unavailable"), "HTTP 503: it is still starting, or it is overloaded (missing right: a moment to start)"),
        (body(b"404 page not found\n", "Content-Type: text/plain", status="404 Not Found"), "HTTP 404 (missing right: alerts.prometheus.url with the path prefix"),
        (body({"status": "error", "errorType": "bad_data", "error": "1:5: parse error:\n\tunclosed"}, status="400 Bad Request"), "HTTP 400: 1:5: parse error: unclosed"),
        (body({"status": "error", "error": "token=abcdef0123456789abcdef no"}, status="422 Unprocessable Entity"), "HTTP 422: token=<secret>"),
        (body({"hello": "world"}), "answered JSON that is not of a Prometheus"),
        (body({"status": "success"}), "answered JSON that is not of a Prometheus"),
        (body(b"[1, 2"), "answered application/json that is no JSON"),
        (body(b"\xff\xfe\x00"), "that is no JSON"),
        (body(b"", "Content-Type: text/plain"), "answered text/plain that is no JSON"),
        (body(b'{"status":"success","data":' + b"[" * 200_000), "that is no JSON"),
        (body(b'{"status":"success","data":[' + b"0," * 4_100_000 + b"0]}"), "has more than 4,000,000 parts"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), "sent something that is no HTTP"),
        (says(), "closed the connection without an answer"),
        (says(head("Content-Length: 100", JSON), b"{"), "closed the connection before its answer was whole"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_told_for_what_it_is(talk, told):
    assert told in why(talk)


def test_where_nothing_listens_and_where_nothing_is_said_is_told():
    with served(says()) as there:
        port = there.port
    monitor = Monitor.model_validate({"url": f"http://127.0.0.1:{port}"})
    with pytest.raises(api.NoServer, match="refused the connection"):
        api.get(session(), monitor, "/api/v1/rules")
    clock = time.monotonic()
    assert "did not answer within 300ms" in why(lambda _: time.sleep(2), timeout="300ms")
    drips = says(head("Content-Length: 900000", JSON), forever=b" ", pause=0.01)
    assert "did not finish its answer within 300ms" in why(drips, timeout="300ms")
    assert time.monotonic() - clock < 3


def test_a_page_of_200_mib_is_read_to_its_bound_and_no_further():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    huge = says(head(f"Content-Length: {200 * MIB}", JSON), *[b" " * MIB] * 200)
    assert "answered more than 32 MiB, and the rest was not read" in why(huge, timeout="30s")
    assert "answered more than 1 MiB" in why(huge, timeout="30s", limit=MIB)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400 * 1024


@pytest.mark.parametrize("url", ["http://127.0.0.1:9090/?token=abc", "http://127.0.0.1:9090/#x"])
def test_an_address_that_goes_on_with_a_query_is_refused_without_showing_it(url):
    with pytest.raises(CouldNotLook, match=r"127.0.0.1:9090/ goes on with a query") as told:
        api.get(session(), Monitor.model_validate({"url": url}), "/api/v1/rules")
    assert "abc" not in str(told.value)


def test_a_query_longer_than_a_server_takes_is_not_sent():
    with pytest.raises(CouldNotLook, match="more than a server takes"):
        api.get(
            session(), Monitor.model_validate({"url": "http://127.0.0.1:9"}), "/api/v1/query", {"query": "x" * 70_000}
        )


def test_what_we_send_is_masked_where_it_comes_back():
    told = {"yaml": "credentials: correct-horse-4711"}
    found, got = ask(success(told), headers={"Authorization": "Bearer correct-horse-4711"})
    assert b"Bearer correct-horse-4711" in got[0]
    assert found == {"yaml": "credentials: <secret>"}


# --- what it tells ----------------------------------------------------------------------------------------------------

ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["groups", "rules", "name", "labels", "query", "activeTargets", "scrapeUrl", "url", "yaml",
                         "lastEvaluation", "interval", "activeAlertmanagers", "keepFiringFor"]) | st.text(max_size=4),
        inner, max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@given(ANY)
@settings(max_examples=300, deadline=None)
def test_whatever_json_it_sends_is_facts_or_not_looked_at(data):
    by = session()
    for read in (
        lambda: parts.rules(by, data, 1e9),
        lambda: parts.targets(by, data, 1e9),
        lambda: parts.alertmanagers(by, data),
        lambda: parts.intervals(data),
        lambda: parts.awaited(data),
        lambda: parts.newest(data, data),
    ):
        with contextlib.suppress(CouldNotLook):
            read()


NAMES = st.sampled_from(["up", "a_total", "a_bucket", "a"])
SERIES = st.lists(st.dictionaries(st.sampled_from(["__name__", "job", "le", "x"]), NAMES | ANY, max_size=3), max_size=3)
PATHS = {
    "metadata": st.dictionaries(NAMES, st.lists(st.dictionaries(st.sampled_from(["type", "help"]), ANY), max_size=2)),
    "series": SERIES,
    "query": st.just({"result": [{"metric": {"__name__": "a"}, "value": [0, "7"]}]})
    | st.fixed_dictionaries({"result": st.lists(st.fixed_dictionaries({"metric": ANY, "value": ANY}), max_size=2)}),
    "status/tsdb": st.fixed_dictionaries(
        {"headStats": st.fixed_dictionaries({"numSeries": st.sampled_from([1, 10**9])})}
    ),
}


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_json_it_sends_is_a_catalog_or_none(data):
    def get(_session, _monitor, path, *_, **__):
        path = path.removeprefix("/api/v1/")
        return data.draw(PATHS.get(path, st.lists(NAMES)) | ANY)

    by = session()
    by.profile = profile(
        alerts={"prometheus": {"url": "http://127.0.0.1:9"}, "means": {"A": {"value": "a", "above": "1"}}}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "get", get)
        patch.setattr(_catalog_scraped, "FEW_OF_ONE", 0)
        patch.setattr("seatrial.looks.monitoring.SETTLED", 0.0)
        assert isinstance(catalog(by), Catalog | Missing)
        assert isinstance(monitoring(by), Monitoring | Missing)


@pytest.mark.parametrize(
    ("one", "told"),
    [
        ({"name": "A", "query": "x" * 300_000}, "rule g/A has a text of 300000 characters, more than is read"),
        ({"name": "A", "labels": {f"l{n}": "x" for n in range(1000)}}, "rule g/A has 1000 labels and annotations"),
    ],
)
def test_a_rule_that_nobody_wrote_by_hand_is_not_compared(one, told):
    with pytest.raises(CouldNotLook, match=told):
        parts.rules(session(), {"groups": [{"name": "g", "rules": [one]}]}, 0.0)


def test_more_rules_and_targets_than_are_read_are_told():
    with pytest.raises(CouldNotLook, match="it has 20001 rules loaded"):
        parts.rules(session(redact=str), {"groups": [{"name": "g", "rules": [{"name": "A"}] * 20_001}]}, 0.0)
    with pytest.raises(CouldNotLook, match="it has 20001 targets"):
        parts.targets(session(redact=str), {"activeTargets": [{}] * 20_001}, 0.0)


def test_a_target_with_endless_labels_is_cut():
    one = {"labels": {f"l{n:06}": "x" * 10_000 for n in range(2_000)}, "scrapeUrl": "http://u:pw@a:1/m?key=1"}
    (found,) = parts.targets(session(), {"activeTargets": [one]}, 0.0)
    assert found.url == "http://a:1/m"
    assert len(found.labels) == 200
    assert max(map(len, found.labels.values())) == 500


def test_secrets_in_what_it_tells_are_not_kept():
    one = {
        "name": "A",
        "labels": {"token": "abcdef0123456789abcdef"},
        "annotations": {"runbook": "http://u:hunter22@x/"},
    }
    (found,) = parts.rules(session(), {"groups": [{"name": "g", "rules": [one]}]}, 0.0)
    assert found.labels == {"token": "<secret>"}
    assert "hunter22" not in repr(found)


@pytest.mark.parametrize(
    ("text", "seconds"), [("15s", 15), ("1m30s", 90), ("1h0m0s", 3600), ("250ms", 0.25), ("1w", 604800), ("", 0), ("5", 0)]
)  # fmt: skip
def test_durations_of_prometheus_are_read(text, seconds):
    assert parts.seconds(text) == seconds


def test_of_its_configuration_two_intervals_are_read_and_nothing_else():
    text = "global:\n  scrape_interval: 15s\n  evaluation_interval: 1m\n  external_labels:\n    scrape_interval: 3s\nalerting:\n"
    assert parts.intervals({"yaml": text + "scrape_configs:\n- scrape_interval: 2s\n"}) == (15, 60)
    assert parts.awaited({"yaml": text}) == ()
    assert parts.awaited({"yaml": text + "  alertmanagers:\n  - scheme: http\nscrape_configs:\n"}) == (
        "alertmanagers",
        "targets",
    )
    with pytest.raises(CouldNotLook):
        parts.intervals({"yaml": "a: 1"})


@pytest.mark.parametrize(
    ("text", "known"),
    [("2026-11-21T18:31:58.632840191Z", True), ("2026-11-21T18:31:58+02:00", True), ("0001-01-01T00:00:00Z", False), ("now", False)],
)  # fmt: skip
def test_times_are_read_and_never_is_no_time(text, known):
    assert (parts.when(text) is not None) == known


# --- whether it is the same -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ("sum(x)by(a,b)", "sum by (b, a) (x)", True),
        ('rate(x{b="1",a!~"2"}[60m])', 'rate(x{a!~"2",b="1"}[1h])', True),
        ("x offset 90s > 1e3", "x offset 1m30s > 1000", True),
        ("a / on(i) group_left(z,y) b", "a / on (i) group_left (y, z) b", True),
        ("x{a='b'} # why\n > 1", 'x{a="b"} > 1', True),
        ("x == Inf", "x == +Inf", True),
        ("x > 0.1", "x > 0.10", True),
        ("x > 1", "x >= 1", False),
        ("x > 1", "x > bool 1", False),
        ("rate(x[5m])", "irate(x[5m])", False),
        ("a - b - c", "a - (b - c)", False),
        ("sum by (a) (x)", "sum without (a) (x)", False),
        ('x{a="1"}', 'x{a=~"1"}', False),
        ("x offset 1m", "x", False),
    ],
)  # fmt: skip
def test_expressions_are_the_same_however_they_are_written(ours, theirs, same):
    assert same_expression(ours, theirs) is same


def test_what_can_not_be_read_is_the_same_when_it_is_written_alike_and_else_undecided():
    assert same_expression("new_function( x )", "new_function(\n x )")
    assert same_expression("holt_winters(x[5m],0.3,0.7)", "holt_winters(x[5m], 0.3, 0.7)")
    with pytest.raises(Undecided):
        same_expression("new_function('a b')", "new_function('a  b')")
    with pytest.raises(Undecided):
        same_expression("new_function(x)", "other_function(x)")
    with pytest.raises(Undecided):
        same_expression("(" * 50_000 + "x" + ")" * 50_000, "x")


@pytest.mark.parametrize(
    "text", ["(" * 249 + "x" + ")" * 249, "-" * 498 + "x", "x" + " + x" * 124, "sum(" * 99 + "x" + ")" * 99]
)
def test_what_is_short_can_not_be_nested_deeply_enough_to_do_harm(text):
    assert len(text) <= SHORT
    with contextlib.suppress(Undecided):
        assert same_expression(text, f"{text} > 1") is False


def test_ten_thousand_rules_are_compared_in_seconds():
    rules = [
        rule(f"A{n}", f'sum by (b, a) (rate(x{{z="{n}",a="1"}}[60m])) > {n}', group=f"g{n // 50}")
        for n in range(10_000)
    ]
    groups = tuple(Group(f"g{n}", tuple(rules[n * 50 : n * 50 + 50])) for n in range(200))
    there = [loaded(one, query=f'sum by (b, a) (rate(x{{a="1",z="{n}"}}[1h])) > {n}') for n, one in enumerate(rules)]
    made = server(*there, file=RuleFile("demo/alerts.yaml", groups))
    clock = time.monotonic()
    assert made.wrongly_loaded == []
    assert made.late_evaluations == []
    assert made.unhealthy_rules == []
    assert time.monotonic() - clock < 20
    one_group = of_file(*(rule(f"A{n}", "x") for n in range(5_000)))
    clock = time.monotonic()
    assert len(server(loaded(), file=one_group).wrongly_loaded) == 2
    assert time.monotonic() - clock < 5


# --- where things are -------------------------------------------------------------------------------------------------


def told(*targets, url="http://127.0.0.1:9090"):
    names = ["localhost", "127.0.0.1", "0.0.0.0", "::1", "10.1.2.3", "10.9.9.9"]
    here = ("127.0.0.1",)
    known = {name: (name,) if name.startswith("10.") else here for name in names}
    return Monitoring(url, targets=tuple(target(url=each, instance="") for each in targets), hosts=known)


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        ("http://127.0.0.1:8080/metrics", "http://localhost:8080/metrics", 1),
        ("http://localhost:8080/metrics", "http://[::1]:8080/metrics", 1),
        ("http://10.1.2.3/metrics", "http://10.1.2.3:80/metrics", 1),
        ("https://10.1.2.3/metrics", "https://10.1.2.3:443/metrics", 1),
        ("http://10.1.2.3:8080/metrics", "http://10.9.9.9:8080/metrics", 0),
        ("http://127.0.0.1:8080/metrics", "http://127.0.0.1:8081/metrics", 0),
        ("http://127.0.0.1:8080/metrics", "http://127.0.0.1:8080/other", 0),
        ("http://127.0.0.1:8080/metrics", "http://api:8080/metrics", 1),
        ("http://127.0.0.1:8080/metrics", "http://[bad/metrics", 0),
        ("http://10.1.2.3:8080/metrics", "http://127.0.0.1:8080/metrics", 0),
    ],
)
def test_one_place_is_known_by_its_addresses(ours, theirs, found):
    assert len(targets_of(told(theirs), ours)) == found


def test_the_loopback_of_a_server_elsewhere_is_its_own():
    far = told("http://127.0.0.1:8080/metrics", url="http://10.1.2.3:9090")
    assert len(targets_of(far, "http://10.1.2.3:8080/metrics")) == 1


def test_every_address_of_this_machine_is_told_as_one():
    found = hosts(["http://127.0.0.1:1/", "http://[::1]/", "http://0.0.0.0/", "http://192.0.2.1/", "http://[bad", "x"])
    assert found["127.0.0.1"] == found["::1"] == found["0.0.0.0"] == ("127.0.0.1",)
    assert found["192.0.2.1"] == ("192.0.2.1",)


# --- looks ------------------------------------------------------------------------------------------------------------


def profile(**changes):
    return Profile.model_validate(
        {"profile": "p", "environment": "test", "target": {"driver": "http"}, "services": {}, **changes}
    )


def test_where_there_is_no_prometheus_one_question_is_asked():
    with served(body(b"Service Unavailable", "Content-Type: text/plain", status="503 Service Unavailable")) as there:
        by = session(services={})
        by.profile = profile(alerts={"prometheus": {"url": f"http://127.0.0.1:{there.port}"}})
        found = monitoring(by)
        assert isinstance(found, Missing)
        assert "it is still starting" in found.reason
        assert monitoring(by) is found
    assert len(there.got) == 1


def exposing(talk, run):
    with served(talk) as there:
        by = session()
        by.profile = profile(
            alerts={"scrape_interval": "15s"},
            services={"api": {"url": f"http://127.0.0.1:{there.port}", "metrics": {"timeout": "20s"}}},
        )
        return run(by)


TEXT = "Content-Type: text/plain; version=0.0.4"


def test_expositions_make_a_catalog_without_what_looks_like_a_secret():
    page = b'# TYPE a_total counter\na_total{token="abcdef0123456789abcdef",code="200"} 1\n# TYPE later_total counter\n'
    found = exposing(body(page, TEXT), catalog)
    assert isinstance(found, Catalog)
    metric = found.of("a_total")
    assert (metric.type, metric.series, metric.source) == ("counter", 1, "api")
    assert [(label.name, label.values, label.count) for label in metric.labels] == [
        ("code", ("200",), 1),
        ("token", (), 1),
    ]
    assert found.of("later_total").series == 0


def test_a_page_of_200_mib_and_a_label_bomb_are_bounded():
    line = b'a{l="%d"} 1\n' % 7
    huge = says(head(TEXT), *[line * (MIB // len(line))] * 200)
    found = exposing(huge, catalog)
    assert isinstance(found, Missing)
    assert found.reason == "no exposition of a service could be read; api: its exposition had not ended after 16 MiB"
    bomb = b"".join(b'a{id="%032d"} 1\n' % n for n in range(150_000))
    clock = time.monotonic()
    found = exposing(body(bomb, TEXT), catalog)
    assert time.monotonic() - clock < 30
    (label,) = found.of("a").labels
    assert (len(label.values), label.count, label.series) == (50, 100_000, 150_000)


@pytest.mark.parametrize(
    ("talk", "told"),
    [
        (body(b"<html>", "Content-Type: text/html"), "api: its metrics are an HTML page"),
        (body(b"no", TEXT, status="500 No"), "api: its metrics were answered HTTP 500"),
        (says(), "closed the connection without an answer"),
    ],
)
def test_what_is_no_exposition_is_told(talk, told):
    found = exposing(talk, catalog)
    assert told in found.reason


def test_without_either_no_metric_is_known():
    by = session()
    by.profile = profile(alerts={"scrape_interval": "15s"})
    assert "neither alerts.prometheus nor metrics of a service is declared" in catalog(by).reason


def test_names_of_a_running_server_take_no_longer_than_its_bound():
    by = SimpleNamespace(redact=str)
    clock = time.monotonic()
    data = {"groups": [{"name": "g", "rules": [{"name": f"A{n}", "query": "x" * 200} for n in range(10_000)]}]}
    assert len(parts.rules(by, data, 0.0)) == 10_000
    assert time.monotonic() - clock < 5
