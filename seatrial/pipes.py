"""Standard output that may lose its reader (``| head``, a closed terminal, a full disk) without costing the run its report."""

from __future__ import annotations

import os
import sys
from typing import Any

__all__ = ["Patient", "patient"]


class Patient:
    """A stream that goes quiet when nobody can read it any more, where the original would end the program."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._quiet = False

    def write(self, text: str) -> int:
        """Write, or drop it."""
        if not self._quiet:
            try:
                self._stream.write(text)
            except (OSError, ValueError) as why:
                self._fail(why)
        return len(text)

    def flush(self) -> None:
        """Flush, or drop it."""
        if not self._quiet:
            try:
                self._stream.flush()
            except (OSError, ValueError) as why:
                self._fail(why)

    def _fail(self, why: Exception) -> None:
        if isinstance(why, UnicodeError):  # the reader is there, and pytest knows what to do
            raise why
        self._quiet = True
        try:  # what is still buffered must not fail at exit, where Python would change the exit code
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        except (OSError, ValueError):
            pass

    def __getattr__(self, name: str) -> Any:
        """Everything else is the stream's own."""
        return getattr(self._stream, name)


def patient() -> None:
    """Make standard output and error of this process patient; there are such streams afterwards, also when they were closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
        if not isinstance(stream, Patient):
            setattr(sys, name, Patient(stream))
