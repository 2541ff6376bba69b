"""Observations of what conforms, each part of which a specimen changes: ``container(privileged=True)``."""

from __future__ import annotations

from typing import Any

from seatrial.facts.container import Cgroup, Configured, Container, Healthcheck, HealthLog, Mount
from seatrial.facts.containers import Containers
from seatrial.facts.process import CAPABILITIES, Privileges, Process
from seatrial.profile.model import Service
from seatrial.words import Missing

SECRET_FREE = Missing("not permitted to read /proc/412/status", "run as root, or as the user of the process")
"""What a driver says where the kernel lets it see nothing."""
MIB = 2**20
IMAGE = "registry.example:5000/harbor/api:1.4.2"
IMAGE_ID = "sha256:" + "4f1c" * 16
OTHER_IMAGE_ID = "sha256:" + "9e07" * 16
DIGEST = "sha256:" + "ab12" * 16
TAKEN = "2026-06-01T03:00:00.000+00:00"


def mask(*names: str) -> int:
    """The mask of some capabilities."""
    return sum(1 << CAPABILITIES.index(name) for name in names)


def privileges(**changes: Any) -> Privileges:
    """A process that may do nothing special."""
    return Privileges(
        **{
            "cap_effective": 0,
            "cap_permitted": 0,
            "cap_bounding": 0,
            "cap_ambient": 0,
            "no_new_privs": True,
            "seccomp": 2,
            "nofile_soft": 4096,
            "nofile_hard": 8192,
            **changes,
        }
    )


def process(*, may: dict[str, Any] | None = None, **changes: Any) -> Process:
    """One process of an ordinary user."""
    return Process(
        **{
            "pid": 412,
            "name": "api",
            "uid": 10001,
            "gid": 10001,
            "groups": (10001,),
            "ppid": 390,
            "exe": "api",
            "privileges": privileges(**(may or {})),
            **changes,
        }
    )


def healthcheck(*log: HealthLog, **changes: Any) -> Healthcheck:
    """A healthcheck that runs and is content."""
    return Healthcheck(
        **{
            "test": ("CMD", "/api", "healthcheck"),
            "interval": 10.0,
            "timeout": 3.0,
            "retries": 3,
            "start_period": 0.0,
            "status": "healthy",
            "log": log or (HealthLog(0, executed=True),),
            **changes,
        }
    )


ROOT_MOUNT = Mount("/", "overlay", "overlay", writable=False)
DATA = Mount("/data", "/var/lib/docker/volumes/harbor_data/_data", "volume", writable=True, volume="harbor_data")


def bind(
    source: str, destination: str = "/mnt", *, writable: bool = False, propagation: str = "rprivate", real: str = ""
) -> Mount:
    """A path of the host, mounted."""
    return Mount(destination, source, "bind", writable, propagation=propagation, real=real)


def container(*, mount: Mount | tuple[Mount, ...] = (), **changes: Any) -> Container:
    """A container that nothing is wrong with; ``mount`` adds mounts."""
    more = mount if isinstance(mount, tuple) else (mount,)
    return Container(
        **{
            "id": "c0ffee",
            "name": "harbor-api-1",
            "service": "api",
            "started_at": "2026-05-31T22:00:00Z",
            "restart_policy": "unless-stopped",
            "stop_timeout": 30.0,
            "image": IMAGE,
            "image_id": IMAGE_ID,
            "image_digests": (f"registry.example:5000/harbor/api@{DIGEST}",),
            "image_created": "2026-05-20T12:00:00.123456789Z",
            "platform": "linux/amd64",
            "host_platform": "linux/amd64",
            "user": "10001:10001",
            "pid": 412,
            "processes": (process(),),
            "cap_drop": ("ALL",),
            "security_opt": ("no-new-privileges:true",),
            "apparmor": "docker-default",
            "host_confinement": ("apparmor",),
            "cgroupns_mode": "private",
            "network_mode": "harbor_default",
            "networks": (("harbor_default", "172.20.0.4"),),
            "mounts": (ROOT_MOUNT, DATA, *more),
            "read_only_root": True,
            "cgroup": Cgroup(2, 256 * MIB, 0.5, 100),
            "configured": Configured(256 * MIB, 0.5, 100, 4096),
            "healthcheck": healthcheck(),
            "log_driver": "json-file",
            "log_options": (("max-size", "10m"), ("max-file", "3")),
            **changes,
        }
    )


def job(**changes: Any) -> Container:
    """A one-shot job that has ended well, of which nothing effective is left to see."""
    gone = Missing("container harbor-migrate-1 is not running")
    return container(
        **{
            "name": "harbor-migrate-1",
            "service": "migrate",
            "state": "exited",
            "pid": 0,
            "processes": gone,
            "host_namespaces": gone,
            "cgroup": gone,
            "oom_kills": gone,
            "restart_policy": "no",
            "healthcheck": None,
            **changes,
        }
    )


def containers(*each: Container, **declared: Any) -> Containers:
    """A service's containers; ``declared`` are keys of the profile's service."""
    return Containers(
        "api", Service.model_validate(declared), each or (container(),), hardening="restricted", taken=TAKEN
    )


def no_container(**declared: Any) -> Containers:
    """A service that was declared, and of which nothing was found."""
    return Containers("api", Service.model_validate(declared), ())


def jobs(*each: Container, **declared: Any) -> Containers:
    """The containers of a one-shot job."""
    return Containers("migrate", Service.model_validate({"one_shot": True, **declared}), each or (job(),), taken=TAKEN)
