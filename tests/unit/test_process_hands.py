"""What driver process's hands are made of: how a process is found anew, how one ended, and what a command is run as."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from seatrial.drivers import Session, _process_commands, process
from seatrial.drivers._process_pauses import resume, slowed
from seatrial.drivers._process_signals import Ending, alive, descendants, send, started, stopped
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="driver process reads Linux's /proc")


def session(folder=Path("/"), **env):
    """A session of a run that may do everything."""

    def resolve(value):
        return env[value.env] if hasattr(value, "env") else str(value)

    return Session(None, folder, resolve, granted=Tier.disrupt)


def by(pid=None, command=None):
    return SimpleNamespace(process=SimpleNamespace(pid=pid, command=command))


@pytest.fixture
def child():
    running = []

    def run(code):
        running.append(subprocess.Popen(["sh", "-c", code]))
        return running[-1].pid, started(running[-1].pid)

    yield run
    for one in running:
        one.kill()
        one.wait()


@pytest.mark.parametrize(
    ("declared", "where"),
    [
        (by(pid=7), {"pid": 7}),
        (by(pid=SimpleNamespace(file="run/api.pid")), {"file": "/srv/run/api.pid"}),
        (by(pid=SimpleNamespace(env="PID")), {"pid": 12}),
        (by(pid=SimpleNamespace(env="PIDFILE")), {"file": "/run/api.pid"}),
        (by(command="redis-server"), {"command": "redis-server"}),
    ],
)
def test_where_a_process_is_found_is_told_as_data(declared, where):
    known = session(Path("/srv"), PID="12\n", PIDFILE="/run/api.pid")
    assert process.located(known, "api", declared) == where


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        (by(), r"services\.api\.process\.pid or \.command"),
        (by(pid=SimpleNamespace(env="WORD")), "is no number, and no absolute path of a pid file"),
    ],
)
def test_what_tells_of_no_process_is_refused(declared, why):
    with pytest.raises(CouldNotLook, match=why):
        process.located(session(WORD="api.pid"), "api", declared)


def test_a_pid_file_is_read_anew_each_time(tmp_path):
    file, table = tmp_path / "api.pid", {7: "first", 8: "second"}
    for text, found in (("7\n", "first"), ("8\n5432\n/var/lib/postgresql\n", "second")):
        file.write_text(text)
        assert process._found({"file": str(file)}, "services.api.process", table) == found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no number"),
        ("api", "is no number"),
        ("9", "no process 9, which services.api.process.pid names"),
        (None, "can't be read"),
    ],
)
def test_a_pid_file_that_tells_nothing_is_told(tmp_path, text, why):
    file = tmp_path / "api.pid"
    if text is not None:
        file.write_text(text)
    with pytest.raises(CouldNotLook, match=why):
        process._found({"file": str(file)}, "services.api.process", {})


@pytest.mark.parametrize(
    ("code", "number", "exit_code"),
    [
        ("trap 'exit 3' TERM; while :; do sleep 0.01; done", signal.SIGTERM, 3),
        ("exec sleep 30", signal.SIGTERM, 143),
        ("exec sleep 30", signal.SIGKILL, 137),
    ],
)
def test_how_a_process_ended_is_known(child, code, number, exit_code):
    pid, since = child(code)
    time.sleep(0.3)  # until its trap is set
    ending = Ending(session(), pid, since)
    assert ending.by(number, 5)
    assert (ending.code, alive(pid, since)) == (exit_code, False)


def test_a_process_that_does_not_end_is_not_waited_for_longer_than_its_grace(child):
    pid, since = child("trap '' TERM; while :; do sleep 0.01; done")
    time.sleep(0.3)
    ending = Ending(session(), pid, since)
    assert not ending.by(signal.SIGTERM, 0.2)
    assert (ending.code, alive(pid, since)) == (None, True)


def test_only_the_very_process_is_signalled(child):
    pid, since = child("exec sleep 30")
    with pytest.raises(CouldNotLook, match="another process by now"):
        send(session(), pid, since - 1, signal.SIGKILL)
    assert alive(pid, since)
    send(session(), pid, since, signal.SIGSTOP)
    assert not stopped(pid, since - 1)
    end = time.monotonic() + 5
    while (
        not stopped(pid, since) and time.monotonic() < end
    ):  # a signal takes effect when its process is next scheduled
        time.sleep(0.01)
    assert stopped(pid, since, settle=0.1)
    assert descendants([[pid, since], [1, -1]]) == [[pid, since]]


def test_a_stop_that_has_not_taken_effect_yet_is_taken_back(child):
    known = [list(child("while :; do :; done")) for _ in range(4)]
    for _ in range(20):
        for one in known:
            send(session(), *one, signal.SIGSTOP)
        resume(session(), known, except_for=[])
    assert [stopped(*one, settle=1) for one in known] == [False] * 4


def test_a_slow_service_runs_for_a_short_moment_by_turns():
    assert [slowed({"delay": delay}) for delay in (0.1, 1, 10)] == [(0.1, 0.02), (1.0, 0.05), (10.0, 0.1)]
    assert slowed({}) == (1.0, 0.05)


def test_a_command_is_run_by_the_interpreter_that_runs_us(tmp_path):
    assert _process_commands.resolved(["python", "-V"]) == [sys.executable, "-V"]
    assert _process_commands.resolved(["redis-cli", "python"]) == ["redis-cli", "python"]
    _process_commands.run(session(), ["sh", "-c", "pwd > here"], str(tmp_path))
    assert (tmp_path / "here").read_text().strip() == os.path.realpath(tmp_path)


def test_last_words_of_a_command_hold_no_secret(tmp_path):
    known = session()
    known.mask = lambda text: text.replace("s3cret", "<secret>")
    with pytest.raises(CouldNotLook, match="ended with status 1; its last words: login <secret> refused"):
        _process_commands.run(known, ["sh", "-c", "echo login s3cret refused; exit 1"], str(tmp_path))
