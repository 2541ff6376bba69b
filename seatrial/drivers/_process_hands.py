"""What driver process can do to its target: signals, and the commands that the profile declares."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

from seatrial.drivers import _faults
from seatrial.drivers import process as processes
from seatrial.drivers._procfs import PROC, read_process
from seatrial.outcomes import Tier
from seatrial.safety.acts import Act, Checked, Replica
from seatrial.words import CouldNotLook

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.process import Process

__all__ = ["ProcessHands"]

COMMAND_WITHIN = 30.0


class ProcessHands:
    """Signals to processes whose start time was checked, and declared commands."""

    def __init__(self, session: Session) -> None:
        self.session = session

    # --- what there is ------------------------------------------------------------------------------------------------

    def _family(self, service: str) -> tuple[Process, ...]:
        table = processes._processes()
        main = processes._main(self.session, service, self.session.profile.services[service], table)
        return processes._family(main, table)

    def replicas(self, service: str) -> tuple[Replica, ...]:
        """Its main process; none while it does not run."""
        self.session.call("process", "GET")
        try:
            main = self._family(service)[0]
        except CouldNotLook:
            return ()
        return (Replica(service, f"pid {main.pid}", str(main.pid), str(main.started)),)

    def _address(self, service: str) -> tuple[str, int] | None:
        """Where it listens, for a proof from outside."""
        from seatrial.drivers import _sockets
        from seatrial.words import Missing

        family = self._family(service)
        found = _sockets.listening(family[0].pid, {one.pid: one.name for one in family}, own=True)
        if isinstance(found, Missing):
            return None
        tcp = [one for one in found if one.protocol == "tcp"]
        if not tcp:
            return None
        host = tcp[0].address
        return ("127.0.0.1" if host in ("0.0.0.0", "::", "*") else host), tcp[0].port

    def checks(self, _service: str) -> tuple[Checked, ...]:
        """A process has no HEALTHCHECK."""
        return ()

    # --- acts ---------------------------------------------------------------------------------------------------------

    def acts(self, kind: str, service: str, **wanted: Any) -> tuple[Act, ...]:
        """What an act comes to; nothing is done yet."""
        node = self.session.profile.services.get(service)
        if node is None:
            raise CouldNotLook(f"the profile has no service {service}")
        if node.protected or node.external:
            key = "protected" if node.protected else "external"
            raise CouldNotLook(f"{service} must not be disturbed: services.{service}.{key} is declared")
        family = self._family(service)
        main = family[0]
        listens = self._address(service)
        found: dict[str, Any] = {
            "processes": [[one.pid, one.started] for one in family],
            "address": list(listens) if listens else None,
            "protocol": node.protocol,
        }
        name = f"pid {main.pid} ({main.name})"
        if kind == "hang":
            return (Act("hang", service, name, str(main.pid), f"SIGSTOP to {len(family)} processes", found, wanted),)
        if kind == "stop":
            if not node.process or not node.process.stop or not node.process.start:
                raise CouldNotLook(
                    f"how {service} is stopped and started again is not declared",
                    right=f"services.{service}.process.stop and .start",
                )
            found |= {"stop": node.process.stop, "start": node.process.start, "cwd": str(self.session.base)}
            return (Act("stop", service, name, str(main.pid), "stopped by services.process.stop", found, wanted),)
        raise CouldNotLook(f"driver process does not know how to {kind} a service")

    def do(self, act: Act) -> None:
        """Do it."""
        if act.kind == "hang":
            for pid, started in act.found["processes"]:
                self._signal(pid, started, signal.SIGSTOP)
        elif act.kind == "stop":
            self._command(act.found["stop"], act.found["cwd"])
        else:
            raise CouldNotLook(f"driver process does not know how to {act.kind}")

    def undo(self, act: Act) -> None:
        """Undo it."""
        if act.kind == "hang":
            for pid, started in act.found["processes"]:
                with contextlib.suppress(CouldNotLook):
                    self._signal(pid, started, signal.SIGCONT)
        elif act.kind == "stop" and self.left(act):
            self._command(act.found["start"], act.found["cwd"])

    def left(self, act: Act) -> str:
        """What of it is still there."""
        if act.kind == "hang":
            held = [str(pid) for pid, started in act.found["processes"] if _stopped(pid, started)]
            return f"stopped by a signal: pid {', '.join(held)}" if held else ""
        if act.kind == "stop" and act.found["address"]:
            host, port = act.found["address"]
            return "" if _faults.accepts(host, port) else f"nothing listens on {host}:{port}"
        return ""

    def proof(self, act: Act) -> str:
        """What shows from outside that it is there."""
        if not act.found["address"]:
            raise CouldNotLook(
                f"{act.service} listens nowhere, so that nothing shows from outside that the fault is there"
            )
        host, port = act.found["address"]
        if act.kind == "hang":
            return _faults.is_hung(host, port, act.found["protocol"])
        return _faults.is_stopped(host, port)

    def inventory(self) -> dict[str, str]:
        """The state of every process of the target."""
        found = {}
        for name, service in self.session.profile.services.items():
            if not service.external:
                with contextlib.suppress(CouldNotLook):
                    for one in self._family(name):
                        found[f"{name} pid {one.pid}"] = "stopped" if _stopped(one.pid, one.started) else "running"
        return found

    def told(self) -> dict[str, Any]:
        """Nothing is needed: this machine is the target."""
        return {}

    # --- doing --------------------------------------------------------------------------------------------------------

    def _signal(self, pid: int, started: int, number: signal.Signals) -> None:
        """Send a signal to just this process: a pid that is another's by now is left alone."""
        self.session.call("process", number.name, Tier.disrupt)
        try:
            descriptor = os.pidfd_open(pid)
        except OSError as why:
            raise CouldNotLook(f"pid {pid} can't be signalled: {why.strerror}") from None
        try:
            if _started(pid) != started:
                raise CouldNotLook(f"pid {pid} is another process by now")
            signal.pidfd_send_signal(descriptor, number)
        except PermissionError:
            raise CouldNotLook(f"pid {pid} may not be signalled by this user", right="its user, or CAP_KILL") from None
        except ProcessLookupError:
            raise CouldNotLook(f"pid {pid} has ended") from None
        finally:
            os.close(descriptor)

    def _command(self, command: list[str], cwd: str) -> None:
        """Run a declared command to its end."""
        self.session.call("process", "RUN", Tier.disrupt)
        try:
            done = subprocess.run(
                command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_WITHIN, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as why:
            raise CouldNotLook(f"{command[0]} could not be run to its end: {type(why).__name__}") from None
        if done.returncode:
            raise CouldNotLook(f"{command[0]} ended with status {done.returncode}")


def _started(pid: int) -> int | None:
    try:
        process = read_process(pid)
    except OSError:
        return None
    return process.started if process else None


def _stopped(pid: int, started: int) -> bool:
    """Whether just this process is stopped by a signal now."""
    if _started(pid) != started:
        return False
    for _ in range(20):  # SIGCONT takes effect when the process is next scheduled
        try:
            state = (PROC / f"{pid}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state not in "Tt":
            return False
        time.sleep(0.005)
    return True
