"""What must not be loaded, not now, or not so much: nothing is sent."""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.drivers import Session
from seatrial.experiments import _attesting, _refusing, objectives
from seatrial.experiments._planning_load import CPUS, cpus_of, plan_of, planned_of
from seatrial.experiments._refusing import closed, needed_by, refuse
from seatrial.facts.machine import Machine, Memory
from seatrial.facts.runtime import Engine, Runtime
from seatrial.outcomes import Tier
from seatrial.profile.loading import load
from seatrial.profile.model import Profile
from seatrial.profile.nouns import objectives as nouns
from seatrial.profile.objectives import Window
from seatrial.profile.references import References
from seatrial.safety.acts import Replica
from seatrial.words import CouldNotLook, Missing

HEAD = """profile: x
target: {driver: http}
hardware: {classes: {small: {cpus: 2, memory: 4GiB}, arm: {arch: arm64, model: neoverse}}}
services:
  api:
    url: "http://user:pa%20ss@127.0.0.1:81/base/"
    depends_on: {db: {}, llm: {optional: true}}
    canary:
      post: /notes
      body: {id: SEA, text: x}
      headers: {X-Key: {env: KEY}}
      expect: {status: [200, 201], match: {id: SEA}}
      sentinel: SEA
      read_back: {get: /notes/SEA, expect: {match: {text: x}}}
      remove: {delete: /notes/SEA}
  db: {depends_on: {far: {}}}
  far: {}
  llm: {}
"""


@pytest.fixture
def session(tmp_path):
    """Of a profile with such objectives."""

    def made(slos: str, head: str = HEAD) -> Session:
        file = Path(tmp_path, "x.yaml")
        file.write_text(f"{head}slos:\n  {slos}\n")
        Path(tmp_path, "own.py").write_text("")
        profile = load(str(file)).profile
        references = References({"KEY": "k3y", "TOKEN": "t0ken"}, tmp_path)
        return Session(profile, tmp_path, references.resolve, granted=Tier.load, mask=references.mask)

    return made


def bench_of(session: Session, replicas: dict[str, bool] | None = None, runtime: Any = None) -> Any:
    def lives(service: str) -> tuple[Replica, ...]:
        known = replicas or {}
        return (Replica(service, service, "1", "", running=known[service]),) if service in known else ()

    return SimpleNamespace(
        session=session, profile=session.profile, hands=SimpleNamespace(replicas=lives), runtime=runtime or Missing("")
    )


def refused(
    session: Session, name: str = "read", *, now: dt.datetime | None = None, **replicas: bool
) -> tuple[str, str]:
    """Reason and key of a refusal; empty when there is none."""
    slo = nouns.slos_of(session.profile)[name]
    try:
        refuse(bench_of(session, replicas), name, slo, plan_of(session, name, slo), now=now)
    except CouldNotLook as why:
        return why.reason, why.right
    return "", ""


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_a_call_is_planned_as_it_is_declared(session):
    made = session(
        "read: {service: api, call: POST /search, headers: {X-Token: {env: TOKEN}}, body: {q: sea}, rate: 600/m, ramp: 1s, "
        "warm_up: 2s, duration: 3s, arrivals: poisson, workers: 2, max_requests: 1000}"
    )
    slo = made.profile.slos["read"]
    plan = plan_of(made, "read", slo)
    (call,) = plan.calls
    assert (plan.name, plan.host, plan.rate, plan.users, plan.lasts) == (
        "slos.read",
        "http://127.0.0.1:81",
        10.0,
        0,
        6.0,
    )
    assert (call.method, call.path, call.name, call.body) == ("POST", "/base/search", "POST /search", '{"q": "sea"}')
    assert call.headers == {
        "Content-Type": "application/json", "X-Token": "t0ken", "Authorization": "Basic dXNlcjpwYSBzcw==",
    }  # fmt: skip
    assert (plan.processes, plan.arrivals, plan.max_requests, 204 in call.right) == (2, "poisson", 1000, True)
    planned = planned_of(plan, slo)
    assert (planned.loop, planned.what, planned.judged_from) == ("open", "POST /search", 3.0)


def test_a_canary_is_read_back_and_taken_away(session):
    made = session("read: {service: api, canary: true, users: 3, pause: 1s}")
    plan = plan_of(made, "read", made.profile.slos["read"])
    told = [(call.name, call.path, call.right[:2], call.undo, call.needs) for call in plan.calls]
    assert 404 in plan.calls[2].right, "what was not written need not be taken away"
    assert told == [
        ("POST /notes", "/base/notes", (200, 201), False, '{"id": "SEA"}'),
        ("GET /notes/SEA", "/base/notes/SEA", (200,), False, '{"text": "x"}'),
        ("DELETE /notes/SEA", "/base/notes/SEA", (200, 201), True, ""),
    ]
    assert (plan.sentinel, plan.rate, plan.users, plan.pause) == ("SEA", 0.0, 3, 1.0)
    assert plan.calls[0].headers["X-Key"] == "k3y"


def test_a_canary_that_can_not_tell_its_writes_is_made_alone(session):
    made = session("read: {service: api, canary: true, rate: 1/s}", HEAD.replace("sentinel: SEA", "only_reads: false"))
    assert [call.name for call in plan_of(made, "read", made.profile.slos["read"]).calls] == ["POST /notes"]


def test_a_locust_file_beside_the_profile(session, tmp_path):
    made = session("read: {service: api, locustfile: ./own.py, rate: 1/s, environment: {A: {env: TOKEN}}}")
    plan = plan_of(made, "read", made.profile.slos["read"])
    assert (plan.locustfile, plan.calls, plan.environment) == (str(tmp_path / "own.py"), (), {"A": "t0ken"})
    assert plan.host == "http://user:pa%20ss@127.0.0.1:81/base"


def test_numbers_of_a_class_take_the_place_of_others(session):
    made = session("read: {service: api, call: GET /, rate: 5/s, classes: {small: {rate: 2/s}, arm: {users: 7}}}")
    slo = made.profile.slos["read"]
    found = [plan_of(made, "read", slo, each) for each in (None, slo.classes["small"], slo.classes["arm"])]
    assert [(plan.rate, plan.users) for plan in found] == [(5.0, 0), (2.0, 0), (0.0, 7)]


def test_workers_on_other_machines(session):
    made = session("read: {service: api, call: GET /, rate: 5/s, workers: {expect: 3, within: 5s}}")
    slo = made.profile.slos["read"]
    plan = plan_of(made, "read", slo)
    assert plan.hosts == {"expect": 3, "listen": "127.0.0.1:5557", "within": 5}
    assert planned_of(plan, slo).processes == 3


def test_what_can_not_be_sent_is_told(session):
    made = session('read: {service: api, call: GET /, rate: 1/s, headers: {"a b": x}}')
    with pytest.raises(CouldNotLook, match="GET can't be sent: a b can't be a header"):
        plan_of(made, "read", made.profile.slos["read"])


def test_processors(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert cpus_of("0-2, 5,5") == (0, 1, 2, 5)
    assert cpus_of("") == ()
    with pytest.raises(CouldNotLook, match=f"{CPUS}=a is no list of processors such as 0-3,8"):
        cpus_of("a")
    with pytest.raises(CouldNotLook, match="this run may not use processor 9"):
        cpus_of("9")


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_what_may_be_made_is_not_refused(session):
    assert refused(session("read: {service: api, call: GET /, rate: 10/s, max_rate: 600/m, max_requests: 600}")) == (
        "",
        "",
    )


def test_more_than_may_be_made(session):
    made = session("read: {service: api, call: GET /, rate: 10/s, duration: 3s, ramp: 2s, max_requests: 40}")
    assert refused(made) == ("", "")
    slo = made.profile.slos["read"]
    from dataclasses import replace

    plan = replace(plan_of(made, "read", slo), rate=11.0)
    with pytest.raises(CouldNotLook, match=r"44 requests would be made in 5s, and no more than 40 may be") as why:
        refuse(bench_of(made), "read", slo, plan)
    assert why.value.right == "slos.read.max_requests"


def test_faster_than_may_be_whoever_asks(session):
    made = session("read: {service: api, call: GET /, rate: 10/s, max_rate: 10/s}")
    slo = made.profile.slos["read"]
    from dataclasses import replace

    plan = replace(plan_of(made, "read", slo), rate=10.5)
    with pytest.raises(CouldNotLook, match=r"10.5/s would be made, and no more than 10/s may be") as why:
        refuse(bench_of(made), "read", slo, plan)
    assert why.value.right == "slos.read.max_rate"


def test_locust_is_an_extra(session, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "locust" else real(name))
    made = session("read: {service: api, call: GET /, rate: 10/s}")
    assert refused(made) == ("loads are made by Locust, which is not installed", "pip install 'seatrial[load]'")


PAID = HEAD.replace("  far: {}\n", "  far: {paid: true}\n")


def test_what_is_paid_is_not_loaded_through_others(session):
    made = session("read: {service: api, call: GET /, rate: 10/s}", PAID)
    assert needed_by(made.profile, "api") == ["db", "llm", "far"]
    assert refused(made) == (
        "no load is made on api: far, which it needs, is paid, and no double is named", "services.far.double",
    )  # fmt: skip


def test_optional_dependencies_cost_as_much(session):
    made = session(
        "read: {service: api, call: GET /, rate: 10/s}", HEAD.replace("  llm: {}\n", "  llm: {paid: true}\n")
    )
    assert refused(made)[1] == "services.llm.double"


def test_a_paid_service_is_not_loaded_itself(session):
    head = HEAD.replace("  api:\n", "  api:\n    paid: true\n")
    made = session("read: {service: api, call: GET /, rate: 10/s}", head)
    assert refused(made)[0] == "no load is made on api: it is paid, and no double is named"


def test_a_double_stands_in_where_it_runs(session):
    head = PAID.replace("far: {paid: true}", "far: {paid: true, double: fake}\n  fake: {}")
    made = session("read: {service: api, call: GET /, rate: 10/s}", head)
    assert refused(made) == ("", "")
    assert refused(made, fake=True) == ("", "")
    assert refused(made, fake=False) == (
        "no load is made on api: far is paid, and its double fake does not run", "services.far.double",
    )  # fmt: skip


# --- the window ---------------------------------------------------------------------------------------------------------


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


NIGHT = Window(days=["mon", "fri"], opens="22:00", closes="06:00", zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("window", "now", "lasts", "why"),
    [
        (Window(), "2026-11-22T03:00", 3600, ""),
        (NIGHT, "2026-11-23T21:00", 60, ""),
        (NIGHT, "2026-11-24T04:58", 60, ""),
        (NIGHT, "2026-11-24T04:59:30", 60, "it would last 1m, and its window closes at 06:00 (Europe/Berlin)"),
        (NIGHT, "2026-11-24T05:00", 60, "it may run on mon, fri from 22:00 to 06:00 (Europe/Berlin), and it is tue 06:00"),
        (NIGHT, "2026-11-23T20:59", 60, "it may run on mon, fri from 22:00 to 06:00 (Europe/Berlin), and it is mon 21:59"),
        (NIGHT, "2026-11-24T22:00", 60, "it may run on mon, fri from 22:00 to 06:00 (Europe/Berlin), and it is tue 23:00"),
        (Window(opens="07:00", closes="08:00"), "2026-11-22T07:30", 1800, ""),
        (Window(opens="07:00", closes="08:00"), "2026-11-22T07:30", 1801, "it would last 1801s, and its window closes at 08:00 (UTC)"),
        (Window(zone="Mars/Olympus"), "2026-11-22T07:30", 1, "its window can't be read: 00:00 to 24:00 in Mars/Olympus"),
        # The night on which clocks are put back: 02:30 comes twice, and the window ends with the first of them.
        (Window(opens="01:00", closes="02:30", zone="Europe/Berlin"), "2026-10-25T00:15", 600, ""),
        (
            Window(opens="01:00", closes="02:30", zone="Europe/Berlin"), "2026-10-25T01:15", 600,
            "it may run from 01:00 to 02:30 (Europe/Berlin), and it is sun 02:15",
        ),
    ],
)  # fmt: skip
def test_a_load_is_made_in_its_window_alone(window, now, lasts, why):
    assert closed(window, at(now), lasts) in (why, why.replace("1801s", "30m1s"))


def test_outside_of_its_window_nothing_is_made(session):
    made = session('read: {service: api, call: GET /, rate: 1/s, window: {opens: "07:00", closes: "08:00"}}')
    assert refused(made, now=at("2026-11-22T07:10")) == ("", "")
    assert refused(made, now=at("2026-11-22T09:10")) == (
        "no load is made: it may run from 07:00 to 08:00 (UTC), and it is sun 09:10", "slos.read.window",
    )  # fmt: skip


# --- hardware ---------------------------------------------------------------------------------------------------------


GIB = 1 << 30
UNSEEN = Missing("the engine does not tell")


def machine(**more: Any) -> Machine:
    known = {"arch": "amd64", "cpus": 2, "memory": Memory(4 * GIB), "model": "AMD EPYC 7B13"}
    return Machine("this machine's kernel", "Linux 6", **(known | more))


@pytest.mark.parametrize(
    ("seen", "class_", "why"),
    [
        (machine(), "small", ""),
        (machine(memory=Memory(int(3.5 * GIB))), "small", ""),
        (machine(memory=Memory(int(3.2 * GIB), installed=4 * GIB)), "small", ""),
        (machine(arch="arm64", cpus=4, model="ARM Neoverse-N1"), "arm", ""),
        (machine(cpus=4, arch="arm64"), "", "this machine is of no class of hardware.classes (small: cpus 4, not 2; arm: model AMD EPYC 7B13, not neoverse)"),
        (machine(memory=Memory(8 * GIB)), "", "this machine is of no class of hardware.classes (small: 8GiB of memory, not 4GiB; arm: arch amd64, not arm64)"),
        (machine(memory=UNSEEN), "", "whether this machine is of class small can't be told: memory: the engine does not tell"),
        (UNSEEN, "", "the engine does not tell"),
    ],
)  # fmt: skip
def test_the_class_of_a_machine(session, seen, class_, why):
    profile: Profile = session("read: {service: api, call: GET /, rate: 1/s}").profile
    assert _attesting.class_of(profile, seen) == (class_, why)


def test_on_other_hardware_nothing_is_begun(session, monkeypatch):
    made = session("read: {service: api, call: GET /, rate: 1/s, classes: {arm: {rate: 9/s}}}")
    slo = made.profile.slos["read"]
    for seen, said in (
        (machine(), "this machine is of class small, and its numbers are for arm"),
        (UNSEEN, "the engine"),
    ):
        monkeypatch.setattr(objectives, "machine_of", lambda *_, seen=seen: seen)
        with pytest.raises(CouldNotLook, match=said) as why:
            objectives.numbers_of(bench_of(made), "read", slo)
        assert why.value.right == "slos.read.classes"
    monkeypatch.setattr(objectives, "machine_of", lambda *_: machine(arch="arm64", cpus=4, model="Neoverse"))
    assert objectives.numbers_of(bench_of(made), "read", slo) is slo.classes["arm"]


def test_whose_machine_it_is(session):
    made = session("read: {service: api, call: GET /, rate: 1/s}")

    def same(driver: str, *, local: bool) -> Any:
        runtime = Runtime(Engine(driver, "id", "", local))
        return _attesting.same_machine(bench_of(made, runtime=runtime))

    assert [same("docker", local=True), same("docker", local=False), same("process", local=True)] == [True, False, True]
    assert same("http", local=False) == Missing("driver http does not tell which machine answers")


def test_stolen_time(tmp_path):
    tmp_path.joinpath("stat").write_text("cpu  100 0 50 800 10 0 5 35 7 0\ncpu0 1 1 1 1 1 1 1 1\n")
    assert _attesting.ticks(tmp_path) == (35, 1000)
    assert _attesting.stolen((35, 1000), (45, 1500)) == 0.02
    assert isinstance(_attesting.stolen(None, (1, 2)), Missing)
    assert _attesting.ticks(tmp_path / "nowhere") is None


def test_a_fixed_piece_of_work_takes_some_time():
    took = _attesting.reference(_attesting.cores_of(())[:1])
    assert len(took) == 7
    assert all(0 < each < 5 for each in took)


# --- what is planned ----------------------------------------------------------------------------------------------------


def test_a_load_is_told_with_its_time_and_refused_by_nothing(session):
    """``--plan``: outside of its window too."""
    from seatrial.experiments import expected

    made = session(
        "read: {service: api, call: GET /, rate: 10/s, ramp: 5s, warm_up: 5s, duration: 1m, latency: {p95: 1s, p99: 2s}, errors: 1%, "
        'window: {opens: "03:00", closes: "03:01"}}'
    )
    subjects = [one for noun in nouns.NOUNS.values() for one in noun.find(made.profile)]
    told = [each for each in expected(made.profile, subjects) if each[0].startswith("load slos.")]
    assert told == [("load slos.read (tier load): 10/s on api for 1m10s", 78.0)]
    assert {objectives.key(one) for one in subjects if one.noun in objectives.NOUNS} == {"slos.read"}


def test_silence_is_told_in_one_line(session, monkeypatch):
    from seatrial.facts.answer import Answer

    made = session("read: {service: api, call: GET /, rate: 10/s}")
    slo = made.profile.slos["read"]
    asked: list[str] = []

    def silent(_session: Any, url: str, **_: Any) -> Any:
        asked.append(url)
        return Answer(url=url, status=0, seconds=1.0, failure="refused the connection", at=0.0)

    monkeypatch.setattr(_refusing.http, "ask", silent)
    with pytest.raises(CouldNotLook, match=r"the load was not begun: api refused the connection \(GET /\)"):
        _refusing.refuse_silent(bench_of(made), slo, plan_of(made, "read", slo))
    assert asked == ["http://user:pa%20ss@127.0.0.1:81/base/"]
