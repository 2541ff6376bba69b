"""The deployment itself as a place: this machine, or the container of one of its services."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.drills import procedures
from seatrial.drills.place import Entry
from seatrial.drills.places import tars
from seatrial.drills.places._common import Common, Ended, Kept, Pipes
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook, Size

if TYPE_CHECKING:
    from seatrial.drills.hands import StageHands
    from seatrial.drills.places.container import ContainerPlace
    from seatrial.drivers import Session

__all__ = ["Machine", "deployed"]


def deployed(session: Session, hands: StageHands, service: str) -> Machine | ContainerPlace:
    """The machine, or the container of a service."""
    machine = Machine(session, hands)
    return machine.container(service) if service and session.profile.target.driver == "docker" else machine


class Machine(Common):
    """The machine that Seatrial runs on, as the user that runs it; commands of a service of driver docker go to its container."""

    name = "the deployment"

    def __init__(self, session: Session, hands: StageHands) -> None:
        super().__init__(session, Path(session.base).absolute())
        self.hands = hands
        self._own = ""

    @property
    def processes(self) -> str:
        """The boot of the machine."""
        with contextlib.suppress(OSError):
            return f"machine {Path('/proc/sys/kernel/random/boot_id').read_text('ascii').strip()}"
        return f"machine {os.uname().nodename}"

    def container(self, service: str) -> ContainerPlace:
        """The one container of a service."""
        from seatrial.drills.places.container import ContainerPlace
        from seatrial.drivers import _docker_endpoint

        running = [one for one in self.hands.replicas(service) if one.running]
        if len(running) != 1:
            raise CouldNotLook(
                f"{service} has {len(running)} running containers; where its backup is made is not clear"
            )
        own = f"/tmp/seatrial-{os.getpid()}"
        return ContainerPlace(
            self.session, _docker_endpoint.find(self.session), running[0].id, f"container {running[0].name}",
            scratch=False, folder="", own=own,
        )  # fmt: skip

    def procedure(
        self, node: Any, *, what: str, environment: Mapping[str, str] | None = None, within: float | None = None
    ) -> Any:
        """Run a documented procedure, in the container of its service where it has one."""
        service = getattr(node, "service", None)
        if service and self.session.profile.target.driver == "docker":
            inner = self.container(service)
            try:
                return inner.procedure(node, what=what, environment=environment, within=within)
            finally:
                with contextlib.suppress(CouldNotLook):
                    inner.remove(inner.own)
        return super().procedure(node, what=what, environment=environment, within=within)

    def execute(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        output: Kept,
        error: Kept,
        within: float,
        stdin: bytes = b"",
        directory: str = "",
        user: str = "",
    ) -> Ended:
        """Run a program, with our own environment: it is what an operator would have."""
        self.session.call("process", "RUN", Tier.write)
        if user:
            raise CouldNotLook(f"a user ({user}) is declared for what is run on this machine; that is for containers")
        try:
            child = subprocess.Popen(
                [sys.executable if argv[0] == "python" else argv[0], *argv[1:]],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
                env={**os.environ, **environment}, cwd=os.path.join(self.base, directory), start_new_session=True,
            )  # fmt: skip
        except FileNotFoundError as why:
            absent = str(why.filename) != os.path.join(self.base, directory)
            return Ended(None, output, error, absent=absent, why=f"{why.filename} is not there")
        except OSError as why:
            return Ended(None, output, error, why=f"{argv[0]}: {(why.strerror or '').lower()}")
        numbers = [os.dup(stream.fileno()) for stream in (child.stdin, child.stdout, child.stderr) if stream]
        for stream in (child.stdin, child.stdout, child.stderr):
            if stream:
                stream.close()
        pipes = Pipes(numbers[0], numbers[1], numbers[2], stdin, output, error)
        try:
            child.wait(within)
        except subprocess.TimeoutExpired:
            return Ended(None, output, error)
        finally:
            if child.returncode is None:  # our child, not reaped yet: its group is nobody else's
                from seatrial.drills.places.container import kill_tree

                kill_tree(child.pid)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            pipes.rest()
        return Ended(child.returncode, output, error)

    def note(self, text: str) -> tuple[str, str]:
        """In a folder of the run's own."""
        folder = tempfile.mkdtemp(prefix="seatrial-")
        told, notes = f"{folder}/{text}.sh", f"{folder}/{text}"
        Path(told).write_text(procedures.watching(notes))
        return told, notes

    def noted(self, path: str) -> bytes:
        """Read notes and take their folder away."""
        try:
            with open(path, "rb") as stream:
                return stream.read(1024 * 1024)
        except OSError:
            return b""
        finally:
            shutil.rmtree(os.path.dirname(path), ignore_errors=True)

    def connect(self, port: int, *, timeout: float = 10.0) -> socket.socket:
        """A connection to a port of this machine's loopback."""
        self.session.call("process", "CONNECT")
        try:
            return socket.create_connection(("127.0.0.1", port), timeout)
        except OSError as why:
            raise CouldNotLook(
                f"nothing answers at port {port} of {self.name}: {(why.strerror or str(why)).lower()}"
            ) from None

    # --- files --------------------------------------------------------------------------------------------------------

    def _absolute(self, path: str) -> str:
        return os.path.normpath(os.path.join(self.base, path))

    def entries(self, path: str, *, most: int = 100_000) -> tuple[Entry, ...]:
        """All that is at and below a path."""
        self.session.call("process", "GET")
        found: list[Entry] = []
        waiting = [self._absolute(path)]
        try:
            while waiting:
                here = waiting.pop()
                try:
                    seen = os.lstat(here)
                    link = os.readlink(here) if stat.S_ISLNK(seen.st_mode) else ""
                    if stat.S_ISDIR(seen.st_mode):
                        waiting += [os.path.join(here, name) for name in os.listdir(here)]
                except FileNotFoundError:
                    continue
                if len(found) >= most:
                    raise CouldNotLook(f"there are more than {most:,} files at and below {path} in {self.name}")
                kind = tars.kind_of(seen.st_mode)
                found.append(
                    Entry(
                        here,
                        kind,
                        seen.st_size,
                        stat.S_IMODE(seen.st_mode),
                        seen.st_uid,
                        seen.st_gid,
                        seen.st_mtime,
                        link,
                    )
                )
        except OSError as why:
            raise self._trouble(why, path) from None
        return tuple(sorted(found, key=lambda entry: entry.path))

    def read(self, path: str, *, most: int = 2 * 1024**3) -> bytes:
        """The content of a regular file."""
        self.session.call("process", "GET")
        try:
            with open(
                self._absolute(path), "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)
            ) as stream:
                if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                    raise CouldNotLook(f"{path} in {self.name} is no regular file")
                found = stream.read(most + 1)
        except OSError as why:
            raise self._trouble(why, path) from None
        if len(found) > most:
            raise CouldNotLook(f"{path} in {self.name} is larger than {Size(most)}")
        return found

    def fetch(self, path: str, to: Path, *, most: int = 8 * 1024**3) -> None:
        """Copy a file or a folder."""
        self.session.call("process", "GET")
        try:
            self._piped(Path(self._absolute(path)), to, most, None)
        except OSError as why:
            raise self._trouble(why, path) from None

    @staticmethod
    def _piped(source: Path, to: Path, most: int, mode: int | None) -> None:
        """The same way in and out as that of other places, so that what is refused is refused here, too."""
        import threading

        os.lstat(source)
        hear, tell = os.pipe2(os.O_CLOEXEC)
        wrong: list[OSError] = []

        def write() -> None:
            try:
                with os.fdopen(tell, "wb") as out:
                    tars.pack(source, "it", out, mode=mode)
            except BrokenPipeError:
                pass
            except OSError as why:
                wrong.append(why)

        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        try:
            with os.fdopen(hear, "rb") as stream:
                tars.unpack(stream, to, most=most)
        except CouldNotLook:
            thread.join()
            if not wrong:
                raise
        thread.join()
        if wrong:
            raise wrong[0]

    def put(self, source: Path, path: str, *, mode: int | None = None) -> None:
        """Copy a file or a folder to where the deployment has it."""
        self.session.call("process", "PUT", Tier.write)
        target = Path(self._absolute(path))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            self.remove(path)
            self._piped(source, target, 2**62, mode)
        except OSError as why:
            raise self._trouble(why, path) from None

    def remove(self, path: str) -> None:
        """Remove a file or folder, if it is there."""
        self.session.call("process", "DELETE", Tier.write)
        target = Path(self._absolute(path))
        try:
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)
        except OSError as why:
            raise self._trouble(why, path) from None

    def _trouble(self, why: OSError, path: str) -> CouldNotLook:
        right = f"read {path}" if isinstance(why, PermissionError) else ""
        return CouldNotLook(f"{why.filename or path} in {self.name}: {(why.strerror or '').lower()}", right=right)
