"""The service's log: one JSON object a line, in two files whose size together is bounded."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any


class Log:
    """Writes lines; starts a new file when half the bound is reached, and keeps one old file."""

    def __init__(self, path: str, size: int) -> None:
        self._path, self._half = Path(path), size // 2
        self._file = open(self._path, "ab", buffering=0)  # noqa: SIM115 (open as long as the process)
        self._regular = self._path.is_file()

    def __call__(self, event: str, *, level: str = "info", **fields: Any) -> None:
        """Write one line. Bodies, headers and settings are never given to it."""
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03d}Z"
        line = json.dumps({"ts": stamp, "level": level, "event": event, **fields}).encode() + b"\n"
        with contextlib.suppress(OSError):  # a full disk must not take the requests along
            self._file.write(line)
            if self._regular and self._file.tell() >= self._half:
                self._file.close()
                os.replace(self._path, self._path.with_suffix(".1" + self._path.suffix))
                self._file = open(self._path, "ab", buffering=0)  # noqa: SIM115

    def close(self) -> None:
        """Close the file."""
        self._file.close()
