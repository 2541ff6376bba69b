"""One container: the engine's inspect of it, turned into facts, and the kernel's view of its processes."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.drivers import _cgroup, _mounts, _procfs, _sockets
from seatrial.drivers._healthcheck import healthcheck
from seatrial.facts.container import (
    Cgroup,
    Configured,
    Container,
    Device,
    Mount,
)
from seatrial.facts.process import Process
from seatrial.facts.socket import Published
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.drivers._docker_api import Api

__all__ = ["Look", "platform_of"]

FAR = "the engine runs on another kernel than we do, so that what only /proc and /sys/fs/cgroup tell can't be seen from here"
HERE = "run Seatrial on the engine's own host, as root, to read /proc"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "armv6l": "arm", "i686": "386"}
LABELS = re.compile(
    r"com\.docker\.compose\.(project|service|container-number|oneoff|config-hash|version)|org\.opencontainers\..*"
)


def platform_of(info: dict[str, Any]) -> str:
    """OS and architecture of an engine's host, in OCI words."""
    arch = str(info.get("Architecture", "?"))
    return f"{info.get('OSType', 'linux')}/{ARCHITECTURES.get(arch, arch)}"


class Look:
    """Looks at containers of one engine. Images are inspected once each."""

    def __init__(self, session: Session, api: Api, info: dict[str, Any], proc: Path = Path("/proc")) -> None:
        """Nothing more is asked yet."""
        self._session = session
        self._api = api
        self._info = info
        self._proc = proc
        self._images: dict[str, dict[str, Any]] = {}
        self._near: bool | None = None
        init = _mounts.read(1, proc)
        # Where init is hidden from us, our own mounts serve, as we run on the engine's host.
        self._host_mounts = _mounts.read(os.getpid(), proc) if isinstance(init, Missing) else init

    def local(self) -> bool:
        """Whether the engine's kernel is ours: a container's main process was found in our /proc."""
        return bool(self._near)

    def _is_here(self, id: str, pid: int) -> bool:
        try:
            here = id in (self._proc / f"{pid}/cgroup").read_text("utf-8")
        except OSError:
            here = False
        self._near = bool(self._near) or here
        return here

    def _image(self, id: str) -> dict[str, Any]:
        if id not in self._images:
            try:
                self._images[id] = self._api.get(f"/images/{id}/json")
            except CouldNotLook:
                self._images[id] = {}  # deleted by force while its container runs: what is known is the id
        return self._images[id]

    def at(self, id: str, service: str) -> Container:
        """Everything on one container.

        Raises:
            CouldNotLook: the engine can't tell of it; NotThere when it is gone.
        """
        inspect = self._api.get(f"/containers/{id}/json")
        container = _declared(inspect, service, self._info, self._image(inspect["Image"]))
        if not container.running:
            none = Missing(
                f"{container} is not running ({container.state}), so that nothing effective can be seen of it"
            )
            return replace(
                container,
                processes=none, cgroup=none, oom_kills=none, host_namespaces=none, listening=none,
                writable_layer_paths=_mounts.uncovered(self._paths(service), _asked(inspect)),
            )  # fmt: skip
        return (
            self._near_by(container, inspect) if self._is_here(id, container.pid) else self._remote(container, inspect)
        )

    def _paths(self, service: str) -> tuple[str, ...]:
        """The data paths that the profile declares for a service."""
        node = self._session.profile.services.get(service)
        if node is None or node.persistence is None:
            return ()
        return tuple(self._session.resolve(path) for path in node.persistence.paths)

    def _near_by(self, container: Container, inspect: dict[str, Any]) -> Container:
        pid = container.pid
        group = _cgroup.find(pid, self._proc)
        members = [] if isinstance(group, Missing) else group.members()
        processes = self._processes(container, members or [pid])
        seen = _mounts.read(pid, self._proc)
        mounts: tuple[Mount, ...] | Missing = (
            seen
            if isinstance(seen, Missing)
            else _mounts.effective(
                _asked(inspect), seen, {} if isinstance(self._host_mounts, Missing) else self._host_mounts
            )
        )
        names = {p.pid: p.name for p in processes} if not isinstance(processes, Missing) else {}
        shared = container.network_mode == "host" or container.network_mode.startswith("container:")
        return replace(
            container,
            processes=processes,
            cgroup=group if isinstance(group, Missing) else group.limits(),
            oom_kills=group if isinstance(group, Missing) else group.oom_kills(),
            mounts=mounts,
            read_only_root=seen if isinstance(seen, Missing) else _mounts.root_read_only(seen),
            writable_layer_paths=mounts
            if isinstance(mounts, Missing)
            else _mounts.uncovered(self._paths(container.service), mounts),
            host_namespaces=_procfs.host_namespaces(pid, self._proc),
            listening=_sockets.listening(pid, names, own=shared, proc=self._proc),
        )

    def _processes(self, container: Container, pids: list[int]) -> tuple[Process, ...] | Missing:
        found = []
        for pid in pids:
            try:
                process = _procfs.read_process(pid, self._proc)
            except PermissionError:
                return Missing(f"/proc/{pid} of {container} can't be read", "root, or a /proc without hidepid")
            except OSError:
                continue  # a short-lived one, such as a health probe's, has ended meanwhile
            if process is not None:
                found.append(process)
        return tuple(found)

    def _remote(self, container: Container, inspect: dict[str, Any]) -> Container:
        unseen = Missing(FAR, HERE)
        paths = _mounts.uncovered(self._paths(container.service), _asked(inspect))
        return replace(
            container,
            processes=self._top(container),
            cgroup=self._stats(container),
            oom_kills=unseen,
            host_namespaces=unseen,
            listening=unseen,
            # That it was asked for is no proof; that it was not asked for is one.
            read_only_root=unseen if container.read_only_root else False,
            writable_layer_paths=paths,
        )

    def _top(self, container: Container) -> tuple[Process, ...] | Missing:
        """The processes as ps on the engine's host lists them: no capabilities, no seccomp."""
        try:
            table = self._api.get(f"/containers/{container.id}/top", ps_args="-eo pid,ppid,uid,gid,supgid,comm")
        except CouldNotLook as why:
            return Missing(f"the engine can't list the processes of {container}: {why.reason}", HERE)
        none = Missing(FAR, HERE)
        found = []
        for row in table.get("Processes") or []:
            pid, ppid, uid, gid, groups, name = row[0], row[1], row[2], row[3], row[4], " ".join(row[5:])
            numbers = tuple(int(one) for one in groups.split(",") if one.isdecimal())
            found.append(Process(int(pid), name, int(uid), int(gid), numbers, ppid=int(ppid), privileges=none))
        return tuple(found)

    def _stats(self, container: Container) -> Cgroup | Missing:
        """Memory and process limits as the engine read them from the control group. It does not tell the CPU quota."""
        try:
            stats = self._api.get(f"/containers/{container.id}/stats", stream="false", **{"one-shot": "true"})
        except CouldNotLook as why:
            return Missing(f"the engine can't tell the limits of {container}: {why.reason}", HERE)
        memory = int((stats.get("memory_stats") or {}).get("limit") or 0)
        pids = int((stats.get("pids_stats") or {}).get("limit") or 0)
        whole = int(self._info.get("MemTotal") or 0)
        return Cgroup(
            version=int(self._info.get("CgroupVersion") or 1),
            memory=memory if memory and memory < whole else None,
            cpus=Missing(FAR, HERE),
            pids=pids if 0 < pids < 1 << 60 else None,
        )


def _asked(inspect: dict[str, Any]) -> tuple[Mount, ...]:
    """The mounts as the engine tells them."""
    found = [
        Mount(
            destination=mount["Destination"],
            source=mount.get("Source", ""),
            type=mount["Type"],
            writable=bool(mount.get("RW", True)),
            volume=mount.get("Name", ""),
            anonymous=bool(re.fullmatch(r"[0-9a-f]{64}", mount.get("Name", ""))),
            propagation=mount.get("Propagation", ""),
        )
        for mount in inspect.get("Mounts") or []
    ]
    known = {mount.destination for mount in found}
    for place, options in (inspect["HostConfig"].get("Tmpfs") or {}).items():
        if place not in known:
            found.append(Mount(place, "", "tmpfs", writable="ro" not in options.split(",")))
    return tuple(found)


def _declared(inspect: dict[str, Any], service: str, info: dict[str, Any], image: dict[str, Any]) -> Container:
    """What the engine tells, whether or not it holds."""
    host, config, state = inspect["HostConfig"], inspect["Config"], inspect["State"]
    security = [str(option) for option in info.get("SecurityOptions") or []]
    policy = host.get("RestartPolicy") or {}
    log = host.get("LogConfig") or {}
    variant = image.get("Variant")
    platform = f"{image.get('Os', '')}/{image.get('Architecture', '')}" if image.get("Architecture") else ""
    network = inspect.get("NetworkSettings") or {}
    return Container(
        id=inspect["Id"],
        name=inspect["Name"].lstrip("/"),
        service=service,
        state=state["Status"],
        started_at=state["StartedAt"],
        exit_code=state["ExitCode"],
        oom_killed=state["OOMKilled"],
        restart_count=inspect.get("RestartCount", 0),
        restart_policy=policy.get("Name") or "no",
        restart_limit=policy.get("MaximumRetryCount", 0),
        stop_timeout=float(config["StopTimeout"]) if config.get("StopTimeout") is not None else 10.0,
        image=config["Image"],
        image_id=inspect["Image"],
        image_digests=tuple(image.get("RepoDigests") or ()),
        image_created=image.get("Created", ""),
        platform=f"{platform}/{variant}" if platform and variant else platform,
        host_platform=platform_of(info),
        user=config.get("User", ""),
        group_add=tuple(host.get("GroupAdd") or ()),
        pid=state["Pid"],
        privileged=bool(host.get("Privileged")),
        cap_add=tuple(host.get("CapAdd") or ()),
        cap_drop=tuple(host.get("CapDrop") or ()),
        security_opt=tuple(host.get("SecurityOpt") or ()),
        apparmor=inspect.get("AppArmorProfile", ""),
        selinux=inspect.get("ProcessLabel", ""),
        host_confinement=tuple(n for n in ("apparmor", "selinux") if any(o.startswith(f"name={n}") for o in security)),
        system_paths_open=host.get("MaskedPaths") == [] or host.get("ReadonlyPaths") == [],
        sysctls=tuple(sorted(host.get("Sysctls") or ())),
        cgroup_parent=host.get("CgroupParent", ""),
        pid_mode=host.get("PidMode", ""),
        ipc_mode=host.get("IpcMode", ""),
        uts_mode=host.get("UTSMode", ""),
        userns_mode=host.get("UsernsMode", ""),
        cgroupns_mode=host.get("CgroupnsMode", ""),
        network_mode=host.get("NetworkMode", ""),
        devices=tuple(Device(d["PathOnHost"], d.get("CgroupPermissions", "rwm")) for d in host.get("Devices") or ()),
        mounts=_asked(inspect),
        read_only_root=bool(host.get("ReadonlyRootfs")),
        configured=_configured(host),
        healthcheck=healthcheck(config.get("Healthcheck"), state.get("Health"), config.get("Env") or ()),
        log_driver=log.get("Type", ""),
        log_options=tuple(
            sorted((k, v) for k, v in (log.get("Config") or {}).items() if k.startswith(("max-", "mode", "compress")))
        ),
        networks=tuple(sorted((n, e.get("IPAddress", "")) for n, e in (network.get("Networks") or {}).items())),
        published=_published(network.get("Ports") or {}),
        labels=tuple(sorted((k, v) for k, v in (config.get("Labels") or {}).items() if LABELS.fullmatch(k))),
    )


def _configured(host: dict[str, Any]) -> Configured:
    quota, period = host.get("CpuQuota") or 0, host.get("CpuPeriod") or 100_000
    cpus = host["NanoCpus"] / 1e9 if host.get("NanoCpus") else quota / period if quota > 0 else None
    pids = host.get("PidsLimit")
    nofile = next((limit["Soft"] for limit in host.get("Ulimits") or () if limit["Name"] == "nofile"), None)
    return Configured(
        memory=host.get("Memory") or None, cpus=cpus, pids=pids if pids and pids > 0 else None, nofile=nofile
    )


def _published(ports: dict[str, list[dict[str, str]] | None]) -> tuple[Published, ...]:
    found = set()
    for inside, bindings in ports.items():
        port, _, protocol = inside.partition("/")
        for binding in bindings or ():
            found.add(
                Published(binding.get("HostIp") or "0.0.0.0", int(binding["HostPort"]), int(port), protocol or "tcp")
            )
    return tuple(sorted(found, key=lambda one: (one.port, one.address, one.protocol)))
