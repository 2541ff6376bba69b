"""What a kernel tells of its processors, its memory, its clock, and of what it runs on. Roots can be set by tests."""

from __future__ import annotations

import ctypes
import os
import re
from pathlib import Path

from seatrial.facts.machine import Clock, Memory
from seatrial.words import Missing

__all__ = [
    "PROC",
    "SYS",
    "arch",
    "clock",
    "cpu_list",
    "memory",
    "model",
    "online",
    "possible",
    "release",
    "virtualisation",
]

PROC, SYS = Path("/proc"), Path("/sys")
ARCHITECTURES = {
    "x86_64": "amd64", "i386": "386", "i686": "386", "aarch64": "arm64", "arm64": "arm64", "armv8l": "arm",
    "armv7l": "arm", "armv6l": "arm", "arm": "arm", "riscv64": "riscv64", "ppc64le": "ppc64le", "s390x": "s390x",
}  # fmt: skip
"""What kernels call themselves, in OCI's words."""
PER_LINUX32 = 0x08
OF_32 = {"386": "amd64", "arm": "arm64"}
FAMILY = {"386": "x86", "amd64": "x86", "arm": "arm", "arm64": "arm"}
VIRTUAL_BOARDS = re.compile(
    r"QEMU|KVM|VMware|VirtualBox|innotek|Virtual Machine|Xen|Amazon EC2|Google Compute|Parallels|Bochs|OpenStack|dummy-virt"
)
STA_UNSYNC, TIME_ERROR = 0x40, 5


def text(file: Path, most: int = 1 << 20) -> str:
    """The content of a small file; empty when it can't be read."""
    try:
        with file.open("rb") as opened:
            return opened.read(most).decode("utf-8", "replace").replace("\0", " ").strip()
    except OSError:
        return ""


def release(proc: Path = PROC) -> str | Missing:
    """Its name and release."""
    told = " ".join(filter(None, (text(proc / "sys/kernel/ostype"), text(proc / "sys/kernel/osrelease"))))
    return told or Missing("the kernel's release can't be read")


def _personality() -> int:
    """The execution domain of this process, which changes what uname says (setarch, linux32)."""
    try:
        return int(ctypes.CDLL(None).personality(0xFFFFFFFF)) & 0xFF
    except (AttributeError, OSError):
        return 0


def arch(proc: Path = PROC, machine: str = "", personality: int | None = None) -> str | Missing:
    """The architecture of the kernel, whatever this process is told by an emulator or by its personality.

    Args:
        proc: root of /proc.
        machine: what uname says; asked for when empty.
        personality: of this process; asked for when None.
    """
    if own := text(proc / "sys/kernel/arch"):  # since Linux 6.1; no personality and no emulator changes it
        return ARCHITECTURES.get(own, own)
    said = machine or os.uname().machine
    found = ARCHITECTURES.get(said, said)
    if (_personality() if personality is None else personality) == PER_LINUX32:
        found = OF_32.get(found, found)
    form = _form(text(proc / "cpuinfo"))
    if form and FAMILY.get(form, form) != FAMILY.get(found, found):
        return form  # uname is answered by an emulator that we run in ourselves
    return found or Missing("neither /proc/sys/kernel/arch nor uname tells the architecture")


def _form(cpuinfo: str) -> str:
    """The architecture whose kernel writes /proc/cpuinfo in this form; empty when no form is known."""
    keys = {line.partition(":")[0].strip(): line.partition(":")[2].strip() for line in cpuinfo.splitlines()}
    if keys.get("vendor_id", "").startswith("IBM/S390"):
        return "s390x"
    if "flags" in keys and "vendor_id" in keys:
        return "amd64" if "lm" in keys["flags"].split() else "386"
    if "CPU implementer" in keys:
        return "arm64" if keys.get("CPU architecture") in ("8", "AArch64") else "arm"
    if keys.get("isa", "").startswith("rv64"):
        return "riscv64"
    return "ppc64le" if keys.get("cpu", "").startswith("POWER") else ""


def cpu_list(told: str) -> tuple[int, ...]:
    """The numbers of ``0-3,8``."""
    found: list[int] = []
    for part in filter(None, told.strip().split(",")):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return tuple(found)


def _cpus(name: str, sys: Path) -> tuple[int, ...]:
    try:
        return cpu_list(text(sys / "devices/system/cpu" / name))
    except ValueError:
        return ()


def online(sys: Path = SYS) -> tuple[int, ...]:
    """The processors that are online; none when that is not told."""
    return _cpus("online", sys)


def possible(sys: Path = SYS) -> int | Missing:
    """How many could be online."""
    return len(_cpus("possible", sys)) or Missing("/sys/devices/system/cpu/possible can't be read")


def model(proc: Path = PROC) -> str | Missing:
    """The processor's name; where the kernel tells only its number (arm), the machine's, or that number."""
    told = text(proc / "cpuinfo")
    for key in ("model name", "cpu model", "uarch", "cpu"):
        if found := re.search(rf"^{key}\s*:\s*(.+)$", told, re.MULTILINE):
            return " ".join(found[1].split())
    if board := text(proc / "device-tree/model"):
        return board
    numbers = [re.search(rf"^{key}\s*:\s*(\S+)$", told, re.MULTILINE) for key in ("CPU implementer", "CPU part")]
    if all(numbers):
        return "implementer {}, part {}".format(*(found[1] for found in numbers if found))
    return Missing("/proc/cpuinfo does not name the processor")


def memory(proc: Path = PROC, sys: Path = SYS) -> Memory | Missing:
    """Main memory as the kernel manages it, and as much as is installed, where memory is in blocks that can be counted."""
    sizes = {key: int(kib) * 1024 for key, kib in re.findall(r"^(\w+):\s+(\d+) kB$", text(proc / "meminfo"), re.M)}
    if "MemTotal" not in sizes:
        return Missing("/proc/meminfo can't be read")
    untold = Missing("the kernel does not tell")
    return Memory(
        total=sizes["MemTotal"],
        installed=_installed(sizes["MemTotal"], sys),
        available=sizes.get("MemAvailable", untold),
        swap=sizes.get("SwapTotal", untold),
    )


def _installed(total: int, sys: Path) -> int | Missing:
    folder = sys / "devices/system/memory"
    try:
        block = int(text(folder / "block_size_bytes"), 16)
        blocks = sum(text(one / "state") == "online" for one in folder.glob("memory[0-9]*"))
    except ValueError:
        return Missing("/sys/devices/system/memory can't be read")
    found = block * blocks
    # A container whose /proc/meminfo is its own sees the blocks of a machine that it has a part of.
    return found if total <= found <= total * 10 // 9 else Missing("memory blocks and /proc/meminfo do not agree")


class _Timex(ctypes.Structure):
    """The head of struct timex; the rest is room for it."""

    _fields_ = [
        ("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long), ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long), ("status", ctypes.c_int), ("room", ctypes.c_long * 48),
    ]  # fmt: skip


def clock() -> Clock | Missing:
    """Whether the kernel takes its clock for synchronised. With no mode set, adjtimex only reads."""
    asked = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(asked))
    except (AttributeError, OSError):
        return Missing("this system has no adjtimex, so that the kernel can't be asked for its clock")
    if state < 0:
        return Missing(
            f"adjtimex: {os.strerror(ctypes.get_errno())}", "adjtimex without a mode (seccomp may refuse it)"
        )
    kept = state != TIME_ERROR and not asked.status & STA_UNSYNC
    return Clock(kept, asked.esterror / 1e6, asked.maxerror / 1e6)


def virtualisation(proc: Path = PROC, sys: Path = SYS) -> str:
    """What tells of a virtual machine; empty when nothing does."""
    told = []
    if re.search(r"^flags\s*:.*\bhypervisor\b", text(proc / "cpuinfo"), re.MULTILINE):
        told.append("processor flag hypervisor")
    if kind := text(sys / "hypervisor/type"):
        told.append(kind)
    if clock := {"kvm-clock": "kvm", "hyperv_clocksource_tsc_page": "Hyper-V", "xen": "Xen"}.get(
        text(sys / "devices/system/clocksource/clocksource0/current_clocksource")
    ):
        told.append(f"clock of {clock}")
    names = (text(sys / "class/dmi/id" / name) for name in ("sys_vendor", "product_name"))
    board = " ".join(filter(None, names)) or text(proc / "device-tree/compatible")
    if board and (told or VIRTUAL_BOARDS.search(board)):
        told.append(board)
    if system := emulated_system(proc):
        told.append(system)
    return ", ".join(told)


def emulated_system(proc: Path = PROC) -> str:
    """The emulator that the whole machine runs in, where its processor says so; acceleration names another processor."""
    named = model(proc)
    return "QEMU TCG" if isinstance(named, str) and named.startswith("QEMU TCG CPU") else ""
