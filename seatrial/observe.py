"""Everything is observed once: in parallel, before the first test, and saved so that it can be judged again.

After the last look, ids and start times are read a second time: what was replaced meanwhile was not seen as one thing, so
no verdict is given on it.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import stat
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from seatrial import drivers
from seatrial.facts.runtime import Observations, Runtime
from seatrial.looks import looks
from seatrial.looks._machine import machine
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.machine import Machine
    from seatrial.profile.subjects import Subject

__all__ = ["FACTS_VERSION", "facts_text", "machine_of", "observe", "read_facts", "wait_ready"]

FACTS_VERSION = 1
MOST_FACTS = 256 * 1024 * 1024
"""Bytes of a file of facts that is read at all."""
PARALLEL = 8
T = TypeVar("T")


def look(make: Callable[[], T]) -> T | Missing:
    """The result of a look, or why there is none. Trouble of our own costs what it touches, and nothing beside it."""
    try:
        return make()
    except CouldNotLook as why:
        return Missing(why.reason, why.right)
    except Exception as trouble:  # noqa: BLE001 - told as an error of every test that needs this look
        return Missing(own_trouble(trouble))


def own_trouble(trouble: Exception) -> str:
    """One line on a fault of ours: its kind and its place. What it says may hold anything, and is left out."""
    frame = traceback.extract_tb(trouble.__traceback__)[-1]
    return f"trouble of Seatrial's own, please report it: {type(trouble).__name__} at {Path(frame.filename).name}:{frame.lineno}"


def observe(session: Session, subjects: Iterable[Subject]) -> Observations:
    """Look once at everything the subjects are about.

    Args:
        session: what the run lets its drivers do.
        subjects: the subjects of the tests that were collected; what none of them is about is not looked at.
    """
    from seatrial.profile.subjects import NOUNS

    by_noun: dict[str, dict[str, Subject]] = {}
    for subject in subjects:
        by_noun.setdefault(subject.noun, {})[subject.id] = subject
    for other in {other for noun in by_noun if noun in NOUNS for other in NOUNS[noun].beside}:
        by_noun.setdefault(other, {}).update({each.id: each for each in NOUNS[other].find(session.profile)})
    taken = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
    driver = look(lambda: drivers.load(session.profile.target.driver))
    runtime: Runtime | Missing = driver if isinstance(driver, Missing) else look(lambda: driver.observe(session))
    modules = looks(by_noun)
    found: dict[str, Any] = {module.PART: {} for module in modules}
    last: list[tuple[Any, Subject]] = []
    with _pool() as pool:
        tasks = []
        for module in modules:
            for each in {id: one for noun in module.NOUNS for id, one in by_noun.get(noun, {}).items()}.values():
                if getattr(module, "LAST", False):
                    last.append((module, each))
                else:
                    tasks.append(
                        (module.PART, each.id, pool.submit(look, partial(module.look, session, runtime, each)))
                    )
        for part, id, task in tasks:
            found[part][id] = task.result()
    for module, each in last:
        found[module.PART][each.id] = look(partial(module.look, session, runtime, each))
    changed = {}
    if isinstance(runtime, Runtime) and not isinstance(driver, Missing):
        changed = _changed(runtime, look(lambda: driver.generations(session)))
    return Observations(
        taken=taken,
        runtime=runtime,
        machine=machine_of(session, runtime),
        addresses=_addresses(session),
        calls=dict(session.calls),
        changed=changed,
        **found,
    )


def machine_of(session: Session, runtime: Runtime | Missing) -> Machine | Missing:
    """The machine a deployment runs on, looked at once a run."""
    return session.once("machine", lambda: look(lambda: machine(session, runtime)))


@contextmanager
def _pool() -> Iterator[ThreadPoolExecutor]:
    """Looks in parallel. When the run is cut short, what has not begun does not begin, and nobody waits for the rest."""
    pool = ThreadPoolExecutor(PARALLEL)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _addresses(session: Session) -> dict[str, str | Missing]:
    """What the references to sockets and ports stand for, so that they can be judged again without the run's environment."""
    found: dict[str, str | Missing] = {}
    for service in session.profile.services.values():
        sockets = service.exposure
        entries = [*sockets.published, *(sockets.listening or ()), *sockets.anonymous] if sockets else []
        for entry in [*entries, service.port, *(d.port for d in (service.depends_on or {}).values())]:
            for kind in ("env", "file"):
                if hasattr(entry, kind):
                    found[f"{kind} {getattr(entry, kind)}"] = look(lambda entry=entry: session.resolve(entry))  # type: ignore[misc]
    return found


def _changed(runtime: Runtime, now: dict[str, tuple[str, ...]] | Missing) -> dict[str, str]:
    """By service, what was replaced since the first look."""
    before = runtime.generations()
    if isinstance(now, Missing):
        return dict.fromkeys(before, f"could not look a second time: {now.reason}")
    return {
        service: f"target changed while it was observed: {', '.join(was) or 'nothing'}, then {', '.join(now.get(service, ())) or 'nothing'}"
        for service, was in before.items()
        if sorted(was) != sorted(now.get(service, ()))
    }


def wait_ready(session: Session, within: float) -> str:
    """Wait until every declared readiness endpoint answers as declared; give what is not ready when time is up."""
    from seatrial.drivers import http

    end = time.monotonic() + within
    while True:
        late = [
            name
            for name, service in session.profile.services.items()
            if service.readiness and not http.ready(session, service, service.readiness)
        ]
        if not late or time.monotonic() >= end:
            return ", ".join(late)
        time.sleep(0.25)


def facts_text(observations: Observations, about: dict[str, Any]) -> str:
    """The content of ``facts.json``; ``about`` tells of which profile and versions."""
    from pydantic_core import to_jsonable_python

    data = {"facts": FACTS_VERSION, **about, "observations": to_jsonable_python(observations)}
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def read_facts(run: str) -> tuple[Observations, dict[str, Any]]:
    """The facts of an earlier run, and what it said about them.

    Raises:
        CouldNotLook: when there are none, or of a version we don't read.
    """
    from pydantic import TypeAdapter, ValidationError

    path = Path(run)
    path = path / "facts.json" if path.is_dir() else path
    try:
        data = json.loads(_content(path))
        version = data.pop("facts")
        observations = data.pop("observations")
        profile = data["profile"]
        known = isinstance(profile["sha256"], str) and isinstance(profile["file"], str)
    except OSError as why:
        raise CouldNotLook(f"no facts at {run}: {why.strerror}; give the folder of a run") from None
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        known = False
    if not known:
        raise CouldNotLook(f"{path} holds no facts of a run")
    if version != FACTS_VERSION:
        raise CouldNotLook(f"{path} holds facts of version {version}; this Seatrial reads version {FACTS_VERSION}")
    if os.sep in profile["file"]:
        profile["file"] = os.path.relpath(os.path.join(os.path.realpath(path.parent), profile["file"]))
        profile["file"] = profile["file"] if os.sep in profile["file"] else f"./{profile['file']}"
    try:
        return TypeAdapter(Observations).validate_python(observations), data
    except ValidationError as bad:
        problem = bad.errors(include_url=False, include_input=False)[0]
        place = ".".join(("observations", *map(str, problem["loc"])))
        raise CouldNotLook(f"{path}: {place}: {problem['msg']}") from None


def _content(path: Path) -> bytes:
    """The bytes of a regular file of a sane size; a pipe or a device would never end."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(0, "not a file")
    if status.st_size > MOST_FACTS:
        raise OSError(0, f"larger than {MOST_FACTS // 1024**2} MiB")
    return path.read_bytes()
