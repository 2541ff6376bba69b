"""What a run makes of its target's safety: what is left over is told, what is above its tier is refused."""

from __future__ import annotations

import json
import os
import socket
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from seatrial import drivers, experiments
from seatrial.drivers import AboveTier, Session
from seatrial.drivers._docker_api import Api
from seatrial.drivers._docker_endpoint import Endpoint
from seatrial.drivers._process_signals import send
from seatrial.experiments import _keeping
from seatrial.outcomes import Tier
from seatrial.safety import disturbing
from seatrial.safety import journal as journals
from seatrial.safety.acts import NotRecovered
from seatrial.words import CouldNotLook, Missing
from tests.unit.disturbances import FakeHands, act


class Child:
    """In place of a guardian."""

    made: ClassVar[list[Child]] = []

    def __init__(self, journal: Path, lock: int) -> None:
        self.journal, self.lock, self.ended, self.asked = journal, lock, False, 0
        self.closed_first = False
        self.made.append(self)

    def ensure(self) -> None:
        self.asked += 1

    def end(self) -> None:
        self.ended = True
        self.closed_first = journals.read(self.journal).closed


@pytest.fixture
def hands(monkeypatch, tmp_path) -> FakeHands:
    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path))
    monkeypatch.setattr(disturbing, "UNDONE_WITHIN", 0.2)
    monkeypatch.setattr(_keeping, "Guarding", Child)
    monkeypatch.setattr(Child, "made", [])
    return FakeHands()


def session(tmp_path: Path, granted: Tier = Tier.disrupt) -> Session:
    target = SimpleNamespace(driver="fake", start=None, identity=None)
    profile = SimpleNamespace(profile="shop", target=target, services={})
    return Session(profile, tmp_path, str, granted=granted, key="machine-1 shop")


def kept(hands, tmp_path, told):
    return _keeping.kept(session(tmp_path), hands, hands, lambda _: None, told)


def test_a_run_that_leaves_nothing_says_nothing_and_its_guardian_ends_after_its_journal(hands, tmp_path):
    told: list[str] = []
    with kept(hands, tmp_path, told) as disturber, disturber.disturbed(act()):
        pass
    assert told == []
    (guardian,) = Child.made
    assert (guardian.asked, guardian.ended, guardian.closed_first) == (1, True, True)
    (head, *_) = [json.loads(line) for line in guardian.journal.read_text().splitlines()]
    assert (head["identity"], head["target"], head["key"], head["own"]) == (
        "machine-1",
        "shop",
        "machine-1 shop",
        False,
    )


def test_what_an_act_leaves_beside_itself_is_told_by_name(hands, tmp_path):
    def leaves(one):
        FakeHands.do(hands, one)
        hands.residue = "a network nobody made"

    hands.do = leaves
    told: list[str] = []
    with kept(hands, tmp_path, told) as disturber, disturber.disturbed(act()):
        pass
    assert told == ["the target is not as it was found: leftover: was not there, is a network nobody made"]


def test_an_inventory_that_can_not_be_taken_again_is_told(hands, tmp_path):
    def gone():
        raise CouldNotLook("no engine answers")

    told: list[str] = []
    with kept(hands, tmp_path, told):
        hands.inventory = gone
    assert told == ["whether the target is as it was found could not be seen: no engine answers"]


def test_what_is_not_recovered_is_told_though_the_run_is_interrupted(hands, tmp_path):
    told: list[str] = []
    hands.stuck = {"redis"}
    with pytest.raises(KeyboardInterrupt), kept(hands, tmp_path, told) as disturber, disturber.disturbed(act()):
        raise KeyboardInterrupt
    (one,) = told
    assert one.startswith("not recovered: pid 7 (redis) could not be brought back")
    assert "then say `seatrial recover`" in one
    (guardian,) = Child.made
    assert guardian.ended
    assert not journals.read(guardian.journal).closed


def test_without_a_guardian_nothing_is_disturbed(hands, tmp_path, monkeypatch):
    def fails(*_):
        raise CouldNotLook("no guardian could be started: no room; nothing was disturbed")

    monkeypatch.setattr(_keeping, "Guarding", fails)
    with pytest.raises(CouldNotLook, match="no guardian"), kept(hands, tmp_path, []):
        pytest.fail("it began")
    assert journals.unrecovered("machine-1 shop") == ""
    assert journals.open_journals() == []


def test_what_is_left_over_is_told_to_the_run_and_the_next_experiment_is_not_made(hands, tmp_path, monkeypatch):
    """By the way that a run takes: experiments one after the other, of which the first can't be undone."""
    made = []

    def run(bench, subject):
        made.append(subject.id)
        with bench.disturber.disturbed(act(subject.id)):
            pass
        return "a timeline"

    module = SimpleNamespace(
        __name__="double",
        NOUNS=("outage",),
        ORDER=1,
        seconds=lambda *_: 1.0,
        title=lambda _, subject: subject.id,
        run=run,
    )
    monkeypatch.setattr(experiments, "experiments", lambda: [module])
    monkeypatch.setattr(drivers, "load", lambda _: hands)
    hands.stuck = {"first"}
    subjects = [SimpleNamespace(id=id, noun="outage", service="api") for id in ("first", "second")]
    told: list[str] = []
    found: dict[str, object] = {}
    experiments.perform(session(tmp_path), Missing(""), subjects, lambda _: None, {"experiments": found}, told)
    assert made == ["first", "second"]
    assert isinstance(found["first"], Missing)
    assert "could not be brought back" in found["first"].reason
    assert "nothing more is disturbed in this run" in found["second"].reason
    assert hands.log == ["do first"]
    assert len(told) == 1
    assert "say `seatrial recover`" in told[0]


def test_a_guardian_that_somebody_ended_is_replaced_before_the_next_act(tmp_path, monkeypatch):
    from seatrial.safety.guarding import Guarding

    monkeypatch.setenv("SEATRIAL_STATE", str(tmp_path))
    journal = journals.Journal(tmp_path / "x.jsonl", {"driver": "process", "identity": "m", "hands": {}})
    guarding = Guarding(journal.file)
    try:
        first = guarding.pid
        assert first
        guarding.ensure()
        assert guarding.pid == first
        os.kill(first, 9)
        os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
        guarding.ensure()
        assert guarding.pid not in (0, first)
    finally:
        guarding.end()
        journal.close()
    assert guarding.pid == 0


def test_a_guardian_that_can_not_undo_refuses_to_stand_by(tmp_path):
    from seatrial.safety.guarding import Guarding

    journal = journals.Journal(tmp_path / "x.jsonl", {"driver": "abacus", "identity": "m", "hands": {}})
    with pytest.raises(CouldNotLook, match="guardian did not come up; nothing was disturbed"):
        Guarding(journal.file)
    journal.close()


# --- tiers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("granted", [Tier.observe, Tier.write, Tier.load])
@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
def test_an_engine_is_not_asked_to_change_anything_below_disrupt(tmp_path, granted, method):
    """By an engine that writes down what it is asked."""
    path, asked = tmp_path / "engine.sock", []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve():
            line, _ = listener.accept()
            with line:
                asked.append(line.recv(65536).split(b" ")[0])
                body = b'{"ApiVersion": "1.41"}'
                line.sendall(b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

        threading.Thread(target=serve, daemon=True).start()
        api = Api(session(tmp_path, granted), Endpoint(f"unix://{path}"))
        with pytest.raises(AboveTier, match=f"needs tier disrupt; this run was granted {granted}"):
            api.send(method, "/containers/x/pause")
    assert set(asked) <= {b"GET"}


def test_no_process_is_signalled_below_disrupt(tmp_path):
    import signal

    from seatrial.drivers._process_signals import started

    with pytest.raises(AboveTier):
        send(session(tmp_path, Tier.load), os.getpid(), started(os.getpid()), signal.SIGTERM)


def test_not_recovered_is_no_verdict():
    assert issubclass(NotRecovered, CouldNotLook)
    assert issubclass(AboveTier, CouldNotLook)
