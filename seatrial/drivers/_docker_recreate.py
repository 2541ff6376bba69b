"""A container removed and made anew from its declaration.

The new one is made beside the old one under a name of ours; the old one is stopped and renamed aside, the new one gets the
name and is started, and only when it runs the old one is removed. So at every moment there is one of the two to go on
with, and nothing of a declaration has to be written into a journal. Anonymous volumes of the old one stay with the engine.
"""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING, Any

from seatrial.drivers import _docker_kernel as kernel
from seatrial.drivers._docker_api import NotThere
from seatrial.drivers._docker_declared import declaration, labels, make
from seatrial.drivers._docker_grip import NEW, OLD, name_of, there
from seatrial.safety.acts import Act
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers._docker_api import Api
    from seatrial.drivers._docker_grip import Grip

__all__ = ["acts", "do", "left", "proof", "runs", "undo"]

GRACE = 10
RUNS_FOR = 0.5
"""Seconds a new container must have run before the old one is removed."""
STARTS_WITHIN = 20.0


def acts(grip: Grip, kind: str, service: str, wanted: dict[str, Any]) -> tuple[Act, ...]:
    """One act for each running container, or for the one that is wanted."""
    made = []
    for one in grip.disturbable(kind, service):
        name = name_of(one)
        if wanted.get("replica") not in (None, name):
            continue
        grip.refuse_end("recreate", one)
        with grip.api() as api:
            declaration(api, one)  # what could not be made anew is not touched
            for aside in (name + OLD, name + NEW):
                if there(api, aside):
                    raise CouldNotLook(
                        f"container {aside} is there: an earlier run was cut off; say `seatrial recover`"
                    )
        found = grip.found(service, one)
        grace = wanted.get("grace")
        found["grace"] = (one["Config"].get("StopTimeout") or GRACE) if grace is None else math.ceil(grace)
        how = "removed and made anew from its declaration by the engine"
        asked = {**wanted, "grace": found["grace"]}
        made.append(Act(kind, service, f"container {name}", one["Id"], how, found, asked))
    if not made:
        raise CouldNotLook(f"{service} has no running container {wanted['replica']}")
    return tuple(made)


def runs(api: Api, id: str, name: str) -> None:
    """Wait until a container has run for a moment.

    Raises:
        CouldNotLook: it does not.
    """
    end, since, life = time.monotonic() + STARTS_WITHIN, 0.0, ""
    while time.monotonic() < end:
        state = api.get(f"/containers/{id}/json")["State"]
        well = state["Running"] and not state.get("Restarting")
        if not well or state["StartedAt"] != life:
            since, life = time.monotonic(), state["StartedAt"]
        if well and time.monotonic() - since >= RUNS_FOR:
            return
        if state.get("Status") in ("exited", "dead"):
            raise CouldNotLook(f"container {name} ended with {state['ExitCode']} as soon as it was started anew")
        time.sleep(0.05)
    raise CouldNotLook(f"container {name} does not run {STARTS_WITHIN:g} s after it was made anew")


def do(grip: Grip, act: Act) -> None:
    """Do it, step by step; each leaves a state that `undo` knows."""
    name, grace = act.found["name"], act.found["grace"]
    with grip.api() as api:
        one = api.get(f"/containers/{act.object}/json")
        new = make(api, declaration(api, one), name + NEW)
        api.send("POST", f"/containers/{act.object}/stop", within=grace + 20.0, t=grace)
        api.send("POST", f"/containers/{act.object}/rename", name=name + OLD)
        api.send("POST", f"/containers/{new}/rename", name=name)
        api.send("POST", f"/containers/{new}/start", within=30.0)
        runs(api, new, name)
        _remove(api, act.object)
        _renewed(grip, act, new)


def _renewed(grip: Grip, act: Act, new: str) -> None:
    grip.renewed[new] = grip.renewed.get(act.object, act.object)
    grip.restarts[new] = (int(act.found["shown"]), 0)


def _remove(api: Api, id: str, *, volumes: bool = False) -> None:
    with contextlib.suppress(NotThere):
        api.send("DELETE", f"/containers/{id}", within=30.0, fine=(409,), force=1, v=int(volumes))


def undo(grip: Grip, act: Act) -> None:
    """Bring back a running container of that name, from whichever is there."""
    name = act.found["name"]
    with grip.api() as api:
        half = there(api, name + NEW)
        if half:  # its name says that it is ours, and it was never started
            _remove(api, half["Id"], volumes=True)
        old, now = there(api, act.object), there(api, name)
        if old is None:
            if now and not now["State"]["Running"]:
                api.send("POST", f"/containers/{now['Id']}/start", within=30.0)
            if now and now["Id"] not in grip.renewed:
                _renewed(grip, act, now["Id"])
            return
        if now and now["Id"] != old["Id"]:
            if now["State"]["Running"] and not now["State"].get("Restarting"):
                _remove(api, old["Id"])
                _renewed(grip, act, now["Id"])
                return
            if now["Image"] != old["Image"] or labels(now) != labels(old):
                raise CouldNotLook(
                    f"another container has the name {name} now, so that the one before can't have it back"
                )
            _remove(api, now["Id"], volumes=True)
        if name_of(old) != name:
            api.send("POST", f"/containers/{old['Id']}/rename", name=name)
        if not old["State"]["Running"]:
            api.send("POST", f"/containers/{old['Id']}/start", within=30.0)
            grip.restarts[old["Id"]] = (int(act.found["shown"]), 0)


def left(grip: Grip, act: Act) -> str:
    """What of it is still there."""
    name = act.found["name"]
    with grip.api() as api:
        for aside in (name + NEW, name + OLD):
            if there(api, aside):
                return f"container {aside} is still there"
        now = there(api, name)
    if now is None:
        return "the container is gone"
    if now["State"].get("Restarting"):
        return "the engine is about to start it again"
    return "" if now["State"]["Running"] else f"not running (status {now['State'].get('Status')})"


def proof(grip: Grip, act: Act) -> str:
    """What shows that it is another container now."""
    with grip.api() as api:
        now = there(api, act.found["name"])
    if now is None or now["Id"] == act.object:
        raise CouldNotLook(f"{act.name} is still the same container")
    if act.found["main"] and not kernel.ended(*act.found["main"]):
        raise CouldNotLook(f"the main process of {act.name} from before (pid {act.found['main'][0]}) still runs")
    return f"container {act.object[:12]} was replaced by {now['Id'][:12]}"
