"""A container as it runs: what the engine declared for it, and what the kernel shows."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.facts.process import Process
from seatrial.facts.socket import Published, Socket
from seatrial.words import Missing

__all__ = ["Cgroup", "Configured", "Container", "Device", "HealthLog", "Healthcheck", "Mount"]


@dataclass(frozen=True, slots=True)
class Mount:
    """A mount in the container's namespace, from /proc/PID/mountinfo where readable, else from the engine."""

    destination: str
    source: str
    type: str
    """bind, volume, tmpfs, or the file system."""
    writable: bool
    volume: str = ""
    """Name of the volume, when it is one."""
    anonymous: bool = False
    """True for a volume that nobody named."""
    propagation: str = ""
    """As the engine was asked: rprivate, private, shared, rshared, slave, rslave; empty when it does not tell."""
    real: str = ""
    """Path of the host that the kernel shows there, whatever symbolic link or volume it was asked for as; empty when
    that is not seen."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the host that the container was given."""

    path: str
    permissions: str = "rwm"


@dataclass(frozen=True, slots=True)
class Cgroup:
    """Limits as the kernel enforces them, from the cgroup (v1 or v2) of the main process; None is unlimited."""

    version: int
    memory: int | None = None
    """Bytes."""
    cpus: float | Missing | None = None
    """Cores."""
    pids: int | None = None


@dataclass(frozen=True, slots=True)
class Configured:
    """Limits as the engine was asked for them (HostConfig), whether or not the kernel enforces them; None is unlimited."""

    memory: int | None = None
    """Bytes."""
    cpus: float | None = None
    """Cores: NanoCpus, else CpuQuota by CpuPeriod."""
    pids: int | None = None
    nofile: int | None = None
    """Soft limit of the ulimit, None when none was asked for."""


@dataclass(frozen=True, slots=True)
class HealthLog:
    """One run of a HEALTHCHECK. The output is reduced to its class, as it may hold anything."""

    exit_code: int
    executed: bool
    """False when the command could not be run at all (no such file, permission denied, OCI runtime error)."""
    reason: str = ""
    started: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Healthcheck:
    """The HEALTHCHECK really configured, and the last runs the engine remembers."""

    test: tuple[str, ...]
    interval: float
    timeout: float
    retries: int
    start_period: float
    status: str = ""
    """starting, healthy or unhealthy."""
    log: tuple[HealthLog, ...] = ()


@dataclass(frozen=True, slots=True)
class Container:
    """One container. Names are as Docker's API has them unless a comment says otherwise."""

    id: str
    name: str
    service: str = ""
    """Service of the profile it belongs to; empty when the profile doesn't know it."""
    state: str = "running"
    started_at: str = ""
    exit_code: int = 0
    oom_killed: bool = False
    oom_kills: int | Missing = 0
    """Processes the kernel killed in its cgroup for want of memory."""
    restart_count: int = 0
    restart_policy: str = "no"
    restart_limit: int = 0
    """MaximumRetryCount of policy on-failure; 0 is unlimited."""
    stop_timeout: float = 10.0
    """Seconds between SIGTERM and SIGKILL (StopTimeout); the engine's default is 10."""

    image: str = ""
    """Reference it was created from."""
    image_id: str = ""
    image_digests: tuple[str, ...] = ()
    image_created: str = ""
    """RFC 3339, empty or year 1 when the image does not tell."""
    platform: str = ""
    """os/arch of the image that runs, in OCI words."""
    host_platform: str = ""

    user: str = ""
    """Config.User as the engine has it, the image's included; empty is root."""
    group_add: tuple[str, ...] = ()
    pid: int = 0
    """Its main process, as the host numbers it; 0 when it does not run."""
    processes: tuple[Process, ...] | Missing = ()
    privileged: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    apparmor: str = ""
    """AppArmorProfile, as the engine applied it."""
    selinux: str = ""
    """ProcessLabel, as the engine applied it."""
    host_confinement: tuple[str, ...] | Missing = ()
    """What the engine says its host confines containers with: apparmor, selinux, both or nothing."""
    system_paths_open: bool = False
    """True when /proc and /sys paths that the engine masks or mounts read-only were left open (MaskedPaths or
    ReadonlyPaths empty, ``systempaths=unconfined``)."""
    sysctls: tuple[str, ...] = ()
    """Names of the kernel parameters it sets."""
    cgroup_parent: str = ""
    pid_mode: str = ""
    ipc_mode: str = ""
    uts_mode: str = ""
    userns_mode: str = ""
    cgroupns_mode: str = ""
    network_mode: str = ""
    host_namespaces: tuple[str, ...] | Missing = ()
    """Namespaces (pid, ipc, uts, net, mnt, cgroup) that are those of the host, compared by inode in /proc/PID/ns."""
    devices: tuple[Device, ...] = ()
    mounts: tuple[Mount, ...] | Missing = ()
    read_only_root: bool | Missing = False
    writable_layer_paths: tuple[str, ...] | Missing = ()
    """Declared data paths that lie on the container's writable layer."""
    cgroup: Cgroup | Missing = Cgroup(2)
    configured: Configured = Configured()

    healthcheck: Healthcheck | None = None
    log_driver: str = "json-file"
    log_options: tuple[tuple[str, str], ...] = ()

    networks: tuple[tuple[str, str], ...] = ()
    """Name and the container's address in it."""
    published: tuple[Published, ...] = ()
    listening: tuple[Socket, ...] | Missing = ()
    labels: tuple[tuple[str, str], ...] = ()
    """Those of compose and OCI only; others may hold anything."""

    def __str__(self) -> str:
        return f"container {self.name}"

    @property
    def running(self) -> bool:
        """True while its main process runs."""
        return self.state == "running"
