"""The child that measures unloaded latencies: pytest with pytest-benchmark and nothing else. Run with ``-m``, told on standard input.

One line of JSON comes in, as it may hold secrets; lines of JSON go out: what is measured now, and what went wrong. Nothing that
pytest itself says is printed, and the parametrised names are all that pytest-benchmark saves of a request.
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Rounds", "main"]

PR_SET_PDEATHSIG = 1


class Rounds:
    """What the module of rounds is given, and what pytest-benchmark is to save beside its numbers: a plugin of this pytest."""

    def __init__(self, told: dict[str, Any], out: int) -> None:
        """Of what was told on standard input."""
        self.told = told
        self.out = out
        self.requests: dict[str, dict[str, Any]] = {one["name"]: one for one in told["requests"]}
        for one in (each for each in told["requests"] if "text" in each):
            one["text"] = base64.b64decode(one["text"])

    def say(self, **event: Any) -> None:
        """One line to who started us."""
        os.write(self.out, json.dumps(event).encode() + b"\n")

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """One benchmark for each request; its name is all that pytest sees of it."""
        metafunc.parametrize("name", list(self.requests))

    def pytest_configure(self, config: Any) -> None:
        """The module finds us here."""
        config.seatrial_rounds = self

    @pytest.hookimpl(tryfirst=True)
    def pytest_benchmark_generate_machine_info(self) -> dict[str, Any]:
        """The machine as Seatrial attests it; pytest-benchmark's own look at the processor takes seconds of it."""
        import platform

        return {
            "node": platform.node(),
            "machine": platform.machine(),
            "system": platform.system(),
            "release": platform.release(),
            "python_implementation": platform.python_implementation(),
            "python_version": platform.python_version(),
            "cpu": {"brand_raw": self.told["machine"]},
            "class": self.told["class"],
        }

    @pytest.hookimpl(tryfirst=True)
    def pytest_benchmark_generate_commit_info(self) -> dict[str, Any]:
        """No repository is looked at: what is measured lies in none."""
        return {"id": "unversioned", "time": None, "dirty": False, "branch": "(unknown)", **self.told["about"]}


def main() -> int:
    """Measure what standard input tells; gives an exit code."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    told = json.loads(sys.stdin.buffer.readline())
    out = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):  # what pytest or a plugin says may quote a request
        os.dup2(null, number)
    rounds = Path(__file__).with_name("_unloaded_rounds.py")
    own = [
        str(rounds),
        f"--rootdir={rounds.parent}",
        f"--confcutdir={rounds.parent}",
        f"--config-file={os.devnull}",
        f"--override-ini=python_files={rounds.name}",
        "--import-mode=importlib",
        "--tb=no",
        "-q",
        "-p", "no:cacheprovider",
        "-p", "pytest_benchmark.plugin",
        "--benchmark-disable-gc",
        "--benchmark-timer=time.perf_counter",
        f"--benchmark-storage={told['folder']}",
        f"--benchmark-json={told['folder']}/rounds.json",
    ]  # fmt: skip
    return int(pytest.main(own, plugins=[Rounds(told, out)]))


if __name__ == "__main__":
    sys.exit(main())
