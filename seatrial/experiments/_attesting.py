"""What a load was measured on, looked at in the same run: the machine, its class, and how quiet it was before and after."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.drivers._procfs import PROC
from seatrial.facts.loads.run import Attested
from seatrial.observe import machine_of
from seatrial.words import Missing, Size

if TYPE_CHECKING:
    from seatrial.experiments._bench import Bench
    from seatrial.facts.machine import Machine
    from seatrial.profile.model import Profile
    from seatrial.profile.objectives import HardwareClass

__all__ = ["attested", "class_of", "cores_of", "reference", "same_machine", "stolen", "ticks"]

LOOP = Path(__file__).with_name("_reference_loop.py")
REFERENCE_WITHIN = 20.0
MOST_CORES = 8
"""Processors that the reference loop is done on."""


def attested(bench: Bench) -> Attested:
    """The machine of the target and its class; how quiet it was comes later."""
    machine = machine_of(bench.session, bench.runtime)
    class_, _ = class_of(bench.profile, machine)
    return Attested(machine, same_machine(bench), class_=class_)


def same_machine(bench: Bench) -> bool | Missing:
    """Whether the load is made on the target's machine."""
    if isinstance(bench.runtime, Missing):
        return bench.runtime
    if bench.runtime.engine.local:
        return True
    if bench.runtime.engine.driver == "docker":
        return False
    return Missing(f"driver {bench.runtime.engine.driver} does not tell which machine answers")


def class_of(profile: Profile, machine: Machine | Missing) -> tuple[str, str]:
    """The first class of `hardware.classes` that a machine fits, and, where there is none, why."""
    classes = profile.hardware.classes if profile.hardware else {}
    if not classes:
        return "", "hardware.classes is not declared"
    if isinstance(machine, Missing):
        return "", machine.reason
    told = []
    for name, declared in classes.items():
        differs, unknown = _differs(declared, machine)
        if not differs and not unknown:
            return name, ""
        if not differs:  # it may be of this class, so that nothing can be said of those after it
            return "", f"whether this machine is of class {name} can't be told: {unknown}"
        told.append(f"{name}: {differs}")
    return "", f"this machine is of no class of hardware.classes ({'; '.join(told)})"


def _differs(declared: HardwareClass, machine: Machine) -> tuple[str, str]:
    """How a machine differs from a class, and what of that can't be told."""
    unknown = ""
    memory = machine.memory
    installed = memory if isinstance(memory, Missing) else memory.installed
    size = memory if isinstance(memory, Missing) else memory.total if isinstance(installed, Missing) else installed
    wants = (
        ("arch", declared.arch, machine.arch),
        ("cpus", declared.cpus, machine.cpus),
        ("memory", declared.memory, size),
        ("model", declared.model, machine.model),
    )
    for key, want, have in wants:
        if want is None:
            continue
        if isinstance(have, Missing):
            unknown = unknown or f"{key}: {have.reason}"
        elif key == "memory":
            least = declared.memory.bytes if declared.memory else 0
            if abs(int(have) - least) * 8 > least:
                return f"{Size(int(have))} of memory, not {declared.memory}", ""
        elif str(want).lower() not in str(have).lower() if key == "model" else want != have:
            return f"{key} {have}, not {want}", ""
    return "", unknown


def cores_of(cpus: tuple[int, ...]) -> tuple[int, ...]:
    """The processors a load is made on: those it is kept to, else all that this run may use."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return cpus or tuple(allowed[:MOST_CORES])


def reference(cpus: tuple[int, ...]) -> tuple[float, ...]:
    """Seconds that the reference loop took, each time on each of the load's processors; none where it could not be done."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(LOOP), *map(str, cores_of(cpus)[:MOST_CORES])],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=REFERENCE_WITHIN, check=True,
        )  # fmt: skip
        return tuple(round(float(each), 7) for each in json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError, TypeError):
        return ()


def ticks(proc: Path = PROC) -> tuple[int, int] | None:
    """Time of this machine's processors so far, in clock ticks: what a hypervisor gave to others, and all (proc(5), /proc/stat)."""
    try:
        found = [int(word) for word in (proc / "stat").read_text("ascii").split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return None
    return (found[7], sum(found)) if len(found) == 8 else None


def stolen(before: tuple[int, int] | None, after: tuple[int, int] | None) -> float | Missing:
    """Share of processor time that a hypervisor gave to others between two looks."""
    if before is None or after is None:
        return Missing("/proc/stat does not tell it")
    return round((after[0] - before[0]) / max(1, after[1] - before[1]), 5)
