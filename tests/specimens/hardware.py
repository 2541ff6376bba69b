"""Specimens of the hardware area: machines and what is demanded of them."""

from __future__ import annotations

from typing import Any

from seatrial.facts.hardware import DiskSpace, Hardware
from seatrial.facts.machine import Clock, Disk, Emulated, Gpu, Limit, Machine, Memory
from seatrial.profile import model
from seatrial.words import Missing
from tests.specimens import Specimens

MIB, GIB, GB = 2**20, 2**30, 10**9
FAR = Missing("the engine runs on another kernel than we do", "run Seatrial on the engine's own host")
ARM = Emulated("container harbor-service-1, process 412 (service)", "qemu-aarch64-static", "linux/arm64/v8")


def machine(**changes: Any) -> Machine:
    """A machine of four processors and 8 GiB, of which a container without limits may use all."""
    return Machine(
        **{
            "source": "this machine's kernel",
            "kernel": "Linux 6.1.0",
            "arch": "amd64",
            "cpus": 4,
            "memory": Memory(7_941_308_416, 8 * GIB, 6 * GIB, 0),
            "clock": Clock(synchronised=True, estimated_error=0.00002),
            "limits": (limit(),),
            **changes,
        }
    )


def limit(**changes: Any) -> Limit:
    """A container that may use everything."""
    where = f"container harbor-{changes.get('service', 'api')}-1"
    return Limit(**{"service": "api", "where": where, "cores": (0, 1, 2, 3), **changes})


def limits(*each: Limit, **declared: Any) -> Hardware:
    return hardware(machine(limits=each), **declared)


def hardware(of: Machine | None = None, **declared: Any) -> Hardware:
    return Hardware(model.Hardware.model_validate(declared), of or machine())


def disk(**changes: Any) -> Disk:
    """The file system of a server's data."""
    return Disk(
        **{
            "path": "/var/lib/akidb",
            "where": "/var/lib/akidb",
            "size": 98_294_000_000,
            "free": 60 * GB,
            "free_inodes": 6_000_000,
            "kind": "ext4",
            "medium": "nvme",
            **changes,
        }
    )


def space(*disks: Disk, **declared: Any) -> DiskSpace:
    node = model.Disk.model_validate({"path": "/var/lib/akidb", **declared})
    return DiskSpace("/var/lib/akidb", node, disks or (disk(),))


GONE = Missing("/var/lib/akidb: No such file or directory on this machine")
NOWHERE = disk(size=GONE, free=GONE, free_inodes=GONE, medium=GONE)
NOTHING = DiskSpace("/var/lib/akidb", model.Disk.model_validate({"path": "/var/lib/akidb"}), ())
UNSEEN = {"No such file": space(NOWHERE, min="1GB", recommended="1GB", free="1GB", free_inodes=1, medium="ssd")}
UNSEEN_DISKS = {**UNSEEN, "nothing was observed of /var/lib/akidb": NOTHING}

HWR_001 = Specimens(
    passes=[hardware(arch="amd64"), hardware(machine(arch="arm64"), arch="arm64")],
    fails={"kernel: amd64 (expected arm64)": hardware(arch="arm64")},
    undecided={"another kernel": hardware(machine(arch=FAR), arch="amd64")},
)

HWR_002 = Specimens(
    passes=[hardware(cpus={"min": 4}), hardware(cpus={"min": 1, "recommended": 16})],
    fails={
        "4 processors online (expected at least 5)": hardware(cpus={"min": 5}),
        "1 processor online": hardware(machine(cpus=1), cpus={"min": 2}),
    },
    undecided={"another kernel": hardware(machine(cpus=FAR), cpus={"min": 1})},
)

HWR_003 = Specimens(
    passes=[hardware(cpus={"recommended": 4}), hardware(cpus={"min": 16, "recommended": 2})],
    fails={"4 processors online (expected at least 8)": hardware(cpus={"min": 1, "recommended": 8})},
    undecided={"another kernel": hardware(machine(cpus=FAR), cpus={"recommended": 1})},
)

# A machine of 8 GiB: its kernel manages 7.4 GiB, and an engine elsewhere tells no more than that.
KERNELS_PART = machine(memory=Memory(7_941_308_416, FAR))

HWR_004 = Specimens(
    passes=[
        hardware(memory={"min": "8GiB"}),
        hardware(machine(memory=Memory(8_200_000_000, FAR)), memory={"min": "8GiB"}),
        hardware(memory={"min": "1GiB", "recommended": "64GiB"}),
    ],
    fails={
        "7.4GiB of memory, 8GiB installed (expected at least 16GiB)": hardware(memory={"min": "16GiB"}),
        "7.4GiB of memory (expected at least 8GiB)": hardware(KERNELS_PART, memory={"min": "8GiB"}),
    },
    undecided={"another kernel": hardware(machine(memory=FAR), memory={"min": "1GiB"})},
)

HWR_005 = Specimens(
    passes=[hardware(memory={"recommended": "8GiB"}), hardware(memory={"min": "64GiB", "recommended": "1GiB"})],
    fails={
        "7.4GiB of memory, 8GiB installed (expected at least 9GiB)": hardware(
            memory={"min": "1GiB", "recommended": "9GiB"}
        )
    },
    undecided={"another kernel": hardware(machine(memory=FAR), memory={"recommended": "1GiB"})},
)

HWR_006 = Specimens(
    passes=[
        space(min="100GB"),  # a partition of 100 GB, of which the file system keeps its tables
        space(min="10GB", recommended="500GB"),
        space(disk(), disk(where="container akidb-2: /data"), min="90GB"),
    ],
    fails={
        "/var/lib/akidb: 91.5GiB (ext4) (expected at least 100GiB)": space(min="100GiB"),
        "container akidb-2: /data: 64MiB (tmpfs)": space(
            disk(), disk(where="container akidb-2: /data", size=64 * MIB, kind="tmpfs"), min="1GiB"
        ),
    },
    undecided=UNSEEN_DISKS,
)

HWR_007 = Specimens(
    passes=[space(recommended="100GB"), space(min="500GB", recommended="50GB")],
    fails={
        "91.5GiB (ext4) (expected at least 500GB)".replace("500GB", "465.7GiB"): space(min="1GB", recommended="500GB")
    },
    undecided=UNSEEN_DISKS,
)

HWR_008 = Specimens(
    passes=[space(free="60GB"), space(free="0B")],
    fails={"/var/lib/akidb: 55.9GiB free (ext4) (expected at least 60GiB free)": space(free="60GiB")},
    undecided=UNSEEN_DISKS,
)

HWR_009 = Specimens(
    passes=[space(free_inodes=6_000_000), space(disk(free_inodes=None, kind="btrfs"), free_inodes=10**9)],
    fails={"6000000 inodes free (expected at least 6000001)": space(free_inodes=6_000_001)},
    undecided=UNSEEN_DISKS,
)

VIRTUAL = Missing("vda is a virtual drive: what it lies on, only its host knows; its rotational flag says nothing")

HWR_010 = Specimens(
    passes=[
        space(medium="nvme"),
        space(medium="ssd"),  # an nvme is one
        space(disk(medium="ssd"), medium="ssd"),
        space(disk(medium="hdd"), medium="hdd"),
    ],
    fails={
        "hdd (ext4) (expected ssd)": space(disk(medium="hdd"), medium="ssd"),
        "ssd (ext4) (expected nvme)": space(disk(medium="ssd"), medium="nvme"),
        "memory (tmpfs) (expected nvme)": space(disk(medium="memory", kind="tmpfs"), medium="nvme"),
        "nvme (ext4) (expected hdd)": space(medium="hdd"),
    },
    undecided={**UNSEEN_DISKS, "vda is a virtual drive": space(disk(medium=VIRTUAL), medium="ssd")},
)

L4, VEGA = Gpu("NVIDIA L4", 24 * GIB), Gpu("AMD 0x687f at 0000:03:00.0", 8 * GIB)
DARK = Gpu("NVIDIA 0x27b8 at 0000:01:00.0", Missing("no driver tells the memory of it"))

HWR_011 = Specimens(
    passes=[
        hardware(machine(gpus=(L4,)), gpu={"min": "24GiB"}),
        hardware(machine(gpus=(DARK, VEGA, L4)), gpu={"min": "16GiB", "recommended": "80GiB"}),
    ],
    fails={
        "kernel: no accelerator (expected one with at least 8GiB)": hardware(gpu={"min": "8GiB"}),
        "AMD 0x687f at 0000:03:00.0: 8GiB of memory": hardware(machine(gpus=(VEGA,)), gpu={"min": "9GiB"}),
        # Two of 8 GiB are not one of 16: a model is not spread unless somebody says so.
        "8GiB of memory (expected one with at least 16GiB)": hardware(machine(gpus=(VEGA, VEGA)), gpu={"min": "16GiB"}),
    },
    undecided={
        "no driver tells": hardware(machine(gpus=(VEGA, DARK)), gpu={"min": "16GiB"}),
        "another kernel": hardware(machine(gpus=FAR), gpu={"min": "1GiB"}),
    },
)

HWR_012 = Specimens(
    passes=[hardware(machine(gpus=(VEGA,)), gpu={"min": "80GiB", "recommended": "8GiB"})],
    fails={
        "kernel: no accelerator": hardware(gpu={"recommended": "8GiB"}),
        "8GiB of memory (expected one with at least 24GiB)": hardware(
            machine(gpus=(VEGA,)), gpu={"min": "8GiB", "recommended": "24GiB"}
        ),
    },
    undecided={"no driver tells": hardware(machine(gpus=(DARK,)), gpu={"recommended": "16GiB"})},
)

ADRIFT = machine(clock=Clock(synchronised=False, estimated_error=16.0, maximum_error=16.0))

HWR_013 = Specimens(
    passes=[hardware(clock_synchronised=True), hardware(ADRIFT, clock_synchronised=False)],
    fails={"kernel: its clock is not synchronised": hardware(ADRIFT, clock_synchronised=True)},
    undecided={"another kernel": hardware(machine(clock=FAR), clock_synchronised=True)},
)

HWR_014 = Specimens(
    passes=[hardware(arch="amd64"), hardware(arch="arm64")],  # of another architecture, and not emulated
    fails={
        "container harbor-service-1, process 412 (service): runs in qemu-aarch64-static, image linux/arm64/v8, "
        "on a kernel of amd64": hardware(machine(emulated=(ARM, Missing("another can't be seen"))), arch="arm64"),
        "the machine itself: runs in QEMU TCG": hardware(
            machine(emulated=(Emulated("the machine itself", "QEMU TCG"),)), arch="amd64"
        ),
    },
    undecided={
        "can't be read": hardware(machine(emulated=(Missing("/proc/7/exe can't be read"),)), arch="amd64"),
        "nothing of the deployment runs": hardware(
            machine(emulated=Missing("nothing of the deployment runs, so that nothing tells of emulation")),
            arch="amd64",
        ),
    },
)

WHOLE = {"cpus": {"min": 4}, "memory": {"min": "8GiB"}}
SLICE = "/sys/fs/cgroup/system.slice/harbor.service"
NOT_RUNNING = Missing("nothing of the deployment runs, so that no limit holds")
QUOTA_UNSEEN = limit(memory=9 * GIB, memory_groups=(("a", 9 * GIB),), cpus=FAR, cores=FAR)

HWR_015 = Specimens(
    passes=[
        hardware(**WHOLE),
        limits(
            limit(memory=16 * MIB, memory_groups=(("a", 16 * MIB),), cpus=0.5, cpus_groups=(("a", 0.5),)),
            limit(service="redis"),
            **WHOLE,
        ),
        limits(  # together they have it
            limit(memory=6 * GIB, memory_groups=(("a", 6 * GIB),), cpus=2.0, cpus_groups=(("a", 2.0),)),
            limit(
                service="redis", memory=2 * GIB, memory_groups=(("b", 2 * GIB),), cpus=2.0, cpus_groups=(("b", 2.0),)
            ),
            **WHOLE,
        ),
        limits(limit(cores=(0, 1)), limit(service="redis", cores=(2, 3)), **WHOLE),
        # The machine has not more than this: that it lacks the minimum is told of the machine.
        hardware(machine(cpus=2, limits=(limit(cores=(0, 1)),)), cpus={"min": 4}),
        limits(limit(memory=GIB, memory_groups=(("a", GIB),)), memory={"recommended": "8GiB"}, cpus={"min": 4}),
        # What one part without limit may use, no other's unknown limit takes away.
        limits(limit(memory=FAR, cpus=FAR, cores=FAR), limit(service="redis"), **WHOLE),
    ],
    fails={
        "container harbor-api-1: limited to 16MiB of memory (expected at least 8GiB)": limits(
            limit(memory=16 * MIB, memory_groups=(("a", 16 * MIB),)), **WHOLE
        ),
        "limited to 4GiB of memory, 6GiB with all others (expected at least 8GiB)": limits(
            limit(memory=4 * GIB, memory_groups=(("a", 4 * GIB),)),
            limit(service="redis", memory=2 * GIB, memory_groups=(("b", 2 * GIB),)),
            **WHOLE,
        ),
        "process 412 (api): limited to 5GiB of memory (expected at least 8GiB)": limits(
            limit(where="process 412 (api)", memory=5 * GIB, memory_groups=((SLICE, 5 * GIB),)),
            limit(
                service="redis", where="process 413 (redis)", memory=5 * GIB, memory_groups=((SLICE, 5 * GIB),)
            ),  # one group
            **WHOLE,
        ),
        # Each may use 6 GiB of a slice that has 7.
        "process 412 (api): limited to 6GiB of memory, 7GiB with all others": limits(
            limit(where="process 412 (api)", memory=6 * GIB, memory_groups=(("a", 6 * GIB), (SLICE, 7 * GIB))),
            limit(service="redis", memory=6 * GIB, memory_groups=(("b", 6 * GIB), (SLICE, 7 * GIB))),
            **WHOLE,
        ),
        "container harbor-api-1: limited to 0.5 cores (expected at least 4)": limits(
            limit(cpus=0.5, cpus_groups=(("a", 0.5),)), **WHOLE
        ),
        "limited to 0.5 cores, 2.5 with all others": limits(
            limit(cpus=0.5, cpus_groups=(("a", 0.5),)),
            limit(service="redis", cpus=2.0, cpus_groups=(("b", 2.0),)),
            **WHOLE,
        ),
        "container harbor-api-1: may run on processors 0, 1 alone (expected at least 4)": limits(
            limit(cores=(0, 1)), **WHOLE
        ),
        "container harbor-api-1: limited to 1GiB of memory": limits(
            limit(memory=GIB, memory_groups=(("a", GIB),), cpus=FAR, cores=FAR), **WHOLE
        ),
    },
    undecided={
        "nothing of the deployment runs": hardware(machine(limits=NOT_RUNNING), **WHOLE),
        "another kernel": limits(QUOTA_UNSEEN, **WHOLE),
        "control group": limits(limit(memory=Missing("its control group can't be found")), memory={"min": "1GiB"}),
    },
)

HWR_016 = Specimens(
    passes=[
        hardware(cpus={"recommended": 4}, memory={"recommended": "8GiB"}),
        limits(limit(memory=GIB, memory_groups=(("a", GIB),)), memory={"min": "8GiB", "recommended": "1GiB"}),
    ],
    fails={
        "limited to 1GiB of memory (expected at least 4GiB)": limits(
            limit(memory=GIB, memory_groups=(("a", GIB),)), memory={"min": "512MiB", "recommended": "4GiB"}
        ),
        "limited to 1.5 cores (expected at least 2)": limits(
            limit(cpus=1.5, cpus_groups=(("a", 1.5),)), cpus={"min": 1, "recommended": 2}
        ),
    },
    undecided={"nothing of the deployment runs": hardware(machine(limits=NOT_RUNNING), memory={"recommended": "1GiB"})},
)
