"""How the container of a stage is made, bounded and watched: no network but its own loopback, nothing of the machine in it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from seatrial.drills.hands import LABEL
from seatrial.drivers import _docker_kernel as kernel
from seatrial.words import CouldNotLook, Size

if TYPE_CHECKING:
    from seatrial.drills.places.container import ContainerPlace
    from seatrial.profile.backing import Stage

__all__ = ["begun", "body", "bounded", "starting"]

MEMORY = 4 * 1024**3
PROCESSES = 1000
LOOKS_EVERY = 0.5
UP_WITHIN = 10.0
LOOKED_EVERY, LOOKS = 0.15, 3
UP = ("running", "degraded", "maintenance")
"""What systemd says when it has started all it starts; that a unit failed is for `ready` to mind."""


def body(stage: Stage, role: str, token: str) -> dict[str, Any]:
    """What the engine is asked to create.

    An init system gets what systemd needs: capabilities, a control group of its own that it may write, /run in memory.
    None of that reaches the machine: it has neither its devices, nor its processes, nor its control groups.
    """
    name = f"seatrial-{role}"
    host: dict[str, Any] = {
        "NetworkMode": "none", "Memory": MEMORY, "MemorySwap": MEMORY, "PidsLimit": PROCESSES, "Init": not stage.init,
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "1"}},
        "Ulimits": [{"Name": "fsize", "Soft": stage.size.bytes, "Hard": stage.size.bytes}],
        "ExtraHosts": [f"{name}:127.0.0.1"],
    }  # fmt: skip
    if stage.init:
        host |= {
            "CapAdd": ["SYS_ADMIN", "SYS_PTRACE", "NET_ADMIN"],
            "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"],
            "CgroupnsMode": "private",
            "Tmpfs": {"/run": "", "/run/lock": ""},
        }
    made: dict[str, Any] = {
        "Image": stage.image, "Hostname": name, "Labels": {LABEL: token, f"{LABEL}.role": role}, "HostConfig": host,
        "Tty": False,
    }  # fmt: skip
    if stage.command is not None:
        made["Cmd"] = list(stage.command)
    return made


def begun(place: ContainerPlace, image: str) -> None:
    """Wait until it runs, and goes on for a moment.

    Raises:
        CouldNotLook: it does not.
    """
    end, seen = time.monotonic() + UP_WITHIN, 0
    while seen < LOOKS and time.monotonic() < end:
        with place.api() as api:
            state = api.get(f"/containers/{place.id}/json")["State"]
        if state["Status"] in ("exited", "dead"):
            raise CouldNotLook(
                f"{place.name} of {image} does not run: its command ended with {state['ExitCode']}{_last_words(place)}",
                right="a `command` of the stage that goes on",
            )
        seen = seen + 1 if state["Running"] and not state.get("Restarting") else 0
        time.sleep(LOOKED_EVERY)
    if seen < LOOKS:
        raise CouldNotLook(f"{place.name} of {image} does not run after {UP_WITHIN:g} s")


def _last_words(place: ContainerPlace) -> str:
    """What it said last, for a message."""
    with contextlib.suppress(CouldNotLook), place.api() as api:
        data, _ = api.raw(f"/containers/{place.id}/logs", 64 * 1024, stdout=1, stderr=1, tail=5)
        lines = []
        while len(data) >= 8:  # each piece has a head of its own: which stream, and how long
            size = int.from_bytes(data[4:8], "big")
            lines.append(data[8 : 8 + size].decode("utf-8", "replace").strip())
            data = data[8 + size :]
        if said := " | ".join(line for line in lines if line):
            return f"; its last words: {place.session.redact(place.session.mask(said))[-300:]}"
    return ""


def starting(place: ContainerPlace) -> str:
    """What systemd says while it is not up yet; empty when it is, or when another init system runs there."""
    try:
        said = place.run(["systemctl", "is-system-running"], within=20.0)
    except CouldNotLook as why:
        return "" if why.right else why.reason
    state = said.output.decode("utf-8", "replace").strip()
    return "" if state in UP else f"its init system is {state or 'not up'}"


@contextmanager
def bounded(place: ContainerPlace, size: int) -> Iterator[None]:
    """Watch what is written to a container, and end it when that is too much: the disk is that of the machine."""
    over = threading.Event()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(LOOKS_EVERY):
            with contextlib.suppress(CouldNotLook), place.api() as api:
                one = api.get(f"/containers/{place.id}/json", size=1)
                if int(one.get("SizeRw") or 0) + _volumes(one, size) > size:
                    over.set()
                    api.send("POST", f"/containers/{place.id}/kill", fine=(409,))
                    return

    def full() -> str:
        return f"more than {Size(size)} were written to {place.name}, and it was ended" if over.is_set() else ""

    place.full = full
    thread = threading.Thread(target=watch, name="seatrial-bounds", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(5.0)


def _volumes(one: dict[str, Any], most: int) -> int:
    """Bytes in volumes that its image declares, which the engine does not count; as far as they can be seen from here."""
    if not kernel.near(one):
        return 0
    whole = 0
    for mount in one.get("Mounts") or ():
        if mount.get("Type") == "volume" and mount.get("Source"):
            for folder, _, names in os.walk(mount["Source"]):
                for name in names:
                    with contextlib.suppress(OSError):
                        whole += os.lstat(os.path.join(folder, name)).st_blocks * 512
                if whole > most:
                    return whole
    return whole
