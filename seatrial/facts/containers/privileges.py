"""What keeps the processes of a container away from the kernel."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.facts.container import Container
from seatrial.facts.containers.looking import Look, Looking, finds
from seatrial.facts.process import Privileges
from seatrial.words import Finding, Missing

__all__ = ["Privileged"]

SECCOMP_FILTER = 2
SECCOMP_MODES = {0: "seccomp is off", 1: "seccomp is in strict mode"}
# Those the Pod Security Standards call safe: isolated in the container, without effect on its neighbours.
SAFE_SYSCTLS = frozenset(
    {"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports",
     "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range", "net.ipv4.tcp_fin_timeout",
     "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time",
     "net.ipv4.tcp_rmem", "net.ipv4.tcp_syncookies", "net.ipv4.tcp_wmem"}
)  # fmt: skip


def _option(container: Container, name: str) -> str:
    """The value of a security_opt, which engines write with ``=`` and used to write with ``:``."""
    for option in container.security_opt:
        key, sign, value = option.partition("=") if "=" in option else option.partition(":")
        if key == name:
            return value if sign else "true"
    return ""


def _without_seccomp(may: Privileges) -> str:
    return "" if may.seccomp == SECCOMP_FILTER else SECCOMP_MODES.get(may.seccomp, f"seccomp mode {may.seccomp}")


def _unsafe_sysctls(container: Container) -> str:
    found = [name for name in container.sysctls if name not in SAFE_SYSCTLS]
    return f"sets {', '.join(found)}" if found else ""


def _confinement(container: Container) -> Look:
    """What is wrong with the mandatory access control of a container, where its host has any."""
    # Docker itself disables the label of a container in the host's process or IPC namespace: that is told by another.
    asked = "host" not in (container.pid_mode, container.ipc_mode)
    for option, value, counts in (("apparmor", "unconfined", True), ("label", "disable", asked)):
        if counts and _option(container, option) == value:
            yield Finding(str(container), f"security_opt {option}={value}")
            return
    host, profile = container.host_confinement, container.apparmor or "none"
    if isinstance(host, Missing):
        if profile in ("none", "unconfined") and not container.selinux:
            yield host
        return
    if "apparmor" in host and profile in ("none", "unconfined"):
        yield Finding(str(container), f"AppArmor profile {profile}")
    if "selinux" in host and not container.selinux and asked:
        yield Finding(str(container), "SELinux label none")


@dataclass(frozen=True, slots=True)
class Privileged(Looking):
    """Privileges and what takes them away. What ``privileged`` switches off is told once, by ``privileged``."""

    @finds
    def privileged(self) -> Look:
        """Containers that the engine runs privileged."""
        return self.each(lambda container: "privileged" if container.privileged else "")

    @finds
    def new_privileges(self) -> Look:
        """Processes that may gain privileges by executing a setuid program or one with file capabilities."""
        return self.each_privileges(
            lambda may: "" if may.no_new_privs else "no_new_privs is 0",
            job=lambda job: "" if _option(job, "no-new-privileges") == "true" else "without no-new-privileges",
        )

    @finds
    def without_seccomp(self) -> Look:
        """Containers started without the engine's filter of system calls, and processes that no filter restricts."""
        for container in self.containers:
            if container.privileged:
                continue
            if _option(container, "seccomp") == "unconfined":
                yield Finding(str(container), "security_opt seccomp=unconfined")
        yield from self.each_privileges(_without_seccomp, privileged=False)

    @finds
    def unconfined(self) -> Look:
        """Containers outside the mandatory access control that their host has."""
        for container in self.containers:
            if not container.privileged:
                yield from _confinement(container)

    @finds
    def open_system_paths(self) -> Look:
        """Containers that see what an engine hides of /proc and /sys."""
        return self.each(
            lambda container: (
                "/proc and /sys are not masked" if container.system_paths_open and not container.privileged else ""
            )
        )

    @finds
    def unsafe_sysctls(self) -> Look:
        """Kernel parameters that are set and not known to stay inside the container."""
        return self.each(_unsafe_sysctls)

    @finds
    def host_devices(self) -> Look:
        """Devices of the host that a container was given."""
        return self.each(
            lambda container: ", ".join(f"device {device.path} ({device.permissions})" for device in container.devices)
        )
