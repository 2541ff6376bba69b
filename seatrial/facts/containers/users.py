"""Who the processes run as."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.facts.container import Container
from seatrial.facts.containers.looking import Look, Looking, finds
from seatrial.facts.process import Process
from seatrial.words import Missing

__all__ = ["Users", "declared_root"]

ROOT = ("0", "root")
# Numbers on which Debian, Red Hat and Alpine agree; kmem is 9 or 15.
HOST_GROUPS = {0: "root", 6: "disk", 9: "kmem", 15: "kmem", 42: "shadow"}
HOST_GROUP_NAMES = frozenset({"root", "disk", "docker", "kmem", "shadow", "sudo", "wheel", "lxd", "containerd"})


def declared_root(container: Container) -> str:
    """``user root`` when a container was created to start as root, else empty."""
    user = container.user.partition(":")[0]
    return f"user {user or 'root'}" if user in ("", *ROOT) else ""


def _declared_root_group(container: Container) -> str:
    group = container.user.partition(":")[2]
    return f"group {group}" if group in ROOT and not declared_root(container) else ""


def _declared_host_groups(container: Container) -> str:
    found = [
        group
        for group in container.group_add
        if group in HOST_GROUP_NAMES or (group.isdigit() and int(group) in HOST_GROUPS)
    ]
    return f"supplementary group {', '.join(found)}" if found and not declared_root(container) else ""


def _host_groups(process: Process) -> str | Missing:
    if process.uid == 0:
        return ""  # the groups add nothing to root
    if isinstance(process.groups, Missing):
        return process.groups
    # The primary group is often listed among the supplementary ones; it is judged by itself.
    found = [
        f"{group} ({HOST_GROUPS[group]})" for group in process.groups if group in HOST_GROUPS and group != process.gid
    ]
    return f"supplementary group {', '.join(found)}" if found else ""


@dataclass(frozen=True, slots=True)
class Users(Looking):
    """Users and groups, as the kernel of the host sees them."""

    @finds
    def root_processes(self) -> Look:
        """Processes that run as uid 0 of the host."""
        return self.each_process(lambda process: "uid 0" if process.uid == 0 else "", job=declared_root)

    @finds
    def root_group_processes(self) -> Look:
        """Processes other than root's whose primary group is gid 0."""
        return self.each_process(
            lambda process: "gid 0" if process.gid == 0 and process.uid != 0 else "", job=_declared_root_group
        )

    @finds
    def host_group_processes(self) -> Look:
        """Processes in a supplementary group to which a host opens its disks, its memory or its passwords."""
        return self.each_process(_host_groups, job=_declared_host_groups, declared=_declared_host_groups)
