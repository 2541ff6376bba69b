"""Real loads on small servers of our own, made by the bench of a run as the engine makes them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.drivers import Session
from seatrial.drivers import load as driver_of
from seatrial.experiments import objectives
from seatrial.experiments._bench import Bench, bench
from seatrial.facts.loads.run import LoadRun
from seatrial.outcomes import Tier
from seatrial.profile.loading import load
from seatrial.profile.nouns import objectives as nouns
from seatrial.profile.references import References

__all__ = ["PROFILE", "Target", "benched", "group_of", "made", "session_of", "target"]

SERVER = Path(__file__).with_name("load_target.py")
PROFILE = """profile: shop
environment: test
target: {{driver: {driver}}}
services:
  api:
    url: "{url}"
    {more}
    canary:
      post: /notes
      body: {{id: SEA, text: of a trial}}
      expect: {{status: 201, match: {{id: SEA}}}}
      sentinel: SEA
      read_back: {{get: /notes/SEA, expect: {{match: {{text: of a trial}}}}}}
      remove: {{delete: /notes/SEA, expect: {{status: 204}}}}
slos:
  read: {{service: api, {slo}}}
"""


@dataclass
class Target:
    """A server while it runs."""

    child: subprocess.Popen[bytes]
    port: int
    folder: Path
    said: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def count(self) -> dict[str, int]:
        with urllib.request.urlopen(f"{self.url}/count", timeout=5) as answer:
            found: dict[str, int] = json.load(answer)
        return found

    def profile(self, slo: str, *, url: str = "", driver: str = "process", more: str = "") -> Path:
        """A profile of it, with one objective."""
        file = self.folder / "shop.yaml"
        more = more or f"process: {{pid: {self.child.pid}}}\n    liveness: {{path: /live, timeout: 1s}}"
        file.write_text(PROFILE.format(url=url or self.url, slo=slo, driver=driver, more=more))
        return file


@contextmanager
def target(folder: Path, *way: str) -> Iterator[Target]:
    """A server that is wrong in some way."""
    child = subprocess.Popen(
        [sys.executable, "-I", str(SERVER), *way],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert child.stdout is not None
        yield Target(child, int(child.stdout.readline()), folder)
    finally:
        child.kill()
        child.communicate()


def session_of(file: Path) -> Session:
    """What a run that may make loads lets its drivers do."""
    loaded = load(str(file))
    references = References(os.environ, loaded.file.parent)
    return Session(
        profile=loaded.profile, base=loaded.file.parent.absolute(), resolve=references.resolve, granted=Tier.load,
        mask=references.mask, key=f"loads {os.getpid()}",
    )  # fmt: skip


@contextmanager
def benched(file: Path, said: list[str]) -> Iterator[Bench]:
    """The bench of a run on a profile."""
    session = session_of(file)
    runtime = driver_of(session.profile.target.driver).observe(session)
    with bench(session, runtime, said.append, said) as made:
        yield made


def made(file: Path, said: list[str] | None = None) -> LoadRun:
    """The load of its one objective."""
    with benched(file, [] if said is None else said) as on:
        (subject,) = nouns.NOUNS["load"].find(on.profile)
        return objectives.run(on, subject)


def group_of(pid: int, within: float = 5.0) -> list[int]:
    """Processes that are still in the group of a process, after they had some time to go."""
    end = time.monotonic() + within
    while True:
        left = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    state, _, group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
                except OSError:
                    continue
                if int(group) == pid and state not in "ZX":
                    left.append(int(entry.name))
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.1)


def main(arguments: list[str]) -> None:
    """`python -m tests.integration.objectives.load_bench PROFILE FILE`: a run in a process of its own, which tells in a file what it kept."""
    profile, kept = Path(arguments[0]), Path(arguments[1])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    from seatrial.experiments import _loading, perform

    _loading.ceiling_of = lambda _: 10_000.0  # it takes as long as the load itself

    parts: dict[str, dict[str, Any]] = {
        part: {} for part in ("experiments", "drills", "maintained", "loads", "baselines")
    }
    session = session_of(profile)
    runtime = driver_of(session.profile.target.driver).observe(session)

    def say(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    try:
        perform(session, runtime, nouns.NOUNS["load"].find(session.profile), say, parts, [])
    finally:
        from pydantic_core import to_jsonable_python

        kept.write_text(json.dumps(to_jsonable_python(parts["loads"])))


if __name__ == "__main__":
    main(sys.argv[1:])
