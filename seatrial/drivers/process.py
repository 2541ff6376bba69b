"""Driver process: services that run as plain processes of this machine, seen through /proc alone.

A service is found by ``process.pid`` (a number, or where one is written) or by ``process.command`` (a program name that
exactly one process has), anew each time: a pid file tells of the process that was started last. Its processes are that one
and its descendants.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.drivers import _sockets
from seatrial.drivers._procfs import PROC, read_process
from seatrial.drivers._started import start
from seatrial.facts.process import Process
from seatrial.facts.runtime import Engine, Runtime, ServiceProcesses
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.profile.model import Service
    from seatrial.safety.acts import Hands

__all__ = ["RIGHTS", "generations", "hands", "hands_again", "identity", "located", "observe", "start"]

RIGHTS = {
    Tier.observe: (
        "read /proc of the services' processes: as their user, or with CAP_SYS_PTRACE for who holds which socket"
    ),
    Tier.disrupt: (
        "signal the services' processes: as their user, or with CAP_KILL; run the commands that the profile declares; "
        "count attempts on loopback: CAP_NET_RAW"
    ),
}
MACHINE_ID = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


def identity(session: Session) -> str:
    """The machine's id, as systemd and D-Bus keep it."""
    session.call("process", "GET")
    for path in MACHINE_ID:
        try:
            found = path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if found:
            return found
    raise CouldNotLook(f"this machine has no id: {MACHINE_ID[0]} is missing or empty")


def observe(session: Session) -> Runtime:
    """The processes of every service, and what they listen on."""
    try:
        known = identity(session)
    except CouldNotLook:
        known = ""
    session.call("process", "GET")
    table = _processes()
    seen: dict[str, ServiceProcesses | Missing] = {}
    for name, service in session.profile.services.items():
        if service.external:
            continue
        try:
            main = _main(session, name, service, table)
            members = _family(main, table)
            seen[name] = ServiceProcesses(
                members, _sockets.listening(main.pid, {process.pid: process.name for process in members}, own=True)
            )
        except CouldNotLook as why:
            seen[name] = Missing(why.reason, why.right)
    return Runtime(
        engine=Engine(
            "process", known, f"processes of this machine, {platform.system()} {platform.machine()}", local=True
        ),
        processes=seen,
    )


def generations(session: Session) -> dict[str, tuple[str, ...]]:
    """By service, pid and start time of its main process."""
    session.call("process", "GET")
    table = _processes()
    found: dict[str, tuple[str, ...]] = {}
    for name, service in session.profile.services.items():
        if not service.external:
            try:
                main = _main(session, name, service, table)
            except CouldNotLook:
                continue
            found[name] = (f"pid {main.pid} started {main.started}",)
    return found


def _processes() -> dict[int, Process]:
    """Every process of this machine that /proc shows, by pid."""
    found = {}
    for entry in PROC.iterdir():
        if entry.name.isdecimal():
            try:
                process = read_process(int(entry.name))
            except OSError:
                continue  # it ended meanwhile
            if process is not None:
                found[process.pid] = process
    return found


def _main(session: Session, name: str, service: Service, table: dict[int, Process]) -> Process:
    """The process of a service that the others descend from.

    Raises:
        CouldNotLook: it is not declared, does not run, or is not the only one of its name.
    """
    return _found(located(session, name, service), f"services.{name}.process", table)


def located(session: Session, name: str, service: Service) -> dict[str, Any]:
    """How the main process of a service is found, as JSON types: a pid, a pid file that is read anew each time, or a name.

    Raises:
        CouldNotLook: it is not declared, or the reference can't be read.
    """
    declared = service.process
    if declared is None or (declared.pid is None and declared.command is None):
        raise CouldNotLook(
            f"how the process of {name} is found is not declared: services.{name}.process.pid or .command"
        )
    if declared.pid is None:
        return {"command": declared.command}
    if path := getattr(declared.pid, "file", None):
        return {"file": str(session.base / path)}
    text = session.resolve(declared.pid).strip()
    if os.path.isabs(text):
        return {"file": text}
    if not text.isdecimal():
        raise CouldNotLook(f"services.{name}.process.pid is no number, and no absolute path of a pid file")
    return {"pid": int(text)}


def _found(where: dict[str, Any], key: str, table: dict[int, Process]) -> Process:
    """The process that is found so now.

    Raises:
        CouldNotLook: there is none, or more than one.
    """
    if "command" not in where:
        pid = where["pid"] if "pid" in where else _written(where["file"], key)
        if pid not in table:
            raise CouldNotLook(f"no process {pid}, which {key}.pid names")
        return table[pid]
    wanted = where["command"]
    named = {pid: process for pid, process in table.items() if wanted in (process.name, process.exe, _argument(pid))}
    tops = [process for process in named.values() if process.ppid not in named]
    if len(tops) != 1:
        found = f"{len(tops)} processes are: {', '.join(str(top.pid) for top in tops)}" if tops else "there is none"
        raise CouldNotLook(f"not exactly one process is named {wanted}, as {key}.command says; {found}")
    return tops[0]


def _written(path: str, key: str) -> int:
    """The pid on the first line of a file: PostgreSQL writes more lines after it."""
    try:
        with open(path, "rb", opener=lambda file, flags: os.open(file, flags | os.O_NONBLOCK)) as stream:
            first = stream.read(4096).split(b"\n")[0].strip()
    except OSError as why:
        raise CouldNotLook(f"{path}, which {key}.pid names, can't be read: {why.strerror}") from None
    if not first.isdigit():
        raise CouldNotLook(f"{key}.pid is no number")
    return int(first)


def _argument(pid: int) -> str:
    """Base name of the program as it was called: an interpreter's script has no other."""
    try:
        words = (PROC / f"{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return os.path.basename(words[0].decode("utf-8", "replace"))


def _family(main: Process, table: dict[int, Process]) -> tuple[Process, ...]:
    """A process and its descendants, itself first."""
    children: dict[int, list[Process]] = {}
    for process in table.values():
        children.setdefault(process.ppid, []).append(process)
    family = [main]
    for process in family:
        family += sorted(children.get(process.pid, ()), key=lambda child: child.pid)
    return tuple(family)


def hands(session: Session) -> Hands:
    """What this driver can do to its target."""
    from seatrial.drivers._process_hands import ProcessHands

    return ProcessHands(session)


def hands_again(session: Session, _told: dict[str, Any]) -> Hands:
    """The hands that a journal tells of, in another process; the session needs no profile of the target."""
    from seatrial.drivers._process_hands import ProcessHands

    return ProcessHands(session)
