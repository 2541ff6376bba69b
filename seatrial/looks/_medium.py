"""What a file system lies on: through overlay, loop, device mapper and RAID down to the drive.

A virtual drive's rotational flag says what its maker set, not what lies behind it: that is *could not look*, never a guess.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from seatrial.words import Missing

__all__ = ["Mounted", "medium", "mounted"]

MEMORY = ("tmpfs", "ramfs", "devtmpfs", "hugetlbfs")
ELSEWHERE = ("nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "9p", "virtiofs", "lustre", "gpfs", "fuse", "afs")
HIDDEN = re.compile(
    r"QEMU|VMware|VBOX|Virtual|Msft|Google|PersistentDisk|nvme_card-pd|Elastic Block Store|PERC|MegaRAID|LOGICAL VOLUME"
    r"|AVAGO|LSI|Adaptec|BlockVolume|Cloud|Linode",
    re.IGNORECASE,
)
"""Models behind which a host, a cloud or a controller keeps the real drives to itself."""
SLOWEST = ("hdd", "ssd", "nvme", "memory")
DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Mounted:
    """One line of mountinfo."""

    place: str
    kind: str
    source: str
    device: str
    """Major and minor number."""
    options: tuple[str, ...] = ()


def _plain(path: str) -> str:
    """The kernel writes space, tab, newline and backslash as octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), path)


def mounted(path: str, mountinfo: Path) -> Mounted | Missing:
    """The mount that a path without symbolic links lies on."""
    try:
        lines = mountinfo.read_text("utf-8", errors="replace").splitlines()
    except OSError as why:
        return Missing(f"{mountinfo} can't be read: {why.strerror}", f"read {mountinfo}")
    found: Mounted | None = None
    for line in lines:  # a later line at the same place hides an earlier one
        fields, _, rest = line.partition(" - ")
        parts, (kind, source, *options) = fields.split(), rest.split()
        place = _plain(parts[4])
        if f"{path.rstrip('/')}/".startswith(f"{place.rstrip('/')}/") and (
            found is None or len(place) >= len(found.place)
        ):
            found = Mounted(place, kind, _plain(source), parts[2], tuple(options[0].split(",")) if options else ())
    return found or Missing(f"{mountinfo} has no mount for {path}")


def medium(at: Mounted, *, host: str, proc: Path, sys: Path, depth: int = 0) -> str | Missing:
    """What a mount lies on: nvme, ssd, hdd or memory.

    Args:
        at: the mount.
        host: where the machine's own file systems are seen from here.
        proc: root of /proc.
        sys: root of /sys.
        depth: how many file systems lie above it.
    """
    if at.kind in MEMORY:
        return "memory"
    if at.kind.partition(".")[0] in ELSEWHERE:
        return Missing(f"{at.place} is of type {at.kind}: what it lies on, only its server knows")
    if depth > DEEPEST:
        return Missing(f"{at.place} lies on too many things to follow")
    if at.kind == "overlay":
        layers = dict(option.partition("=")[::2] for option in at.options)
        upper = _plain(layers.get("upperdir") or layers.get("lowerdir", "").split(":")[0])
        return _below(upper, host, proc, sys, depth)
    node = sys / "dev/block" / at.device
    if not node.exists() and at.source.startswith("/dev/"):  # btrfs and others number their file systems themselves
        try:
            number = os.stat(f"{host}{at.source}").st_rdev
        except OSError as why:
            return Missing(f"{at.source}: {why.strerror}")
        node = sys / "dev/block" / f"{os.major(number)}:{os.minor(number)}"
    if not node.exists():
        return Missing(f"{at.place} lies on {at.source}, which is no block device that /sys shows")
    return _drive(Path(os.path.realpath(node)), host, proc, sys, depth)


def _below(path: str, host: str, proc: Path, sys: Path, depth: int) -> str | Missing:
    """What a path of the machine lies on, of which a loop device or an overlay is made."""
    if not path.startswith("/"):
        return Missing("what an overlay or a loop device is made of can't be seen from here", "root on the machine")
    mine = mounted(os.path.realpath(path) if not host else path, proc / ("1" if host else "self") / "mountinfo")
    return mine if isinstance(mine, Missing) else medium(mine, host=host, proc=proc, sys=sys, depth=depth + 1)


def _drive(node: Path, host: str, proc: Path, sys: Path, depth: int) -> str | Missing:
    """What a block device is, by its folder below /sys/devices."""
    if (node / "partition").exists():
        node = node.parent
    name = node.name
    if depth > DEEPEST:
        return Missing(f"{name} is made of too many devices to follow")
    if parts := sorted((node / "slaves").glob("*")):
        found = [_drive(Path(os.path.realpath(part)), host, proc, sys, depth + 1) for part in parts]
        unknown = [each for each in found if isinstance(each, Missing)]
        return unknown[0] if unknown else min((each for each in found if isinstance(each, str)), key=SLOWEST.index)
    if (node / "loop").is_dir():
        return _below(_read(node / "loop/backing_file").removesuffix(" (deleted)"), host, proc, sys, depth)
    if name.startswith(("zram", "ram", "pmem")):
        return "memory"
    made = " ".join(
        told for file in ("vendor", "model") if (told := _read(node / "device" / file)) and not told.startswith("0x")
    )
    if re.match(r"(vd|xvd|nbd|rbd|drbd|ubd|dasd)", name) or HIDDEN.search(made):
        return Missing(
            f"{name} is a virtual drive{f' ({made})' if made else ''}: what it lies on, only its host knows; "
            "its rotational flag says nothing"
        )
    if name.startswith("nvme"):
        return "nvme"
    rotational = _read(node / "queue/rotational")
    if rotational == "1" and "/usb" in str(node):
        return Missing(f"{name} is behind USB, where flash memory often says that it turns")
    return {"0": "ssd", "1": "hdd"}.get(rotational, Missing(f"{name} does not tell whether it turns"))


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8", errors="replace").strip()
    except OSError:
        return ""
