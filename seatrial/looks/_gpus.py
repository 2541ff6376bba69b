"""Accelerators: what the PCI bus and the graphics drivers show in /sys, and NVIDIA's own library for their memory."""

from __future__ import annotations

import ctypes
from pathlib import Path

from seatrial.facts.machine import Gpu
from seatrial.looks._disks import bounded
from seatrial.looks._kernel import text
from seatrial.words import Missing

__all__ = ["gpus"]

PROC, SYS = Path("/proc"), Path("/sys")
CLASSES = ("0x0300", "0x0302", "0x0380", "0x1200")
"""VGA, 3D and other display controllers, processing accelerators."""
MAKERS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}
"""Others' display controllers (virtual ones, those of remote consoles) compute nothing."""
MEMORY = ("device/mem_info_vram_total", "lmem_total_bytes", "device/tile0/physical_vram_size_bytes")
LIBRARY = "libnvidia-ml.so.1"


def gpus(proc: Path = PROC, sys: Path = SYS, library: str = LIBRARY) -> tuple[Gpu, ...] | Missing:
    """Every accelerator; none is an observation too, where /sys can be read."""
    if not (sys / "devices").is_dir():
        return Missing("/sys can't be read", "read /sys")
    found: list[Gpu] = []
    nvidia: list[str] = []
    for device in sorted((sys / "bus/pci/devices").glob("*")):
        maker = MAKERS.get(text(device / "vendor"))
        if maker is None or not text(device / "class").startswith(CLASSES):
            continue
        name = f"{maker} {text(device / 'product_name') or text(device / 'device')} at {device.name}"
        if maker == "NVIDIA":
            nvidia.append(name)
        else:
            found.append(Gpu(name, _own(device, name)))
    if nvidia or (proc / "driver/nvidia/gpus").is_dir():
        found += _nvidia(nvidia, library)
    elif "nvidia,tegra" in text(proc / "device-tree/compatible"):
        found.append(Gpu("NVIDIA Tegra", Missing("a Tegra shares main memory, and has none of its own")))
    return tuple(found)


def _own(device: Path, name: str) -> int | Missing:
    """The memory that a card's driver tells of."""
    for card in sorted((device / "drm").glob("card*")):
        for file in MEMORY:
            told = text(card / file) or text(device / file.removeprefix("device/"))
            if told.isdecimal():
                return int(told)
    return Missing(f"no driver tells the memory of {name}")


class _Memory(ctypes.Structure):
    _fields_ = [("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong)]


def _nvidia(names: list[str], library: str) -> list[Gpu]:
    """What NVIDIA's management library tells; without it, the cards that the bus shows."""
    told = bounded(lambda: _ask(library), library)
    if isinstance(told, Missing):
        why = Missing(f"NVIDIA's management library does not tell its memory: {told.reason}", told.right)
        return [Gpu(name, why) for name in names or ["NVIDIA"]]
    return told


def _ask(library: str) -> list[Gpu]:
    nvml = ctypes.CDLL(library)  # raises OSError where there is none

    def call(name: str, *arguments: object) -> None:
        try:
            code = getattr(nvml, name)(*arguments)
        except AttributeError:
            raise OSError(0, f"has no {name}") from None
        if code:
            raise OSError(0, f"{name} gave error {code}")

    call("nvmlInit_v2")
    try:
        count = ctypes.c_uint()
        call("nvmlDeviceGetCount_v2", ctypes.byref(count))
        found = []
        for index in range(min(count.value, 64)):
            device, name, memory = ctypes.c_void_p(), ctypes.create_string_buffer(96), _Memory()
            call("nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(index), ctypes.byref(device))
            call("nvmlDeviceGetName", device, name, ctypes.c_uint(len(name)))
            call("nvmlDeviceGetMemoryInfo", device, ctypes.byref(memory))
            found.append(Gpu(name.value.decode("utf-8", "replace"), int(memory.total)))
        return found
    finally:
        call("nvmlShutdown")
