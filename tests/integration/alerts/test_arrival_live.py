"""Arrival with a real Alertmanager: green where all is right, and red alone where just that is wrong; nothing is ever left."""

from __future__ import annotations

import calendar
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from seatrial import recovering
from seatrial.drivers import _alertmanager_seen
from seatrial.experiments._receiving import listening
from seatrial.facts.alerts.arrival_routing import within
from seatrial.interrupts import Late, handled
from seatrial.outcomes import Tier
from seatrial.safety import disturbing
from seatrial.safety import journal as journals
from seatrial.words import Missing
from tests.integration.alerts.arrival_lab import IDS, Post, Verdicts, adapter, post
from tests.integration.runs import Run
from tests.lab.ports import free_port

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        shutil.which("prometheus-alertmanager") is None, reason="prometheus-alertmanager is not installed"
    ),
]
SENT = ["ALR-061", "ALR-062", "ALR-063", "ALR-064", "ALR-065"]
ARRIVED = ["ALR-062", "ALR-063", "ALR-064"]


class Arrival(Run):
    """A whole run of these tests."""

    area = "alerts/test_arrival.py"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    with post(tmp_path_factory.mktemp("post")) as up:
        yield up


@pytest.fixture
def up(running: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    """As it conforms; afterwards nothing of ours may be left on it, in no journal and on no port."""
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path / "state"))
    running.reset()
    assert running.reload()
    yield running
    assert running.ours() == []
    assert journals.open_journals() == []
    for _ in range(20):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", running.listen)):
                break
        time.sleep(0.1)
    else:
        pytest.fail("somebody still listens where the test receiver sends to")


# --- the whole run ----------------------------------------------------------------------------------------------------


def test_what_conforms_is_green_and_tells_no_secret_of_the_configuration(up: Post, tmp_path: Path) -> None:
    run = Arrival(up.profile(), tmp_path, mode="gate")
    assert run.ids("pass") == IDS, run.text
    kept = "".join(path.read_text(errors="replace") for path in run.folder.rglob("*") if path.is_file())
    assert "hunter2" not in kept
    assert "4f1c2d9b" not in kept


def test_an_audit_sends_nothing(up: Post, tmp_path: Path) -> None:
    # Of rules nothing is declared: an Alertmanager alone is something to look at, too.
    run = Arrival(up.profile(files=None), tmp_path)
    assert run.ids("withheld") == SENT, run.text
    assert run.code == 0
    assert run.ids("violation", "advisory", "error") == []
    assert "http POST" not in run.text
    assert not (tmp_path / "state").exists()


# --- one thing wrong --------------------------------------------------------------------------------------------------


def wrong_route(up: Post) -> None:
    up.test_route["matchers"] = ['seatrial="yes"']


def route_too_high(up: Post) -> None:
    up.config["route"]["routes"].insert(0, {"matchers": ['alertname=~"Seatrial.*"'], "receiver": "pager"})


def told_twice(up: Post) -> None:
    up.test_route["continue"] = True
    up.config["route"]["routes"].insert(1, dict(up.test_route, **{"continue": False}))


def inhibited(up: Post) -> None:
    up.config["inhibit_rules"].append({"source_match": {"severity": "page"}, "target_match_re": {"alertname": ".+"}})
    alert = {"labels": {"alertname": "Sunk", "severity": "page", "ship": "correct-horse-battery"}}
    up.ask("/api/v2/alerts", [alert])


def muted(up: Post) -> None:
    up.test_route["mute_time_intervals"] = ["always"]
    up.config["mute_time_intervals"] = [
        {"name": "always", "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}]}
    ]


def unresolvable(up: Post) -> None:
    up.test_webhook["url"] = f"http://no-such-host.invalid:{up.listen}/in"


def nobody_for_tickets(up: Post) -> None:
    up.config["receivers"][0] = {"name": "team"}


def unused_route(up: Post) -> None:
    up.config["route"]["routes"].append({"match": {"severity": "critical"}, "receiver": "pager"})


@pytest.mark.parametrize(
    ("make", "id", "hidden", "text"),
    [
        (wrong_route, "ALR-060", SENT, 'alertname="SeatrialTest", seatrial="test" comes to receiver team by route'),
        (route_too_high, "ALR-060", SENT, 'receiver pager by route.routes[0] {alertname=~"Seatrial.*"}'),
        (unresolvable, "ALR-061", ARRIVED, "did not arrive within"),
        (told_twice, "ALR-062", [], "it arrived 2 times"),
        (inhibited, "ALR-065", SENT[:4], 'inhibit_rules[1] (source {severity="page"}, target {alertname=~".+"})'),
        (muted, "ALR-065", SENT[:4], "route.routes[0] is mute in the time interval always, which is now"),
        (nobody_for_tickets, "ALR-067", [], "AppSlow: comes to receiver team by route, which tells nobody"),
        (unused_route, "ALR-068", [], 'route.routes[2]: no alert of the declared rules comes by {severity="critical"}'),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_exactly_its_requirement_turns_red(
    make: Any, id: str, hidden: list[str], text: str, up: Post, tmp_path: Path
) -> None:
    make(up)
    assert up.reload()
    verdicts = Verdicts.look(up.profile())
    assert verdicts.of("violation", "advisory") == [id], verdicts.texts
    assert verdicts.of("error") == hidden, verdicts.texts
    assert text in verdicts.texts[id]
    assert verdicts.told == []
    assert "correct-horse-battery" not in repr(verdicts)
    assert verdicts.again(tmp_path, up.profile()).texts == verdicts.texts


@pytest.mark.parametrize(
    ("days", "labels", "id", "hidden"),
    [
        (1, {"seatrial": "test"}, "ALR-065", SENT[:4]),
        (400, {"alertname": "AppDown"}, "ALR-069", []),
    ],
    ids=["the-test-alert", "a-declared-alert-for-ever"],
)
def test_silences_turn_red(days: float, labels: dict[str, str], id: str, hidden: list[str], up: Post) -> None:
    silence = up.silence(days, **labels)
    try:
        verdicts = Verdicts.look(up.profile(), tier=Tier.write if hidden else Tier.observe)
    finally:
        up.expire(silence)
    assert verdicts.of("violation", "advisory") == [id]
    assert verdicts.of("error") == (hidden or SENT)
    assert f"silence {silence}" in verdicts.texts[id]
    assert "jo@example.org" not in repr(verdicts)
    assert "correct-horse-battery" not in repr(verdicts)


def without_annotations(told: dict[str, Any]) -> dict[str, Any]:
    for alert in told["alerts"]:
        del alert["annotations"]["summary"]
        alert["labels"]["added"] = "correct-horse-battery"
    return told


def without_ends(told: dict[str, Any]) -> dict[str, Any] | None:
    return None if told["status"] == "resolved" else told


@pytest.mark.parametrize(
    ("change", "id", "text"),
    [
        (without_annotations, "ALR-063", "it has 1 more label than were sent; its annotation summary is missing"),
        (without_ends, "ALR-064", "its end was not told"),
    ],
    ids=["changed", "without-ends"],
)
def test_what_stands_between_and_meddles_is_seen(change: Any, id: str, text: str, up: Post) -> None:
    up.test_webhook["url"] = f"http://127.0.0.2:{up.listen}/in"
    assert up.reload()
    with adapter("127.0.0.2", up.listen, up.listen, change):
        verdicts = Verdicts.look(up.profile())
    assert verdicts.of("violation", "error") == [id], verdicts.texts
    assert text in verdicts.texts[id]
    assert "correct-horse-battery" not in repr(verdicts)


def test_a_configuration_that_is_not_loaded_is_seen(up: Post) -> None:
    assert not up.reload('{"route": {"receiver": "nobody"}, "receivers": []}')
    verdicts = Verdicts.look(up.profile(), tier=Tier.observe)
    assert verdicts.of("violation", "advisory") == ["ALR-066"]
    assert "it runs with an older one" in verdicts.texts["ALR-066"]


def test_a_cluster_that_does_not_settle_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_alertmanager_seen, "SETTLES_WITHIN", 0.5)
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path / "state"))
    options = (f"--cluster.listen-address=127.0.0.1:{free_port()}", "--cluster.gossip-interval=1m")
    with post(tmp_path, *options) as lonely:
        verdicts = Verdicts.look(lonely.profile(), tier=Tier.observe)
    assert verdicts.of("violation", "advisory") == ["ALR-066"]
    assert "its cluster is settling" in verdicts.texts["ALR-066"]


# --- time, as it reads it -----------------------------------------------------------------------------------------------


def test_what_it_mutes_now_is_what_we_say_it_mutes(up: Post) -> None:
    """Intervals of every kind, around this moment and beside it: by what it then tells a listener."""
    now = datetime.now(UTC)
    today, month = now.strftime("%A").lower(), now.strftime("%B").lower()
    last = calendar.monthrange(now.year, now.month)[1]
    start = f"{max(0, now.hour - 1):02}:00"
    spans: list[dict[str, Any]] = [
        {}, {"weekdays": [today]}, {"weekdays": ["monday:thursday"]}, {"weekdays": ["friday:saturday", "sunday"]},
        {"months": [month]}, {"months": ["1:6"]}, {"months": ["july:december"]}, {"years": [f"{now.year}:{now.year + 1}"]},
        {"years": [str(now.year - 1)]}, {"days_of_month": [str(now.day)]}, {"days_of_month": [str(now.day - last - 1)]},
        {"days_of_month": ["1:15"]}, {"days_of_month": ["16:31"]}, {"days_of_month": ["-28:-20"]}, {"days_of_month": ["-5:-1"]},
        {"times": [{"start_time": start, "end_time": "24:00"}]}, {"times": [{"start_time": "00:00", "end_time": "00:01"}]},
        {"times": [{"start_time": start, "end_time": "24:00"}], "location": "Asia/Tokyo"},
        {"weekdays": [today], "months": [month], "years": ["2000"]}, {"weekdays": [today], "location": "Pacific/Kiritimati"},
    ]  # fmt: skip
    names = [f"i{number}" for number in range(len(spans))]
    up.config["time_intervals"] = [
        {"name": name, "time_intervals": [span]} for name, span in zip(names, spans, strict=True)
    ]
    up.config["route"]["routes"] = [
        {"match": {"which": f"{key}-{name}"}, "receiver": "seatrial", "group_by": ["..."], "group_wait": "0s", f"{key}_time_intervals": [name]}
        for name in names
        for key in ("mute", "active")
    ]  # fmt: skip
    assert up.reload()
    labels = [
        {"alertname": "T", "seatrial_id": "time", "which": f"{key}-{name}"}
        for name in names
        for key in ("mute", "active")
    ]
    ends = (now + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = Verdicts.look(up.profile(), tier=Tier.observe).observed.alertmanagers["alerts.alertmanager"]
    assert not isinstance(found, Missing)
    said = {name for name in names if within(found.intervals[name], found.at)}
    assert 5 < len(said) < len(names)
    expected = {f"mute-{name}" for name in names if name not in said} | {f"active-{name}" for name in said}
    with listening(f"127.0.0.1:{up.listen}", "/in", "seatrial_id", "time") as receiving:
        up.ask(
            "/api/v2/alerts",
            [{"labels": each, "startsAt": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "endsAt": ends} for each in labels],
        )
        receiving.until(lambda arrived: {each.labels["which"] for each in arrived} >= expected, 10)
        receiving.until(lambda _: False, 1)
        assert {each.labels["which"] for each in receiving.arrived} == expected
    wait(lambda: up.ours() == [])


# --- nothing is sent --------------------------------------------------------------------------------------------------


def second_integration(up: Post) -> None:
    up.config["receivers"][2]["webhook_configs"].append({"url": "http://127.0.0.1:1/other"})


def others_too(up: Post) -> None:
    up.test_route["continue"] = True
    up.config["route"]["routes"].append({"match": {"alertname": "SeatrialTest"}, "receiver": "pager"})


def elsewhere(up: Post) -> None:
    up.test_webhook["url"] = "http://127.0.0.1:1/in"


def another_path(up: Post) -> None:
    up.test_webhook["url"] = f"http://127.0.0.1:{up.listen}/secret-4f1c2d9b"


def a_source_of_inhibition(up: Post) -> None:
    up.config["inhibit_rules"].append({"source_match": {"seatrial": "test"}, "target_match": {"severity": "page"}})


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (a_source_of_inhibition, 'would keep others from being told, by inhibit_rules[1] (source {seatrial="test"}'),
        (second_integration, "receiver seatrial has webhook, webhook"),
        (others_too, "would lead the test alert to receiver seatrial and receiver pager"),
        (elsewhere, "sends to 127.0.0.1:1, and this run listens on"),
        (another_path, "has another path than alerts.test_receiver.path"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_where_others_would_hear_it_nothing_is_sent(make: Any, text: str, up: Post, tmp_path: Path) -> None:
    make(up)
    assert up.reload()
    received = up.ask("/metrics").split("alertmanager_alerts_received_total{")[1:]
    verdicts = Verdicts.look(up.profile())
    assert verdicts.of("violation") == []
    assert verdicts.of("error") == SENT
    assert all(text in verdicts.texts[id] and "nothing was sent" in verdicts.texts[id] for id in SENT)
    assert (
        up.ask("/metrics").split("alertmanager_alerts_received_total{")[1:][0].split("\n")[0]
        == received[0].split("\n")[0]
    )
    assert "4f1c2d9b" not in repr(verdicts)


def test_where_the_listeners_port_is_taken_nothing_is_sent(up: Post) -> None:
    with socket.create_server(("127.0.0.1", up.listen)):
        verdicts = Verdicts.look(up.profile())
    assert verdicts.of("violation") == []
    assert verdicts.of("error") == SENT
    assert "is not to be had: Address already in use; nothing was sent" in verdicts.texts["ALR-061"]


def test_an_address_with_a_password_is_not_journalled(up: Post) -> None:
    verdicts = Verdicts.look(up.profile(alertmanager={"url": up.url.replace("//", "//jo:hunter2@"), "timeout": "3s"}))
    assert verdicts.of("error") == SENT
    assert "holds a password, which a journal must not" in verdicts.texts["ALR-061"]
    assert "hunter2" not in repr(verdicts)


def test_an_alertmanager_that_hangs_is_given_up(up: Post, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it accepts, by its backlog, and says nothing
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        verdicts = Verdicts.look(up.profile(alertmanager={"url": url, "timeout": "500ms"}))
    assert time.monotonic() - began < 10
    assert verdicts.of("error") == IDS
    assert "did not answer within 500ms" in verdicts.texts["ALR-066"]


def test_without_ends_by_configuration_nothing_is_said_of_them(up: Post) -> None:
    up.test_webhook["send_resolved"] = False
    assert up.reload()
    verdicts = Verdicts.look(up.profile())
    assert verdicts.of("violation") == []
    assert verdicts.of("error") == ["ALR-064"]
    assert "send_resolved: false" in verdicts.texts["ALR-064"]


def test_an_alertmanager_that_hangs_in_the_middle_leaves_the_journal_open_and_is_recovered(
    up: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disturbing, "UNDONE_WITHIN", 2.0)
    unresolvable(up)
    assert up.reload()
    file = up.profile(alertmanager={"url": up.url, "timeout": "500ms"})
    child = up.child
    assert child is not None
    stopped = threading.Event()

    def stop() -> None:
        wait(lambda: up.ours() != [])
        child.send_signal(signal.SIGSTOP)
        stopped.set()

    hand = threading.Thread(target=stop, daemon=True)
    hand.start()
    try:
        verdicts = Verdicts.look(file)
    finally:
        hand.join(30)
        child.send_signal(signal.SIGCONT)
    assert stopped.is_set()
    assert verdicts.of("violation") == []
    assert verdicts.of("error") == SENT
    assert "could not be brought back after it was posted" in verdicts.texts["ALR-061"]
    assert "then say `seatrial recover`" in verdicts.told[0]
    # As another process would: this one still lives, and only what is left of a run that ended is recovered.
    (entry,) = journals.open_journals()
    assert recovering.recover(entry, recovering.hands_of(entry.head), by="recover") == []


# --- cut short --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def under_way(up: Post, folder: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A run of which the test alert fires, and is not going to arrive."""
    unresolvable(up)
    assert up.reload()
    file = up.profile(test_receiver={
        "receiver": "seatrial", "listen": f"127.0.0.1:{up.listen}", "path": "/in", "labels": {"seatrial": "test"}, "within": "1m",
    })  # fmt: skip
    child = subprocess.Popen(
        [
            sys.executable, "-m", "pytest", "suites/alerts/test_arrival.py", "-p", "no:cacheprovider", f"--profile={file}",
            "--mode=gate", f"--report-dir={folder}/reports", *options,
        ],
        cwd=Path(__file__).parents[3], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait(lambda: up.ours() != [])
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()


def wait(condition: Any, within: float = 30.0) -> None:
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def guardian_of(pid: int) -> int:
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            words = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(words[1]) == pid and b"seatrial-guardian" in (folder / "cmdline").read_bytes():
                return int(folder.name)
    raise AssertionError("it has no guardian")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_run_that_is_stopped_ends_its_alert(number: signal.Signals, up: Post, tmp_path: Path) -> None:
    with under_way(up, tmp_path) as child:
        child.send_signal(number)
        assert child.wait(20) == 2
        assert up.ours() == []


def test_a_run_that_is_out_of_time_ends_its_alert(up: Post) -> None:
    unresolvable(up)
    assert up.reload()

    def late(*_: object) -> None:
        raise Late

    def when_it_fires() -> None:
        wait(lambda: up.ours() != [])
        os.kill(os.getpid(), signal.SIGALRM)

    with handled({signal.SIGALRM: late}):
        hand = threading.Thread(target=when_it_fires, daemon=True)
        hand.start()
        with pytest.raises(Late):
            Verdicts.look(up.profile())
        hand.join(30)
    assert up.ours() == []


def test_what_a_killed_run_left_is_ended_by_its_guardian(up: Post, tmp_path: Path) -> None:
    with under_way(up, tmp_path) as child:
        child.kill()
        wait(lambda: up.ours() == [], 10)
        wait(lambda: journals.open_journals() == [], 10)


def test_what_run_and_guardian_left_is_ended_by_recover(up: Post, tmp_path: Path) -> None:
    with under_way(up, tmp_path) as child:
        os.kill(guardian_of(child.pid), signal.SIGKILL)
        child.kill()
        child.wait()
        assert len(up.ours()) == 1
        done = subprocess.run(
            [sys.executable, "-m", "seatrial", "recover"],
            capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert "test alert" in done.stdout
        assert "recovered" in done.stdout
        assert up.ours() == []
