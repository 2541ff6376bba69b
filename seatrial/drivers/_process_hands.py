"""What driver process can do to its target: signals, and the commands that the profile declares."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from seatrial.drivers import _faults, _process_commands, _sockets
from seatrial.drivers import process as processes
from seatrial.drivers._process_pauses import Pauses, resume, slowed
from seatrial.drivers._process_signals import Ending, alive, descendants, send, started, stopped
from seatrial.safety.acts import Act, Checked, Replica
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from seatrial.drivers import Session
    from seatrial.facts.process import Process
    from seatrial.profile.model import Service

__all__ = ["ProcessHands"]

GRACE = 10.0
"""Seconds a process has to end after SIGTERM, where nothing else is wanted: as container engines have it."""
BACK_WITHIN = 10.0
"""Seconds what restarts a service has, where `restart_within` is not declared, and what was started has to listen."""
KILLED_WITHIN = 5.0
HELLO_WITHIN = 2.0
"""Seconds a service has to answer a hello before it is made slow: how fast it was is part of the proof."""
ENDED = ("terminate", "kill", "restart")
"""Kinds after which the service is another process."""


class ProcessHands:
    """Signals to processes whose start time was checked, and declared commands."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._pauses = Pauses(session)
        self._over: dict[str, Replica] = {}
        """By act, the life that it ended, until it is undone."""
        self._back: set[str] = set()
        """Commands whose way back was run."""

    # --- what there is ------------------------------------------------------------------------------------------------

    def _family(self, service: str) -> tuple[Process, ...]:
        table = processes._processes()
        main = processes._main(self.session, service, self.session.profile.services[service], table)
        return processes._family(main, table)

    def replicas(self, service: str) -> tuple[Replica, ...]:
        """Its main process, and the one that was ended by an act that is not undone yet."""
        self.session.call("process", "GET")
        over = [life for life in self._over.values() if life.service == service]
        try:
            main = self._family(service)[0]
        except CouldNotLook:
            return tuple(over)
        return (*over, _life(service, main.pid, main.started))

    def checks(self, _service: str) -> tuple[Checked, ...]:
        """A process has no HEALTHCHECK."""
        return ()

    def inventory(self) -> dict[str, str]:
        """Whether each service runs and what it listens on; pids change with every restart, and are nothing to compare."""
        found = {}
        for name, service in self.session.profile.services.items():
            if service.external:
                continue
            try:
                family = self._family(name)
            except CouldNotLook:
                found[f"process of {name}"] = "does not run"
                continue
            held = sum(stopped(one.pid, one.started, settle=0.2) for one in family)
            sockets = _listening(family)
            where = [f"{one.protocol} {one.address}:{one.port}" for one in sockets if one.protocol == "tcp"]
            found[f"process of {name}"] = (
                f"{held} of {len(family)} stopped by a signal"
                if held
                else f"runs, listens on {', '.join(where) or 'nothing'}"
            )
        return found

    def told(self) -> dict[str, Any]:
        """Nothing is needed: this machine is the target, and the acts themselves say the rest."""
        return {}

    # --- acts ---------------------------------------------------------------------------------------------------------

    def acts(self, kind: str, service: str, **wanted: Any) -> tuple[Act, ...]:
        """What an act comes to; nothing is done yet."""
        node = self.session.disturbable(service)
        if kind == "command":
            return (self._command(service, wanted),)
        if kind in ("recreate", "scale"):
            raise CouldNotLook(
                f"{service} is a process, and a process can't be {kind}d: it has no declaration that it is made from"
            )
        if kind not in ("stop", "hang", "slow", *ENDED):
            raise CouldNotLook(f"driver process does not know how to {kind} a service")
        family = self._family(service)
        main = family[0]
        if os.getpid() in {one.pid for one in family}:
            raise CouldNotLook(f"this run is one of the processes of {service}: it can't {kind} itself")
        found = self._state(service, node, family)
        if kind in ("stop", *ENDED) and "pid" in found["where"] and not found["address"]:
            raise CouldNotLook(
                f"{service} listens nowhere and its pid is declared as a number: nothing would show that it is back",
                right=f"services.{service}.process.pid: {{file: PATH}}, which its next process writes anew",
            )
        how = self._how(kind, service, node, family, wanted)
        if kind == "slow" and found["address"]:
            host, port = found["address"]
            found["hello"] = _faults.answers_within(host, port, node.protocol, HELLO_WITHIN)
        return (Act(kind, service, f"pid {main.pid} ({main.name})", str(main.pid), how, found, wanted),)

    def _state(self, service: str, node: Service, family: tuple[Process, ...]) -> dict[str, Any]:
        """What undoing needs to know, in another process too, which has no profile."""
        address = self._address(node, family)
        declared = node.process
        found: dict[str, Any] = {
            "processes": [[one.pid, one.started] for one in family],
            "held": [one.pid for one in family if stopped(one.pid, one.started)],
            "address": list(address) if address else None,
            "protocol": node.protocol,
            "where": processes.located(self.session, service, node),
            "back_within": node.restart_within.seconds if node.restart_within else BACK_WITHIN,
            "supervised": _supervised(node),
        }
        if declared and declared.stop and declared.start:
            found |= {
                "stop": _process_commands.resolved(declared.stop),
                "start": _process_commands.resolved(declared.start),
                "cwd": str(self.session.base),
            }
        above = family[0].ppid
        if self.session.profile.target.start and above > 1:
            # A stack that the run started ends with the run, and with it what looks after it: then nothing is left to undo.
            found["with"] = [above, started(above)]
        return found

    def _how(self, kind: str, service: str, node: Service, family: tuple[Process, ...], wanted: dict[str, Any]) -> str:
        """What is done, in words.

        Raises:
            CouldNotLook: this kind is impossible here, or nobody would bring the service back.
        """
        commands = bool(node.process and node.process.stop and node.process.start)
        several = f"{len(family)} process{'es' if len(family) > 1 else ''}"
        if kind == "hang":
            return f"stopped by SIGSTOP to {several}"
        if kind == "slow":
            delay, moment = slowed(wanted)
            return f"stopped by SIGSTOP for {delay:g} s and let run for {moment:g} s by turns, {several}"
        if kind in ("stop", "restart") and not commands:
            raise CouldNotLook(
                f"how {service} is stopped and started again is not declared",
                right=f"services.{service}.process.stop and .start",
            )
        if kind == "stop":
            return f"stopped by services.{service}.process.stop"
        if kind == "restart":
            return f"stopped and started by services.{service}.process.stop and .start"
        if not commands and not _supervised(node):
            raise CouldNotLook(
                f"who starts {service} again when it has ended is not declared",
                right=f"services.{service}.restart or .restart_within, or .process.stop and .start",
            )
        return "ended by SIGKILL" if kind == "kill" else f"ended by SIGTERM, with {_grace(wanted):g} s of grace"

    def _command(self, service: str, wanted: dict[str, Any]) -> Act:
        command = _process_commands.resolved(wanted["command"])
        back = _process_commands.resolved(wanted["back"]) if wanted.get("back") else None
        name = os.path.basename(command[0])
        found = {"command": command, "back": back, "cwd": str(self.session.base)}
        return Act(
            "command", service, f"command {name}", name, f"changed by the declared command {name}", found, wanted
        )

    def _address(self, node: Service, family: tuple[Process, ...]) -> tuple[str, int] | None:
        """Where it listens, for a proof from outside: where it is declared to, else the lowest port."""
        declared = 0
        with contextlib.suppress(CouldNotLook, ValueError):
            if node.port is not None:
                declared = int(self.session.resolve(node.port))
            elif node.url is not None:
                declared = urlsplit(self.session.resolve(node.url)).port or 0
        tcp = sorted(
            (one for one in _listening(family) if one.protocol == "tcp"),
            key=lambda one: (one.port != declared, one.port),
        )
        if not tcp:
            return None
        host = tcp[0].address
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), tcp[0].port

    def do(self, act: Act) -> None:
        """Do it."""
        found = act.found
        if act.kind == "command":
            self._back.discard(_key(act))  # the same command may be run again
            within = float(act.wanted.get("within") or _process_commands.WITHIN)
            _process_commands.run(self.session, found["command"], found["cwd"], within=within)
        elif act.kind == "hang":
            self._pauses.stop(found["processes"])
        elif act.kind == "slow":
            self._pauses.begin(_key(act), found["processes"], *slowed(act.wanted))
        elif act.kind == "stop":
            _process_commands.run(self.session, found["stop"], found["cwd"])
            self._ended(found["processes"][0], BACK_WITHIN)
        elif act.kind == "restart":
            _process_commands.run(self.session, found["stop"], found["cwd"], within=_grace(act.wanted) + BACK_WITHIN)
            _process_commands.run(self.session, found["start"], found["cwd"])
        elif act.kind in ENDED:
            self._end(act)
        else:
            raise CouldNotLook(f"driver process does not know how to {act.kind}")

    def _end(self, act: Act) -> None:
        """End the main process, and note how it ended."""
        pid, since = act.found["processes"][0]
        ending = Ending(self.session, pid, since)
        if act.kind == "kill":
            gone = ending.by(signal.SIGKILL, KILLED_WITHIN)
        else:
            gone = ending.by(signal.SIGTERM, _grace(act.wanted))
        if not gone:  # its workers first: without it they would be nobody's
            for child, begun in reversed(descendants(act.found["processes"])):
                if child != pid:
                    with contextlib.suppress(CouldNotLook):
                        send(self.session, child, begun, signal.SIGKILL)
            gone = ending.by(signal.SIGKILL, KILLED_WITHIN)
        if not gone:
            raise CouldNotLook(f"{act.name} did not end within {KILLED_WITHIN:g} s of SIGKILL")
        self._over[_key(act)] = _life(act.service, pid, since, running=False, code=ending.code)

    def _ended(self, process: list[int], within: float) -> None:
        """Wait until a process is gone."""
        if not _until(lambda: not alive(*process), within):
            raise CouldNotLook(f"pid {process[0]} still runs {within:g} s after its service was stopped")

    # --- undoing ------------------------------------------------------------------------------------------------------

    def undo(self, act: Act) -> None:
        """Undo it."""
        if act.kind in ("hang", "slow"):
            self._pauses.end(_key(act))
            resume(self.session, act.found["processes"], except_for=act.found["held"])
        elif act.kind == "command":
            if act.found["back"] and _key(act) not in self._back:
                within = float(act.wanted.get("within") or _process_commands.WITHIN)
                _process_commands.run(self.session, act.found["back"], act.found["cwd"], within=within)
                self._back.add(_key(act))
        else:
            self._bring_back(act)
            self._over.pop(_key(act), None)

    def _bring_back(self, act: Act) -> None:
        """Wait for what restarts the service by itself, and start it where that does not help."""
        if act.kind in ENDED:
            self._tidy(act)
        if not self.left(act):
            return
        # What a command stopped stays stopped until another one starts it.
        if act.kind in ("terminate", "kill") and act.found["supervised"] and self._waited(act):
            return
        if "start" not in act.found:
            raise CouldNotLook(f"nothing started {act.service} again within {act.found['back_within']:g} s")
        _process_commands.run(self.session, act.found["start"], act.found["cwd"])
        self._waited(act)

    def _waited(self, act: Act) -> bool:
        return _until(lambda: not self.left(act), act.found["back_within"])

    def _tidy(self, act: Act) -> None:
        """End workers that their main process left behind when it was ended: they hold what its successor needs."""
        (pid, since), *workers = act.found["processes"]
        if alive(pid, since):
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            orphans = [[child, begun] for child, begun in workers if alive(child, begun)]
            for child, begun in orphans:
                with contextlib.suppress(CouldNotLook):
                    send(self.session, child, begun, number)
            _until(lambda: not any(alive(*one) for one in orphans), 2.0)  # noqa: B023 - called at once

    def left(self, act: Act) -> str:
        """What of it is still there."""
        found = act.found
        if "with" in found and not alive(*found["with"]):
            return ""
        if act.kind == "command":
            return "" if not found["back"] or _key(act) in self._back else "its way back was not run yet"
        if act.kind in ("hang", "slow"):
            family = [[pid, since] for pid, since in descendants(found["processes"]) if pid not in found["held"]]
            held = [str(pid) for pid, since in family if stopped(pid, since, settle=0.2)]
            return f"stopped by a signal: pid {', '.join(held)}" if held else ""
        return self._missing(found)

    def _missing(self, found: dict[str, Any]) -> str:
        """What a service that was ended lacks until it is as before; empty when it runs and listens again."""
        # A pid that was declared as a number tells of the first process alone; its port tells of those that follow.
        if not ("pid" in found["where"] and found["address"]):
            try:
                main = processes._found(found["where"], "process", processes._processes())
            except CouldNotLook as why:
                return why.reason
            if stopped(main.pid, main.started, settle=0.2):
                return f"pid {main.pid} is stopped by a signal"
        if not found["address"]:
            return ""
        host, port = found["address"]
        return "" if _faults.accepts(host, port) else f"nothing listens on {host}:{port}"

    # --- showing ------------------------------------------------------------------------------------------------------

    def proof(self, act: Act) -> str:
        """What shows from outside that it is there."""
        found = act.found
        if act.kind == "command":
            return f"{act.object} ended with status 0"
        if act.kind in ENDED:
            pid, since = found["processes"][0]
            if alive(pid, since):
                raise CouldNotLook(f"{act.name} still runs")
            over = self._over.get(_key(act))
            code = f" with exit code {over.exit_code}" if over and over.exit_code is not None else ""
            return f"{act.name} has ended{code}"
        if not found["address"]:
            raise CouldNotLook(
                f"{act.service} listens nowhere, so that nothing shows from outside that the fault is there"
            )
        host, port = found["address"]
        if act.kind == "hang":
            return _faults.is_hung(host, port, found["protocol"])
        if act.kind == "slow":
            if found["hello"] is None:
                raise CouldNotLook(f"{act.name} did not answer before either, so that nothing shows that it is slow")
            return _faults.is_slow(host, port, found["protocol"], slowed(act.wanted)[0], found["hello"])
        return _faults.is_stopped(host, port)


def _life(service: str, pid: int, since: int, *, running: bool = True, code: int | None = None) -> Replica:
    return Replica(service, f"pid {pid}", str(pid), str(since), running=running, exit_code=code)


def _listening(family: tuple[Process, ...]) -> tuple[Any, ...]:
    """The sockets a family listens on; none where they can't be seen."""
    found = _sockets.listening(family[0].pid, {one.pid: one.name for one in family}, own=True)
    return () if isinstance(found, Missing) else found


def _supervised(node: Service) -> bool:
    """Whether something is declared to start it again when it has ended."""
    return bool(node.restart_within) or node.restart in ("always", "on-failure", "unless-stopped")


def _grace(wanted: dict[str, Any]) -> float:
    return float(wanted.get("grace") or GRACE)


def _key(act: Act) -> str:
    """What tells an act from every other."""
    return json.dumps(act.told(), sort_keys=True)


def _until(condition: Callable[[], bool], within: float) -> bool:
    end = time.monotonic() + within
    while not condition():
        if time.monotonic() >= end:
            return False
        time.sleep(0.02)
    return True
