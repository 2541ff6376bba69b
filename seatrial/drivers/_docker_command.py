"""Commands that the profile declares, run where Seatrial runs; the declared way back undoes them."""

from __future__ import annotations

import os
import secrets
import time
from typing import TYPE_CHECKING, Any

from seatrial.drivers import _process_commands as commands
from seatrial.safety.acts import Act
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers._docker_grip import Grip

__all__ = ["acts", "do", "left", "proof", "undo"]

WITHIN = 120.0


def acts(grip: Grip, kind: str, service: str, wanted: dict[str, Any]) -> tuple[Act, ...]:
    """One act: the command."""
    grip.disturbable(kind, service)
    command, back = wanted.get("command"), wanted.get("back")
    if not command:
        raise CouldNotLook(f"no command is declared that would be run for {service}")
    found = {
        "token": secrets.token_hex(8),
        "cwd": str(grip.session.base),
        "command": commands.resolved(list(command)),
        "back": commands.resolved(list(back)) if back else None,
        "within": float(wanted.get("within") or WITHIN),
    }
    name = os.path.basename(command[0])
    return (Act(kind, service, f"command {name} of {service}", service, f"{name} was run as declared", found, wanted),)


def do(grip: Grip, act: Act) -> None:
    """Run it to its end."""
    began = time.monotonic()
    commands.run(grip.session, act.found["command"], act.found["cwd"], within=act.found["within"])
    took = f"{os.path.basename(act.found['command'][0])} ended with 0 after {time.monotonic() - began:.1f} s"
    with grip.lock:
        grip.said[act.found["token"]] = took


def undo(grip: Grip, act: Act) -> None:
    """Run the way back, once."""
    if act.found["back"] and act.found["token"] not in grip.over:
        commands.run(grip.session, act.found["back"], act.found["cwd"], within=act.found["within"])
    grip.over.add(act.found["token"])


def left(grip: Grip, act: Act) -> str:
    """What of it is still there: nothing, once the way back was run; what the command did is the target's own affair."""
    if not act.found["back"] or act.found["token"] in grip.over:
        return ""
    return f"{os.path.basename(act.found['back'][0])}, the declared way back, was not run to its end"


def proof(grip: Grip, act: Act) -> str:
    """How it ended."""
    said = grip.said.get(act.found["token"])
    if said is None:
        raise CouldNotLook(f"{act.name} was not run to its end")
    return said
