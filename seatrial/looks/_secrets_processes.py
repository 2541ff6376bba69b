"""What processes were called with, from /proc; where the engine's kernel is another, what the engine tells of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.facts.leak import Place
from seatrial.facts.process import Process
from seatrial.looks._secrets import holdings, place
from seatrial.words import Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.runtime import Runtime
    from seatrial.scan import Hit

__all__ = ["of_processes", "pairs", "processes", "words"]

ENVIRONMENT = "process environment"
ARGUMENTS = "arguments"
RIGHT = "root, or CAP_SYS_PTRACE, to read /proc/PID/environ of other users"
LARGEST = 2 * 1024 * 1024
"""Bytes of arguments or of environment that are read; the kernel allows about as many."""


def pairs(entries: Iterable[str]) -> list[tuple[str, str]]:
    """``NAME=value`` entries as pairs; what has no ``=``, as a program that writes its title over them leaves, has no name."""
    return [(name, value) if sign else ("", name) for name, sign, value in (one.partition("=") for one in entries)]


def processes(session: Session, runtime: Runtime, service: str) -> list[Place]:
    """The processes of a service that runs without containers."""
    seen = runtime.processes.get(service) or Missing(f"nothing was seen of {service}")
    members = seen if isinstance(seen, Missing) else seen.processes
    if isinstance(members, Missing):
        return [Place(surface, service, members, service) for surface in (ENVIRONMENT, ARGUMENTS)]
    return of_processes(session, members, "", service)


def of_processes(session: Session, members: Iterable[Process], container: str, service: str) -> list[Place]:
    """Environment and arguments of each process. One that has ended meanwhile is none."""
    found = []
    session.call("process", "GET")
    for process in members:
        where = f"{container}, {process}" if container else str(process)
        found += list(_places(session, process, where, service))
    if not found:
        gone = Missing("its processes ended while they were looked at")
        return [Place(surface, container or service, gone, service) for surface in (ENVIRONMENT, ARGUMENTS)]
    return found


def _places(session: Session, process: Process, where: str, service: str) -> Iterator[Place]:
    from seatrial.scan import scan_arguments, scan_pairs

    environment = words(process.pid, "environ")
    arguments = words(process.pid, "cmdline")
    if environment is None or arguments is None:
        return
    found: list[Hit] | Missing = environment if isinstance(environment, Missing) else []
    if not isinstance(environment, Missing):
        found = scan_pairs(pairs(environment), known=session.known)
    yield place(ENVIRONMENT, f"{where}, environment", found, service=service, holds=holdings(session, service))
    found = arguments if isinstance(arguments, Missing) else scan_arguments(arguments, known=session.known)
    yield place(ARGUMENTS, f"{where}, arguments", found, service=service)


def words(pid: int, file: str) -> list[str] | Missing | None:
    """The texts in a file of /proc; None when the process has ended."""
    try:
        with Path(f"/proc/{pid}/{file}").open("rb") as stream:
            data = stream.read(LARGEST)
    except PermissionError:
        return Missing(f"/proc/{pid}/{file} can't be read", RIGHT)
    except OSError:
        return None
    return [word for word in data.decode("utf-8", "replace").split("\0") if word]
