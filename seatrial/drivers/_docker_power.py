"""Containers stopped, paused, ended, killed and restarted: what is done to one container and leaves it the same container."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from seatrial.drivers import _docker_kernel as kernel
from seatrial.drivers import _faults
from seatrial.drivers._docker_grip import name_of
from seatrial.outcomes import Tier
from seatrial.safety.acts import Act
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers._docker_api import Api
    from seatrial.drivers._docker_grip import Grip

__all__ = ["acts", "do", "left", "proof", "undo"]

GRACE = 10
"""Seconds the engine waits after SIGTERM where nothing else is declared."""
PAUSES = 5
NOTICED_WITHIN = 10.0
"""Seconds in which an engine sees that a main process has ended."""


def acts(grip: Grip, kind: str, service: str, wanted: dict[str, Any]) -> tuple[Act, ...]:
    """One act for each running container."""
    made = []
    for one in grip.disturbable(kind, service):
        if kind != "hang":
            grip.refuse_end(kind, one)
        found = grip.found(service, one)
        grace = wanted.get("grace")
        found["grace"] = (one["Config"].get("StopTimeout") or GRACE) if grace is None else math.ceil(grace)
        if kind == "kill" and not found["main"]:
            raise CouldNotLook(
                f"the main process of container {name_of(one)} is not among this machine's, and the engine's own kill "
                "would count as stopped by hand",
                right="to run on the engine's host",
            )
        # The grace that holds is told: for that long an engine may go on with what it was asked for.
        asked = wanted if kind in ("hang", "kill") else {**wanted, "grace": found["grace"]}
        made.append(Act(kind, service, f"container {name_of(one)}", one["Id"], _how(kind, one, found), found, asked))
    return tuple(made)


def _how(kind: str, one: dict[str, Any], found: dict[str, Any]) -> str:
    signal = one["Config"].get("StopSignal") or "SIGTERM"
    if kind == "kill":
        return f"killed by SIGKILL to pid {found['main'][0]} on the host"
    return {
        "stop": "stopped by the engine",
        "hang": "paused by the engine",
        "terminate": f"ended by the engine with {signal}, and SIGKILL after {found['grace']} s",
        "restart": f"restarted by the engine with {signal}, and SIGKILL after {found['grace']} s",
    }[kind]


def do(grip: Grip, act: Act) -> None:
    """Do it, to its end."""
    grace = act.found["grace"]
    within = grace + 20.0
    with grip.api() as api:
        if act.kind == "hang":
            if not act.found["paused"]:
                _pause(api, act)
        elif act.kind == "restart":
            api.send("POST", f"/containers/{act.object}/restart", within=within, t=grace)
        elif act.kind == "kill":
            grip.session.call("docker", "SIGKILL", Tier.disrupt)
            kernel.kill(*act.found["main"])
            _noticed(api, act)
        else:
            api.send("POST", f"/containers/{act.object}/stop", within=within, t=grace)


def _pause(api: Api, act: Act) -> None:
    """Pause it; on a busy machine an engine needs more than one go, since what is just being started can't be frozen."""
    for left in reversed(range(PAUSES)):
        try:
            api.send("POST", f"/containers/{act.object}/pause", within=30.0)
            return
        except CouldNotLook as why:
            if not left or "unable to freeze" not in why.reason:
                raise
            time.sleep(0.3)


def _noticed(api: Api, act: Act) -> None:
    """Wait until the engine knows that the main process is gone."""
    end = time.monotonic() + NOTICED_WITHIN
    while True:
        state = api.get(f"/containers/{act.object}/json")["State"]
        if not state["Running"] or state.get("Restarting") or state["StartedAt"] != act.found["started"]:
            return
        if time.monotonic() >= end:
            raise CouldNotLook(f"the engine does not see that {act.name} was killed")
        time.sleep(0.02)


def undo(grip: Grip, act: Act) -> None:
    """Let it go on, or start it, when nobody else did."""
    with grip.api() as api:
        one = grip.now(api, act)
        if one is None:
            return
        state = one["State"]
        ours = one["Id"] == act.object
        if state.get("Paused"):
            if ours and act.kind == "hang" and not act.found["paused"]:
                api.send("POST", f"/containers/{one['Id']}/unpause", fine=(409,))  # somebody was faster
        elif not state["Running"] and act.found["running"] and ours:
            # With a policy that acts, `Restarting` is told instead: then it comes back by itself.
            api.send("POST", f"/containers/{one['Id']}/start", within=30.0)
        if act.kind != "hang":
            grip.count_restarts(api, act)


def left(grip: Grip, act: Act) -> str:
    """What of it is still there."""
    with grip.api() as api:
        one = grip.now(api, act)
    if one is None:
        return "the container is gone"
    state = one["State"]
    if one["Id"] == act.object and act.kind == "hang" and state.get("Paused") and not act.found["paused"]:
        return "paused"
    if state.get("Restarting"):
        return "the engine is about to start it again"
    if not state["Running"]:
        return f"not running (status {state.get('Status')})"
    if act.kind == "kill" and state["StartedAt"] == act.found["started"] and kernel.ended(*act.found["main"]):
        return "killed, which the engine has not seen yet"
    return ""


# --- proofs -----------------------------------------------------------------------------------------------------------


def proof(grip: Grip, act: Act) -> str:
    """What shows that it is there: its socket where that told something before, else the kernel, else the engine."""
    if act.kind == "hang":
        return _hangs(act)
    if act.kind == "stop":
        return _is_gone(act)
    with grip.api() as api:
        one = grip.now(api, act)
    if one is None:
        raise CouldNotLook(f"{act.name} is gone")
    state, again = one["State"], one["State"]["StartedAt"] != act.found["started"]
    if act.found["main"] and not kernel.ended(*act.found["main"]):
        raise CouldNotLook(f"the main process of {act.name} (pid {act.found['main'][0]}) still runs")
    gone = f"pid {act.found['main'][0]} has ended" if act.found["main"] else ""
    if again:
        return ", ".join(filter(None, (gone, f"started again at {state['StartedAt']}")))
    if state["Running"] and not state.get("Restarting"):
        raise CouldNotLook(f"{act.name} still runs")
    return ", ".join(filter(None, (gone, f"exit code {state['ExitCode']}")))


def _is_gone(act: Act) -> str:
    if act.found["accepted"]:
        return _faults.is_stopped(*act.found["address"])
    if not act.found["main"]:
        raise CouldNotLook(_nothing_shows(act))
    if not kernel.ended(*act.found["main"]):
        raise CouldNotLook(f"the main process of {act.name} (pid {act.found['main'][0]}) still runs")
    return f"pid {act.found['main'][0]} has ended"


def _hangs(act: Act) -> str:
    if act.found["hello"] is not None:
        host, port = act.found["address"]
        return _faults.is_hung(host, port, act.found["protocol"], max(0.5, 3 * act.found["hello"]))
    if not act.found["freezer"]:
        raise CouldNotLook(_nothing_shows(act))
    if not kernel.frozen(act.found["freezer"], 0.0):
        raise CouldNotLook(f"the processes of {act.name} are not held by the kernel")
    return "its processes are held by the kernel's freezer"


def _nothing_shows(act: Act) -> str:
    where = "{}:{}".format(*act.found["address"]) if act.found["address"] else "no address of its own"
    return f"{act.name} is not heard from here ({where}), so that nothing shows that the fault is there"
