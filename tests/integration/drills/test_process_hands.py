"""Driver process's hands on real processes: each act is done, shown, undone, and leaves everything as it was found."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from seatrial.demo import redis_server
from seatrial.drivers import Session, _faults
from seatrial.drivers import process as driver
from seatrial.drivers._process_signals import started, stopped
from seatrial.outcomes import Tier
from seatrial.profile.loading import load
from seatrial.profile.references import References
from seatrial.safety.acts import Act, NotRecovered
from seatrial.safety.disturbing import Disturber, undo
from seatrial.safety.journal import Journal, read
from seatrial.words import CouldNotLook

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="driver process reads Linux's /proc"),
]

# A service with workers that answer, and a main process that looks after them, as prefork servers are made.
SERVICE = """
    import os, signal, socket, sys, time
    port, pidfile, way = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    listener = socket.create_server(("127.0.0.1", port))
    def work():
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        while True:
            line, _ = listener.accept()
            line.recv(100)
            line.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n")
            line.close()
    def end(*_):
        for child in children:
            os.kill(child, signal.SIGTERM)
        os._exit(3)
    children = []
    signal.signal(signal.SIGTERM, signal.SIG_IGN if way == "deaf" else end)
    for _ in range(2):
        child = os.fork()
        if not child:
            work()
        children.append(child)
    with open(pidfile + ".new", "w") as file:
        file.write(f"{os.getpid()}\\n")
    os.replace(pidfile + ".new", pidfile)
    while True:
        time.sleep(0.05)
        if os.path.exists(pidfile + ".grow"):
            os.unlink(pidfile + ".grow")
            child = os.fork()
            if not child:
                work()
            children.append(child)
"""
# Starts it again when it has ended, unless a file says that it is to stay down.
SUPERVISOR = """
    import os, subprocess, sys, time
    folder, port, way = sys.argv[1:]
    child = None
    while not os.path.exists(folder + "/over"):
        down = os.path.exists(folder + "/down")
        if child is None and not down and not os.path.exists(folder + "/tired"):
            child = subprocess.Popen([sys.executable, folder + "/service.py", port, folder + "/pid", way])
        elif child is not None and child.poll() is not None:
            child = None
            time.sleep(0.2)
        elif child is not None and down:
            child.terminate()
        time.sleep(0.02)
    if child:
        child.terminate()
        try:
            child.wait(2)
        except subprocess.TimeoutExpired:
            child.kill()
"""


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def within(seconds, condition):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)


def session(folder, profile):
    path = folder / "profile.yaml"
    path.write_text(json.dumps(profile))
    loaded = load(str(path))
    references = References(dict(os.environ), folder)
    return Session(loaded.profile, folder, references.resolve, granted=Tier.disrupt)


def declared(**services):
    return {"profile": "hands", "environment": "test", "target": {"driver": "process"}, "services": services}


class Target:
    """A service of ours, its supervisor, and the hands on it."""

    def __init__(self, folder, way="", **more):
        self.folder, self.port = folder, free_port()
        for name, code in (("service", SERVICE), ("supervisor", SUPERVISOR)):
            (folder / f"{name}.py").write_text(textwrap.dedent(code))
        command = [sys.executable, str(folder / "supervisor.py"), str(folder), str(self.port), way]
        shell = "while kill -0 $(cat pid) 2>/dev/null; do sleep 0.02; done"
        node = {
            "process": {
                "pid": {"file": "pid"},
                "stop": ["sh", "-c", f"touch down; {shell}"],
                "start": ["sh", "-c", "rm -f down tired"],
            },
            "protocol": "http",
            "port": self.port,
            "restart_within": "5s",
        } | more
        self.hands = driver.hands(session(folder, declared(api={k: v for k, v in node.items() if v is not None})))
        self.supervisor = subprocess.Popen(command, start_new_session=True)
        self.wait()

    def wait(self):
        within(10, lambda: (self.folder / "pid").exists() and _faults.accepts("127.0.0.1", self.port))

    def close(self):
        (self.folder / "over").touch()
        self.supervisor.wait(10)
        for entry in Path("/proc").glob("[0-9]*/cmdline"):  # workers whose main process was killed
            with contextlib.suppress(OSError):
                if str(self.folder / "service.py").encode() in entry.read_bytes().split(b"\0"):
                    os.kill(int(entry.parent.name), signal.SIGKILL)

    @property
    def pid(self):
        return int((self.folder / "pid").read_text())

    def act(self, kind, **wanted):
        (act,) = self.hands.acts(kind, "api", **wanted)
        return act

    def again(self):
        """Hands of another process: with a session that knows nothing of the profile."""
        bare = Session(None, Path("/"), str, granted=Tier.disrupt)
        return driver.hands_again(bare, self.hands.told())


@pytest.fixture
def target(tmp_path):
    running = []

    def start(way="", **more):
        running.append(Target(tmp_path, way, **more))
        return running[-1]

    yield start
    for one in running:
        one.close()


KINDS = {
    "hang": {},
    "slow": {"delay": 0.4},
    "stop": {},
    "terminate": {"grace": 5},
    "kill": {},
    "restart": {"grace": 5},
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_act_is_done_shown_and_undone(target, kind):
    one = target()
    before = one.hands.inventory()
    act = one.act(kind, **KINDS[kind])
    assert json.loads(json.dumps(act.told())) == act.told()
    one.hands.do(act)
    assert one.hands.proof(act)
    if kind in ("hang", "stop"):
        assert one.hands.left(act)
    undo(one.hands, act, within=10)
    assert one.hands.left(act) == ""
    one.hands.undo(act)  # as often as one likes
    assert one.hands.inventory() == before
    assert [life.running for life in one.hands.replicas("api")] == [True]


@pytest.mark.parametrize("kind", KINDS)
def test_another_process_undoes_it_from_the_journal(target, tmp_path, kind):
    one = target(restart_within=None) if kind == "restart" else target()
    before = one.hands.inventory()
    journal = Journal(tmp_path / "run.jsonl", {"driver": "process", "hands": one.hands.told()})
    act = one.act(kind, **KINDS[kind])
    journal.begin(act)
    one.hands.do(act)
    journal.abandon()
    if kind == "slow":  # its run is dead, and nobody lets it run any more
        one.hands._pauses.end(next(iter(one.hands._pauses._turns)))
        os.kill(one.pid, signal.SIGSTOP)
    ((_, told),) = read(tmp_path / "run.jsonl").standing
    again = one.again()
    undo(again, told, within=10)
    again.undo(told)
    assert again.left(told) == ""
    assert one.hands.inventory() == before


def test_what_a_hung_service_starts_meanwhile_hangs_too_and_all_of_it_is_resumed(target):
    one = target()
    act = one.act("hang")
    assert act.how == "stopped by SIGSTOP to 3 processes"
    (one.folder / "pid.grow").touch()
    within(5, lambda: len(one.hands._family("api")) == 4)  # one more than the act knows of
    one.hands.do(act)
    assert [stopped(p.pid, p.started) for p in one.hands._family("api")] == [True] * 4
    assert one.hands.inventory() == {"process of api": "4 of 4 stopped by a signal"}
    one.again().undo(act)
    assert not any(stopped(p.pid, p.started, settle=0.2) for p in one.hands._family("api"))


def test_a_process_that_was_stopped_before_stays_so(target):
    one = target()
    worker = one.hands._family("api")[1]
    os.kill(worker.pid, signal.SIGSTOP)
    within(5, lambda: stopped(worker.pid, worker.started))
    before = one.hands.inventory()
    act = one.act("hang")
    one.hands.do(act)
    undo(one.hands, act, within=5)
    assert stopped(worker.pid, worker.started)
    assert one.hands.inventory() == before


def test_a_slow_service_answers_late_for_as_long_as_it_is_slow(target):
    one = target()
    act = one.act("slow", delay=0.6)
    assert act.how == "stopped by SIGSTOP for 0.6 s and let run for 0.03 s by turns, 3 processes"
    one.hands.do(act)
    took = [_faults.answers_within("127.0.0.1", one.port, None, 5) for _ in range(6)]
    assert None not in took
    assert max(took) >= 0.3
    undo(one.hands, act, within=5)
    time.sleep(0.7)
    assert _faults.answers_within("127.0.0.1", one.port, None, 5) < 0.3


@pytest.mark.parametrize(("way", "code"), [("", 3), ("deaf", 137)])
def test_a_terminated_service_has_its_exit_code_and_one_that_is_deaf_is_killed(target, way, code):
    one = target(way)
    first = one.pid
    act = one.act("terminate", grace=1)
    began = time.monotonic()
    one.hands.do(act)
    assert (time.monotonic() - began > 1) == bool(way)
    life = one.hands.replicas("api")[0]
    assert (life.id, life.running, life.exit_code) == (str(first), False, code)
    assert one.hands.proof(act) == f"{act.name} has ended with exit code {code}"
    undo(one.hands, act, within=10)
    assert one.pid != first
    assert not [p for p, since in act.found["processes"] if started(p) == since]


def test_a_killed_main_process_leaves_no_workers_behind(target):
    one = target()
    act = one.act("kill")
    one.hands.do(act)
    assert one.hands.replicas("api")[0].exit_code == 137
    undo(one.hands, act, within=15)
    assert not [p for p, since in act.found["processes"] if started(p) == since]
    assert len(one.hands._family("api")) == 3


def test_a_service_that_nothing_restarts_is_started_by_its_command(target):
    one = target(restart_within=None)
    (one.folder / "tired").touch()  # its supervisor would not start it again
    act = Act(**one.act("kill").told())
    one.hands.do(act)
    undo(one.hands, act, within=15)
    assert not (one.folder / "tired").exists()


def test_a_service_that_does_not_come_back_is_told(target):
    one = target(process={"pid": {"file": "pid"}}, restart_within="300ms")
    act = one.act("kill")
    (one.folder / "over").touch()
    one.supervisor.wait(10)  # which takes it along
    with pytest.raises(
        NotRecovered, match=r"pid \d+ \(python[\d.]*\) could not be brought back after it was ended by SIGKILL"
    ):
        undo(one.hands, act, within=1)


def test_a_declared_command_and_its_way_back(target):
    one = target()
    act = one.act("command", command=["touch", "new"], back=["rm", "new"], within=5)
    with Disturber(one.hands, Journal(one.folder / "j.jsonl", {})).disturbed(act):
        assert (one.folder / "new").exists()
        assert one.hands.left(act) == "its way back was not run yet"
        assert one.hands.proof(act) == "touch ended with status 0"
    assert not (one.folder / "new").exists()
    one.hands.do(act)  # once more, in another run that died
    undo(one.again(), act, within=1)
    assert not (one.folder / "new").exists()
    alone = one.act("command", command=["true"], back=None)
    one.hands.do(alone)
    assert one.hands.left(alone) == ""


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["sh", "-c", "echo no luck >&2; exit 4"], "sh ended with status 4; its last words: no luck"),
        (["sleep", "30"], "sleep was not done within 0.3 s"),
        (["/nowhere/program"], "program could not be run: No such file or directory"),
    ],
)
def test_a_command_that_fails_says_how(target, command, why):
    one = target()
    with pytest.raises(CouldNotLook, match=why):
        one.hands.do(one.act("command", command=command, within=0.3))


def test_a_command_that_leaves_a_service_running_is_not_waited_for(target):
    one = target()
    began = time.monotonic()
    one.hands.do(one.act("command", command=["sh", "-c", "sleep 3 & echo $! > left"], within=2))
    assert time.monotonic() - began < 2
    os.kill(int((one.folder / "left").read_text()), signal.SIGKILL)


@pytest.mark.parametrize("kind", ["recreate", "scale"])
def test_a_process_is_not_made_from_a_declaration(target, kind):
    with pytest.raises(CouldNotLook, match=rf"api is a process, and a process can't be {kind}d"):
        target().act(kind)


def test_what_could_not_be_brought_back_is_not_begun(target):
    one = target(process={"pid": {"file": "pid"}}, restart_within=None)
    for kind, why in {
        "stop": "how api is stopped and started again is not declared",
        "restart": "how api is stopped and started again is not declared",
        "kill": "who starts api again when it has ended is not declared",
        "terminate": "who starts api again when it has ended is not declared",
    }.items():
        with pytest.raises(CouldNotLook, match=why):
            one.act(kind)


def test_what_is_protected_or_unknown_or_ourselves_is_refused(target, tmp_path):
    with pytest.raises(CouldNotLook, match=r"services.api.protected is declared"):
        target(protected=True).act("hang")
    own = driver.hands(session(tmp_path, declared(run={"process": {"pid": os.getpid()}})))
    with pytest.raises(CouldNotLook, match="this run is one of the processes of run"):
        own.acts("hang", "run")
    for kind, service, why in (("hang", "other", "no service other"), ("melt", "run", "does not know how to melt")):
        with pytest.raises(CouldNotLook, match=why):
            own.acts(kind, service)


def test_a_pid_that_is_another_process_by_now_is_left_alone(target):
    one = target()
    act = one.act("hang")
    for process in act.found["processes"]:
        process[1] += 1  # started later than the one that was meant: another life
    with pytest.raises(CouldNotLook, match="has ended"):
        one.hands.do(act)
    killed = one.act("kill")
    killed.found["processes"][0][1] += 1
    with pytest.raises(CouldNotLook, match="is another process by now"):
        one.hands.do(killed)
    assert one.hands.inventory()["process of api"].startswith("runs, listens on tcp 127.0.0.1:")


def test_what_is_not_granted_is_not_done(target):
    one = target()
    act = one.act("hang")
    one.hands.session.granted = Tier.load
    with pytest.raises(CouldNotLook, match="needs tier disrupt"):
        one.hands.do(act)


def test_a_stack_that_ended_with_its_run_needs_no_undoing(target):
    one = target()
    act = one.act("stop")
    run = subprocess.Popen(["sleep", "30"])
    act.found["with"] = [run.pid, started(run.pid)]
    one.hands.do(act)
    assert one.hands.left(act)
    run.kill()
    run.wait()
    assert one.again().left(act) == ""
    undo(one.again(), act, within=1)


REDIS = """
    port {port}
    bind 127.0.0.1
    daemonize yes
    pidfile {folder}/redis.pid
    dir {folder}
    save ""
"""


@pytest.fixture
def redis(tmp_path):
    """A real redis-server that nothing restarts."""
    program, port = redis_server.find(), free_port()
    if program is None:
        required = "redis" in os.environ.get("SEATRIAL_REQUIRE", "").split(",")
        (pytest.fail if required else pytest.skip)(redis_server.MISSING)
    (tmp_path / "redis.conf").write_text(textwrap.dedent(REDIS).format(port=port, folder=tmp_path))
    begin = f"{program} redis.conf >/dev/null; until [ -s redis.pid ]; do sleep 0.02; done"
    subprocess.run(["sh", "-c", begin], cwd=tmp_path, check=True, timeout=10)
    halt = "p=$(cat redis.pid); kill $p; while kill -0 $p 2>/dev/null; do sleep 0.02; done"
    process = {"pid": {"file": "redis.pid"}, "stop": ["sh", "-c", halt], "start": ["sh", "-c", begin]}
    yield driver.hands(session(tmp_path, declared(redis={"protocol": "redis", "port": port, "process": process})))
    if (tmp_path / "redis.pid").exists():  # redis takes it away when it ends in good order
        subprocess.run(["sh", "-c", halt], cwd=tmp_path, check=False, timeout=10)


@pytest.mark.parametrize("kind", KINDS)
def test_a_real_redis_is_disturbed_and_left_as_found(redis, kind):
    before = redis.inventory()
    (act,) = redis.acts(kind, "redis", **KINDS[kind])
    redis.do(act)
    assert redis.proof(act)
    undo(redis, act, within=10)
    redis.undo(act)
    assert redis.inventory() == before
    host, port = act.found["address"]
    assert _faults.answers_within(host, port, "redis", 2) < 1
