"""A slow container: netem in its own network namespace where the kernel can, else held and let go in turn.

Held and let go, a request waits until the next moment its container runs. To make answers take about as long as is wanted,
each hold is twice that: one that arrives at any time waits half a hold on average.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from typing import TYPE_CHECKING, Any

from seatrial.drivers import _docker_kernel as kernel
from seatrial.drivers import _docker_shaping as shaping
from seatrial.drivers import _faults
from seatrial.drivers._docker_grip import name_of
from seatrial.outcomes import Tier
from seatrial.safety.acts import Act
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from collections.abc import Callable

    from seatrial.drivers._docker_grip import Grip

__all__ = ["acts", "do", "left", "proof", "undo"]

SHORTEST, LONGEST = 0.05, 60.0
"""Seconds of delay that can be made, and that anybody could want."""


def acts(grip: Grip, kind: str, service: str, wanted: dict[str, Any]) -> tuple[Act, ...]:
    """One act for each running container."""
    delay = float(wanted.get("delay", 1.0))
    if not SHORTEST <= delay <= LONGEST:
        raise CouldNotLook(f"a container can be made slow by {SHORTEST:g} s to {LONGEST:g} s, not by {delay:g} s")
    made = []
    for one in grip.disturbable(kind, service):
        if one["State"].get("Paused"):
            raise CouldNotLook(f"container {name_of(one)} is paused: it can't be made slow")
        found = grip.found(service, one)
        devices = shaping.devices(one, found["main"]) if found["main"] else []
        if devices:
            way, how = (
                "netem",
                f"packets of {', '.join(devices)} delayed by {delay:g} s in its network namespace (netem)",
            )
        elif found["freezer"] and os.access(found["freezer"], os.W_OK):
            way, how = "freezer", f"held for {2 * delay:g} s again and again by the kernel's freezer"
        else:
            way, how = "engine", f"held for {2 * delay:g} s again and again by the engine's pause"
        found |= {"way": way, "devices": devices, "token": secrets.token_hex(8)}
        made.append(Act("slow", service, f"container {name_of(one)}", one["Id"], how, found, wanted))
    return tuple(made)


def do(grip: Grip, act: Act) -> None:
    """Begin it; where it goes on by itself in a thread, that ends with the run, and is told to by `undo`."""
    delay = float(act.wanted.get("delay", 1.0))
    if act.found["way"] == "netem":
        grip.session.call("docker", "netem", Tier.disrupt)
        shaping.delay(act.found["main"], act.found["devices"], delay)
        return
    cycle = _Cycle(_switch(grip, act), 2 * delay)
    with grip.lock:
        grip.held[act.found["token"]] = cycle.stop
    cycle.start()


def _switch(grip: Grip, act: Act) -> Callable[[bool], None]:
    if act.found["way"] == "freezer":
        return lambda on: _freeze(grip, act, on=on)

    def engine(on: bool) -> None:
        with grip.api() as api:
            api.send("POST", f"/containers/{act.object}/{'pause' if on else 'unpause'}", fine=(409,))

    return engine


def _freeze(grip: Grip, act: Act, *, on: bool) -> None:
    grip.session.call("docker", "freezer", Tier.disrupt)
    kernel.freeze(act.found["freezer"], on=on)


class _Cycle:
    """Holds and lets go in turn, until it is told to stop."""

    def __init__(self, switch: Callable[[bool], None], hold: float) -> None:
        self._switch = switch
        self._hold = hold
        self._go = min(0.1, max(0.02, hold / 40))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="seatrial-slow", daemon=True)

    def start(self) -> None:
        """The first hold is there when this returns.

        Raises:
            CouldNotLook: it could not be held.
        """
        self._switch(True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.wait(self._hold):
            with contextlib.suppress(CouldNotLook):  # an engine that is busy, or a container that was ended meanwhile
                self._switch(False)
            if self._over.wait(self._go):
                break
            with contextlib.suppress(CouldNotLook):
                self._switch(True)

    def stop(self) -> None:
        """No hold begins after this has returned."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(30.0)
            if self._thread.is_alive():
                raise CouldNotLook("what holds the container and lets it go does not end")


def undo(grip: Grip, act: Act) -> None:
    """No more of it, and the container goes on."""
    with grip.lock:
        stop = grip.held.get(act.found["token"])
    if stop:
        stop()
        grip.held.pop(act.found["token"], None)
    if act.found["way"] == "netem":
        grip.session.call("docker", "netem", Tier.disrupt)
        shaping.undelay(act.found["main"], act.found["devices"])
    with grip.api() as api:
        one = grip.now(api, act)
        if one is None or one["Id"] != act.object:
            return
        state = one["State"]
        if act.found["way"] == "engine" and state.get("Paused"):
            api.send("POST", f"/containers/{act.object}/unpause", fine=(409,))
        elif act.found["way"] == "freezer" and not state.get("Paused") and kernel.frozen(act.found["freezer"], 0.0):
            _freeze(grip, act, on=False)  # one that the engine calls paused was paused by somebody
        if not state["Running"]:
            api.send("POST", f"/containers/{act.object}/start", within=30.0)


def left(grip: Grip, act: Act) -> str:
    """What of it is still there."""
    if act.found["token"] in grip.held:
        return "held and let go in turn"
    if act.found["way"] == "netem" and (still := shaping.delayed(act.found["main"], act.found["devices"])):
        return f"packets of {', '.join(still)} are still delayed"
    with grip.api() as api:
        one = grip.now(api, act)
    if one is None:
        return "the container is gone"
    state = one["State"]
    if one["Id"] == act.object and not state.get("Paused") and act.found["way"] == "freezer":
        return "held by the kernel's freezer" if kernel.frozen(act.found["freezer"]) else _running(state)
    if one["Id"] == act.object and state.get("Paused") and act.found["way"] == "engine":
        return "paused"
    return _running(state)


def _running(state: dict[str, Any]) -> str:
    return "" if state["Running"] else f"not running (status {state.get('Status')})"


def proof(_grip: Grip, act: Act) -> str:
    """What shows that it is there: measured."""
    if not act.found["address"] or act.found["hello"] is None:
        raise CouldNotLook(f"{act.name} did not answer before either, so that nothing shows that it is slow")
    delay = float(act.wanted.get("delay", 1.0))
    host, port = act.found["address"]
    return _faults.is_slow(host, port, act.found["protocol"], delay, act.found["hello"])
