"""What kernels, file systems, drives, cards and control groups tell, from trees as real machines have them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from seatrial import writers
from seatrial.facts.container import Cgroup, Container
from seatrial.facts.machine import Clock, Disk, Emulated, Gpu, Limit, Machine, Memory
from seatrial.facts.process import Process
from seatrial.facts.runtime import Engine, Runtime, ServiceProcesses
from seatrial.looks import _disks, _gpus, _kernel, _limits, _medium
from seatrial.words import Missing
from seatrial.writers import conformance
from tests.unit.records import RECORD

X86 = "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD  EPYC 7B13\nflags\t\t: fpu lm hypervisor\n"
X86_32 = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Pentium III\nflags\t\t: fpu vme\n"
ARM64 = "processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd0c\n"
ARM = "processor\t: 0\nmodel name\t: ARMv7 Processor rev 4 (v7l)\nCPU implementer\t: 0x41\nCPU architecture: 7\nCPU part\t: 0xc07\n"
RISCV = "processor\t: 0\nhart\t: 1\nisa\t\t: rv64imafdc\nuarch\t\t: sifive,u74-mc\n"
POWER = "processor\t: 0\ncpu\t\t: POWER9 (architected), altivec supported\n"
S390 = "vendor_id       : IBM/S390\n# processors    : 4\n"


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
    return root


# --- the kernel


@pytest.mark.parametrize(
    ("machine", "cpuinfo", "personality", "arch"),
    [
        ("x86_64", X86, 0, "amd64"),
        ("aarch64", ARM64, 0, "arm64"),
        ("armv7l", ARM, 0, "arm"),
        ("armv7l", ARM64, 0, "arm"),  # a 32-bit kernel on a 64-bit processor
        ("i686", X86, 0, "386"),
        ("i686", X86_32, 0, "386"),
        ("riscv64", RISCV, 0, "riscv64"),
        ("ppc64le", POWER, 0, "ppc64le"),
        ("s390x", S390, 0, "s390x"),
        ("i686", X86, 8, "amd64"),  # setarch linux32
        ("armv8l", ARM64, 8, "arm64"),
        ("aarch64", X86, 0, "amd64"),  # we run in qemu-aarch64 ourselves
        ("x86_64", ARM64, 0, "arm64"),
        ("riscv64", ARM64, 0, "arm64"),
        ("loongarch64", "", 0, "loongarch64"),
    ],
)
def test_the_architecture_is_the_kernels(
    machine: str, cpuinfo: str, personality: int, arch: str, tmp_path: Path
) -> None:
    assert _kernel.arch(tree(tmp_path, {"cpuinfo": cpuinfo}), machine, personality) == arch


def test_what_the_kernel_says_of_itself_counts_before_uname(tmp_path: Path) -> None:
    proc = tree(tmp_path, {"sys/kernel/arch": "x86_64\n", "cpuinfo": X86})
    assert _kernel.arch(proc, "aarch64", 0) == "amd64"


@pytest.mark.skipif(os.uname().machine != "x86_64" or not shutil.which("setarch"), reason="x86 alone")
def test_a_personality_does_not_hide_the_kernel() -> None:
    code = (
        "import os; from pathlib import Path; from seatrial.looks import _kernel as k; "
        "no = Path('/nowhere'); print(os.uname().machine, k.arch(), k.arch(no))"
    )
    command = ["setarch", "linux32", sys.executable, "-c", code]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told.split() == ["i686", "amd64", "amd64"]


@pytest.mark.parametrize(
    ("cpuinfo", "name"),
    [
        (X86, "AMD EPYC 7B13"),
        (ARM64, "implementer 0x41, part 0xd0c"),
        (RISCV, "sifive,u74-mc"),
        (POWER, "POWER9 (architected), altivec supported"),
    ],
)
def test_the_processor_is_named(cpuinfo: str, name: str, tmp_path: Path) -> None:
    assert _kernel.model(tree(tmp_path, {"cpuinfo": cpuinfo})) == name


def test_a_board_names_what_the_processor_does_not(tmp_path: Path) -> None:
    proc = tree(tmp_path, {"cpuinfo": ARM64, "device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0"})
    assert _kernel.model(proc) == "Raspberry Pi 4 Model B Rev 1.4"


def test_lists_of_processors() -> None:
    assert _kernel.cpu_list("0-3,8,10-11\n") == (0, 1, 2, 3, 8, 10, 11)
    assert _kernel.cpu_list("\n") == ()


def test_offline_processors_are_possible_only(tmp_path: Path) -> None:
    sys = tree(tmp_path, {"devices/system/cpu/online": "0,2-3\n", "devices/system/cpu/possible": "0-7\n"})
    assert (len(_kernel.online(sys)), _kernel.possible(sys)) == (3, 8)
    assert isinstance(_kernel.possible(tmp_path / "none"), Missing)


MEMINFO = "MemTotal:        7755184 kB\nMemFree:  1 kB\nMemAvailable:    6291456 kB\nSwapTotal:             0 kB\n"


def blocks(online: int, offline: int = 0) -> dict[str, str]:
    states = ["online"] * online + ["offline"] * offline
    return {
        "devices/system/memory/block_size_bytes": "8000000\n",
        **{f"devices/system/memory/memory{n}/state": f"{state}\n" for n, state in enumerate(states)},
    }


@pytest.mark.parametrize(
    ("sys", "installed"),
    [
        (blocks(64), 8 << 30),
        (blocks(64, offline=64), 8 << 30),
        ({}, None),
        (blocks(512), None),  # a container whose meminfo is its own, on a machine of 64 GiB
        (blocks(8), None),
    ],
)
def test_installed_memory_is_what_its_blocks_add_up_to(
    sys: dict[str, str], installed: int | None, tmp_path: Path
) -> None:
    proc = tree(tmp_path / "proc", {"meminfo": MEMINFO})
    found = _kernel.memory(proc, tree(tmp_path / "sys", sys))
    assert isinstance(found, Memory)
    assert (found.total, found.available, found.swap) == (7755184 << 10, 6 << 30, 0)
    assert found.installed == installed if installed else isinstance(found.installed, Missing)


def test_without_meminfo_nothing_is_told(tmp_path: Path) -> None:
    assert isinstance(_kernel.memory(tmp_path, tmp_path), Missing)


def test_the_clock_of_this_kernel() -> None:
    found = _kernel.clock()
    assert isinstance(found, Clock)
    timedatectl = shutil.which("adjtimex")
    if timedatectl:
        told = subprocess.run([timedatectl, "--print"], capture_output=True, text=True, check=True).stdout
        status = int(next(line.split()[-1] for line in told.splitlines() if line.strip().startswith("status")))
        assert found.synchronised is not bool(status & 0x40)


@pytest.mark.parametrize(
    ("proc", "sys", "told"),
    [
        ({"cpuinfo": X86.replace(" hypervisor", "")}, {}, ""),
        ({"cpuinfo": X86}, {"class/dmi/id/sys_vendor": "QEMU\n", "class/dmi/id/product_name": "Standard PC\n"}, "QEMU"),
        ({"cpuinfo": X86.replace(" hypervisor", "")}, {"class/dmi/id/sys_vendor": "Dell Inc.\n"}, ""),
        ({"cpuinfo": ARM64, "device-tree/compatible": "linux,dummy-virt\0"}, {}, "linux,dummy-virt"),
        ({"cpuinfo": X86}, {"devices/system/clocksource/clocksource0/current_clocksource": "kvm-clock\n"}, "kvm"),
        ({"cpuinfo": X86}, {"hypervisor/type": "xen\n"}, "xen"),
        ({"cpuinfo": X86.replace("AMD  EPYC 7B13", "QEMU TCG CPU version 2.5+")}, {}, "QEMU TCG"),
    ],
)
def test_signs_of_a_virtual_machine(proc: dict[str, str], sys: dict[str, str], told: str, tmp_path: Path) -> None:
    found = _kernel.virtualisation(tree(tmp_path / "proc", proc), tree(tmp_path / "sys", sys))
    assert told in found
    assert bool(found) is bool(told)


# --- disks


def test_a_path_is_followed_inside_its_root(tmp_path: Path) -> None:
    (tmp_path / "mnt/real").mkdir(parents=True)
    (tmp_path / "data").symlink_to("/mnt/real")
    (tmp_path / "mnt/up").symlink_to("../../../mnt/./real")
    (tmp_path / "loop").symlink_to("/loop")
    assert _disks.inside(str(tmp_path), "/data") == "/mnt/real"
    assert _disks.inside(str(tmp_path), "/mnt/up/../real/") == "/mnt/real"
    assert _disks.inside("", str(tmp_path / "mnt/../mnt/real")) == str(tmp_path / "mnt/real")
    with pytest.raises(OSError, match="circle"):
        _disks.inside(str(tmp_path), "/loop")
    with pytest.raises(FileNotFoundError):
        _disks.inside(str(tmp_path), "/data/none")


def test_a_disk_of_this_machine(tmp_path: Path) -> None:
    found = _disks.disk(str(tmp_path), spelled="{env: DATA}", where=str(tmp_path))
    told = os.statvfs(tmp_path)
    assert (found.path, found.size, found.kind) == ("{env: DATA}", told.f_blocks * told.f_frsize, found.kind or "?")
    assert isinstance(found.free, int)
    assert 0 <= found.free <= told.f_bfree * told.f_frsize


@pytest.mark.parametrize(
    ("path", "why"), [("/no/such/path", "name its `service`"), ("relative", "is no absolute path")]
)
def test_a_path_that_is_none_is_told(path: str, why: str) -> None:
    found = _disks.disk(path, spelled=path, where=path)
    assert isinstance(found.size, Missing)
    assert why in found.size.reason
    assert found.size == found.free == found.free_inodes == found.medium


def test_a_file_system_that_never_answers_costs_its_time_and_no_more() -> None:
    stuck = threading.Event()
    began = time.monotonic()
    found = _disks.bounded(stuck.wait, "/mnt/nfs", within=0.2)
    stuck.set()
    assert found == Missing("/mnt/nfs did not answer within 0.2 s")
    assert time.monotonic() - began < 2


MOUNTINFO = """\
27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 27 0:40 / /tmp rw - tmpfs tmpfs rw,size=4096k
41 27 259:2 /deep /var/lib/my\\040data rw master:2 - xfs /dev/nvme0n1p2 rw
42 27 253:0 / /srv rw - ext4 /dev/mapper/vg-srv rw
43 27 0:50 / /backup rw - nfs4 files.example:/b rw
44 27 0:51 / /pool rw - btrfs /dev/sdb rw,subvol=/
45 27 0:52 / /merged rw - overlay overlay rw,lowerdir=/srv/lower,upperdir=/srv/upper,workdir=/srv/work
46 27 7:0 / /looped rw - ext4 /dev/loop0 rw
47 27 9:127 / /raid rw - ext4 /dev/md127 rw
48 27 254:0 / /cloud rw - ext4 /dev/vda rw
49 27 8:32 / /usb rw - vfat /dev/sdc rw
50 27 259:5 / /ebs rw - xfs /dev/nvme1n1 rw
51 27 0:60 / /tank rw - zfs tank/data rw
52 27 0:61 / /sshfs rw - fuse.sshfs box:/ rw
53 27 8:48 / /perc rw - ext4 /dev/sdd rw
54 27 8:64 / /hdd rw - ext4 /dev/sde rw
55 54 0:70 / /hdd rw - tmpfs tmpfs rw
"""


def drives(root: Path) -> Path:
    """/sys of a machine with one of each."""
    pci = "devices/pci0000:00"
    plain = {
        f"{pci}/ata1/block/sda/queue/rotational": "0\n",
        f"{pci}/ata1/block/sda/device/vendor": "ATA     \n",
        f"{pci}/ata1/block/sda/device/model": "Samsung SSD 870 \n",
        f"{pci}/ata1/block/sda/sda1/partition": "1\n",
        f"{pci}/nvme/nvme0/nvme0n1/device/model": "SAMSUNG MZVL2512\n",
        f"{pci}/nvme/nvme0/nvme0n1/nvme0n1p2/partition": "2\n",
        f"{pci}/nvme/nvme1/nvme1n1/device/model": "Amazon Elastic Block Store\n",
        f"{pci}/ata2/block/sdb/queue/rotational": "1\n",
        f"{pci}/usb1/1-1/block/sdc/queue/rotational": "1\n",
        f"{pci}/scsi/block/sdd/queue/rotational": "1\n",
        f"{pci}/scsi/block/sdd/device/vendor": "DELL\n",
        f"{pci}/scsi/block/sdd/device/model": "PERC H740P Mini\n",
        f"{pci}/ata3/block/sde/queue/rotational": "1\n",
        f"{pci}/virtio1/block/vda/queue/rotational": "1\n",
        "devices/virtual/block/dm-0/queue/rotational": "0\n",
        "devices/virtual/block/dm-1/queue/rotational": "0\n",
        "devices/virtual/block/md127/queue/rotational": "0\n",
        "devices/virtual/block/loop0/loop/backing_file": "/srv/image (deleted)\n",
    }
    tree(root, plain)

    def slave(of: str, what: str) -> None:
        place = root / f"devices/virtual/block/{of}/slaves"
        place.mkdir(parents=True, exist_ok=True)
        (place / Path(what).name).symlink_to(root / what)

    slave("dm-0", "devices/virtual/block/dm-1")
    slave("dm-1", f"{pci}/nvme/nvme0/nvme0n1/nvme0n1p2")
    slave("md127", f"{pci}/ata1/block/sda/sda1")
    slave("md127", f"{pci}/ata2/block/sdb")
    numbers = {
        "8:1": f"{pci}/ata1/block/sda/sda1", "259:2": f"{pci}/nvme/nvme0/nvme0n1/nvme0n1p2",
        "253:0": "devices/virtual/block/dm-0", "7:0": "devices/virtual/block/loop0",
        "9:127": "devices/virtual/block/md127", "254:0": f"{pci}/virtio1/block/vda", "8:32": f"{pci}/usb1/1-1/block/sdc",
        "259:5": f"{pci}/nvme/nvme1/nvme1n1", "8:48": f"{pci}/scsi/block/sdd", "8:64": f"{pci}/ata3/block/sde",
    }  # fmt: skip
    (root / "dev/block").mkdir(parents=True)
    for number, place in numbers.items():
        (root / "dev/block" / number).symlink_to(root / place)
    return root


@pytest.mark.parametrize(
    ("path", "medium"),
    [
        ("/etc", "ssd"),
        ("/", "ssd"),
        ("/var/lib/my data/x", "nvme"),
        ("/srv/akidb", "nvme"),  # through two layers of device mapper
        ("/raid", "hdd"),  # as slow as its slowest
        ("/merged/x", "nvme"),
        ("/looped", "nvme"),
        ("/tmp/x", "memory"),
        ("/hdd", "memory"),  # the later mount hides the earlier
        ("/cloud", Missing("virtual drive")),
        ("/ebs", Missing("virtual drive")),
        ("/perc", Missing("virtual drive")),
        ("/usb", Missing("behind USB")),
        ("/backup", Missing("only its server knows")),
        ("/sshfs", Missing("only its server knows")),
        ("/tank", Missing("no block device")),
    ],
)
def test_what_a_path_lies_on(path: str, medium: str | Missing, tmp_path: Path) -> None:
    proc = tree(tmp_path / "proc", {"self/mountinfo": MOUNTINFO, "1/mountinfo": MOUNTINFO})
    at = _medium.mounted(path, proc / "self/mountinfo")
    assert isinstance(at, _medium.Mounted)
    found = _medium.medium(at, host="", proc=proc, sys=drives(tmp_path / "sys"))
    if isinstance(medium, Missing):
        assert isinstance(found, Missing)
        assert medium.reason in found.reason
    else:
        assert found == medium


def test_names_that_only_begin_alike_are_other_places(tmp_path: Path) -> None:
    proc = tree(tmp_path, {"self/mountinfo": MOUNTINFO})
    assert getattr(_medium.mounted("/srv2", proc / "self/mountinfo"), "place", "") == "/"
    assert isinstance(_medium.mounted("/", tmp_path / "none"), Missing)


# --- accelerators


def card(address: str, vendor: str, kind: str = "0x030000", **more: str) -> dict[str, str]:
    at = f"bus/pci/devices/{address}"
    return {f"{at}/vendor": f"{vendor}\n", f"{at}/class": f"{kind}\n", f"{at}/device": "0x687f\n"} | {
        f"{at}/{name}": text for name, text in more.items()
    }


def machine_with(root: Path, *cards: dict[str, str]) -> Path:
    (root / "devices").mkdir(parents=True)
    return tree(root, {name: text for each in cards for name, text in each.items()})


def test_no_accelerator_is_an_observation_and_no_sysfs_is_none(tmp_path: Path) -> None:
    screen = card("0000:00:02.0", "0x1234")
    console = card("0000:00:03.0", "0x1a03")
    network = card("0000:00:04.0", "0x10de", "0x020000")
    assert _gpus.gpus(tmp_path, machine_with(tmp_path / "sys", screen, console, network)) == ()
    assert isinstance(_gpus.gpus(tmp_path, tmp_path / "none"), Missing)


def test_amds_driver_tells_its_memory_and_a_card_without_driver_tells_none(tmp_path: Path) -> None:
    told = card("0000:03:00.0", "0x1002", **{"drm/card0/dev": "226:0\n", "mem_info_vram_total": f"{16 << 30}\n"})
    dark = card("0000:04:00.0", "0x1002", "0x038000")
    found = _gpus.gpus(tmp_path, machine_with(tmp_path / "sys", told, dark))
    assert isinstance(found, tuple)
    assert found[0] == Gpu("AMD 0x687f at 0000:03:00.0", 16 << 30)
    assert isinstance(found[1].memory, Missing)


def test_intels_driver_tells_its_memory(tmp_path: Path) -> None:
    arc = card("0000:03:00.0", "0x8086", **{"drm/card1/lmem_total_bytes": f"{8 << 30}\n"})
    found = _gpus.gpus(tmp_path, machine_with(tmp_path / "sys", arc))
    assert found == (Gpu("Intel 0x687f at 0000:03:00.0", 8 << 30),)


def test_nvidia_without_its_library_is_there_and_its_memory_unknown(tmp_path: Path) -> None:
    sys = machine_with(tmp_path / "sys", card("0000:01:00.0", "0x10de", "0x030200"))
    found = _gpus.gpus(tmp_path, sys, "libnvidia-ml-that-is-not-here.so.1")
    assert isinstance(found, tuple)
    assert isinstance(found[0].memory, Missing)
    assert "management library" in found[0].memory.reason


NVML = """\
#include <string.h>
typedef struct { unsigned long long total, free, used; } memory;
static int cards[2] = {1, 2};
int nvmlInit_v2(void) { return INIT; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *n) { *n = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **d) { *d = &cards[i]; return 0; }
int nvmlDeviceGetName(void *d, char *name, unsigned n) { strncpy(name, "NVIDIA L4", n); return 0; }
int nvmlDeviceGetMemoryInfo(void *d, memory *m) { m->total = (unsigned long long)*(int *)d << 34; return 0; }
"""


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")
@pytest.mark.parametrize("init", [0, 9])
def test_nvidias_library_tells_the_memory(init: int, tmp_path: Path) -> None:
    """A stand-in that speaks the library's documented interface; 9 is NVML_ERROR_DRIVER_NOT_LOADED."""
    (tmp_path / "nvml.c").write_text(NVML)
    library = tmp_path / "libnvidia-ml.so.1"
    command = ["cc", "-shared", "-fPIC", f"-DINIT={init}", "-o", str(library), str(tmp_path / "nvml.c")]
    subprocess.run(command, check=True, capture_output=True)
    sys = machine_with(tmp_path / "sys", card("0000:01:00.0", "0x10de", "0x030200"))
    found = _gpus.gpus(tmp_path, sys, str(library))
    if init:
        assert [getattr(one.memory, "reason", "")[-22:] for one in found] == ["nvmlInit_v2 gave error 9"[-22:]]  # type: ignore[union-attr]
    else:
        assert found == (Gpu("NVIDIA L4", 1 << 34), Gpu("NVIDIA L4", 2 << 34))


def test_a_tegra_shares_main_memory(tmp_path: Path) -> None:
    proc = tree(tmp_path / "proc", {"device-tree/compatible": "nvidia,p3737-0000\0nvidia,tegra234\0"})
    (found,) = _gpus.gpus(proc, machine_with(tmp_path / "sys"))  # type: ignore[misc]
    assert isinstance(found.memory, Missing)


# --- limits


def group(root: Path, version: int, files: dict[str, str]) -> Path:
    """/proc with one process in a control group below ``root``."""
    where = root / "cgroup"
    tree(where, files)
    lines = "0::/slice/unit\n" if version == 2 else "4:cpu,cpuacct:/slice/unit\n3:memory:/slice/unit\n"
    mounts = (
        f"30 23 0:26 / {where} rw - cgroup2 cgroup2 rw\n"
        if version == 2
        else f"31 23 0:27 / {where}/memory rw - cgroup cgroup rw,memory\n32 23 0:28 / {where}/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
    )
    status = "Name:\tapi\nCpus_allowed:\tf\nCpus_allowed_list:\t0-3\n"
    return tree(root, {"7/cgroup": lines, "self/mountinfo": mounts, "7/status": status})


def cpus(root: Path) -> Path:
    """/sys of a machine of which two processors are offline."""
    return tree(root / "sys", {"devices/system/cpu/online": "0,2\n"})


UNLIMITED = "9223372036854771712\n"
V1 = {
    "memory/slice/unit/memory.limit_in_bytes": UNLIMITED,
    "memory/slice/memory.limit_in_bytes": "1073741824\n",
    "memory/memory.limit_in_bytes": UNLIMITED,
    "cpu/slice/unit/cpu.cfs_quota_us": "-1\n",
    "cpu/slice/unit/cpu.cfs_period_us": "100000\n",
    "cpu/slice/cpu.cfs_quota_us": "150000\n",
    "cpu/slice/cpu.cfs_period_us": "100000\n",
}
V2 = {
    "slice/unit/memory.max": "max\n",
    "slice/memory.max": "1073741824\n",
    "slice/unit/cpu.max": "max 100000\n",
    "slice/cpu.max": "150000 100000\n",
}


def running(*processes: Process) -> Runtime:
    engine = Engine("process", "", "", local=True)
    return Runtime(engine, processes={"api": ServiceProcesses(processes, ())})


@pytest.mark.parametrize(("version", "files"), [(1, V1), (2, V2)])
def test_the_lowest_limit_above_holds_and_its_group_is_told(
    version: int, files: dict[str, str], tmp_path: Path
) -> None:
    (found,) = _limits.limits(running(Process(7, "api", 0, 0)), group(tmp_path, version, files), cpus(tmp_path))  # type: ignore[misc]
    assert (found.where, found.memory, found.cpus, found.cores) == ("process 7 (api)", 1 << 30, 1.5, (0, 2))
    assert [(group[-6:], limit) for group, limit in found.memory_groups] == [("/slice", 1 << 30)]
    assert [(group[-6:], limit) for group, limit in found.cpus_groups] == [("/slice", 1.5)]


@pytest.mark.parametrize("version", [1, 2])
def test_without_limits_there_are_none(version: int, tmp_path: Path) -> None:
    files = {
        1: {"memory/slice/unit/memory.limit_in_bytes": UNLIMITED, "cpu/slice/unit/cpu.cfs_quota_us": "-1\n"},
        2: {"slice/unit/memory.max": "max\n", "slice/unit/cpu.max": "max 100000\n"},
    }[version]
    (found,) = _limits.limits(running(Process(7, "api", 0, 0)), group(tmp_path, version, files), cpus(tmp_path))  # type: ignore[misc]
    assert (found.memory, found.cpus) == (None, None)


def test_a_process_that_has_ended_is_told(tmp_path: Path) -> None:
    (found,) = _limits.limits(running(Process(8, "api", 0, 0)), group(tmp_path, 2, V2), cpus(tmp_path))  # type: ignore[misc]
    assert isinstance(found.memory, Missing)
    assert isinstance(found.cores, Missing)


def test_of_an_engine_elsewhere_what_it_tells_counts() -> None:
    told = Container("1f", "api-1", cgroup=Cgroup(2, memory=1 << 30, cpus=Missing("not told")))
    ended = Container("2f", "job-1", state="exited")
    far = Runtime(Engine("docker", "", "", local=False), {"api": (told,), "job": (ended,)})
    (found,) = _limits.limits(far)  # type: ignore[misc]
    assert (found.where, found.memory, found.cpus) == ("container api-1", 1 << 30, Missing("not told"))
    none = Runtime(Engine("docker", "", "", local=False), {"job": (ended,)})
    assert isinstance(_limits.limits(none), Missing)
    (gone,) = _limits.limits(Runtime(none.engine, {"api": Missing("gone")}))  # type: ignore[misc]
    assert gone == Limit("api", "service api", Missing("gone"), (), Missing("gone"), (), Missing("gone"))


# --- emulation


def container(platform: str, *exes: str) -> Container:
    processes = tuple(Process(7 + n, "api", 0, 0, exe=exe) for n, exe in enumerate(exes))
    return Container("1f", "api-1", platform=platform, processes=processes)


@pytest.mark.parametrize(
    ("what", "emulator"),
    [
        (container("linux/amd64", "python3.11"), ""),
        (container("linux/arm64", "python3.11"), ""),  # a label that lies: what executes is known
        (container("linux/arm64", "qemu-aarch64-static"), "qemu-aarch64-static"),
        (container("linux/arm64/v8", "tini", "qemu-aarch64"), "qemu-aarch64"),
        (container("linux/amd64", "rosetta"), "rosetta"),
        (container("linux/amd64", "qemu-system-x86_64"), ""),
        (container("linux/arm64"), "an emulator that can't be seen from here"),
        (container("linux/386"), ""),
        (container("linux/arm64", ""), "an emulator that can't be seen from here"),
    ],
)
def test_what_is_emulated_is_named(what: Container, emulator: str) -> None:
    runtime = Runtime(Engine("docker", "", "", local=True), {"api": (what,)})
    found = _limits.emulated(runtime, "amd64")
    assert isinstance(found, tuple)
    assert [one.by for one in found if isinstance(one, Emulated)] == [emulator][: bool(emulator)]


def test_emulation_that_nothing_tells_of_is_undecided() -> None:
    engine = Engine("docker", "", "", local=False)
    for runtime in (
        Runtime(engine, {"api": (container(""),)}),
        Runtime(engine, {"api": Missing("went away")}),
        running(Process(7, "api", 0, 0)),
    ):
        found = _limits.emulated(runtime, "amd64")
        assert [type(one) for one in found] == [Missing]  # type: ignore[union-attr]
    assert isinstance(_limits.emulated(Runtime(engine), "amd64"), Missing)


# --- the attestation


WHOLE = Machine(
    source="this machine's kernel",
    kernel="Linux 6.1.0",
    arch="arm64",
    cpus=3,
    possible_cpus=8,
    usable_cpus=2,
    model="Neoverse-N1",
    memory=Memory(7_941_308_416, 8 << 30, 6 << 30, 1 << 30),
    disks=(Disk("/data", "/data", size=1 << 40, free=1 << 39, free_inodes=None, kind="btrfs", medium="nvme"),),
    gpus=(Gpu("NVIDIA L4", 24 << 30), Gpu("AMD", Missing("not told"))),
    clock=Clock(synchronised=True, estimated_error=0.00025),
    virtualisation="",
    emulated=(Emulated("container api-1, process 7 (api)", "qemu-x86_64", "linux/amd64"), Missing("can't be read")),
    limits=(
        Limit("api", "container api-1", 1 << 30, (("a", 1 << 30),), 0.5, (("a", 0.5),), (0, 1)),
        Limit("db", "process 9 (db)", Missing("can't be read")),
        Limit("web", "process 10 (web)", cores=(0, 1, 2)),
    ),
)
UNKNOWN = Missing("the engine runs on another kernel", "run it there")


def test_the_attestation_tells_everything() -> None:
    assert dict(WHOLE.attested()) == {
        "source": "this machine's kernel",
        "kernel": "Linux 6.1.0",
        "architecture": "arm64",
        "processors": "3 online, 8 possible, 2 usable by this run, Neoverse-N1",
        "memory": "8GiB installed, 7.4GiB managed by the kernel, 6GiB available, 1GiB swap",
        "disks": "/data: 1TiB btrfs, 512GiB free, no bound on inodes, nvme",
        "accelerators": "NVIDIA L4, 24GiB; AMD, memory unknown",
        "clock": "synchronised, estimated error 0.25 ms",
        "virtualisation": "no sign of it",
        "emulation": "container api-1, process 7 (api) in qemu-x86_64 (linux/amd64); unknown: can't be read",
        "limits": "container api-1: 1GiB of memory, 0.5 cores, 2 of 3 processors; process 9 (db): more is unknown",
    }


def test_the_attestation_is_part_of_the_report_for_machines() -> None:
    schema = json.loads((Path(writers.__file__).parent / "conformance.schema.json").read_text())
    written = json.loads(json.dumps(conformance.document(replace(RECORD, hardware=WHOLE.attested()))))
    jsonschema.Draft202012Validator(schema).validate(written)
    assert {"name": "architecture", "value": "arm64"} in written["hardware"]


def test_what_is_unknown_says_why() -> None:
    dark = Machine(
        "an engine", UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN,
        disks=(Disk("/data", "/data", size=UNKNOWN),), gpus=UNKNOWN, clock=UNKNOWN, emulated=UNKNOWN, limits=UNKNOWN,
    )  # fmt: skip
    told = dict(dark.attested())
    assert told["disks"] == "/data: unknown: the engine runs on another kernel"
    for name in ("kernel", "architecture", "processors", "memory", "accelerators", "clock", "emulation", "limits"):
        assert told[name] == "unknown: the engine runs on another kernel", name


@pytest.mark.parametrize("machine", [WHOLE, Machine("an engine", UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)])
def test_the_facts_survive_being_written_down(machine: Machine) -> None:
    assert TypeAdapter(Machine).validate_python(to_jsonable_python(machine)) == machine
