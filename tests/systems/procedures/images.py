"""Images of the machines that the procedures are written for: a Debian with systemd, sudo and a Redis.

One root file system is made by debootstrap and kept in the cache, as the lab's own base is; each image is one small
layer on it. What they run is what Debian packages: `sudo systemctl stop redis-server` stops that unit.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.lab import LABEL, Engine, LabError
from tests.lab.images import LEFT_OUT, SOURCE, SUITE, cache_dir
from tests.systems.programs import STANDINS

__all__ = ["NAMES", "ensure", "openviking", "tag_of"]

HOSTS = Path(__file__).parent / "hosts"
PACKAGES = (
    "dbus",
    "gzip",
    "openssh-client",
    "openssh-server",
    "procps",
    "python3",
    "redis-server",
    "redis-tools",
    "sudo",
    "systemd",
    "systemd-sysv",
)
NAMES = ("redis", "site", "viking")
"""`redis`: a host with a Redis under systemd. `site`: one that reaches a second site by ssh. `viking`: one with OpenViking."""
SHARED = {"viking": {"models.py": STANDINS / "python" / "models.py"}}
"""Files from elsewhere that an image is built with."""
KEPT_OUT = LEFT_OUT


def tag_of(name: str) -> str:
    """The tag of an image."""
    return f"seatrial-systems/host-{name}"


def ensure(engine: Engine | None = None, names: tuple[str, ...] = NAMES) -> dict[str, str]:
    """Make the images that are missing or stale, and give the tag of each."""
    engine = engine or Engine()
    with _one_at_a_time():
        for name in names:
            source = _source(name)
            if _labelled(engine, tag_of(name)) == source:
                continue
            began = time.monotonic()
            _ensure_base(engine)
            with tempfile.TemporaryDirectory(prefix="context-", dir=cache_dir()) as context:
                shutil.copytree(HOSTS / name, context, dirs_exist_ok=True)
                for target, path in SHARED.get(name, {}).items():
                    shutil.copy2(path, Path(context) / target)
                if name == "viking":
                    shutil.copytree(openviking(), Path(context) / "packages")
                _docker(
                    "build", "--quiet", "--label", f"{SOURCE}={source}", "--label", f"{LABEL}=1",
                    "--tag", tag_of(name), context,
                )  # fmt: skip
            _say(f"image {tag_of(name)}: built in {time.monotonic() - began:.1f} s")
    return {name: tag_of(name) for name in names}


def openviking() -> Path:
    """The folder with OpenViking and what it needs, from PyPI; a minute, once."""
    wanted = HOSTS / "viking" / "requirements.txt"
    target = cache_dir() / f"openviking-{hashlib.sha256(wanted.read_bytes()).hexdigest()[:16]}"
    if target.exists():
        return target
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="openviking-", dir=cache_dir()) as folder:
        half = Path(folder) / "packages"
        _quiet(sys.executable, "-m", "venv", f"{folder}/venv")
        _quiet(
            f"{folder}/venv/bin/pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile",
            "--only-binary=:all:", "--python-version=3.11", f"--target={half}", f"--requirement={wanted}",
        )  # fmt: skip
        half.replace(target)
    _say(f"OpenViking from PyPI: {time.monotonic() - began:.1f} s")
    return target


def _quiet(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise LabError(f"{' '.join(command[:3])} failed:\n" + "\n".join(done.stdout.splitlines()[-8:]))


def _labelled(engine: Engine, tag: str) -> str | None:
    found = engine.image(tag)
    return ((found or {}).get("Config", {}).get("Labels") or {}).get(SOURCE)


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (cache_dir() / "hosts.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _base_source() -> str:
    return hashlib.sha256(json.dumps([SUITE, PACKAGES, KEPT_OUT]).encode()).hexdigest()[:16]


def _source(name: str) -> str:
    parts = [_base_source().encode()]
    for path in [*sorted((HOSTS / name).rglob("*")), *SHARED.get(name, {}).values()]:
        if path.is_file():
            parts += [path.name.encode(), path.read_bytes(), b"x" if path.stat().st_mode & 0o100 else b"-"]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _ensure_base(engine: Engine) -> None:
    if _labelled(engine, tag_of("base")) == _base_source():
        return
    tar = _base_tar()
    labels = [f"--change=LABEL {SOURCE}={_base_source()}", f"--change=LABEL {LABEL}=1"]
    _docker("import", *labels, str(tar), tag_of("base"))


def _base_tar() -> Path:
    path = cache_dir() / f"hosts-{_base_source()}.tar"
    if path.exists():
        return path
    if not shutil.which("debootstrap"):
        raise LabError("debootstrap is missing: apt-get install debootstrap")
    if os.geteuid() != 0:
        raise LabError("debootstrap needs root")
    began = time.monotonic()
    _say(f"debootstrap {SUITE} with systemd: one to four minutes, once")
    with tempfile.TemporaryDirectory(prefix="hosts-", dir=cache_dir()) as folder:
        root = Path(folder) / "root"
        command = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root), *_mirror()]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise LabError("debootstrap failed:\n" + "\n".join(done.stdout.splitlines()[-15:]))
        half = path.with_suffix(".half")
        excludes = [f"--exclude={pattern}" for pattern in KEPT_OUT]
        subprocess.run(["tar", "-C", str(root), "--numeric-owner", *excludes, "-cf", str(half), "."], check=True)
        half.replace(path)
    _say(f"debootstrap: {time.monotonic() - began:.1f} s, {path.stat().st_size >> 20} MiB")
    return path


def _mirror() -> list[str]:
    """The mirror that this machine's apt uses for the suite, where apt can tell."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", f"Codename: {SUITE}"]
    if not shutil.which("apt-get"):
        return []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    uris = [line for line in done.stdout.split() if line.rstrip("/").endswith("/debian")]
    return uris[:1]


def _docker(*words: str) -> None:
    # BuildKit would fetch its front end from a registry; the classic builder needs nothing.
    environment = os.environ | {"DOCKER_BUILDKIT": "0"}
    done = subprocess.run(["docker", *words], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise LabError(f"docker {words[0]} failed:\n{done.stdout[-1500:]}{done.stderr[-1500:]}")


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
