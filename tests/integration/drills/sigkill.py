"""Runs killed with SIGKILL in the middle of a disturbance: at moments uniform over its measured length, on real targets.

``python -m tests.integration.drills.sigkill --count 1000`` prints every moment, what the run was doing then, whether the fault
was there, who recovered, and whether all is as before. Exit code 0 when it is, every time, and enough moments were hit.

A runner imports everything once and forks one process for each disturbance, which journals, guards, disturbs and ends by
the very code of a run. Only its hands are slowed down, so that the moments between journal and act have a length.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.safety import journal as journals

__all__ = ["Kill", "Runner", "Target", "address_of", "container", "kills", "missing_engine", "process", "report"]

HELD = 0.4
"""Seconds a fault is held."""
PAUSE = 0.08
"""Seconds between the note and the act, and between the note and the undoing."""
GUARDIAN_TOO = 5
"""At every fifth moment the guardian is killed before its run."""
ACTIVE = ("acted", "held", "over", "undoing")
"""The last thing a run said when it was killed while the fault was there."""
BETWEEN = "journalled"


# --- the run that is killed -------------------------------------------------------------------------------------------


class Slowed:
    """Hands that say what they do, and take their time."""

    def __init__(self, hands: Any, mark: Callable[[str], None]) -> None:
        self._hands, self._mark = hands, mark

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hands, name)

    def do(self, act: Any) -> None:
        self._mark("journalled")
        time.sleep(PAUSE)
        self._mark("acting")
        self._hands.do(act)
        self._mark("acted")

    def undo(self, act: Any) -> None:
        self._mark("undoing")
        time.sleep(PAUSE)
        self._mark("bringing back")
        self._hands.undo(act)
        self._mark("brought back")


def _mark(what: str) -> None:
    os.write(1, f"{what}\n".encode())


def _run(profile: str, key: str, kind: str) -> None:
    """One disturbance."""
    from seatrial import drivers
    from seatrial.drivers import Session
    from seatrial.experiments._keeping import kept
    from seatrial.outcomes import Tier
    from seatrial.profile.loading import load

    loaded = load(profile)
    session = Session(loaded.profile, Path(profile).parent, str, granted=Tier.disrupt, key=key)
    driver = drivers.load(loaded.profile.target.driver)
    told: list[str] = []
    with journals.held(key) as session.lock:
        hands = Slowed(driver.hands(session), _mark)
        with kept(session, driver, hands, _mark, told) as disturber:
            acts = hands.acts(kind, "redis")
            _mark(f"guarded {os.getpid()} {disturber._guarding.pid}")
            with disturber.disturbed(*acts):
                _mark("held")
                time.sleep(HELD)
                _mark("over")
            _mark("undone")
    _mark(f"left {told}" if told else "closed")


def _runner(profile: str, key: str, kind: str) -> int:
    """Fork a run for every line on standard input."""
    from seatrial.drivers import docker, process  # noqa: F401 - once, and not in every run
    from seatrial.profile.loading import load

    load(profile)
    ended = 0
    for _ in sys.stdin:
        if ended:
            os.waitpid(ended, 0)
        child = os.fork()
        if not child:
            try:
                _run(profile, key, kind)
            finally:
                os._exit(0)
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # its pid stays its own until it is asked for the next one
        _mark("ended")
        ended = child
    return 0


# --- who kills it -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    """A real thing that is made to hang."""

    name: str
    driver: str
    profile: Path
    state: Callable[[], dict[str, str]]
    """All of it that could be changed."""
    hangs: Callable[[], bool]
    """Whether it does now, by the kernel's or the engine's word."""


@dataclass(slots=True)
class Kill:
    """One run that was killed."""

    number: int
    target: str
    at: float
    """Seconds after its guardian was up."""
    doing: str = ""
    """The last thing it said."""
    active: bool = False
    """Whether the target was seen to hang just before it was killed."""
    by: str = ""
    """Who recovered."""
    took: float = 0.0
    """Seconds until it was recovered."""
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        there = "fault there " if self.active else "no fault    "
        what = "; ".join(self.problems) or "as before"
        return f"{self.number:4} {self.target:9} {self.at:6.3f} s  {self.doing:14} {there} {self.by:14} {self.took:5.2f} s  {what}"


class Runner:
    """The runner's process, and what it says."""

    def __init__(self, target: Target, key: str, kind: str = "hang") -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", __name__ if __name__ != "__main__" else __spec__.name, "--run", str(target.profile), key, kind],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3],
        )  # fmt: skip

    def begin(self) -> tuple[float, int, int]:
        """Begin a run; gives when its guardian was up, its pid and its guardian's."""
        assert self._child.stdin
        self._child.stdin.write(b"go\n")
        self._child.stdin.flush()
        word, *pids = self._line().split()
        assert word == "guarded", word
        return time.monotonic(), int(pids[0]), int(pids[1])

    def until(self, word: str) -> None:
        """Read on until it says so."""
        while (line := self._line()) != word:
            assert line != "ended", f"it has ended, and never said {word}"

    def rest(self) -> list[str]:
        """What it says until it has ended."""
        found = []
        while (line := self._line()) != "ended":
            found.append(line)
        return found

    def _line(self) -> str:
        assert self._child.stdout
        line = self._child.stdout.readline().decode().strip()
        if not line:
            raise RuntimeError("the runner has ended")
        return line

    def close(self) -> None:
        with self._child:
            assert self._child.stdin
            self._child.stdin.close()
            self._child.wait(30)


def kills(target: Target, count: int, first: int = 1) -> Iterator[Kill]:
    """Kill runs at so many moments, the measured length of a disturbance evenly divided by them."""
    key = f"sigkill {target.name} {os.getpid()}"
    runner = Runner(target, key)
    try:
        lengths = []
        for _ in range(3):
            began, _, _ = runner.begin()
            said = runner.rest()
            assert said[-1] == "closed", said
            lengths.append(time.monotonic() - began)
        length = sorted(lengths)[1]
        before = target.state()
        for number in range(count):
            kill = Kill(first + number, target.name, (number + 0.5) / count * length)
            _kill(runner, target, key, kill, guardian_too=number % GUARDIAN_TOO == GUARDIAN_TOO - 1)
            now = target.state()
            kill.problems += [
                f"{name} was {was}, is {now.get(name)}" for name, was in before.items() if now.get(name) != was
            ]
            yield kill
    finally:
        runner.close()


def _kill(runner: Runner, target: Target, key: str, kill: Kill, *, guardian_too: bool) -> None:
    began, run, guardian = runner.begin()
    time.sleep(max(0.0, began + kill.at - time.monotonic()))
    # The runner keeps the pid of a run that has ended until the next one begins: it is nobody else's.
    os.kill(run, signal.SIGSTOP)
    kill.active = target.hangs()
    if guardian_too:
        with contextlib.suppress(ProcessLookupError):
            os.kill(guardian, signal.SIGKILL)
    os.kill(run, signal.SIGKILL)
    killed = time.monotonic()
    said = ["guarded", *runner.rest()]
    kill.doing = said[-1]
    folder = journals.folder_of(key)
    if guardian_too:
        kill.by = "recover"
        done = subprocess.run(
            [sys.executable, "-m", "seatrial", "recover", "--json"],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode or not json.loads(done.stdout)["recovered"]:
            kill.problems.append(f"seatrial recover ended with {done.returncode}: {done.stdout}{done.stderr}")
    else:
        kill.by = "guardian"
    while True:  # as long as the guardian holds the target
        try:
            with journals.held_at(folder, "the proof"):
                break
        except journals.Held as who:
            if time.monotonic() > killed + 60:
                kill.problems.append(f"the target is still held: {who}")
                break
            time.sleep(0.005)
    kill.took = time.monotonic() - killed
    entry = journals.read(journals.journals(folder)[-1])
    if not entry.closed or entry.standing:
        kill.problems.append(f"the journal is open: {entry.file.read_text()}")
    if kill.doing == "closed":
        kill.by = "(had ended)"


# --- real targets -----------------------------------------------------------------------------------------------------


def _ping(host: str, port: int) -> str:
    try:
        with socket.create_connection((host, port), 2) as line:
            line.sendall(b"PING\r\n")
            return line.recv(20).decode().strip()
    except OSError as why:
        return f"no answer: {why}"


@contextlib.contextmanager
def process(folder: Path) -> Iterator[Target]:
    """A redis-server of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(["redis-server", *words], stdout=subprocess.DEVNULL) as server:
        try:
            _await(lambda: _ping("127.0.0.1", port) == "+PONG")
            profile = folder / "process.yaml"
            profile.write_text(
                "profile: sigkill\nsummary: A Redis that is made to hang.\ntarget: {driver: process}\n"
                f"services:\n  redis: {{protocol: redis, process: {{pid: {server.pid}}}}}\n"
            )

            def stat() -> list[str]:
                return Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()

            def state() -> dict[str, str]:
                found = {"start": stat()[19], "answer": _ping("127.0.0.1", port)}
                return {**found, "state": "stopped" if stat()[0] in "tT" else "runs"}

            yield Target("process", "process", profile, state, lambda: stat()[0] in "tT")
        finally:
            server.kill()


@contextlib.contextmanager
def container(*, ends_after: float = 0.0) -> Iterator[Target]:
    """A container of its own with a Redis in it.

    Args:
        ends_after: seconds that it takes to end when it is told to.
    """
    from tests.lab import Engine, images
    from tests.lab.engine import LABEL

    engine = Engine()
    images.ensure(engine, ["redis"])
    body = {
        "Image": images.tag_of("redis"), "Entrypoint": ["redis-server"], "Labels": {LABEL: "sigkill"},
        "Cmd": ["--port", "6379", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", ""],
        "ExposedPorts": {"6379/tcp": {}}, "User": "65534", "WorkingDir": "/tmp",
    }  # fmt: skip
    if ends_after:
        script = f'redis-server "$@" & trap "sleep {ends_after:g}; exit 0" TERM; while :; do wait; done'
        body |= {"Entrypoint": ["/bin/sh", "-c", script, "sh"]}
    name = f"seatrial-sigkill-{os.getpid()}"
    id = engine.call("POST", "/containers/create", body, name=name)["Id"]
    folder = Path(tempfile.mkdtemp())
    try:
        engine.call("POST", f"/containers/{id}/start")

        def inspected() -> dict[str, Any]:
            found: dict[str, Any] = engine.call("GET", f"/containers/{id}/json")
            return found

        address = inspected()["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
        _await(lambda: _ping(address, 6379) == "+PONG")
        profile = folder / "container.yaml"
        profile.write_text(
            "profile: sigkill\nsummary: A Redis that is made to hang.\nenvironment: staging\ntarget: {driver: docker}\n"
            f"services:\n  redis: {{protocol: redis, containers: [{name}], port: 6379}}\n"
        )

        def state() -> dict[str, str]:
            one = inspected()
            found = {key: str(one["State"][key]) for key in ("Status", "Paused", "Running", "StartedAt", "Pid")}
            return {**found, "restarts": str(one["RestartCount"]), "answer": _ping(address, 6379)}

        yield Target("container", "docker", profile, state, lambda: bool(inspected()["State"]["Paused"]))
    finally:
        engine.call("DELETE", f"/containers/{id}", force=True, v=True)
        shutil.rmtree(folder)


def address_of(name: str) -> str:
    """A container's own address."""
    from tests.lab import Engine

    found: str = Engine().call("GET", f"/containers/{name}/json")["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
    return found


def missing_engine() -> str | None:
    """Why there are no containers here."""
    from tests.lab.available import missing

    return missing("docker")


def _await(condition: Callable[[], bool], within: float = 20) -> None:
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "the target did not come up"
        time.sleep(0.05)


# --- the whole --------------------------------------------------------------------------------------------------------


def report(done: list[Kill]) -> tuple[list[str], list[str]]:
    """What was hit, in words; and what is wrong with the proof."""
    doing = Counter(kill.doing for kill in done)
    active = sum(kill.active for kill in done)
    by = Counter(kill.by for kill in done)
    lines = [
        f"{len(done)} runs killed: {active} with the fault active, {doing[BETWEEN]} between journal and act; "
        f"recovered by {', '.join(f'{who} {times}' for who, times in sorted(by.items()))}",
        f"what they were doing: {', '.join(f'{what} {times}' for what, times in doing.most_common())}",
        f"longest until recovered: {max(kill.took for kill in done):.2f} s",
    ]
    wrong = [str(kill) for kill in done if kill.problems]
    if active < 10:
        wrong.append(f"only {active} were killed with the fault active")
    if not doing[BETWEEN]:
        wrong.append("none was killed between journal and act")
    return lines, wrong


def main() -> int:
    """The command; gives an exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.integration.drills.sigkill", description=__doc__)
    parser.add_argument("--count", type=int, default=50, help="how many runs are killed (50)")
    parser.add_argument("--containers", type=int, default=None, help="how many of them disturb a container (an eighth)")
    parser.add_argument("--run", nargs=3, metavar=("PROFILE", "KEY", "KIND"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        return _runner(*given.run)
    some = given.count // 8 if given.containers is None else given.containers
    some = 0 if missing_engine() else some
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SEATRIAL_STATE"] = f"{folder}/state"
        done: list[Kill] = []
        for make, count in ((lambda: process(Path(folder)), given.count - some), (container, some)):
            if count:
                with make() as target:
                    for kill in kills(target, count, len(done) + 1):
                        print(kill, flush=True)
                        done.append(kill)
        lines, wrong = report(done)
        print("\n".join([*lines, *wrong]))
        return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
