"""Which subjects objectives give, what holds for them on which machine, and that what is told of them adds up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seatrial.facts.loads.judged import hardware_line, share_text, time_text
from seatrial.facts.loads.judging import judged
from seatrial.profile.loading import load
from seatrial.profile.subjects import subjects
from seatrial.words import CouldNotLook, Missing
from tests.specimens import objectives_loads as made

PROFILE = """\
profile: shop
summary: A shop.
environment: development
hardware: {{classes: {{big: {{cpus: 8}}, small: {{cpus: 2}}}}}}
target: {{driver: {driver}}}
services:
  api:
    url: http://127.0.0.1:8080
    {service}
  model: {{url: http://127.0.0.1:8081, paid: true, double: stand-in}}
  stand-in: {{url: http://127.0.0.1:8082}}
slos:
  read:
    service: api
    call: GET /x
    rate: 100/s
    {slo}
"""


def profile(folder, slo="latency: {p95: 1s}", service="liveness: {path: /live}", driver="process"):
    file = folder / "shop.yaml"
    file.write_text(PROFILE.format(slo=slo, service=service, driver=driver))
    return load(str(file)).profile


def ids(found, noun):
    return [subject.id for subject in subjects(found, noun, "")[0]]


@pytest.mark.parametrize(
    ("noun", "declared", "expected"),
    [
        ("stated_load", {}, True),
        ("quick_load", {}, True),
        ("quick_load", {"slo": "errors: 1%"}, False),
        ("quick_load", {"slo": "endpoints: {GET /x: {latency: {p95: 1s}}}"}, True),
        ("classed_load", {}, False),
        ("classed_load", {"slo": "classes: {big: {latency: {p95: 1s}}}"}, True),
        ("paying_load", {}, False),
        ("paying_load", {"service": "depends_on: {model: {}}"}, True),
        ("live_load", {}, True),
        ("live_load", {"service": "readiness: {path: /ready}"}, False),
        ("ready_load", {"service": "readiness: {path: /ready}"}, True),
        ("ready_load", {}, False),
        ("seen_load", {}, True),
        ("seen_load", {"driver": "http"}, False),
        ("unbounded_load", {}, True),
        ("unbounded_load", {"slo": "growth: 5%"}, False),
        ("unbounded_load", {"driver": "http"}, False),
        ("growth_objective", {"slo": "growth: 5%"}, True),
        ("written_load", {}, False),
    ],
)
def test_which_loads_a_requirement_is_about(noun, declared, expected, tmp_path):
    assert bool(ids(profile(tmp_path, **declared), noun)) is expected


def test_each_number_is_a_subject_and_what_is_proposed_says_so(tmp_path):
    slo = "latency: {p95: 1s}\n    errors: 1%\n    endpoints: {GET /x: {latency: {p99: 2s}, proposed: true}}"
    found = profile(tmp_path, slo)
    each, _ = subjects(found, "latency_objective", "")
    assert [(one.id, one.proposed) for one in each] == [
        ("slos.read.latency.p95", False),
        ("slos.read.endpoints.GET /x.latency.p99", True),
    ]
    assert ids(found, "error_objective") == ["slos.read.errors"]


def test_a_class_says_only_what_differs():
    declared = {"latency": {"p50": "9ms", "p95": "1s"}, "classes": {"big": {"latency": {"p95": "100ms"}}}}
    for q, expected in (("p95", 0.1), ("p50", 0.009)):
        one = made.latency(made.run(attested=made.attested(class_="big")), None, q=q, **declared)
        assert one.promised("latency", q).seconds == pytest.approx(expected)


def test_what_is_told_is_what_is_judged(tmp_path):
    subject = subjects(profile(tmp_path), "latency_objective", "")[0][0]
    told = judged(subject, made.SLOW, profile(tmp_path)).told
    assert (told.id, told.slo, told.kind, told.quantile, told.decision) == (
        "slos.read.latency.p95", "slos.read", "latency", 0.95, "met",
    )  # fmt: skip
    assert told.bounds[0] <= told.seen <= told.bounds[1] < told.objective == 1.0
    assert told.interval[0] <= told.bounds[0]
    assert (told.samples, told.seconds, told.offered, told.achieved, told.loop) == (6000, 60.0, 100.0, 100.0, "open")
    assert told.hardware in told.text
    assert told.expected == "at most 1s"


def test_where_nothing_was_loaded_it_says_why(tmp_path):
    subject = subjects(profile(tmp_path), "load", "")[0][0]
    one = replace(judged(subject, made.run(), profile(tmp_path)), made=Missing("no load was made in this run"))
    with pytest.raises(CouldNotLook, match="no load was made"):
        _ = one.restarts


def test_latencies_and_shares_are_told_with_three_digits():
    assert [time_text(s) for s in (0.000231, 0.00231, 0.0231, 0.231, 2.31, 23.1, 3600.0)] == [
        "0.23 ms", "2.31 ms", "23.1 ms", "231 ms", "2.31 s", "23.1 s", "more than an hour",
    ]  # fmt: skip
    assert [share_text(s) for s in (0.0, 0.00123, 0.05, 0.5)] == ["0%", "0.123%", "5%", "50.0%"]


def test_hardware_that_is_unknown_is_told_as_that():
    assert hardware_line(made.run(attested=made.attested(Missing("driver http sees no machine")))) == (
        "hardware unknown: driver http sees no machine"
    )


def test_answers_that_come_after_the_end_were_not_in_time():
    """Fifty a second are answered of a hundred that are asked: by when they began all of them were, in the end."""
    one = made.throughput(made.run(made.stream(at=made.QUEUE), made.stream(made.CALL)))
    assert sum(second.right for second in one.judged) == 6000
    assert 60 <= one.told.seen <= 70
