"""A container or a process on this machine, and each way in which hardware or limits are not what the profile demands.

The machine itself can't be changed: where a defect is of the machine, the profile's demand is what differs. Disks, limits
and emulation are real ones.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.defects import defect
from tests.integration.defects._bench import Bench

__all__ = ["Scene", "emulated_program", "small_file_system"]

MORE_THAN_ANY = "1024TiB"
CORES = sorted(os.sched_getaffinity(0))


def own_arch() -> str:
    """The architecture of this machine, in OCI's words."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


def installed() -> int:
    """Memory of this machine, in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@dataclass
class Scene:
    """One container without limits, and a profile whose demands this machine meets."""

    bench: Bench
    words: dict[str, Any] = field(default_factory=dict)
    """Words of the container that differ, as in compose."""
    host: dict[str, Any] = field(default_factory=dict)
    """Fields of the engine's HostConfig."""
    demands: dict[str, Any] = field(default_factory=dict)
    """What the profile demands of the hardware, on top of what is met."""
    after: Callable[[str], None] = lambda _: None
    """What happens to the container once it runs; it is given its name."""
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @staticmethod
    def met(folder: Path) -> dict[str, Any]:
        """Everything that can be demanded and that any machine of this test has."""
        small = {"min": "1MiB", "recommended": "2MiB", "free": "1MiB", "free_inodes": 2}
        return {
            "arch": own_arch(),
            "cpus": {"min": 1, "recommended": len(CORES)},
            "memory": {"min": "64MiB", "recommended": f"{installed() >> 20}MiB"},
            "disk": [{"path": str(folder), **small}, {"path": "/data", "service": "subject", **small}],
        }

    def profile(self, folder: Path) -> Path:
        """Start the container, and write the profile that declares it."""
        whole = {"mem_limit": None, "memswap_limit": None, "cpus": None, **self.words}
        container = self.bench.container(host=self.host, **whole)
        self.after(container.name)
        hardware = self.met(folder) | self.demands
        document = {
            "profile": "bench",
            "environment": "test",
            "target": self.bench.target,
            "hardware": {key: value for key, value in hardware.items() if value is not None},
            "services": {"subject": {"containers": [container.name]}},
        }
        path = folder / "bench.yaml"
        path.write_text(json.dumps(document, indent=1), encoding="utf-8")
        return path

    def on_small_disk(self, **demand: Any) -> None:
        """The container gets a disk of its own, 4 MiB in memory with 20 inodes, of which this is demanded."""
        self.words["+tmpfs"] = ["/small:rw,size=4m,nr_inodes=20,mode=1777"]
        self.demands["disk"] = {"path": "/small", "service": "subject", **demand}


# --- the machine


@defect(turns_red=("HWR-001",))
def another_architecture(scene: Scene) -> None:
    scene.demands["arch"] = "s390x"


@defect(turns_red=("HWR-002",))
def more_processors_than_there_are(scene: Scene) -> None:
    scene.demands["cpus"] = {"min": 4096}


@defect(turns_red=("HWR-003",))
def more_processors_recommended(scene: Scene) -> None:
    scene.demands["cpus"] = {"min": 1, "recommended": 4096}


@defect(turns_red=("HWR-004",))
def more_memory_than_there_is(scene: Scene) -> None:
    scene.demands["memory"] = {"min": MORE_THAN_ANY}


@defect(turns_red=("HWR-005",))
def more_memory_recommended(scene: Scene) -> None:
    scene.demands["memory"] = {"min": "1MiB", "recommended": MORE_THAN_ANY}


@defect(turns_red=("HWR-011",))
def an_accelerator_that_nobody_has(scene: Scene) -> None:
    scene.demands["gpu"] = {"min": MORE_THAN_ANY}


@defect(turns_red=("HWR-012",))
def an_accelerator_recommended(scene: Scene) -> None:
    scene.demands["gpu"] = {"recommended": MORE_THAN_ANY}


@defect(turns_red=("HWR-013",))
def a_clock_that_nobody_keeps(scene: Scene) -> None:
    """Where this machine's clock is kept, no test can make it drift: then this is skipped."""
    scene.demands["clock_synchronised"] = True


# --- disks


@defect(turns_red=("HWR-006",))
def a_larger_disk_demanded(scene: Scene) -> None:
    scene.demands["disk"] = {"path": "/", "min": MORE_THAN_ANY}


@defect(turns_red=("HWR-006",))
def a_small_disk_in_the_container(scene: Scene) -> None:
    scene.on_small_disk(min="64MiB")


@defect(turns_red=("HWR-007",))
def a_disk_smaller_than_recommended(scene: Scene) -> None:
    scene.on_small_disk(min="1MiB", recommended="64MiB")


@defect(turns_red=("HWR-008",))
def a_full_disk(scene: Scene) -> None:
    scene.on_small_disk(min="4MiB", free="2MiB")
    fill = ["sh", "-c", "dd if=/dev/zero of=/small/filled bs=1M count=3"]
    scene.after = lambda name: _run("docker", "exec", name, *fill)


@defect(turns_red=("HWR-009",))
def a_disk_without_inodes(scene: Scene) -> None:
    scene.on_small_disk(min="4MiB", free="1MiB", free_inodes=10)
    fill = ["sh", "-c", "for n in $(seq 15); do : > /small/$n; done"]
    scene.after = lambda name: _run("docker", "exec", name, *fill)


@defect(turns_red=("HWR-010",))
def data_in_memory(scene: Scene) -> None:
    scene.on_small_disk(medium="ssd")


@defect(turns_red=("HWR-006", "HWR-009"))
def a_small_file_system_of_the_machine(scene: Scene) -> None:
    folder = scene.stack.enter_context(small_file_system())
    scene.demands["disk"] = [{"path": str(folder), "min": "64MiB", "free": "1MiB", "free_inodes": 100}]


# --- limits and emulation


@defect(turns_red=("HWR-014",))
def an_emulated_program(scene: Scene) -> None:
    folder = Path(scene.stack.enter_context(tempfile.TemporaryDirectory(prefix="emulated-")))
    emulated_program(folder)
    scene.words |= {
        "command": ["/srv/qemu-aarch64-static", "/srv/sleep"],
        "volumes": ["data:/data", f"{folder}:/srv:ro"],
        "healthcheck": {"test": ["CMD", "true"], "interval": "300ms"},
    }


@defect(turns_red=("HWR-015",))
def a_container_of_little_memory(scene: Scene) -> None:
    scene.words |= {"mem_limit": "16m", "memswap_limit": "16m"}
    scene.demands["memory"] = {"min": "64MiB"}


@defect(turns_red=("HWR-015",))
def a_container_of_half_a_core(scene: Scene) -> None:
    scene.words |= {"cpus": 0.5}
    scene.demands["cpus"] = {"min": 1}


@defect(turns_red=("HWR-015",))
def a_container_on_one_processor(scene: Scene) -> None:
    scene.host |= {"CpusetCpus": str(CORES[0])}
    scene.demands["cpus"] = {"min": 2}


@defect(turns_red=("HWR-016",))
def a_container_of_less_memory_than_recommended(scene: Scene) -> None:
    scene.words |= {"mem_limit": "96m", "memswap_limit": "96m"}
    scene.demands["memory"] = {"min": "64MiB", "recommended": "512MiB"}


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def emulated_program(folder: Path) -> None:
    """A program for arm64 that sleeps, and QEMU's user-mode emulator beside it."""
    (folder / "main.go").write_text('package main\n\nimport "time"\n\nfunc main() { time.Sleep(10 * time.Minute) }\n')
    environment = {**os.environ, "CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": "arm64", "GO111MODULE": "off"}
    build = ["go", "build", "-o", "sleep", "main.go"]
    subprocess.run(build, cwd=folder, env=environment, check=True, capture_output=True)
    shutil.copy(shutil.which("qemu-aarch64-static") or "qemu-aarch64-static", folder)
    folder.chmod(0o755)


@contextlib.contextmanager
def small_file_system() -> Iterator[Path]:
    """8 MiB of ext4 with 32 inodes, mounted through a loop device; needs root."""
    with tempfile.TemporaryDirectory(prefix="disk-") as folder:
        image, place = Path(folder) / "image", Path(folder) / "mounted"
        place.mkdir()
        with image.open("wb") as file:
            file.truncate(8 << 20)
        _run("mkfs.ext4", "-q", "-N", "32", str(image))
        _run("mount", "-o", "loop", str(image), str(place))
        try:
            yield place
        finally:
            _run("umount", str(place))


@contextlib.contextmanager
def memory_group(limit: str) -> Iterator[Path]:
    """A control group of ours with a limit of memory, version 1 or 2; needs root."""
    one = Path("/sys/fs/cgroup/memory")
    group = (one if one.is_dir() else Path("/sys/fs/cgroup")) / f"seatrial-test-{os.getpid()}"
    group.mkdir()
    try:
        (group / ("memory.limit_in_bytes" if one.is_dir() else "memory.max")).write_text(limit)
        yield group
    finally:
        group.rmdir()


@contextlib.contextmanager
def sleeping(*before: str) -> Iterator[int]:
    """A process that does nothing, started by the words given; its pid."""
    child = subprocess.Popen([*before, "sleep", "600"])
    try:
        yield child.pid
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
