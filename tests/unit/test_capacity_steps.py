"""A whole search on a simulated server of one thread and known capacity, and what is told of it."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from seatrial.capacity import command, stepping, telling
from seatrial.capacity.stepping import Ended, Steps
from seatrial.drivers import Session
from seatrial.experiments import _calibrating
from seatrial.facts.experiment import Incarnation, Timeline
from seatrial.facts.loads.run import Planned, Second, Stream
from seatrial.latency import histograms
from seatrial.outcomes import Tier
from seatrial.profile.loading import load
from seatrial.words import CouldNotLook, Missing, Rate
from tests.specimens.objectives_loads import run as loaded

PROFILE = """\
profile: shop
environment: test
target: {driver: http}
services:
  api: {url: http://127.0.0.1:8080}
slos:
  read:
    service: api
    call: GET /notes
    rate: 40/s
    latency: {p95: 200ms}
    errors: 1%
    max_rate: 1000/s
"""
SERVICE = 0.01
"""Seconds of one request, of which the server does one at a time: 100/s is the most it can."""


def queue(rate, seconds, *, timeout=10.0, seed=1):
    """Latencies of requests that begin at a constant rate, and wait for one another."""
    chance = random.Random(seed)
    free, told = 0.0, []
    for number in range(int(rate * seconds)):
        at = number / rate
        free = max(free, at) + SERVICE * chance.uniform(0.9, 1.1)
        told.append((at, free - at if free - at < timeout else None))
    return told


def made(rate, seconds, planned, **changes):
    """The load run of such a queue."""
    every = [[] for _ in range(int(seconds) + 1)]
    for at, took in queue(rate, seconds):
        every[int(at)].append(took)
    of = [
        Second(
            at, len(each), sum(took is not None for took in each), sum(took is None for took in each),
            histograms.encode(histograms.of(took for took in each if took is not None)),
        )
        for at, each in enumerate(every) if each
    ]  # fmt: skip
    streams = (Stream("", tuple(of), ""), Stream("GET /notes", tuple(of), ""))
    return replace(loaded(), planned=planned, streams=streams, seconds=seconds, **changes)


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """A bench that makes no load."""
    file = tmp_path / "shop.yaml"
    file.write_text(PROFILE)
    profile = load(str(file)).profile
    session = Session(profile, tmp_path, lambda value: value if isinstance(value, str) else "secret", granted=Tier.load)
    monkeypatch.setattr(stepping.time, "sleep", lambda _: None)
    monkeypatch.setattr(_calibrating, "ceiling_of", lambda _: 9000.0)
    monkeypatch.setattr(
        stepping, "run_load",
        lambda _bench, _name, plan, ceiling: made(
            plan.rate, plan.lasts, Planned("open", plan.rate, warm_up=plan.warm_up, duration=plan.duration, what="GET /notes")
        ),
    )  # fmt: skip
    return SimpleNamespace(profile=profile, session=session, service=profile.services.__getitem__, runtime=None)


def given(*words):
    return command._parser().parse_args(["shop.yaml", "--slo", "read", *words])


def searched(bench, *words):
    lines: list[str] = []
    return command._made(bench, given(*words), bench.profile.slos["read"], lines.append), lines


def test_the_capacity_of_a_server_is_found(bench):
    outcome, lines = searched(bench)
    found = outcome.found
    assert 92 <= found.met <= 103
    assert found.missed <= 1.06 * found.met
    assert "are no more than 5% apart" in outcome.ended
    assert telling.code(outcome) == 0
    assert outcome.hardware.startswith("amd64, 4 cores")
    assert [line.partition(": ")[0] for line in lines[1:5]] == ["step 1", "step 1", "step 2", "step 2"]
    assert lines[2].startswith("step 1: 40/s for 10s: met: p95 of all requests ")


def test_a_rate_far_above_it_is_missed_and_not_undecided(bench):
    outcome, _ = searched(bench, "--from=400/s", "--most=400/s")
    assert outcome.steps[0].word == "missed"


def test_a_queue_that_grows_is_told_where_the_interval_is_too_wide(bench, monkeypatch):
    steps = Steps(bench, "read", bench.profile.slos["read"], command_plan(bench), 10.0, 9000.0)
    step = steps.make(107.0)
    assert step.word == "missed"
    assert any("it does not keep up" in row.why or row.decision == "missed" for row in step.rows)


def command_plan(bench):
    from seatrial.experiments._launching import plan_of

    return plan_of(bench.session, "read", bench.profile.slos["read"])


def test_a_declared_rate_that_is_missed_is_exit_code_1(bench):
    bench.profile.slos["read"] = bench.profile.slos["read"].model_copy(update={"rate": Rate(150.0)})
    outcome, _ = searched(bench, "--within=20%")
    assert telling.code(outcome) == 1
    assert outcome.found.met < 100 <= outcome.found.missed <= 150
    assert "150/s: not met" in "\n".join(telling.lines(outcome))


def test_no_more_than_max_requests_is_made_over_all_steps(bench):
    bench.profile.slos["read"] = bench.profile.slos["read"].model_copy(update={"max_requests": 1500})
    outcome, _ = searched(bench)
    assert sum(step.requests for step in outcome.steps) <= 1500
    assert "max_requests of slos.read is 1500 over all steps" in outcome.ended
    assert telling.code(outcome) == 0
    assert any(text.endswith(" or more") for text in telling.lines(outcome))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--most=60/s",), "--most is 60/s"),
        (("--from=60/s", "--most=80/s"), "--most is 80/s"),
    ],
)
def test_the_most_bounds_it_and_is_named(bench, words, why):
    outcome, _ = searched(bench, *words)
    assert why in outcome.ended
    assert outcome.found.missed is None


def test_the_ceiling_of_the_generator_bounds_it(bench, monkeypatch):
    monkeypatch.setattr(_calibrating, "ceiling_of", lambda _: 100.0)
    outcome, _ = searched(bench)
    assert outcome.found.met == 75
    assert "the generator itself can make 100 requests/s here" in outcome.ended


def test_a_first_rate_above_max_rate_is_refused(bench):
    with pytest.raises(command.Refused, match="of slos"):
        searched(bench, "--from=2000/s")


def test_a_target_that_is_started_anew_ends_the_search(bench, monkeypatch):
    lives = [Incarnation("api-1", "412", "10:00"), Incarnation("api-1", "977", "10:05")]
    watched = Timeline("load", "api", 10.0, before=(lives[0],), after=(lives[1],))
    whole = stepping.run_load

    def dying(*arguments, **more):
        return replace(whole(*arguments, **more), watched=watched)

    monkeypatch.setattr(stepping, "run_load", dying)
    outcome, _ = searched(bench)
    assert len(outcome.steps) == 1
    assert outcome.ended == "api was started anew, or ended, under load"


def test_a_target_that_does_not_come_back_ends_the_search(bench, monkeypatch):
    monkeypatch.setattr(
        Steps, "rest", lambda _: "api was not as before 1m after a step: readiness took 3s, and 2ms before"
    )
    outcome, _ = searched(bench)
    assert len(outcome.steps) == 1
    assert "was not as before" in outcome.ended
    assert "note" in "\n".join(telling.lines(outcome))


def test_where_a_later_step_can_not_be_made_what_was_found_is_told(bench, monkeypatch):
    whole = stepping.run_load
    count = []

    def closing(*arguments, **more):
        count.append(1)
        if len(count) > 2:
            raise CouldNotLook("no load is made: its window closes at 06:00 (UTC)", right="slos.read.window")
        return whole(*arguments, **more)

    monkeypatch.setattr(stepping, "run_load", closing)
    outcome, _ = searched(bench)
    assert "no further step could be made: no load is made: its window closes" in outcome.ended
    assert outcome.found.met is not None


def test_an_interruption_keeps_what_was_found(bench, monkeypatch):
    whole = stepping.run_load
    count = []

    def interrupted(*arguments, **more):
        count.append(1)
        if len(count) > 1:
            raise KeyboardInterrupt
        return whole(*arguments, **more)

    monkeypatch.setattr(stepping, "run_load", interrupted)
    outcome, _ = searched(bench)
    assert (outcome.found.met, telling.code(outcome), outcome.ended) == (40, 2, "interrupted by hand")


def test_steps_are_as_long_as_their_numbers_take(bench):
    slo = bench.profile.slos["read"]
    steps = Steps(bench, "read", slo, command_plan(bench), 10.0, Missing("not calibrated"), needed=stepping.needed(slo))
    assert steps.needed == 400  # 1 % of errors
    assert steps.lasts(20.0) == 20.0
    assert steps.lasts(400.0) == 10.0
    assert steps.lasts(1.0) == 60.0


def test_an_endpoint_that_the_load_does_not_ask_ends_it(bench):
    read = bench.profile.slos["read"]
    lost = read.model_copy(update={"endpoints": {"GET /lost": read}})
    bench.profile.slos["read"] = lost
    steps = Steps(bench, "read", lost, command_plan(bench), 10.0, 9000.0)
    with pytest.raises(Ended, match="no request of the load is called 'GET /lost'"):
        steps.make(40.0)


def test_a_target_that_is_not_as_it_was_found_is_no_success(bench):
    outcome, _ = searched(bench, "--within=20%")
    left = replace(outcome, residue=("the target is not as it was found: process of api: was runs, is does not run",))
    assert (telling.code(outcome), telling.code(left)) == (0, 3)
    assert "not as it was found" in "\n".join(telling.lines(left))


def test_a_load_without_a_rate_is_not_searched_with(bench, monkeypatch):
    whole = stepping.run_load

    def stock(*arguments, **more):
        run = whole(*arguments, **more)
        return replace(run, planned=replace(run.planned, loop="closed", by_locust=True, what="loadtests/x.py"))

    monkeypatch.setattr(stepping, "run_load", stock)
    with pytest.raises(CouldNotLook, match="offers no rate"):
        searched(bench)


def test_what_was_found_is_written_for_people_and_for_programs(bench):
    outcome, _ = searched(bench, "--within=20%")
    told = json.loads(json.dumps(telling.document(outcome)))
    assert (told["met"], told["exit"], told["slo"]) == (outcome.found.met, 0, "slos.read")
    assert {row["id"] for row in told["steps"][0]["rows"]} == {"slos.read.latency.p95", "slos.read.errors"}
    plots = telling.pictures(outcome)
    assert list(plots) == ["p95 of all requests"]
    for picture in plots.values():
        ElementTree.fromstring(picture)
    page = telling.page(outcome, list(plots.values()))
    assert page.count("<tr>") == 1 + len(outcome.steps)
    assert "src=" not in page
    assert "https://" not in page


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        (("--within=5",), "a ratio is written in per cent"),
        (("--from=50",), "a rate needs a number and a unit of time"),
        (("--duration=1s",), "at least 5s"),
        (("--within=0.1%",), "closer than 0.5%"),
        (("--profile=other.yaml",), "give one profile"),
    ],
)
def test_bad_usage_is_exit_code_4(words, wrong, capsys):
    with pytest.raises(SystemExit) as end:
        command.command(["shop.yaml", "--slo", "read", *words])
    assert end.value.code == 4
    assert wrong in capsys.readouterr().err


def test_an_objective_that_is_not_there_names_the_nearest(tmp_path, capsys):
    file = tmp_path / "shop.yaml"
    file.write_text(PROFILE)
    assert command.command([str(file), "--slo", "raed", f"--out={tmp_path}"]) == 4
    assert "the profile has no objective raed; it has read. Did you mean read?" in capsys.readouterr().err


def test_production_needs_its_identity_repeated(tmp_path, capsys):
    file = tmp_path / "shop.yaml"
    file.write_text(PROFILE.replace("environment: test", "environment: production"))
    assert command.command([str(file), "--slo", "read", f"--out={tmp_path}"]) == 4
    assert "--confirm-target" in capsys.readouterr().err
    assert not list(tmp_path.glob("*capacity*"))


def test_an_objective_without_latency_and_errors_is_refused(tmp_path, capsys):
    file = tmp_path / "shop.yaml"
    file.write_text(PROFILE.replace("    latency: {p95: 200ms}\n    errors: 1%\n", "    throughput: 30/s\n"))
    assert command.command([str(file), "--slo", "read", f"--out={tmp_path}"]) == 4
    assert "promises nothing of latency or errors" in capsys.readouterr().err
