"""A target is as it was found, whatever signal comes whenever, and whatever fails."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from seatrial.safety import disturbing, shield
from seatrial.safety import journal as journals
from seatrial.safety.acts import NotRecovered
from seatrial.safety.disturbing import Disturber, undo
from seatrial.words import CouldNotLook
from tests.unit.disturbances import FakeHands, act, begun

WATCHED = (disturbing.__file__, shield.__file__, journals.__file__, "contextlib.py")


@pytest.fixture
def hands() -> FakeHands:
    return FakeHands()


def standing(journal: journals.Journal) -> list[str]:
    return [one.object for _, one in journals.read(journal.file).standing]


def test_acts_are_journalled_before_they_are_done_and_undone_last_in_first_out(tmp_path, hands):
    hands.journal = journal = begun(tmp_path)
    disturber = Disturber(hands, journal)
    with disturber, disturber.disturbed(act("redis")):
        hands.journal = None
        with disturber.disturbed(act("db"), act("web")):
            assert standing(journal) == ["web", "db", "redis"]
    assert hands.log == ["do redis", "do db", "do web", "undo web", "undo db", "undo redis"]
    assert standing(journal) == []


def test_an_act_that_is_refused_leaves_nothing_behind(tmp_path, hands):
    journal = begun(tmp_path)
    hands.refuses.add("db")
    with pytest.raises(CouldNotLook, match="said no"), Disturber(hands, journal).disturbed(act("redis"), act("db")):
        pytest.fail("it was not all done")
    assert hands.log == ["do redis", "undo redis"]
    assert standing(journal) == []


def test_what_takes_effect_after_its_refusal_is_undone_too(tmp_path, hands, monkeypatch):
    monkeypatch.setattr(disturbing, "AT_ONCE", 0.0)

    def late(one):
        hands.later[one.object] = time.monotonic() + 0.5
        raise CouldNotLook("the engine did not answer in time")

    hands.do = late
    with pytest.raises(CouldNotLook), Disturber(hands, begun(tmp_path)).disturbed(act("redis")):
        pass
    assert hands.log == ["undo redis"]
    assert not hands.later


def test_what_can_not_be_undone_stops_everything_and_stays_in_the_journal(tmp_path, hands, monkeypatch):
    monkeypatch.setattr(disturbing, "UNDONE_WITHIN", 0.3)
    journal = begun(tmp_path)
    hands.stuck.add("redis")
    disturber = Disturber(hands, journal)
    began = time.monotonic()
    lost = pytest.raises(NotRecovered, match=r"pid 7 \(redis\) could not be brought back")
    with lost, disturber.disturbed(act("db"), act("redis")):
        pass
    assert hands.log == ["do db", "do redis", "undo db"]
    assert standing(journal) == ["redis"]
    with pytest.raises(NotRecovered, match="nothing more is disturbed"), disturber.disturbed(act("web")):
        pytest.fail("it must not begin")
    assert hands.standing == ["redis"]
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("trouble", [KeyError("x"), RuntimeError("y")])
def test_a_driver_that_fails_otherwise_has_not_undone_it(tmp_path, hands, monkeypatch, trouble):
    def fails(_):
        raise trouble

    monkeypatch.setattr(disturbing, "UNDONE_WITHIN", 0.2)
    monkeypatch.setattr(hands, "undo", fails)
    with pytest.raises(NotRecovered, match=type(trouble).__name__), Disturber(hands, begun(tmp_path)).disturbed(act()):
        pass


def test_undoing_takes_no_longer_than_its_time_even_when_the_driver_never_returns(hands):
    hands.slow = 60.0
    began = time.monotonic()
    with pytest.raises(NotRecovered, match="did not come to an end"):
        undo(hands, act(), within=0.3)
    assert time.monotonic() - began < 5


def test_a_terminal_that_is_gone_is_no_reason_to_leave_anything(tmp_path, hands):
    def gone(_):
        raise ValueError("write to closed file")

    disturber = Disturber(hands, begun(tmp_path), say=gone)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), disturber, disturber.disturbed(act()):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
    assert hands.log == ["do redis", "undo redis"]


def test_a_failing_experiment_is_undone_and_its_own_trouble_is_told(tmp_path, hands):
    with pytest.raises(ZeroDivisionError), Disturber(hands, begun(tmp_path)).disturbed(act()):
        raise ZeroDivisionError
    assert hands.log == ["do redis", "undo redis"]


def test_an_interruption_stays_one_when_something_can_not_be_undone(tmp_path, hands, monkeypatch):
    monkeypatch.setattr(disturbing, "UNDONE_WITHIN", 0.2)
    hands.stuck.add("redis")
    disturber = Disturber(hands, begun(tmp_path))
    with pytest.raises(KeyboardInterrupt), disturber, disturber.disturbed(act()):
        raise KeyboardInterrupt
    assert "redis" in disturber.broken.reason


# --- disk full --------------------------------------------------------------------------------------------------------


@contextmanager
def full_disk():
    """A limit on file sizes that is reached at once: writing fails as on a full disk, and truncating does not.

    It is the whole process's, and lifted before pytest writes its own output, which may be a file too.
    """
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.parametrize("room", [0, 30])
def test_what_can_not_be_journalled_is_not_done(tmp_path, hands, room):
    journal = begun(tmp_path)
    whole = journal.file.read_bytes()
    with full_disk() as limit:
        limit(len(whole) + room)
        with pytest.raises(CouldNotLook, match="can't be written"), Disturber(hands, journal).disturbed(act()):
            pytest.fail("it was done")
    assert hands.log == []
    assert journal.file.read_bytes() == whole  # half a line would spoil the next one


def test_without_room_for_a_journal_nothing_begins(tmp_path):
    with full_disk() as limit:
        limit(10)
        with pytest.raises(CouldNotLook, match=r"nothing was disturbed|can't be written"):
            begun(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_undone_but_can_not_be_noted_stops_the_run_and_is_told(tmp_path, hands):
    journal = begun(tmp_path)
    disturber = Disturber(hands, journal)
    with full_disk() as limit, pytest.raises(NotRecovered, match="could not be noted"), disturber.disturbed(act()):
        limit(journal.file.stat().st_size)
    assert hands.log == ["do redis", "undo redis"]
    assert standing(journal) == ["redis"]
    with pytest.raises(NotRecovered), disturber.disturbed(act()):
        pass


# --- signals ----------------------------------------------------------------------------------------------------------


class At:
    """Raises signals at the n-th instructions of what keeps a target safe: no moment is left out."""

    def __init__(self, *moments: tuple[int, int]) -> None:
        self.moments = dict(moments)
        self.count = 0

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.endswith(WATCHED):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self.count += 1
            if number := self.moments.pop(self.count, 0):
                signal.raise_signal(number)
        return self


class Deadline(BaseException):
    pass


def late(*_: object) -> None:
    raise Deadline


def stop(number: int, _: object) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


@pytest.fixture
def handlers():
    wanted = {signal.SIGINT: stop, signal.SIGTERM: stop, signal.SIGHUP: stop, signal.SIGALRM: late}
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    yield wanted
    sys.settrace(None)
    for number, handler in before.items():
        signal.signal(number, handler)


def disturbed_at(
    folder: Any, *moments: tuple[int, int]
) -> tuple[FakeHands, journals.Journal, BaseException | None, int]:
    """One disturbance of two things, as a bench makes it, with signals at given moments."""
    hands, journal, at = FakeHands(), begun(folder), At(*moments)
    came: BaseException | None = None
    disturber = Disturber(hands, journal)
    try:
        try:
            with disturber:
                sys.settrace(at)
                try:
                    with disturber.disturbed(act("db"), act("redis")):
                        pass
                except Exception as swallowed:  # noqa: BLE001 - as experiments do
                    came = swallowed
        finally:
            disturber.release()
    except BaseException as why:  # noqa: BLE001
        came = why
    finally:
        sys.settrace(None)
    return hands, journal, came, at.count


def test_no_moment_of_a_disturbance_is_one_at_which_a_signal_leaves_it_standing(tmp_path, handlers, monkeypatch):
    monkeypatch.setattr(journals.os, "fsync", lambda _: None)
    _, _, came, moments = disturbed_at(tmp_path)
    assert came is None
    assert moments > 300
    numbers = list(handlers)
    ended = 0
    for moment in range(1, moments + 1):
        number = numbers[moment % 4]
        hands, journal, came, _ = disturbed_at(tmp_path, (moment, number))
        assert hands.standing == [], moment
        assert standing(journal) == [], moment
        assert [signal.getsignal(n) for n in handlers] == list(handlers.values()), moment
        assert isinstance(came, Deadline if number == signal.SIGALRM else KeyboardInterrupt), moment
        ended += 1
        journal.abandon()
        journal.file.unlink()
    assert ended == moments


def test_a_second_impatient_interruption_cuts_nothing_short(tmp_path, handlers, monkeypatch):
    monkeypatch.setattr(journals.os, "fsync", lambda _: None)
    moments = disturbed_at(tmp_path)[3]
    dice = random.Random(5)
    for _ in range(400):
        first, second, third = sorted(dice.sample(range(1, moments + 1), 3))
        hands, journal, came, _ = disturbed_at(
            tmp_path, (first, dice.choice(list(handlers))), (second, signal.SIGINT), (third, signal.SIGINT)
        )
        assert hands.standing == [], (first, second, third)
        assert standing(journal) == []
        assert isinstance(came, KeyboardInterrupt | Deadline)
        journal.abandon()
        journal.file.unlink()


def test_a_user_is_heard_after_the_deadline_and_the_deadline_not_after_a_user(tmp_path, handlers):
    def both(first: int, second: int) -> BaseException | None:
        hands = FakeHands()
        hands.undo = lambda one: (signal.raise_signal(second), FakeHands.undo(hands, one))[1]  # type: ignore[method-assign]
        disturber = Disturber(hands, begun(tmp_path))
        monkey = disturbing._bounded
        disturbing._bounded = lambda call, _: call()  # in this thread, where signals are handled
        try:
            with disturber, disturber.disturbed(act()):
                signal.raise_signal(first)
        except BaseException as why:  # noqa: BLE001
            return why
        finally:
            disturbing._bounded = monkey
        return None

    assert isinstance(both(signal.SIGALRM, signal.SIGINT), KeyboardInterrupt)
    assert isinstance(both(signal.SIGINT, signal.SIGALRM), KeyboardInterrupt)
    assert isinstance(both(signal.SIGALRM, signal.SIGALRM), Deadline)


def test_a_signal_that_would_have_ended_the_process_does_so_when_nothing_stands(tmp_path):
    code = (
        "import sys, signal, time, pathlib; sys.path.insert(0, sys.argv[2])\n"
        "from seatrial.safety.disturbing import Disturber\n"
        "from tests.unit.disturbances import FakeHands, act, begun\n"
        "folder = pathlib.Path(sys.argv[1]); hands = FakeHands(); disturber = Disturber(hands, begun(folder))\n"
        "with disturber, disturber.disturbed(act()):\n"
        "    print('there', flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path), os.getcwd()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as child:
        assert child.stdout.readline() == "there\n"
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == -signal.SIGTERM
    lines = [json.loads(line) for line in next(tmp_path.glob("*.jsonl")).read_text().splitlines()]
    assert "undone" in lines[-1]
