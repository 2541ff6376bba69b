"""From typing the command to its exit: fifty requirements on five containers, beside testinfra, goss and the floor."""

from __future__ import annotations

import sys

import pytest

pytestmark = pytest.mark.benchmark(group="50 requirements on 5 containers, whole process")

# What is asserted of each container, as `docker inspect` tells it: the same ten for every peer.
TEN = {
    "non-root": '{{ne .Config.User ""}}',
    "not-privileged": "{{not .HostConfig.Privileged}}",
    "read-only": "{{.HostConfig.ReadonlyRootfs}}",
    "memory": "{{gt .HostConfig.Memory 0}}",
    "pids": "{{ne .HostConfig.PidsLimit nil}}",
    "restart": '{{ne .HostConfig.RestartPolicy.Name "always"}}',
    "pid-namespace": '{{ne .HostConfig.PidMode "host"}}',
    "ipc-namespace": '{{ne .HostConfig.IpcMode "host"}}',
    "network-namespace": '{{ne .HostConfig.NetworkMode "host"}}',
    "running": "{{.State.Running}}",
}


def test_seatrial(timed, profile, tmp_path):
    out = timed(
        [sys.executable, "-m", "seatrial", "audit", profile, "-k", "containers", f"--report-dir={tmp_path}"],
        cwd=tmp_path,
        codes=(0, 1),
    )
    (*_, last) = out.strip().splitlines()
    looked_at = sum(
        int(word)
        for word, kind in zip(last.split(), last.split()[1:], strict=False)
        if word.isdigit() and kind[:4] in ("pass", "fail", "advi")
    )
    assert looked_at >= 50, last


def test_testinfra(timed, five, tmp_path):
    pytest.importorskip("testinfra")
    hosts = ", ".join(f'"docker://{name}"' for name in five)
    # What its docker backend can see from inside by exec, ten a container.
    (tmp_path / "test_five.py").write_text(
        f"testinfra_hosts = [{hosts}]\n"
        + "".join(
            f"def test_{name}(host):\n    assert host.run({command!r}).rc == 0\n\n"
            for name, command in {
                "uid": "test $(id -u) -ne 0", "gid": "test $(id -g) -ne 0", "nnp": "grep -q 'NoNewPrivs:.1' /proc/1/status",
                "seccomp": "grep -q 'Seccomp:.2' /proc/1/status", "caps": "grep -q 'CapEff:.0*$' /proc/1/status",
                "bounding": "grep -q CapBnd /proc/1/status", "root": "! touch /x 2>/dev/null",
                "limits": "grep -q 'open files' /proc/1/limits", "mounts": "! grep -q docker.sock /proc/1/mountinfo",
                "processes": "test -r /proc/1/stat",
            }.items()
        )
    )  # fmt: skip
    timed([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path], cwd=tmp_path, codes=(0, 1))


def test_goss(timed, goss, five, tmp_path):
    resources = "".join(
        f"  {name}-{what}:\n    exec: docker inspect -f '{template}' {name}\n    exit-status: 0\n    stdout: ['true']\n"
        for name in five
        for what, template in TEN.items()
    )
    (tmp_path / "goss.yaml").write_text("command:\n" + resources)
    timed([goss, "-g", tmp_path / "goss.yaml", "validate", "--max-concurrent", "50"], cwd=tmp_path, codes=(0, 1))


def test_commands_as_goss_runs_them(timed, five, tmp_path):
    """Goss's way without goss, for machines that can't get it: fifty commands, all at once, and their output compared."""
    script = tmp_path / "fifty.sh"
    lines = [f"test \"$(docker inspect -f '{template}' {name})\" = true" for name in five for template in TEN.values()]
    script.write_text("".join(f"({line} || echo 'not {n}') &\n" for n, line in enumerate(lines)) + "wait\n")
    timed(["sh", script], cwd=tmp_path)


def test_floor(timed, five, tmp_path):
    """A minimal pytest that reads one inspect of all five, and nothing else: what the interpreter and pytest cost."""
    template = " ".join(TEN.values())
    (tmp_path / "test_five.py").write_text(
        "import subprocess, pytest\n"
        f"SEEN = subprocess.run(['docker', 'inspect', '-f', {template!r}, *{five!r}], capture_output=True, text=True).stdout\n"
        "CELLS = [w for line in SEEN.splitlines() for w in line.split()]\n"
        "@pytest.mark.parametrize('n', range(50))\n"
        "def test_cell(n):\n    assert CELLS[n] in ('true', 'false')\n"
    )
    timed([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path], cwd=tmp_path)
