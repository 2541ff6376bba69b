"""Containers, each broken in one way on a live engine."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.integration.defects import defect
from tests.integration.defects._bench import Bench, Broken
from tests.integration.defects._engine import second_lab
from tests.lab import Container

__all__: list[str] = []

SLEEP = {
    "command": ["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait"],
    "healthcheck": {"test": ["CMD", "true"], "interval": "300ms"},
}
"""A container that serves nothing."""
NO_PROCESS = tuple(
    f"CTR-{number:03}" for number in (1, 2, 3, 4, 5, 6, 8, 9, 14, 15, 16, 17, 29, 30, 31, 32, 38, 40, 42, 43)
)
"""What can't be decided on a container that does not run."""


def until(condition: Any, within: float = 20) -> None:
    """Wait for what a defect needs to have happened."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "the defect did not come about"
        time.sleep(0.05)


def state(container: Container) -> dict[str, Any]:
    found: dict[str, Any] = container.inspect()["State"]
    return found


# --- users


@defect(turns_red=("CTR-001",))
def root_user(bench: Bench) -> Broken:
    return bench.single(user="0:10001")


@defect(turns_red=("CTR-001",))
def one_root_process_among_others(bench: Bench) -> Broken:
    """What an operator leaves behind who looked around with `docker exec --user root`."""
    broken = bench.single()
    body = {"Cmd": ["sleep", "600"], "User": "0:10001"}
    made = bench.lab.engine.call("POST", f"/containers/{broken.containers[0].id}/exec", body)["Id"]
    bench.lab.engine.call("POST", f"/exec/{made}/start", {"Detach": True})
    return broken


@defect(turns_red=("CTR-002",))
def root_group(bench: Bench) -> Broken:
    """A user of whom no passwd file knows gets gid 0."""
    return bench.single(user="4711")


@defect(turns_red=("CTR-003",))
def shadow_group(bench: Bench) -> Broken:
    return bench.single(group_add=["42"])


# --- capabilities


@defect(turns_red=("CTR-004",))
def sys_admin(bench: Bench) -> Broken:
    return bench.single(cap_add=["SYS_ADMIN"])


@defect(turns_red=("CTR-005",))
def ambient_capability(bench: Bench) -> Broken:
    """An entrypoint that drops to its user and keeps a capability on the way."""
    drop = "setpriv --reuid=10014 --regid=10014 --clear-groups --inh-caps=-all,+chown --ambient-caps=-all,+chown"
    return bench.single(
        "service",
        user="0:0",
        cap_add=["SETUID", "SETGID", "SETPCAP", "CHOWN"],
        entrypoint=[*drop.split(), "--bounding-set=-all,+chown", "sleep", "600"],
        # Run by the engine as root, so it must not be under way while we look.
        healthcheck={"test": ["CMD", "true"], "interval": "4s"},
        declared={"image": bench.lab.images["service"]},
    )


@defect(turns_red=("CTR-006",))
def default_capabilities(bench: Bench) -> Broken:
    return bench.single(cap_drop=None)


# --- privileges


@defect(turns_red=("CTR-007",))
def privileged(bench: Bench) -> Broken:
    other = bench.elsewhere(second_lab)
    return other.single(privileged=True, network_mode="none")


@defect(turns_red=("CTR-008",))
def new_privileges(bench: Bench) -> Broken:
    return bench.single(security_opt=None)


@defect(turns_red=("CTR-009",))
def no_seccomp(bench: Bench) -> Broken:
    return bench.single(**{"+security_opt": ["seccomp=unconfined"]})


@defect(turns_red=("CTR-010",))
def no_apparmor(bench: Bench) -> Broken:
    return bench.single(**{"+security_opt": ["apparmor=unconfined"]})


@defect(turns_red=("CTR-010",))
def no_selinux(bench: Bench) -> Broken:
    return bench.single(**{"+security_opt": ["label=disable"]})


@defect(turns_red=("CTR-011",))
def open_system_paths(bench: Bench) -> Broken:
    return bench.single(host={"MaskedPaths": [], "ReadonlyPaths": []})


@defect(turns_red=("CTR-012",))
def unsafe_sysctl(bench: Bench) -> Broken:
    return bench.single(sysctls={"net.core.somaxconn": "1024"})


@defect(turns_red=("CTR-013",))
def device(bench: Bench) -> Broken:
    return bench.single(devices=["/dev/kmsg:/dev/kmsg:r"])


# --- namespaces


@defect(turns_red=("CTR-014",))
def host_network(bench: Bench) -> Broken:
    return bench.single(network_mode="host", **SLEEP)


@defect(turns_red=("CTR-015",))
def host_pid(bench: Bench) -> Broken:
    return bench.single(pid="host")


@defect(turns_red=("CTR-016",))
def host_ipc(bench: Bench) -> Broken:
    return bench.single(ipc="host")


@defect(turns_red=("CTR-017",))
def host_uts(bench: Bench) -> Broken:
    return bench.single(uts="host")


@defect(turns_red=("CTR-018",))
def host_users(bench: Bench) -> Broken:
    return bench.single(userns_mode="host")


@defect(turns_red=("CTR-019",))
def default_bridge(bench: Bench) -> Broken:
    return bench.single(network_mode="bridge")


# --- mounts


@defect(turns_red=("CTR-020",))
def engine_socket(bench: Bench) -> Broken:
    return bench.single(volumes=["data:/data", f"{bench.lab.engine.path}:/engine.sock:ro"])


@defect(turns_red=("CTR-020",))
def folder_of_the_engine_socket(bench: Bench) -> Broken:
    return bench.single(volumes=["data:/data", "/run:/host-run:ro"])


@defect(turns_red=("CTR-021",))
def writable_etc(bench: Bench) -> Broken:
    return bench.single(volumes=["data:/data", "/etc/cron.d:/jobs"])


@defect(turns_red=("CTR-021",))
def writable_etc_by_a_symbolic_link(bench: Bench) -> Broken:
    link = _scratch(bench) / "jobs"
    link.symlink_to("/etc/cron.d")
    return bench.single(volumes=["data:/data", f"{link}:/jobs"])


@defect(turns_red=("CTR-021",))
def writable_etc_by_a_volume(bench: Bench) -> Broken:
    """A named volume whose driver options make it a bind mount."""
    engine, name = bench.lab.engine, f"{bench.lab.project}-{os.urandom(3).hex()}"
    options = {"type": "none", "o": "bind", "device": "/etc/cron.d"}
    engine.call("POST", "/volumes/create", {"Name": name, "DriverOpts": options, "Labels": bench.lab.labels(name)})
    bench.afterwards(engine.remove, "volumes", [name])
    mount = {"Type": "volume", "Source": name, "Target": "/jobs"}
    return bench.single(host={"Mounts": [mount]})


@defect(turns_red=("CTR-022",))
def readable_proc(bench: Bench) -> Broken:
    return bench.single(volumes=["data:/data", "/proc:/host-proc:ro"])


@defect(turns_red=("CTR-023",))
def shared_mount(bench: Bench) -> Broken:
    """The engine refuses shared propagation unless the source lies on a shared mount, so there is one for the while."""
    folder = Path("/mnt") / f"seatrial-{bench.lab.project}"
    folder.mkdir()
    bench.afterwards(folder.rmdir)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "lab", folder], check=True)
    bench.afterwards(lambda: subprocess.run(["umount", folder], check=True))
    subprocess.run(["mount", "--make-shared", folder], check=True)
    return bench.single(volumes=["data:/data", f"{folder}:/shared:rshared"])


# --- file system


@defect(turns_red=("CTR-024",))
def writable_root(bench: Bench) -> Broken:
    return bench.single(read_only=False)


@defect(turns_red=("CTR-025",))
def data_on_the_writable_layer(bench: Bench) -> Broken:
    return bench.single(volumes=[])


@defect(turns_red=("CTR-025",))
def data_on_an_anonymous_volume(bench: Bench) -> Broken:
    return bench.single(volumes=["/data"])


@defect(turns_red=("CTR-025",))
def data_on_a_tmpfs(bench: Bench) -> Broken:
    return bench.single(volumes=[], **{"+tmpfs": ["/data:rw,size=64k"]})


@defect(turns_red=("CTR-025",))
def data_beside_its_volume(bench: Bench) -> Broken:
    """One letter off: the volume is there, and the data is not on it."""
    return bench.single(volumes=["data:/dat"])


# --- resources


@defect(turns_red=("CTR-026",))
def no_memory_limit(bench: Bench) -> Broken:
    return bench.single(mem_limit=None, memswap_limit=None, declared=bench.limits(memory=None))


@defect(turns_red=("CTR-027",))
def no_cpu_limit(bench: Bench) -> Broken:
    return bench.single(cpus=None, declared=bench.limits(cpus=None))


@defect(turns_red=("CTR-028",))
def no_pids_limit(bench: Bench) -> Broken:
    return bench.single(pids_limit=None, declared=bench.limits(pids=None))


@defect(turns_red=("CTR-029",))
def other_memory_limit(bench: Bench) -> Broken:
    return bench.single(mem_limit="24m", memswap_limit="24m")


@defect(turns_red=("CTR-029",))
def missing_memory_limit(bench: Bench) -> Broken:
    return bench.single(mem_limit=None, memswap_limit=None)


@defect(turns_red=("CTR-029",))
def memory_limit_changed_behind_the_engine(bench: Bench) -> Broken:
    """The engine still tells the limit it was asked for; the kernel enforces another."""
    broken = bench.single()
    cgroup = _cgroup(state(broken.containers[0])["Pid"], "memory")
    old, new = cgroup / "memory.limit_in_bytes", cgroup / "memory.memsw.limit_in_bytes"
    if new.exists():
        new.write_text(str(32 << 20))
    (old if old.exists() else cgroup / "memory.max").write_text(str(32 << 20))
    return broken


@defect(turns_red=("CTR-030",))
def other_cpu_limit(bench: Bench) -> Broken:
    return bench.single(cpus=0.25)


@defect(turns_red=("CTR-031",))
def other_pids_limit(bench: Bench) -> Broken:
    return bench.single(pids_limit=32)


@defect(turns_red=("CTR-032",))
def other_open_file_limit(bench: Bench) -> Broken:
    return bench.single(ulimits={"nofile": {"soft": 1024, "hard": 8192}, "core": 0})


@defect(turns_red=("CTR-033",))
def foreign_cgroup(bench: Bench) -> Broken:
    parent = f"/seatrial-{bench.lab.project}"
    bench.afterwards(_forget_cgroup, parent)
    return bench.single(cgroup_parent=parent)


def _cgroup(pid: int, controller: str) -> Path:
    """The cgroup of a process, v1 or v2."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            return Path("/sys/fs/cgroup", names, path.lstrip("/"))
        if not names and Path("/sys/fs/cgroup/cgroup.controllers").exists():
            return Path("/sys/fs/cgroup", path.lstrip("/"))
    raise AssertionError(f"no cgroup of controller {controller}")


def _forget_cgroup(parent: str) -> None:
    """The engine leaves the parent behind when the container goes."""
    for folder in Path("/sys/fs/cgroup").glob(f"*{parent}"):
        with contextlib.suppress(OSError):
            folder.rmdir()
    with contextlib.suppress(OSError):
        Path(f"/sys/fs/cgroup{parent}").rmdir()


# --- life


@defect(turns_red=("CTR-034",))
def a_replica_too_few(bench: Bench) -> Broken:
    broken = bench.single()
    broken.declared["replicas"] = 2
    return broken


@defect(turns_red=("CTR-034",))
def a_job_that_failed(bench: Bench) -> Broken:
    return ended_job(bench, "exit 3")


@defect(turns_red=("CTR-034",), hides=NO_PROCESS)
def stopped(bench: Bench) -> Broken:
    broken = bench.single()
    bench.lab.engine.call("POST", f"/containers/{broken.containers[0].id}/stop", t=5)
    return broken


def ended_job(bench: Bench, script: str, **words: Any) -> Broken:
    made = bench.container(
        **{"command": ["/bin/sh", "-c", script], "restart": "no", "healthcheck": {"disable": True}, **words}
    )
    until(lambda: state(made)["Status"] == "exited")
    return Broken([made], bench.declared(one_shot=True, restart="no"), bench.target)


@defect(turns_red=("CTR-001",))
def a_job_that_was_root(bench: Bench) -> Broken:
    """It has ended, so that only what it was created with is left to judge."""
    return ended_job(bench, "exit 0", user="0:10001")


@defect(turns_red=("CTR-035",))
def no_restart(bench: Bench) -> Broken:
    return bench.single(restart="no")


@defect(turns_red=("CTR-036",))
def endless_retries(bench: Bench) -> Broken:
    return bench.single(restart="on-failure")


@defect(turns_red=("CTR-037",))
def restarted(bench: Bench) -> Broken:
    once = "test -e /data/failed || { touch /data/failed; exit 1; }; trap 'exit 0' TERM; sleep 600 & wait"
    broken = bench.single(**{**SLEEP, "command": ["/bin/sh", "-c", once]})
    container = broken.containers[0]
    until(lambda: container.inspect()["RestartCount"] == 1 and state(container)["Running"])
    container.settle().wait_healthy()
    return broken


@defect(turns_red=("CTR-038",))
def out_of_memory(bench: Bench) -> Broken:
    """A child takes more than there is and is killed; the container lives on and the engine calls it healthy."""
    greedy = "trap 'exit 0' TERM; tail /dev/zero & wait $!; sleep 600 & wait"
    broken = bench.single(**{**SLEEP, "command": ["/bin/sh", "-c", greedy]})
    container = broken.containers[0]
    control = _cgroup(state(container)["Pid"], "memory")
    counter = next(control / name for name in ("memory.events", "memory.oom_control") if (control / name).exists())
    until(lambda: "oom_kill 1" in counter.read_text())
    container.wait_healthy()
    return broken


@defect(turns_red=("CTR-039",))
def impatient_stop(bench: Bench) -> Broken:
    return bench.single(declared={"grace_period": "30s"})


@defect(turns_red=("CTR-040",))
def ssh_server(bench: Bench) -> Broken:
    """The name is what counts: the program is a script, as Debian's sshd is not in the lab's images."""
    folder = _scratch(bench)
    script = folder / "sshd"
    script.write_text("#!/bin/sh\ntrap 'exit 0' TERM\nsleep 600 & wait\n")
    script.chmod(0o755)
    return bench.single(**{**SLEEP, "command": ["/srv/sshd"], "volumes": ["data:/data", f"{folder}:/srv:ro"]})


def _scratch(bench: Bench) -> Path:
    """A folder of the host that every user may read, for the while."""
    folder = Path("/var/tmp") / f"seatrial-{bench.lab.project}-{os.urandom(3).hex()}"
    folder.mkdir(mode=0o755)
    bench.afterwards(shutil.rmtree, folder)
    return folder


# --- healthcheck


@defect(turns_red=("CTR-041",))
def no_healthcheck(bench: Bench) -> Broken:
    return bench.single(healthcheck={"disable": True})


@defect(turns_red=("CTR-042",))
def healthcheck_of_a_missing_program(bench: Bench) -> Broken:
    return _unhealthy(bench, ["CMD", "curl", "-f", "http://127.0.0.1:8080/"])


@defect(turns_red=("CTR-042",))
def healthcheck_of_a_missing_program_in_a_shell(bench: Bench) -> Broken:
    return _unhealthy(bench, ["CMD-SHELL", "curl -f http://127.0.0.1:8080/"])


@defect(turns_red=("CTR-043",))
def unhealthy(bench: Bench) -> Broken:
    return _unhealthy(bench, ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:9/"])


def _unhealthy(bench: Bench, test: list[str]) -> Broken:
    broken = bench.single(healthcheck={"test": test, "interval": "200ms", "timeout": "3s", "retries": 1})
    until(lambda: state(broken.containers[0])["Health"]["Status"] == "unhealthy")
    return broken


# --- image


@defect(turns_red=("CTR-044",))
def latest(bench: Bench) -> Broken:
    engine, name = bench.lab.engine, f"seatrial-lab/{bench.lab.project}"
    engine.call("POST", f"/images/{_id(bench, 'tiny')}/tag", repo=name, tag="latest")
    bench.afterwards(lambda: engine.call("DELETE", f"/images/{name}:latest"))
    return bench.single(name, declared={"image": name})


@defect(turns_red=("CTR-045",))
def another_image(bench: Bench) -> Broken:
    return bench.single(bench.lab.image(config={"Env": ["PATH=/bin", "VARIANT=another"]}))


@defect(turns_red=("CTR-046",))
def mixed_images(bench: Bench) -> Broken:
    other = bench.lab.image(config={"Env": ["PATH=/bin", "VARIANT=mixed"]})
    each = [bench.container(), bench.container(), bench.container(other)]
    return Broken(each, bench.declared(image=None, replicas=3), bench.target)


@defect(turns_red=("CTR-047",))
def aged_image(bench: Bench) -> Broken:
    old = bench.lab.image(created="2020-01-01T00:00:00Z")
    return bench.single(old, declared={"image": old, "image_max_age": "90d"})


@defect(turns_red=("CTR-048",))
def another_platform(bench: Bench) -> Broken:
    """An image that says arm64 and is not: it was built on the wrong machine, and runs only for that reason."""
    other = bench.lab.image(architecture="arm64")
    return bench.single(other, declared={"image": other})


@defect(turns_red=("CTR-049",))
def emulated(bench: Bench) -> Broken:
    """A program for arm64 in QEMU's user-mode emulator, the way binfmt_misc would start it."""
    folder = _scratch(bench)
    (folder / "main.go").write_text('package main\n\nimport "time"\n\nfunc main() { time.Sleep(10 * time.Minute) }\n')
    build = ["go", "build", "-o", "sleep", "main.go"]
    environment = {**os.environ, "CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": "arm64", "GO111MODULE": "off"}
    subprocess.run(build, cwd=folder, env=environment, check=True)
    shutil.copy(shutil.which("qemu-aarch64-static") or "qemu-aarch64-static", folder)
    return bench.single(
        command=["/srv/qemu-aarch64-static", "/srv/sleep"],
        volumes=["data:/data", f"{folder}:/srv:ro"],
        healthcheck=SLEEP["healthcheck"],
        mem_limit="64m",
        memswap_limit="64m",
        declared=bench.limits(memory="64MiB"),
    )


def _id(bench: Bench, image: str) -> str:
    found = bench.lab.engine.image(bench.lab.images[image])
    assert found is not None
    return str(found["Id"])


# --- logs


@defect(turns_red=("CTR-050",))
def unbounded_log(bench: Bench) -> Broken:
    return bench.single(logging={"driver": "json-file"}, declared={"logs": None})


@defect(turns_red=("CTR-051",))
def larger_log(bench: Bench) -> Broken:
    return bench.single(logging={"driver": "json-file", "options": {"max-size": "1m", "max-file": "4"}})


# --- membership


@defect(turns_red=("CTR-052",))
def undeclared_container(bench: Bench) -> Broken:
    """A container of the project that no service of the profile knows."""
    project = f"{bench.lab.project}-known"
    known, _ = (bench.container(labels=_compose_labels(project, service)) for service in ("subject", "stranger"))
    return Broken([known], bench.declared(), {**bench.target, "compose_project": project})


def _compose_labels(project: str, service: str) -> dict[str, str]:
    labels = {"project": project, "service": service, "container-number": "1", "oneoff": "False"}
    return {f"com.docker.compose.{key}": value for key, value in labels.items()}
