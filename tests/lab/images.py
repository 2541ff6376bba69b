"""The lab's images, built on a machine that can reach no image registry.

`base` is a Debian bookworm made by debootstrap and kept as a tar file in the cache; `redis`, `postgres`, `nginx` and
`service` are built from it. `tiny` is one static busybox, put together here and loaded in a moment: a specimen of it
starts in well under a second. Where Debian's `docker-registry` is installed, the images are pushed once through a
registry on loopback, so that they have a digest to be pinned by; elsewhere they are pinned by their id.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .engine import LABEL, Engine, EngineError
from .ports import free_port, listener_of

HERE = Path(__file__).parent
CONTEXTS = HERE / "contexts"
SUITE = "bookworm"
PACKAGES = (
    "ca-certificates",
    "curl",
    "nginx-light",
    "postgresql-15",
    "procps",
    "python3",
    "python3-psycopg2",
    "redis-server",
)
# The just-in-time compiler of PostgreSQL is a third of the whole and is switched off; the rest is never read.
LEFT_OUT = (
    "./dev/*",
    "./proc/*",
    "./sys/*",
    "./usr/lib/*/libLLVM*",
    "./usr/lib/*/libz3*",
    "./usr/lib/postgresql/15/lib/bitcode",
    "./usr/lib/postgresql/15/lib/llvmjit*",
    "./usr/share/doc/*",
    "./usr/share/locale/*",
    "./usr/share/man/*",
    "./var/cache/apt/*",
    "./var/lib/apt/lists/*",
    "./var/lib/postgresql/15",
)
BUILT = ("redis", "postgres", "nginx", "service")
NAMES = ("tiny", *BUILT)
SHARED: Mapping[str, tuple[Path, ...]] = {
    "ferry": (HERE / "ferry" / "service.py",),
    "registry": (Path("/usr/bin/docker-registry"),),
}
"""Files from elsewhere that an image is built with, beside its context."""
TAG = "1"
SOURCE = f"{LABEL}.source"
"""The label that says what an image was made from, so that a change of its files makes it anew."""

TINY_UID = 10001


class LabError(RuntimeError):
    """The lab can't be had here; the message says what is missing."""


def cache_dir() -> Path:
    """Where what is dear to make is kept between runs."""
    path = Path(os.environ.get("SEATRIAL_CACHE") or Path.home() / ".cache" / "seatrial")
    path.mkdir(parents=True, exist_ok=True)
    return path


def tag_of(name: str) -> str:
    """The local tag of an image of ours."""
    return f"seatrial-lab/{name}:{TAG}"


def ensure(
    engine: Engine | None = None, names: tuple[str, ...] = NAMES, *, rebuild: bool = False, digests: bool = True
) -> dict[str, str]:
    """Make the images that are missing or stale, and return a pinned reference of each: by id without `digests`."""
    engine = engine or Engine()
    with _one_at_a_time():
        made = [name for name in names if _ensure_one(engine, name, rebuild=rebuild)]
        bare = [name for name in names if not _digest(engine, name)]
        if digests and (made or bare):
            push(engine, tuple(dict.fromkeys([*made, *bare])))
    return {name: reference(engine, name) for name in names}


def reference(engine: Engine, name: str) -> str:
    """How to name an image so that it can't change: by digest, or by id where it has none."""
    found = engine.image(tag_of(name))
    if found is None:
        raise LabError(f"no image {tag_of(name)}: run `python -m tests.lab images`")
    return _digest(engine, name) or str(found["Id"])


def _digest(engine: Engine, name: str) -> str | None:
    found = engine.image(tag_of(name)) or {}
    return next((d for d in found.get("RepoDigests") or () if f"/seatrial-lab/{name}@" in d), None)


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two runs on one machine share the cache and the tags; the second waits for the first."""
    with (cache_dir() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _ensure_one(engine: Engine, name: str, *, rebuild: bool) -> bool:
    source = _tiny_source() if name == "tiny" else _context_source(name)
    found = engine.image(tag_of(name))
    if found and not rebuild and (found["Config"].get("Labels") or {}).get(SOURCE) == source:
        return False
    began = time.monotonic()
    for stale in (found or {}).get("RepoTags") or ():
        if stale != tag_of(name):  # the name under which the old one was pushed
            engine.call("DELETE", f"/images/{stale}", accept=(404, 409))
    if name == "tiny":
        load_tiny(engine, tag_of("tiny"), labels={SOURCE: source})
    else:
        _ensure_base(engine)
        _build(name, source)
    if found:  # what still runs of it keeps it (409)
        engine.call("DELETE", f"/images/{found['Id']}", accept=(404, 409))
    _say(f"image {name}: built in {time.monotonic() - began:.1f} s")
    return True


# --- the Debian base --------------------------------------------------------------------------------------------------


def _base_source() -> str:
    return _hash(json.dumps([SUITE, PACKAGES, LEFT_OUT]).encode())


def _context_source(name: str) -> str:
    parts = [_base_source().encode()]
    for path in [*sorted((CONTEXTS / name).rglob("*")), *SHARED.get(name, ())]:
        if path.is_file():
            parts += [path.name.encode(), path.read_bytes(), b"x" if path.stat().st_mode & 0o100 else b"-"]
    return _hash(b"\0".join(parts))


def base_tar() -> Path:
    """The root file system as a tar file, made by debootstrap when the cache has none."""
    path = cache_dir() / f"base-{_base_source()}.tar"
    if path.exists():
        return path
    if not shutil.which("debootstrap"):
        raise LabError("debootstrap is missing: apt-get install debootstrap")
    if os.geteuid() != 0:
        raise LabError("debootstrap needs root")
    began = time.monotonic()
    _say(f"debootstrap {SUITE}: one to four minutes, once")
    # Not under /tmp: it may be mounted nodev or be small.
    with tempfile.TemporaryDirectory(prefix="base-", dir=cache_dir()) as folder:
        root = Path(folder) / "root"
        include = ",".join(PACKAGES)
        mirror = _mirror()
        command = ["debootstrap", "--variant=minbase", f"--include={include}", SUITE, str(root), *mirror]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise LabError("debootstrap failed:\n" + "\n".join(done.stdout.splitlines()[-15:]))
        half = path.with_suffix(".half")
        excludes = [f"--exclude={pattern}" for pattern in LEFT_OUT]
        subprocess.run(["tar", "-C", str(root), "--numeric-owner", *excludes, "-cf", str(half), "."], check=True)
        half.replace(path)
    _say(f"debootstrap: {time.monotonic() - began:.1f} s, {path.stat().st_size >> 20} MiB")
    return path


def _mirror() -> list[str]:
    """The mirror this machine's apt uses for the suite, if apt can tell; otherwise debootstrap knows its own."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", f"Codename: {SUITE}"]
    if not shutil.which("apt-get"):
        return []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    uris = [line for line in done.stdout.split() if line.rstrip("/").endswith("/debian")]
    return uris[:1]


def _ensure_base(engine: Engine) -> None:
    found = engine.image(tag_of("base"))
    source = _base_source()
    if found and (found["Config"].get("Labels") or {}).get(SOURCE) == source:
        return
    tar = base_tar()
    began = time.monotonic()
    labels = [f"--change=LABEL {SOURCE}={source}", f"--change=LABEL {LABEL}=1"]
    _docker("import", *labels, str(tar), tag_of("base"))
    _say(f"image base: imported in {time.monotonic() - began:.1f} s")


def _build(name: str, source: str) -> None:
    # BuildKit would fetch its front end from a registry; the classic builder needs nothing.
    labels = ["--label", f"{SOURCE}={source}", "--label", f"{LABEL}=1"]
    with tempfile.TemporaryDirectory(prefix="context-", dir=cache_dir()) as folder:
        shutil.copytree(CONTEXTS / name, folder, dirs_exist_ok=True)
        for path in SHARED.get(name, ()):
            shutil.copy(path, folder)
        _docker("build", "--quiet", *labels, "--tag", tag_of(name), folder, buildkit=False)


def _docker(*words: str, buildkit: bool = True) -> str:
    if not shutil.which("docker"):
        raise LabError("the docker command is missing: apt-get install docker.io")
    environment = os.environ | ({} if buildkit else {"DOCKER_BUILDKIT": "0"})
    done = subprocess.run(["docker", *words], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise LabError(f"docker {words[0]} failed:\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
    return done.stdout


# --- the tiny image ---------------------------------------------------------------------------------------------------

TINY_START = """\
#!/bin/sh
# Process 1 ignores every signal that it does not handle: say what TERM does.
httpd -f -p 8080 -h /www &
trap 'kill $!; exit 0' TERM INT
wait $!
"""

TINY_FILES: Mapping[str, tuple[int, str]] = {
    "etc/passwd": (0o644, f"root:x:0:0:root:/:/bin/sh\nharbor:x:{TINY_UID}:{TINY_UID}:harbor:/:/bin/sh\n"),
    "etc/group": (0o644, f"root:x:0:\nharbor:x:{TINY_UID}:\n"),
    "www/index.html": (0o644, "tiny\n"),
    "start": (0o755, TINY_START),
}

TINY_CONFIG: Mapping[str, Any] = {
    "User": f"{TINY_UID}:{TINY_UID}",
    "Env": ["PATH=/bin"],
    "Cmd": ["/start"],
    "WorkingDir": "/",
    "Healthcheck": {
        "Test": ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/"],
        "Interval": 500_000_000,
        "Timeout": 3_000_000_000,
        "Retries": 3,
    },
}


def _busybox() -> bytes:
    found = shutil.which("busybox")
    data = Path(found).read_bytes() if found else b""
    if not data or b"/ld-linux" in data:
        raise LabError("a static busybox is missing: apt-get install busybox-static")
    return data


def _tiny_source() -> str:
    return _hash(json.dumps([TINY_FILES, TINY_CONFIG]).encode(), _busybox())


def _tiny_layer() -> bytes:
    """The root file system of the tiny image; the same bytes each time."""
    busybox = _busybox()
    found = shutil.which("busybox") or "busybox"
    applets = subprocess.run([found, "--list"], capture_output=True, text=True, check=True).stdout.split()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for folder, mode, owner in (
            ("bin", 0o755, 0), ("etc", 0o755, 0), ("www", 0o755, 0), ("proc", 0o755, 0), ("sys", 0o755, 0),
            ("dev", 0o755, 0), ("tmp", 0o1777, 0), ("data", 0o700, TINY_UID),
        ):  # fmt: skip
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, mode, owner, owner
            tar.addfile(entry)
        for name, mode, data in [("bin/busybox", 0o755, busybox)] + [
            (name, mode, text.encode()) for name, (mode, text) in TINY_FILES.items()
        ]:
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = mode, len(data)
            tar.addfile(entry, io.BytesIO(data))
        for applet in sorted(set(applets) - {"busybox"}):
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
    return out.getvalue()


def load_tiny(
    engine: Engine,
    tag: str,
    *,
    labels: Mapping[str, str] | None = None,
    created: str | None = None,
    architecture: str | None = None,
    config: Mapping[str, Any] | None = None,
) -> str:
    """Load a tiny image, and return its id.

    `created` (an RFC 3339 time), `architecture` (`arm64`) and `config` (keys of the engine's image configuration; None
    takes one away) make the images that only a defect needs: an old one, one of another platform, one without a health
    check or a user. The program in it is always that of this machine.
    """
    layer = _tiny_layer()
    machine = os.uname().machine
    whole: dict[str, Any] = {
        "architecture": architecture or {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine),
        "os": "linux",
        "created": created or time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "config": dict(TINY_CONFIG) | {"Labels": {LABEL: "1"} | dict(labels or {})} | dict(config or {}),
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
        "history": [{"created": created or "1970-01-01T00:00:00Z", "created_by": "seatrial lab"}],
    }
    whole["config"] = {key: value for key, value in whole["config"].items() if value is not None}
    blob = json.dumps(whole).encode()
    digest = hashlib.sha256(blob).hexdigest()
    manifest = [{"Config": f"{digest}.json", "RepoTags": [tag], "Layers": ["layer.tar"]}]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        members = {f"{digest}.json": blob, "layer.tar": layer, "manifest.json": json.dumps(manifest).encode()}
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    engine.call("POST", "/images/load", out.getvalue(), quiet=True)
    found = engine.image(tag)
    if found is None:
        raise LabError(f"the engine did not take the image {tag}")
    return str(found["Id"])


# --- digests ----------------------------------------------------------------------------------------------------------


def push(engine: Engine, names: tuple[str, ...]) -> bool:
    """Push the images through a registry on loopback once, which gives each a digest; without one, say so and go on.

    The engine keeps the digests, so the registry is gone again when this returns.
    """
    if not shutil.which("docker-registry"):
        _say("no docker-registry here: images are pinned by id, not by digest")
        return False
    began = time.monotonic()
    try:
        with _registry() as address:
            for name in names:
                full = f"{address}/{tag_of(name)}"
                _docker("tag", tag_of(name), full)
                _docker("push", "--quiet", full)
    except (LabError, EngineError, OSError) as error:
        _say(f"no digests, images are pinned by id: {error}")
        return False
    _say(f"digests of {', '.join(names)}: {time.monotonic() - began:.1f} s")
    return True


@contextlib.contextmanager
def _registry() -> Iterator[str]:
    """Debian's registry on a free loopback port, with a store that goes with it."""
    with tempfile.TemporaryDirectory(prefix="registry-", dir=cache_dir()) as folder:
        port = free_port()
        settings = Path(folder) / "config.yml"
        settings.write_text(
            json.dumps({
                "version": 0.1,
                "log": {"level": "error", "accesslog": {"disabled": True}},
                "storage": {"filesystem": {"rootdirectory": f"{folder}/store"}},
                "http": {"addr": f"127.0.0.1:{port}"},
            }),
            encoding="utf-8",
        )  # fmt: skip
        command = ["docker-registry", "serve", str(settings)]
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 15
            while not (process.poll() is None and listener_of(port) == process.pid and _responds(port)):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise LabError("docker-registry did not start: " + (Path(folder) / "log").read_text()[-500:])
                time.sleep(0.1)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _responds(port: int) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/v2/", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _hash(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
