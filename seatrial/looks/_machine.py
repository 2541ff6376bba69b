"""The machine a deployment runs on: looked at in every run, whatever its tests are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.facts.machine import Machine
from seatrial.words import Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.runtime import Runtime

__all__ = ["machine"]


def machine(session: Session, runtime: Runtime | Missing) -> Machine | Missing:
    """What the kernel says of the hardware, where it is the target's kernel; what the engine says, where it is not."""
    return Missing("the machine is not looked at yet")
