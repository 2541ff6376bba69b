"""What a process really sees at its paths, from /proc/PID/mountinfo, beside what the engine says it mounted."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from pathlib import Path

from seatrial.facts.container import Mount
from seatrial.words import Missing

__all__ = ["Seen", "effective", "read", "root_read_only", "uncovered"]

# What every engine puts into a container by itself.
_OWN = re.compile(r"/(proc|sys|dev)(/.*)?|/etc/(hosts|hostname|resolv\.conf)|/|/sbin/docker-init|/run/\.containerenv")


@dataclass(frozen=True, slots=True)
class Seen:
    """One line of mountinfo. Later lines hide earlier ones at the same place."""

    destination: str
    root: str
    type: str
    source: str
    writable: bool
    device: str = ""
    """Major and minor number of the file system."""


def read(pid: int, proc: Path = Path("/proc")) -> dict[str, Seen] | Missing:
    """Every mount of a process's namespace, by mount point."""
    try:
        text = (proc / f"{pid}/mountinfo").read_text("utf-8", errors="replace")
    except PermissionError:
        return Missing(f"/proc/{pid}/mountinfo can't be read", f"read /proc/{pid}/mountinfo")
    except OSError:
        return Missing(f"process {pid} ended while it was looked at")
    found = {}
    for line in text.splitlines():
        fields, _, rest = line.partition(" - ")
        parts, (kind, source, super_options) = fields.split(), rest.split()[:3]
        destination = _plain(parts[4])
        writable = "ro" not in parts[5].split(",") and "ro" not in super_options.split(",")
        found[destination] = Seen(destination, _plain(parts[3]), kind, _plain(source), writable, parts[2])
    return found


def _plain(path: str) -> str:
    """The kernel writes space, tab, newline and backslash as octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), path)


def root_read_only(seen: dict[str, Seen]) -> bool | Missing:
    """Whether nothing can be written at ``/``."""
    return not seen["/"].writable if "/" in seen else Missing("mountinfo has no line for /")


def on_host(real: Seen, asked: str, host: dict[str, Seen]) -> str:
    """Where the host has what a container has mounted; empty when none of the host's mounts shows it.

    A file system may be mounted in several places, a volume's own bind mount among them: the mount that shows most of it
    tells what it really is, and of several such the one that was asked for.
    """
    found: dict[str, int] = {}
    for mount in host.values():
        if mount.device == real.device and f"{real.root}/".startswith(f"{mount.root.rstrip('/')}/"):
            path = posixpath.join(mount.destination, posixpath.relpath(real.root, mount.root))
            found[posixpath.normpath(path)] = len(mount.root)
    whole = [path for path, length in found.items() if length == min(found.values())]
    return asked if asked in whole else min(whole, default="")


def effective(
    asked: tuple[Mount, ...], seen: dict[str, Seen], host: dict[str, Seen] | None = None
) -> tuple[Mount, ...]:
    """The mounts that are there, as the engine names them where it knows them, writable as the kernel has them."""
    found = []
    for mount in asked:
        real = seen.get(mount.destination)
        if real is not None:
            of_host = "" if mount.type == "tmpfs" else on_host(real, mount.source, host or {})
            found.append(replace(mount, writable=real.writable, real=of_host))
    known = {mount.destination for mount in found}
    for place, real in seen.items():
        if place not in known and not _OWN.fullmatch(place):
            found.append(Mount(place, real.root if real.type != "tmpfs" else "", real.type, real.writable))
    return tuple(found)


def uncovered(paths: tuple[str, ...], mounts: tuple[Mount, ...]) -> tuple[str, ...]:
    """The paths that lie on no mount, and so on the container's own layer."""
    places = [mount.destination.rstrip("/") for mount in mounts]
    return tuple(
        path for path in paths if not any(f"{posixpath.normpath(path)}/".startswith(f"{place}/") for place in places)
    )
