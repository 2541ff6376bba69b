"""Capabilities: which are harmless, which are the host's root by another name, and what an engine grants unasked."""

from __future__ import annotations

from collections.abc import Iterable

from seatrial.facts.process import CAPABILITIES

__all__ = ["ALLOWED", "DANGEROUS", "granted", "spelled"]

ALLOWED = frozenset({"NET_BIND_SERVICE"})
"""The one that the restricted Pod Security Standard lets a container have."""

DANGEROUS = frozenset(
    {"AUDIT_CONTROL", "BPF", "DAC_READ_SEARCH", "MAC_ADMIN", "MAC_OVERRIDE", "PERFMON", "SYSLOG", "SYS_ADMIN", "SYS_BOOT",
     "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYS_TIME"}
)  # fmt: skip
"""With these a process reads, writes or stops what belongs to the host, whatever its namespaces."""

DEFAULT = frozenset(
    {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP",
     "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
)  # fmt: skip
"""What Docker leaves in the bounding set when nothing else is said."""


def granted(add: Iterable[str], drop: Iterable[str]) -> frozenset[str]:
    """The bounding set that Docker makes of ``cap_add`` and ``cap_drop``."""
    added = {name.upper().removeprefix("CAP_") for name in add}
    dropped = {name.upper().removeprefix("CAP_") for name in drop}
    base = frozenset(CAPABILITIES) if "ALL" in added else frozenset() if "ALL" in dropped else DEFAULT
    return (base | (added - {"ALL"})) - (dropped - {"ALL"})


def spelled(names: Iterable[str]) -> str:
    """Names in the kernel's order, as one text."""
    known = {name: number for number, name in enumerate(CAPABILITIES)}
    return ", ".join(sorted(names, key=lambda name: (known.get(name, len(known)), name)))
