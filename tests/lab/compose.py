"""Where docker-compose 1.29 and compose 2 are, and how the latter is built."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

from .images import LabError, cache_dir

SOURCE = Path(__file__).with_name("compose2")
"""A Go module of our own that requires compose: `go install` refuses modules that exclude versions, as compose does."""


@cache
def find(kind: str) -> list[str] | None:
    """The command of `compose1` or `compose2`, or None where this machine has none."""
    major = {"compose1": "1", "compose2": "2"}[kind]
    candidates = [["docker-compose"], ["docker", "compose"]]
    if kind == "compose2":
        candidates = [[str(built())], ["docker", "compose"], ["docker-compose"]]
    for command in candidates:
        if shutil.which(command[0]) and _major(command) == major:
            return command
    return None


def _major(command: list[str]) -> str | None:
    done = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False)
    found = re.match(r"v?(\d+)\.", done.stdout.strip())
    return found[1] if found and done.returncode == 0 else None


def version() -> str:
    """The version of compose that the Go module pins."""
    found = re.search(r"docker/compose/v2 (v\S+)", (SOURCE / "go.mod").read_text(encoding="utf-8"))
    if not found:
        raise LabError(f"{SOURCE / 'go.mod'} requires no compose")
    return found[1]


def built() -> Path:
    """Where our own build of compose 2 is kept."""
    return cache_dir() / f"docker-compose-{version()}"


def go_is_enough() -> bool:
    """Whether a Go is here that is new enough for the module, without fetching another."""
    if not shutil.which("go"):
        return False
    done = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=False, env=_local())
    have = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", done.stdout.strip())
    need = re.search(r"^go (\d+)\.(\d+)(?:\.(\d+))?$", (SOURCE / "go.mod").read_text(encoding="utf-8"), re.MULTILINE)
    if not have or not need:
        return False
    return [int(n or 0) for n in have.groups()] >= [int(n or 0) for n in need.groups()]


def build() -> Path:
    """Build compose 2 from the Go module proxy into the cache, unless it is there."""
    target = built()
    if target.exists():
        return target
    if not go_is_enough():
        raise LabError("no Go new enough for compose 2 on PATH")
    began = time.monotonic()
    half = target.with_suffix(".half")
    flags = f"-s -w -X github.com/docker/compose/v2/internal.Version={version()}"
    command = ["go", "build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", flags, "-o", str(half)]
    done = subprocess.run(
        [*command, "github.com/docker/compose/v2/cmd"], cwd=SOURCE, env=_local(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise LabError("compose 2 did not build:\n" + done.stderr[-1500:])
    half.replace(target)
    find.cache_clear()
    print(f"compose {version()}: built in {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    return target


def _local() -> dict[str, str]:
    return os.environ | {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOWORK": "off"}
