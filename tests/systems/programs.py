"""The programs of the systems, built from the Go module proxy or from our stand-ins, for one architecture, and kept."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.lab import emulation
from tests.lab.images import LabError, cache_dir

__all__ = ["MINIO", "go_is_enough", "minio", "runnable_minio", "standins"]

HERE = Path(__file__).parent
STANDINS = HERE / "standins"
MINIO = "v0.0.0-20260212201848-7aac2a2c5b7c"
"""MinIO's last release as a Go module; the checksum database vouches for it."""


def go_is_enough() -> bool:
    """Whether a Go is here that builds MinIO: since 1.21 it fetches a newer one where it must."""
    if not shutil.which("go"):
        return False
    found = re.match(r"go version go1\.(\d+)", subprocess.run(["go", "version"], capture_output=True, text=True).stdout)
    return bool(found) and int(found[1]) >= 21


def minio(architecture: str) -> Path:
    """The real MinIO server for `amd64` or `arm64`; it takes some minutes to build, once."""
    target = _kept(architecture)
    if target.exists():
        return target
    if not shutil.which("go"):
        raise LabError("no go on PATH, with which MinIO is built")
    began = time.monotonic()
    # A folder of its own: a cross-built program can't be told where to go otherwise.
    _go(architecture, "install", "-trimpath", "-ldflags", "-s -w", f"github.com/minio/minio@{MINIO}", cwd=STANDINS)
    root = Path(subprocess.run(["go", "env", "GOPATH"], capture_output=True, text=True, check=True).stdout.strip())
    found = [path for path in (root / f"bin/linux_{architecture}/minio", root / "bin/minio") if path.exists()]
    half = target.with_suffix(".half")
    shutil.copy2(found[0], half)
    half.replace(target)
    print(f"MinIO for {architecture}: built in {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
    return target


def runnable_minio() -> Path:
    """A MinIO that was built before and that this machine runs: for amd64 by itself, else for arm64, most often in qemu.

    Raises:
        LabError: none was built, or none that runs here. It is never built by this: a test would wait for minutes.
    """
    if os.uname().machine == "x86_64" and _kept("amd64").exists():
        return _kept("amd64")
    if not _kept("arm64").exists():
        raise LabError("no MinIO in the cache: run `python -m tests.systems programs`")
    emulation.arm64()
    return _kept("arm64")


def _kept(architecture: str) -> Path:
    return cache_dir() / f"minio-{architecture}-{MINIO}"


def standins(architecture: str, folder: Path) -> Path:
    """Build the stand-ins that are programs into a folder."""
    if not shutil.which("go"):
        raise LabError("no go on PATH, with which the stand-ins are built")
    folder.mkdir(parents=True, exist_ok=True)
    _go(
        architecture,
        "build",
        "-trimpath",
        "-buildvcs=false",
        "-ldflags",
        "-s -w",
        "-o",
        f"{folder}/",
        "./...",
        cwd=STANDINS,
    )
    return folder


def _go(architecture: str, *words: str, cwd: Path) -> None:
    environment = os.environ | {"CGO_ENABLED": "0", "GOARCH": architecture, "GOOS": "linux", "GOWORK": "off"}
    environment.pop("GOBIN", None)  # refused when building for another architecture
    done = subprocess.run(["go", *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LabError(f"go {words[0]} failed:\n{done.stderr[-1500:]}")
