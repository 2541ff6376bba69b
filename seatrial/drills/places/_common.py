"""What all places share: variables, references, and how a documented procedure is run in them."""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.drills import procedures
from seatrial.drills.place import Result
from seatrial.words import CouldNotLook, Missing, Size

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.backups.drill import Ran

__all__ = ["LARGEST", "Common", "Ended", "Kept", "Pipes"]

LARGEST = 256 * 1024 * 1024
"""Bytes of output of a command of ours."""
ENDED_GRACE = 0.3
"""Seconds that are waited for the rest of what a command said; what it left running may hold its output open for ever."""


@dataclass(slots=True)
class Kept:
    """What a command writes to one stream: all of it up to a size, or its end."""

    most: int
    end_only: bool = False
    data: bytearray = field(default_factory=bytearray)
    over: bool = False

    def add(self, part: bytes) -> None:
        """Take what came."""
        self.data += part
        if len(self.data) > (2 * self.most if self.end_only else self.most):
            self.over = not self.end_only
            if self.end_only:
                del self.data[: -self.most]
            else:
                del self.data[self.most :]

    def bytes(self) -> bytes:
        """What is kept."""
        return bytes(self.data[-self.most :] if self.end_only else self.data)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    status: int | None
    """None when time was up, or it could not be started."""
    output: Kept
    error: Kept
    absent: bool = False
    """Its program is not there."""
    why: str = ""
    """Why it could not be started, or was ended."""


class Pipes:
    """Reads what a child writes for as long as anything holds its output open, and writes its input."""

    def __init__(self, stdin: int, stdout: int, stderr: int, given: bytes, output: Kept, error: Kept) -> None:
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._reader = threading.Thread(target=self._read, args=({stdout: output, stderr: error},), daemon=True)
        self._reader.start()
        threading.Thread(target=self._write, args=(stdin, given), daemon=True).start()

    def _read(self, streams: dict[int, Kept]) -> None:
        with selectors.DefaultSelector() as selector:
            for number, kept in streams.items():
                selector.register(number, selectors.EVENT_READ, kept)
            while selector.get_map():
                for key, _ in selector.select():
                    try:
                        data = os.read(key.fd, 65536)
                    except OSError:
                        data = b""
                    if not data:
                        selector.unregister(key.fd)
                        os.close(key.fd)
                        continue
                    with self._lock:
                        if not self._done.is_set():
                            key.data.add(data)

    @staticmethod
    def _write(number: int, given: bytes) -> None:
        with contextlib.suppress(OSError), os.fdopen(number, "wb", buffering=0) as stream:
            view = memoryview(given)
            while view:
                view = view[stream.write(view) :]

    def rest(self) -> None:
        """Wait a moment for what is still on its way; what comes later is read and let go."""
        self._reader.join(ENDED_GRACE)
        with self._lock:
            self._done.set()


class Common:
    """A place; what differs is how a command is run in it, and how files get in and out."""

    name = ""
    scratch = False
    shell = "/bin/sh"

    def __init__(self, session: Session, base: Path) -> None:
        self.session = session
        self.base = base
        self.announced: dict[str, str] = {}
        """What it told of itself: SCRATCH_DIR, and what a stack in it announced."""
        self.declared: Mapping[str, Any] = {}
        """Variables of the profile; they may refer to those."""

    # --- references ---------------------------------------------------------------------------------------------------

    def resolve(self, value: Any) -> str:
        """The text of a value or reference, as this place has it."""
        return self._text(value, {})

    def _text(self, value: Any, more: Mapping[str, str]) -> str:
        name = getattr(value, "env", None)
        if name is not None:
            for known in (more, self.announced):
                if name in known:
                    return known[name]
            declared = self.declared.get(name)
            if declared is not None and getattr(declared, "env", None) != name:
                return self._text(declared, more)
        return self.session.resolve(value)

    def variables(self, more: Mapping[str, str] | None = None, *, whole: bool = True) -> dict[str, str]:
        """What commands in it are given. Not ``whole``: what can't be had yet is left out."""
        found: dict[str, str] = dict(self.announced)
        for name, value in self.declared.items():
            try:
                found[name] = self._text(value, more or {})
            except CouldNotLook:
                if whole:
                    raise
        found.update(more or {})
        return found

    # --- what places do in their own way ------------------------------------------------------------------------------

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
        """Run a program to its end, or until time is up: then it is ended with all it started."""
        raise NotImplementedError

    def lay(self, file: Path) -> str:
        """Where it has a script of the profile."""
        return str(file)

    def note(self, text: str) -> tuple[str, str]:
        """Put a file for BASH_ENV there; gives its path, and that of the notes it writes."""
        raise NotImplementedError

    def noted(self, path: str) -> bytes:
        """Read notes and take them away."""
        raise NotImplementedError

    # --- commands -----------------------------------------------------------------------------------------------------

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        within: float = 60.0,
    ) -> Result:
        """Run a command of ours."""
        output, error = Kept(LARGEST), Kept(LARGEST)
        argv = [str(word) for word in command]
        ended = self.execute(
            argv, environment=self.variables(environment), output=output, error=error, within=within, stdin=stdin
        )
        program = os.path.basename(argv[0])
        if ended.absent:
            raise CouldNotLook(f"there is no {program} in {self.name}", right=f"{program} in {self.name}")
        if ended.status is None:
            raise CouldNotLook(f"{program} in {self.name}: {ended.why or f'not done within {within:g} s'}")
        if output.over or error.over:
            raise CouldNotLook(f"{program} in {self.name} wrote more than {Size(LARGEST)}")
        return Result(procedures.as_status(ended.status), output.bytes(), error.bytes())

    def procedure(
        self, node: Any, *, what: str, environment: Mapping[str, str] | None = None, within: float | None = None
    ) -> Ran:
        """Run a documented procedure as it is written."""
        return self._procedure(node, what=what, more=environment or {}, within=within)

    def _procedure(
        self, node: Any, *, what: str, more: Mapping[str, str], within: float | None = None, whole: bool = True
    ) -> Ran:
        plan = procedures.plan(node, self.base, lambda value: self._text(value, more), self.lay, within=within)
        if not plan.script:
            plan = procedures.replaced(plan, what)
        variables = procedures.merged(self.variables(more, whole=whole), plan.environment)
        notes = ""
        if plan.shell == "bash" and "BASH_ENV" not in variables:
            told, notes = self.note(secrets.token_hex(6))
            variables["BASH_ENV"] = told
        output, error = (Kept(procedures.KEPT, end_only=True) for _ in range(2))
        began = time.monotonic()
        ended = self.execute(
            plan.argv, environment=variables, output=output, error=error, within=plan.within,
            directory=plan.directory, user=plan.user,
        )  # fmt: skip
        status: int | Missing
        if ended.status is not None:
            status = procedures.as_status(ended.status)
        elif ended.absent:
            status = Missing(f"{plan.argv[0]} is not there")
        else:
            status = Missing(ended.why or f"it was not done within {plan.within:g} s, and was ended")
        said = procedures.Said(
            status=status,
            seconds=time.monotonic() - began,
            output=output.bytes(),
            error=error.bytes(),
            absent=plan.argv[0] if ended.absent else "",
            notes=self.noted(notes) if notes else b"",
        )
        return procedures.ran(self.session, plan, said)


def until(look: Callable[[], str], within: float, *, every: float = 0.25) -> str:
    """Look until there is nothing wrong, or time is up; what was wrong the last time."""
    end = time.monotonic() + within
    while True:
        why = look()
        if not why or time.monotonic() >= end:
            return why
        time.sleep(every)
