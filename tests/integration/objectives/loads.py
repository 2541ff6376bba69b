"""Loads in processes of their own, as an operator and as a run start them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import seatrial.load
from seatrial.load.plan import Call, LoadPlan

NULL = Path(seatrial.load.__file__).parent / "null_server.py"
LOCUST = (sys.executable, "-P", "-m", "locust", "--loglevel", "INFO")
QUIET = {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}

JOURNEYS = """
from seatrial.load import JourneyUser, Pause, Request

def note(visit):
    yield Request("POST", "/notes", json={"text": visit.token})
    yield Pause(0.02)
    yield Request("GET", f"/notes/{visit.token}", name="GET /notes/{id}")

def look(visit):
    yield Request("GET", "/notes", name="GET /notes")

class Visitor(JourneyUser):
    journeys = {note: 1, look: 2}
"""


@contextlib.contextmanager
def null_server():
    """A server that answers at once; gives its address."""
    process = subprocess.Popen(
        [sys.executable, "-I", str(NULL)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def plan(host, **told):
    """One call, again and again."""
    made = {"name": "slos.x", "host": host, "rate": 100.0, "duration": 3.0, "timeout": 5.0}
    if "locustfile" not in told:
        made["calls"] = (Call("GET", "/x", "GET /x"),)
    return LoadPlan(**{**made, **told})


class Child:
    """`python -m seatrial.load`, in a session of its own."""

    def __init__(self, plan, **environment):
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "seatrial.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, start_new_session=True, env={**QUIET, **environment},
        )  # fmt: skip
        self.events = []
        self.say(plan.dumped())

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def until(self, kind):
        """The next event of a kind."""
        for line in self.process.stdout:
            told = json.loads(line)
            self.events.append(told)
            if told["event"] == kind:
                return told
        raise AssertionError(f"no {kind}: {self.events}")

    def alive(self):
        """Processes of its session that are still there."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                pid, _, rest = stat.read_text().partition(" (")
                state, _, group = rest.rpartition(") ")[2].split()[:3]
                if int(group) == self.process.pid and state != "Z":
                    found.append(int(pid))
        return found

    def workers(self):
        return [pid for pid in self.alive() if pid != self.process.pid]

    def nothing_left(self, within=5.0):
        end = time.monotonic() + within
        while self.alive() and time.monotonic() < end:
            time.sleep(0.05)
        return self.alive() == []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


def made(plan, **environment):
    """A load's result, and the code with which its process ended."""
    with Child(plan, **environment) as child:
        result = child.until("result")
        child.process.stdin.close()
        return result, child.process.wait(20), child


def counted(stream):
    """Offered, right and failed of a stream."""
    return tuple(sum(second[name] for second in stream["seconds"]) for name in ("offered", "right", "failed"))
