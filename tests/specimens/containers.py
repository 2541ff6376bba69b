"""Specimens of the containers area: what conforms, each kind of defect with what must be seen, and what can't be decided."""

from dataclasses import replace

from seatrial.facts.container import Cgroup, Configured, Device, HealthLog, Mount
from seatrial.facts.deployment import Deployment
from seatrial.words import Missing
from tests.specimens import Specimens
from tests.specimens._builders import (
    DIGEST,
    IMAGE,
    IMAGE_ID,
    MIB,
    OTHER_IMAGE_ID,
    SECRET_FREE,
    bind,
    container,
    containers,
    healthcheck,
    job,
    jobs,
    mask,
    no_container,
    process,
)

SOUND = containers()
SOUND_JOB = jobs()
SCALED_TO_NONE = no_container(replicas=0)
STOPPED = containers(container(state="exited", exit_code=137, processes=SECRET_FREE, cgroup=SECRET_FREE))
HIDDEN = containers(container(processes=SECRET_FREE))
NO_PRIVILEGES_SEEN = containers(container(processes=(process(privileges=SECRET_FREE),)))
NOTHING = {"service api has no container": no_container()}
UNSEEN = {
    **NOTHING,
    "not permitted to read": HIDDEN,
    "container harbor-api-1 is not running .exited.": STOPPED,
    "no process of it was seen": containers(container(processes=())),
}

# users

CTR_001 = Specimens(
    passes=[SOUND, SOUND_JOB, SCALED_TO_NONE],
    fails={
        "container harbor-api-1, process 412 (api): uid 0": containers(container(processes=(process(uid=0),))),
        "processes 7, 9 (worker): uid 0": containers(
            container(processes=(process(), *(process(pid=pid, name="worker", uid=0) for pid in (7, 9))))
        ),
        "container harbor-api-2": containers(
            container(), container(name="harbor-api-2", processes=(process(uid=0),)), replicas=2
        ),
        "user root (declared, as the job has ended)": jobs(job(user="")),
        "user 0 (declared": jobs(job(user="0:10001")),
        "process 8 (init)": containers(  # a violation is told, whatever else was hidden
            container(processes=SECRET_FREE), container(processes=(process(pid=8, name="init", uid=0),)), replicas=2
        ),
    },
    undecided={**UNSEEN, "is not running .created.": jobs(job(state="created"))},
)
CTR_002 = Specimens(
    passes=[SOUND, SOUND_JOB, containers(container(processes=(process(uid=0, gid=0),)))],
    fails={
        "process 412 (api): gid 0": containers(container(processes=(process(gid=0),))),
        "group root (declared, as the job has ended)": jobs(job(user="10001:root")),
    },
    undecided=UNSEEN,
)
CTR_003 = Specimens(
    passes=[SOUND, SOUND_JOB, containers(container(processes=(process(gid=0, groups=(0,)),)))],
    fails={
        "supplementary group 6 (disk), 42 (shadow)": containers(container(processes=(process(groups=(6, 42)),))),
        "supplementary group 0 (root)": containers(container(processes=(process(groups=(10001, 0)),))),
        "supplementary group docker (declared, as the job has ended)": jobs(job(group_add=("docker",))),
        "supplementary group 6 (declared; what is effective": containers(
            container(group_add=("6",), processes=SECRET_FREE)
        ),
    },
    undecided={**UNSEEN, "groups hidden": containers(container(processes=(process(groups=Missing("groups hidden")),)))},
)

# capabilities

CTR_004 = Specimens(
    passes=[SOUND, SOUND_JOB, containers(container(privileged=True, processes=(process(may={"cap_effective": -1}),)))],
    fails={
        "has SYS_ADMIN": containers(container(processes=(process(may={"cap_effective": mask("SYS_ADMIN")}),))),
        "has SYS_MODULE, SYS_PTRACE": containers(
            container(processes=(process(may={"cap_bounding": mask("SYS_PTRACE", "SYS_MODULE", "CHOWN")}),))
        ),
        "has SYS_ADMIN (declared; what is effective could not": containers(
            container(cap_add=("CAP_SYS_ADMIN",), processes=SECRET_FREE)
        ),
        "SYS_RAWIO, SYS_PTRACE, SYS_ADMIN, SYS_BOOT, SYS_TIME": jobs(job(cap_add=("ALL",), cap_drop=())),
    },
    undecided={**UNSEEN, "read /proc/412/status": NO_PRIVILEGES_SEEN},
)
CTR_005 = Specimens(
    passes=[
        SOUND,
        SOUND_JOB,
        containers(container(processes=(process(may={"cap_permitted": mask("NET_BIND_SERVICE")}),))),
        containers(container(processes=(process(may={"cap_permitted": mask("SYS_ADMIN")}),))),  # CTR-004 tells it
    ],
    fails={
        "holds CHOWN, NET_RAW": containers(
            container(processes=(process(may={"cap_permitted": mask("NET_RAW", "CHOWN")}),))
        ),
        "holds KILL": containers(container(processes=(process(may={"cap_ambient": mask("KILL")}),))),
        "holds 41": containers(container(processes=(process(may={"cap_effective": 1 << 41}),))),
        "holds CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_RAW, SYS_CHROOT, MKNOD, "
        "AUDIT_WRITE, SETFCAP (declared": jobs(job(user="root", cap_drop=())),
    },
    undecided={**UNSEEN, "read /proc/412/status": NO_PRIVILEGES_SEEN},
)
CTR_006 = Specimens(
    passes=[
        SOUND,
        SOUND_JOB,
        containers(
            container(processes=(process(may={"cap_bounding": mask("CHOWN"), "cap_permitted": mask("CHOWN")}),))
        ),
        containers(container(processes=(process(may={"cap_bounding": mask("NET_BIND_SERVICE", "SYS_ADMIN")}),))),
    ],
    fails={
        "could gain SETUID, NET_RAW": containers(
            container(processes=(process(may={"cap_bounding": mask("NET_RAW", "SETUID")}),))
        ),
        "could gain NET_ADMIN (declared": jobs(job(cap_add=("NET_ADMIN",))),
    },
    undecided={**UNSEEN, "read /proc/412/status": NO_PRIVILEGES_SEEN},
)

# privileges

CTR_007 = Specimens(
    passes=[SOUND, SOUND_JOB],
    fails={
        "container harbor-api-1: privileged": containers(container(privileged=True)),
        "container harbor-migrate-1": jobs(job(privileged=True)),
    },
    undecided=NOTHING,
)
CTR_008 = Specimens(
    passes=[SOUND, SOUND_JOB, jobs(job(security_opt=("no-new-privileges",)))],
    fails={
        "process 412 (api): no_new_privs is 0": containers(
            container(processes=(process(may={"no_new_privs": False}),))
        ),
        "without no-new-privileges (declared": jobs(job(security_opt=())),
        "without no-new-privileges": jobs(job(security_opt=("no-new-privileges=false",))),
    },
    undecided={**UNSEEN, "read /proc/412/status": NO_PRIVILEGES_SEEN},
)
CTR_009 = Specimens(
    passes=[
        SOUND,
        SOUND_JOB,
        containers(container(privileged=True, processes=(process(may={"seccomp": 0}),))),
    ],
    fails={
        "process 412 (api): seccomp is off": containers(container(processes=(process(may={"seccomp": 0}),))),
        "strict mode": containers(container(processes=(process(may={"seccomp": 1}),))),
        "security_opt seccomp=unconfined": containers(container(security_opt=("seccomp=unconfined",))),
        "seccomp=unconfined": containers(container(security_opt=("seccomp:unconfined",), processes=SECRET_FREE)),
    },
    undecided={**UNSEEN, "read /proc/412/status": NO_PRIVILEGES_SEEN},
)
CTR_010 = Specimens(
    passes=[
        SOUND,
        SOUND_JOB,
        containers(container(host_confinement=(), apparmor="")),
        containers(container(host_confinement=("selinux",), apparmor="", selinux="system_u:system_r:container_t:s0")),
        containers(container(host_confinement=SECRET_FREE)),  # its profile is seen, so there is one
        containers(container(privileged=True, apparmor="unconfined")),
        containers(container(pid_mode="host", security_opt=("label=disable",))),  # Docker's own doing
    ],
    fails={
        "AppArmor profile none": containers(container(apparmor="")),
        "AppArmor profile unconfined": containers(container(apparmor="unconfined")),
        "SELinux label none": containers(container(host_confinement=("selinux",))),
        "security_opt apparmor=unconfined": containers(
            container(security_opt=("apparmor=unconfined",), host_confinement=(), apparmor="")
        ),
        "security_opt label=disable": containers(container(security_opt=("label=disable",))),
    },
    undecided={**NOTHING, "not permitted": containers(container(host_confinement=SECRET_FREE, apparmor=""))},
)
CTR_011 = Specimens(
    passes=[SOUND, SOUND_JOB, containers(container(privileged=True, system_paths_open=True))],
    fails={"/proc and /sys are not masked": containers(container(system_paths_open=True))},
    undecided=NOTHING,
)
CTR_012 = Specimens(
    passes=[SOUND, SOUND_JOB, containers(container(sysctls=("net.ipv4.ip_unprivileged_port_start",)))],
    fails={
        "sets kernel.msgmax, net.core.somaxconn": containers(
            container(sysctls=("kernel.msgmax", "net.ipv4.tcp_syncookies", "net.core.somaxconn"))
        )
    },
    undecided=NOTHING,
)
CTR_013 = Specimens(
    passes=[SOUND, SOUND_JOB],
    fails={
        "device /dev/sda (r), device /dev/mem (rwm)": containers(
            container(devices=(Device("/dev/sda", "r"), Device("/dev/mem")))
        )
    },
    undecided=NOTHING,
)

# namespaces


def _namespace(kind, mode, name):
    return Specimens(
        passes=[SOUND, SOUND_JOB, containers(container(**{mode: "container:4711"}))],
        fails={
            f"in the host's {name} namespace": containers(container(**{mode: "host"})),
            f"in the host's {name} namespace, though it was not asked for": containers(
                container(host_namespaces=("cgroup", kind))
            ),
            "container harbor-migrate-1": jobs(job(**{mode: "host"})),
            "container harbor-api-1": containers(container(**{mode: "host", "host_namespaces": SECRET_FREE})),
        },
        undecided={
            **NOTHING,
            "not permitted": containers(container(host_namespaces=SECRET_FREE)),
            "is not running": STOPPED,
        },
    )


CTR_014 = _namespace("net", "network_mode", "network")
CTR_015 = _namespace("pid", "pid_mode", "process")
CTR_016 = _namespace("ipc", "ipc_mode", "IPC")
CTR_017 = _namespace("uts", "uts_mode", "UTS")
CTR_018 = Specimens(
    passes=[SOUND, SOUND_JOB],
    fails={"userns_mode host": containers(container(userns_mode="host"))},
    undecided=NOTHING,
)
CTR_019 = Specimens(
    passes=[SOUND, SOUND_JOB, containers(container(network_mode="host", networks=()))],
    fails={
        "on the default network bridge": containers(container(network_mode="default")),
        "container harbor-api-1: on the default": containers(
            container(networks=(("harbor_default", "172.20.0.4"), ("bridge", "172.17.0.2")))
        ),
    },
    undecided=NOTHING,
)

# mounts

MOUNTS_UNSEEN = {**NOTHING, "not permitted": containers(container(mounts=SECRET_FREE))}

CTR_020 = Specimens(
    passes=[SOUND, SOUND_JOB, containers(container(mount=bind("/srv/harbor/docker.sock.md")))],
    fails={
        "container harbor-api-1, /sock: /var/run/docker.sock of the host, read-only": containers(
            container(mount=bind("/var/run/docker.sock", "/sock"))
        ),
        "/run/containerd/containerd.sock": containers(container(mount=bind("/run/containerd/containerd.sock"))),
        "/run/crio of the host, writable": containers(container(mount=bind("/run/crio", writable=True))),
        "/var/run of the host": containers(container(mount=bind("/var/run"))),
        "harbor-migrate-1": jobs(job(mount=bind("/run/podman/podman.sock"))),
        "/run/docker.sock of the host, read-only, asked for as /srv/engine": containers(
            container(mount=bind("/srv/engine", real="/run/docker.sock"))
        ),
    },
    undecided=MOUNTS_UNSEEN,
)
DISGUISED = Mount(
    "/jobs", "/var/lib/docker/volumes/harbor_jobs/_data", "volume", True, "harbor_jobs", real="/etc/cron.d"
)
CTR_021 = Specimens(
    passes=[
        SOUND,
        containers(container(mount=replace(DISGUISED, real=DISGUISED.source))),
        SOUND_JOB,
        containers(container(mount=(bind("/etc"), bind("/srv/harbor", writable=True)))),
        containers(container(mount=bind("/home/harbor/data", writable=True))),
    ],
    fails={
        "/mnt: / of the host, writable": containers(container(mount=bind("/", writable=True))),
        "/etc of the host": containers(container(mount=bind("/etc", writable=True))),
        "/etc/harbor/api.conf": containers(container(mount=bind("/etc/harbor/api.conf", writable=True))),
        "/var/lib/docker/volumes": containers(container(mount=bind("/var/lib/docker/volumes", writable=True))),
        "/home/ann/.ssh": containers(container(mount=bind("/home/ann/.ssh", writable=True))),
        "/sys/fs/cgroup": containers(container(mount=bind("/sys/fs/cgroup", writable=True))),
        "/etc/cron.d of the host, writable, asked for as harbor_jobs": containers(container(mount=DISGUISED)),
    },
    undecided=MOUNTS_UNSEEN,
)
CTR_022 = Specimens(
    passes=[
        SOUND,
        SOUND_JOB,
        containers(container(mount=(bind("/etc/localtime"), bind("/etc/ssl/certs"), bind("/etc", writable=True)))),
    ],
    fails={
        "/mnt: / of the host, read-only": containers(container(mount=bind("/"))),
        "/proc of the host": containers(container(mount=bind("/proc"))),
        "/sys/kernel/debug": containers(container(mount=bind("/sys/kernel/debug"))),
        "/boot of": containers(container(mount=bind("/boot"))),
        "/dev/disk": containers(container(mount=bind("/dev/disk"))),
        "/root of": containers(container(mount=bind("/root"))),
        "/home/ann of": containers(container(mount=bind("/home/ann"))),
        "/etc/shadow": containers(container(mount=bind("/etc/shadow"))),
        "/var/lib/docker of": containers(container(mount=bind("/var/lib/docker"))),
    },
    undecided=MOUNTS_UNSEEN,
)
CTR_023 = Specimens(
    passes=[SOUND, SOUND_JOB, containers(container(mount=bind("/srv/harbor", propagation="rslave")))],
    fails={
        "container harbor-api-1, /mnt: propagation rshared": containers(
            container(mount=bind("/srv/harbor", propagation="rshared"))
        ),
        "propagation shared": containers(container(mount=bind("/srv/harbor", propagation="shared"))),
    },
    undecided=MOUNTS_UNSEEN,
)

# file system

CTR_024 = Specimens(
    passes=[SOUND, SOUND_JOB],
    fails={
        "its root file system is writable": containers(container(read_only_root=False)),
        "harbor-migrate-1": jobs(job(read_only_root=False)),
    },
    undecided={**NOTHING, "not permitted": containers(container(read_only_root=SECRET_FREE))},
)
ANONYMOUS = Mount("/data", "/var/lib/docker/volumes/5e1f/_data", "volume", writable=True, volume="5e1f", anonymous=True)
KEPT = {"persistence": {"paths": ["/data/db"]}}
CTR_025 = Specimens(
    passes=[
        containers(**KEPT),
        containers(container(mounts=(bind("/srv/harbor", "/data/db", writable=True),)), **KEPT),
        containers(container(mounts=(Mount("/dat", "tmpfs", "tmpfs", True), bind("/srv/d", "/data"))), **KEPT),
    ],
    fails={
        "container harbor-api-1, /data/db: on the container's writable layer": containers(
            container(writable_layer_paths=("/data/db",)), **KEPT
        ),
        "on the anonymous volume 5e1f at /data": containers(container(mounts=(ANONYMOUS,)), **KEPT),
        "on the tmpfs /data/db": containers(container(mount=Mount("/data/db", "tmpfs", "tmpfs", True)), **KEPT),
    },
    undecided={
        "service api has no container": no_container(**KEPT),
        "not permitted": containers(container(writable_layer_paths=SECRET_FREE), **KEPT),
        "read /proc/412": containers(container(mounts=SECRET_FREE), **KEPT),
        "a reference .env='DATA'.": containers(persistence={"paths": [{"env": "DATA"}]}),
        "which mount holds /data/db": containers(container(mounts=()), **KEPT),
    },
)

# resources


def _unlimited(key, name):
    whole = {"memory": 256 * MIB, "cpus": 0.5, "pids": 100}
    none = {**whole, key: None}
    declared = {"memory": {"memory": "256MiB"}, "cpus": {"cpus": "0.5"}, "pids": {"pids": 100}}[key]
    return Specimens(
        passes=[SOUND, SOUND_JOB, containers(container(cgroup=Cgroup(1, **none)), resources=declared)],
        fails={
            f"container harbor-api-1: no {name} limit in the cgroup": containers(container(cgroup=Cgroup(1, **none))),
            f"no {name} limit (declared, as the job has ended)": jobs(job(configured=Configured(**none))),
            f"no {name} limit (declared; what is effective": containers(
                container(cgroup=SECRET_FREE, configured=Configured(**none))
            ),
        },
        undecided={
            **NOTHING,
            "not permitted": containers(container(cgroup=SECRET_FREE)),
            "is not running": STOPPED,
        },
    )


def _other(key, declared, told, wrong, told_wrong, more=()):
    whole = {"memory": 256 * MIB, "cpus": 0.5, "pids": 100}
    want = {"resources": {key: declared}}
    none = {**whole, key: None}
    return Specimens(
        passes=[
            containers(**want),
            jobs(**want),
            *(containers(container(cgroup=Cgroup(2, **{**whole, key: near})), **want) for near in more),
        ],
        fails={
            f"{told_wrong} in the cgroup (expected {told})": containers(
                container(cgroup=Cgroup(2, **{**whole, key: wrong})), **want
            ),
            "limit in the cgroup": containers(container(cgroup=Cgroup(2, **none)), **want),
            f"{told_wrong} (declared, as the job has ended)": jobs(
                job(configured=Configured(**{**whole, key: wrong})), **want
            ),
            f"{told_wrong} (declared; what is effective": containers(
                container(cgroup=SECRET_FREE, configured=Configured(**{**whole, key: wrong})), **want
            ),
        },
        undecided={
            "service api has no container": no_container(**want),
            "not permitted": containers(container(cgroup=SECRET_FREE), **want),
            "is not running": containers(container(state="restarting"), **want),
        },
    )


CTR_026 = _unlimited("memory", "memory")
CTR_027 = _unlimited("cpus", "CPU")
CTR_028 = _unlimited("pids", "pids")
CTR_029 = _other("memory", "256MiB", "256MiB", 128 * MIB, "memory limit 128MiB", more=(256 * MIB - 4096,))
CTR_030 = _other("cpus", "0.5", "0.5", 1.5, "CPU limit 1.5", more=(0.501,))
CTR_031 = _other("pids", 100, "100", 99, "pids limit 99")
FILES = {"resources": {"nofile": 4096}}
CTR_032 = Specimens(
    passes=[
        containers(**FILES),
        containers(container(processes=(process(may={"nofile_soft": 8192}),)), **FILES),  # raised by the program itself
        jobs(**FILES),
        containers(container(processes=(process(pid=9, ppid=412, may={"nofile_soft": 64}), process())), **FILES),
        containers(container(pid=0, processes=(process(pid=9, ppid=412, may={"nofile_soft": 64}), process())), **FILES),
    ],
    fails={
        "process 412 (api): nofile 1024 (expected 4096)": containers(
            container(processes=(process(may={"nofile_soft": 1024}),)), **FILES
        ),
        "nofile unlimited": containers(
            container(configured=Configured(), processes=(process(may={"nofile_soft": None}),)), **FILES
        ),
        "nofile 8192": containers(
            container(configured=Configured(nofile=8192), processes=(process(may={"nofile_soft": 8192}),)), **FILES
        ),
        "nofile not set (declared": jobs(job(configured=Configured()), **FILES),
    },
    undecided={
        "service api has no container": no_container(**FILES),
        "not permitted": containers(container(processes=SECRET_FREE), **FILES),
        "read /proc/412/status": containers(container(processes=(process(privileges=SECRET_FREE),)), **FILES),
    },
)
CTR_033 = Specimens(
    passes=[SOUND, SOUND_JOB],
    fails={"cgroup_parent /free": containers(container(cgroup_parent="/free"))},
    undecided=NOTHING,
)

# life

CTR_034 = Specimens(
    passes=[
        SOUND,
        SOUND_JOB,
        SCALED_TO_NONE,
        containers(container(), container(name="harbor-api-2"), replicas=2),
        containers(container(name="a"), container(name="b"), containers=["a", "b"]),
        containers(container(), container(name="old", state="exited")),
    ],
    fails={
        "service api: 0 running (expected 1)": no_container(),
        "container harbor-api-1: exited, exit code 137": STOPPED,
        "1 running (expected 2)": containers(container(), container(state="restarting"), replicas=2),
        "2 running (expected 1)": containers(container(), container(name="harbor-api-2")),
        "exited, exit code 3 (expected exited, exit code 0)": jobs(job(exit_code=3)),
        "created, exit code 0": jobs(job(state="created")),
        "service migrate: 2 containers (expected 1)": jobs(job(), job()),
    },
    undecided={"has not ended yet": jobs(job(state="running"))},
)
ALWAYS = {"restart": "unless-stopped"}
CTR_035 = Specimens(
    passes=[containers(**ALWAYS), jobs(restart="no"), jobs(job(restart_policy=""), restart="no")],
    fails={
        "restart policy no (expected unless-stopped)": containers(container(restart_policy="no"), **ALWAYS),
        "restart policy always": containers(container(restart_policy="always"), **ALWAYS),
    },
    undecided={"service api has no container": no_container(**ALWAYS)},
)
CTR_036 = Specimens(
    passes=[SOUND, SOUND_JOB, containers(container(restart_policy="on-failure", restart_limit=5))],
    fails={
        "restart policy on-failure, unlimited retries": containers(container(restart_policy="on-failure")),
        "on-failure, 50 retries": jobs(job(restart_policy="on-failure", restart_limit=50)),
    },
    undecided=NOTHING,
)
CTR_037 = Specimens(
    passes=[containers(max_restarts=0), containers(container(restart_count=3), max_restarts=3)],
    fails={
        "restarted 4 times (expected at most 3)": containers(container(restart_count=4), max_restarts=3),
        "restarted 1 times": containers(container(restart_count=1), max_restarts=0),
    },
    undecided={"service api has no container": no_container(max_restarts=0)},
)
CTR_038 = Specimens(
    passes=[SOUND, SOUND_JOB],
    fails={
        "the kernel killed 2 of its processes": containers(container(oom_kills=2)),
        "killed by the kernel": containers(container(oom_killed=True, state="exited", oom_kills=SECRET_FREE)),
        "harbor-migrate-1": jobs(job(oom_killed=True)),
    },
    undecided={**NOTHING, "not permitted": containers(container(oom_kills=SECRET_FREE)), "is not running": STOPPED},
)
CTR_039 = Specimens(
    passes=[containers(grace_period="30s"), containers(grace_period="5s")],
    fails={
        "killed 10s after it was asked to stop (expected 30s)": containers(
            container(stop_timeout=10.0), grace_period="30s"
        )
    },
    undecided={"service api has no container": no_container(grace_period="30s")},
)
CTR_040 = Specimens(
    passes=[SOUND, SOUND_JOB, containers(container(processes=(process(name="ssh"),)))],
    fails={
        "process 412 (sshd): an SSH server": containers(container(processes=(process(name="sshd"),))),
        "process 412 (init)": containers(container(processes=(process(name="init", exe="dropbear"),))),
    },
    undecided=UNSEEN,
)

# healthcheck

MISSING_PROGRAM = HealthLog(-1, executed=False, reason="no such file or directory")
CTR_041 = Specimens(
    passes=[SOUND, SOUND_JOB],
    fails={"no healthcheck": containers(container(healthcheck=None))},
    undecided=NOTHING,
)
CTR_042 = Specimens(
    passes=[
        SOUND,
        SOUND_JOB,
        containers(container(healthcheck=None)),
        containers(container(healthcheck=healthcheck(MISSING_PROGRAM, HealthLog(0, executed=True)))),
        containers(container(healthcheck=healthcheck(HealthLog(1, executed=True), status="unhealthy"))),
    ],
    fails={
        "its healthcheck can't run, exit code -1: no such file or directory": containers(
            container(healthcheck=healthcheck(MISSING_PROGRAM, status="unhealthy"))
        ),
        "exit code 127": containers(container(healthcheck=healthcheck(HealthLog(127, executed=True)))),
        "exit code 126": containers(container(healthcheck=healthcheck(HealthLog(126, executed=True)))),
    },
    undecided={
        **NOTHING,
        "has not run yet": containers(container(healthcheck=healthcheck(log=()))),
        "is not running": STOPPED,
    },
)
CTR_043 = Specimens(
    passes=[
        SOUND,
        SOUND_JOB,
        containers(container(healthcheck=None)),
        containers(container(healthcheck=healthcheck(MISSING_PROGRAM, status="unhealthy"))),
    ],
    fails={
        "unhealthy, exit code 1": containers(
            container(healthcheck=healthcheck(HealthLog(1, executed=True), status="unhealthy"))
        )
    },
    undecided={
        **NOTHING,
        "has not decided yet": containers(container(healthcheck=healthcheck(log=(), status="starting"))),
        "is not running": STOPPED,
    },
)

# image

CTR_044 = Specimens(
    passes=[
        SOUND,
        SOUND_JOB,
        *(
            containers(container(image=image))
            for image in (f"redis@{DIGEST}", f"redis:latest@{DIGEST}", IMAGE_ID, "redis:7")
        ),
    ],
    fails={
        "image redis:latest": containers(container(image="redis:latest")),
        "image registry.example:5000/redis": containers(container(image="registry.example:5000/redis")),
        "image redis:stable": containers(container(image="redis:stable")),
    },
    undecided=NOTHING,
)
CTR_045 = Specimens(
    passes=[
        containers(image=IMAGE),
        containers(image=f"{IMAGE}@{DIGEST}"),
        containers(image=IMAGE_ID),
        containers(container(image_digests=()), image=f"elsewhere/api@{IMAGE_ID}"),
        containers(container(image="docker.io/library/redis"), image="redis:latest"),
    ],
    fails={
        f"image {IMAGE}, image id 4f1c4f1c4f1c (expected registry.example:5000/harbor/api:1.5.0)": containers(
            image="registry.example:5000/harbor/api:1.5.0"
        ),
        "(expected harbor/api:1.4.2": containers(image="harbor/api:1.4.2"),
        "image id 9e079e079e07": containers(container(image_id=OTHER_IMAGE_ID), image=IMAGE_ID),
        "(expected registry.example:5000/harbor/api:1.4.2@sha256:abab": containers(image=f"{IMAGE}@sha256:{'ab' * 32}"),
    },
    undecided={"service api has no container": no_container(image=IMAGE)},
)
CTR_046 = Specimens(
    passes=[SOUND, containers(container(), container(name="harbor-api-2"), replicas=2)],
    fails={
        "container harbor-api-3: image id 9e079e079e07 (expected image id 4f1c4f1c4f1c)": containers(
            container(),
            container(name="harbor-api-2"),
            container(name="harbor-api-3", image_id=OTHER_IMAGE_ID),
            replicas=3,
        )
    },
    undecided=NOTHING,
)
CTR_047 = Specimens(
    passes=[containers(image_max_age="30d")],
    fails={"image made 2026-05-20, 11 days old (expected at most 7d)": containers(image_max_age="7d")},
    undecided={
        "service api has no container": no_container(image_max_age="30d"),
        "it says 1970-01-01": containers(container(image_created="1970-01-01T00:00:00Z"), image_max_age="30d"),
        "nothing is no date": containers(container(image_created=""), image_max_age="30d"),
    },
)
CTR_048 = Specimens(
    passes=[
        containers(platform="linux/amd64"),
        containers(container(platform="linux/arm64/v8"), platform="linux/arm64"),
    ],
    fails={
        "linux/amd64 (expected linux/arm64)": containers(platform="linux/arm64"),
        "linux/arm/v6": containers(container(platform="linux/arm/v6"), platform="linux/arm/v7"),
    },
    undecided={
        "service api has no container": no_container(platform="linux/amd64"),
        "does not tell its platform": containers(container(platform=""), platform="linux/amd64"),
    },
)
UNREADABLE = (process(exe=""),)
CTR_049 = Specimens(
    passes=[
        SOUND,
        SOUND_JOB,
        STOPPED,
        containers(container(platform="linux/arm64")),  # says so, and isn't: CTR-048 tells it
        containers(container(platform="linux/386", processes=UNREADABLE)),
        containers(container(processes=(process(exe="qemu-system-x86_64"),))),
    ],
    fails={
        "process 412 (api): runs in qemu-aarch64-static": containers(
            container(processes=(process(exe="qemu-aarch64-static"),))
        ),
        "linux/arm64 emulated on linux/amd64": containers(container(platform="linux/arm64", processes=UNREADABLE)),
        "harbor-migrate-1: linux/arm64 emulated": jobs(job(platform="linux/arm64")),
    },
    undecided={**NOTHING, "neither what executes": containers(container(platform="", processes=SECRET_FREE))},
)

# logs

CTR_050 = Specimens(
    passes=[
        SOUND,
        SOUND_JOB,
        containers(container(log_driver="local", log_options=())),
        containers(container(log_driver="journald", log_options=())),
        containers(container(log_options=()), logs={"max_size": "1GiB"}),
    ],
    fails={
        "log driver json-file without max-size": containers(container(log_options=())),
        "json-file without": containers(container(log_options=(("max-size", "-1"),))),
    },
    undecided=NOTHING,
)
BOUNDED = {"logs": {"max_size": "30MB"}}
CTR_051 = Specimens(
    passes=[
        containers(**BOUNDED),
        containers(container(log_options=(("max-size", "29000kb"),)), **BOUNDED),
        containers(container(log_driver="none", log_options=()), **BOUNDED),
    ],
    fails={
        "keeps up to 38.1MiB of its log (expected at most 28.6MiB)": containers(
            container(log_options=(("max-size", "10m"), ("max-file", "4"))), **BOUNDED
        ),
        "keeps up to 95.4MiB": containers(container(log_driver="local", log_options=()), **BOUNDED),
        "keeps an unbounded log": containers(container(log_options=()), **BOUNDED),
    },
    undecided={
        "service api has no container": no_container(**BOUNDED),
        "log driver syslog": containers(container(log_driver="syslog"), **BOUNDED),
    },
)

# membership

CTR_052 = Specimens(
    passes=[Deployment(("api",), ())],
    fails={
        "container harbor-old-1: exited, from image harbor/api:1.3.0": Deployment(
            ("api",), (container(name="harbor-old-1", state="exited", image="harbor/api:1.3.0"),)
        )
    },
)
