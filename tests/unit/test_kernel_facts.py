"""What is read below /proc and /sys/fs/cgroup, on trees as kernels of both cgroup versions lay them out."""

from __future__ import annotations

import os

import pytest

from seatrial.drivers import _cgroup, _mounts, _procfs
from seatrial.facts.container import Cgroup, Mount
from seatrial.words import Missing

ID = "ab" * 32


def plant(root, files):
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def one(root, *, memory="67108864", quota="50000", pids="64", parent="9223372036854771712"):
    """A version 1 host: a container of 64 MiB, half a core and 64 processes."""
    groups = root / "cg"
    plant(
        root,
        {
            "proc/7/cgroup": f"4:memory:/docker/{ID}\n3:cpu,cpuacct:/docker/{ID}\n2:pids:/docker/{ID}\n1:name=systemd:/docker/{ID}\n",
            "proc/self/mountinfo": "".join(
                f"3{n} 2 0:{n} / {groups}/{name} rw - cgroup cgroup rw,{options}\n"
                for n, (name, options) in enumerate([("memory", "memory"), ("cpu", "cpu,cpuacct"), ("pids", "pids")])
            ),
            f"cg/memory/docker/{ID}/memory.limit_in_bytes": memory,
            f"cg/memory/docker/{ID}/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n",
            "cg/memory/docker/memory.limit_in_bytes": parent,
            "cg/memory/memory.limit_in_bytes": "9223372036854771712",
            f"cg/cpu/docker/{ID}/cpu.cfs_quota_us": quota,
            f"cg/cpu/docker/{ID}/cpu.cfs_period_us": "100000",
            "cg/cpu/docker/cpu.cfs_quota_us": "-1",
            "cg/cpu/docker/cpu.cfs_period_us": "100000",
            f"cg/pids/docker/{ID}/pids.max": pids,
            f"cg/pids/docker/{ID}/cgroup.procs": "7\n8\n",
            f"cg/pids/docker/{ID}/below/cgroup.procs": "9\n",
        },
    )
    return root / "proc"


def two(root, *, memory="67108864", cpu="50000 100000", pids="64", slice_memory="max"):
    """A version 2 host with the systemd cgroup driver."""
    place = f"cg/system.slice/docker-{ID}.scope"
    plant(
        root,
        {
            "proc/7/cgroup": f"0::/system.slice/docker-{ID}.scope\n",
            "proc/self/mountinfo": f"30 2 0:30 / {root}/cg rw,nosuid - cgroup2 cgroup2 rw\n",
            f"{place}/memory.max": memory,
            f"{place}/memory.events": "low 0\nhigh 0\nmax 2\noom 1\noom_kill 1\n",
            f"{place}/cpu.max": cpu,
            f"{place}/pids.max": pids,
            f"{place}/cgroup.procs": "7\n",
            "cg/system.slice/memory.max": slice_memory,
            "cg/system.slice/cpu.max": "max 100000",
            "cg/system.slice/pids.max": "max",
        },
    )
    return root / "proc"


@pytest.mark.parametrize(
    ("host", "changes", "limits"),
    [
        (one, {}, Cgroup(1, 67108864, 0.5, 64)),
        (one, {"memory": "9223372036854771712", "quota": "-1", "pids": "max"}, Cgroup(1, None, None, None)),
        (one, {"memory": "9223372036854771712", "parent": "33554432"}, Cgroup(1, 33554432, 0.5, 64)),
        (two, {}, Cgroup(2, 67108864, 0.5, 64)),
        (two, {"memory": "max", "cpu": "max 100000", "pids": "max"}, Cgroup(2, None, None, None)),
        (two, {"slice_memory": "33554432"}, Cgroup(2, 33554432, 0.5, 64)),
    ],
    ids=["v1", "v1-unlimited", "v1-parent-is-tighter", "v2", "v2-unlimited", "v2-slice-is-tighter"],
)
def test_the_limits_that_hold_are_the_tightest_up_the_tree(tmp_path, host, changes, limits):
    assert _cgroup.find(7, host(tmp_path, **changes)).limits() == limits


def test_members_and_victims(tmp_path):
    group = _cgroup.find(7, one(tmp_path / "1"))
    assert (group.members(), group.oom_kills()) == ([7, 8, 9], 3)
    group = _cgroup.find(7, two(tmp_path / "2"))
    assert (group.members(), group.oom_kills()) == ([7], 1)


def test_a_group_that_can_not_be_seen_is_missing(tmp_path):
    assert isinstance(_cgroup.find(7, tmp_path), Missing)
    plant(
        tmp_path,
        {"proc/7/cgroup": "0::/gone\n", "proc/self/mountinfo": f"30 2 0:30 / {tmp_path}/cg rw - cgroup2 c rw\n"},
    )
    group = _cgroup.find(7, tmp_path / "proc")
    assert isinstance(group.limits(), Missing)
    assert isinstance(group.oom_kills(), Missing)


MOUNTINFO = """\
400 390 0:50 / / ro,relatime master:1 - overlay overlay rw,lowerdir=x
401 400 0:51 / /proc rw,nosuid - proc proc rw
402 400 0:52 / /tmp rw,nosuid,nodev - tmpfs tmpfs rw,size=16384k
403 400 254:0 /var/lib/docker/volumes/data/_data /data rw,relatime - ext4 /dev/vda rw
404 400 254:0 /srv/my\\040conf /etc/app ro,relatime - ext4 /dev/vda rw
405 400 254:0 /x /etc/hosts rw,relatime - ext4 /dev/vda rw
406 400 254:0 /frozen /frozen rw,relatime - ext4 /dev/vdb ro
"""


def test_mounts_are_what_the_kernel_has(tmp_path):
    plant(tmp_path, {"7/mountinfo": MOUNTINFO})
    seen = _mounts.read(7, tmp_path)
    assert _mounts.root_read_only(seen) is True
    asked = (
        Mount("/data", "/var/lib/docker/volumes/data/_data", "volume", writable=True, volume="data"),
        Mount("/etc/app", "/srv/my conf", "bind", writable=True),
        Mount("/never", "/x", "bind", writable=True),
    )
    assert _mounts.effective(asked, seen) == (
        asked[0],
        Mount("/etc/app", "/srv/my conf", "bind", writable=False),
        Mount("/tmp", "", "tmpfs", writable=True),
        Mount("/frozen", "/frozen", "ext4", writable=False),
    )


def test_paths_on_no_mount_lie_on_the_containers_own_layer():
    mounts = (Mount("/data", "", "volume", writable=True),)
    assert _mounts.uncovered(("/data", "/data/deep", "/database", "/var/lib"), mounts) == ("/database", "/var/lib")


STATUS = """\
Name:\tnginx
Uid:\t101\t102\t103\t104
Gid:\t201\t202\t203\t204
Groups:\t7 8
NoNewPrivs:\t1
Seccomp:\t2
CapInh:\t0000000000000000
CapPrm:\t0000000000000400
CapEff:\t0000000000000400
CapBnd:\t00000000a80425fb
CapAmb:\t0000000000000000
"""
LIMITS = """\
Limit                     Soft Limit           Hard Limit           Units
Max processes             unlimited            unlimited            processes
Max open files            1024                 524288               files
"""


def process(root, *, state="S", uid_map="0 0 4294967295"):
    plant(
        root,
        {
            "7/stat": f"7 (a b) c) {state} 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 5 6",
            "7/status": STATUS,
            "7/limits": LIMITS,
            "7/uid_map": uid_map + "\n",
        },
    )
    os.symlink("/usr/sbin/nginx (deleted)", root / "7/exe")
    return _procfs.read_process(7, root)


def test_a_process_is_what_the_kernel_lets_it_do(tmp_path):
    seen = process(tmp_path)
    assert (seen.name, seen.uid, seen.gid, seen.groups, seen.started, seen.ppid, seen.exe) == (
        "a b) c", 102, 202, (7, 8), 4242, 1, "nginx",
    )  # fmt: skip
    told = seen.privileges
    assert (told.cap_effective, told.cap_bounding, told.no_new_privs, told.seccomp) == (0x400, 0xA80425FB, True, 2)
    assert (told.nofile_soft, told.nofile_hard, told.nproc_soft) == (1024, 524288, None)
    assert seen.user_namespace is False


def test_a_user_namespace_is_told_by_its_map(tmp_path):
    assert process(tmp_path, uid_map="0 100000 65536").user_namespace is True


def test_a_process_that_waits_to_be_reaped_is_none(tmp_path):
    assert process(tmp_path, state="Z") is None


def namespaces(root, process, **changed):
    (root / f"{process}/ns").mkdir(parents=True)
    for kind in _procfs.NAMESPACES:
        os.symlink(f"{kind}:[{changed.get(kind, 1)}]", root / f"{process}/ns/{kind}")


def test_namespaces_of_the_host_are_told_by_inode(tmp_path):
    namespaces(tmp_path, 1)
    namespaces(tmp_path, 7, pid=5, mnt=6, ipc=7)
    assert _procfs.host_namespaces(7, tmp_path) == ("uts", "net", "cgroup")


def test_a_host_that_hides_its_namespaces_is_missing(tmp_path):
    namespaces(tmp_path, 7)
    namespaces(tmp_path, "self")
    assert isinstance(_procfs.host_namespaces(7, tmp_path), Missing)
    assert isinstance(_procfs.host_namespaces(8, tmp_path), Missing)


def test_our_own_namespaces_stand_in_where_we_are_the_hosts(tmp_path):
    namespaces(tmp_path, "self", pid=_procfs.PID_INIT)
    namespaces(tmp_path, 7, pid=9, net=9)
    assert _procfs.host_namespaces(7, tmp_path) == ("ipc", "uts", "mnt", "cgroup")
