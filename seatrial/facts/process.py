"""A process, as the kernel tells of it in /proc."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.words import Missing

__all__ = ["CAPABILITIES", "Privileges", "Process", "capability_names"]

# Bit numbers of include/uapi/linux/capability.h, which never change.
CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
    "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
    "CHECKPOINT_RESTORE",
)  # fmt: skip


def capability_names(mask: int) -> tuple[str, ...]:
    """The names of the capabilities in a mask of /proc/PID/status, without their ``CAP_``."""
    return tuple(
        CAPABILITIES[bit] if bit < len(CAPABILITIES) else f"{bit}"
        for bit in range(mask.bit_length())
        if mask >> bit & 1
    )


@dataclass(frozen=True, slots=True)
class Privileges:
    """What the kernel lets a process do, from /proc/PID/status and /proc/PID/limits."""

    cap_effective: int
    cap_permitted: int
    cap_bounding: int
    cap_ambient: int
    no_new_privs: bool
    seccomp: int
    """0 disabled, 1 strict, 2 filter."""
    nofile_soft: int | None = None
    """Open files; None when unlimited."""
    nofile_hard: int | None = None
    nproc_soft: int | None = None
    nproc_hard: int | None = None


@dataclass(frozen=True, slots=True)
class Process:
    """One process. Arguments and environment are left out: they may hold secrets."""

    pid: int
    """As the host numbers it."""
    name: str
    uid: int
    """Effective user id, as the kernel of the host sees it."""
    gid: int
    groups: tuple[int, ...] | Missing = ()
    """Supplementary groups."""
    started: int = 0
    """Start time in clock ticks since boot: with the pid, an identity."""
    ppid: int = 0
    user_namespace: bool = False
    """True when it runs in a user namespace of its own, where uid 0 is not the host's root."""
    privileges: Privileges | Missing = Missing("not read")
    exe: str = ""
    """Base name of the executable."""

    def __str__(self) -> str:
        return f"process {self.pid} ({self.name})"
