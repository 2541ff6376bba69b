"""Each hardware requirement on this machine: green where its demand is met, and red alone where just that one is not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import suites
from seatrial.catalogue import catalogue
from seatrial.facts.machine import Clock
from seatrial.looks import _kernel
from tests.integration.defects import Defect, defects_of, hardware
from tests.integration.defects._bench import Bench
from tests.integration.defects.hardware import CORES, Scene, memory_group, own_arch, sleeping, small_file_system
from tests.integration.runs import Run
from tests.lab import Lab, RecordingProxy, Remote

pytestmark = pytest.mark.integration

DEFECTS = defects_of(hardware)
REQUIREMENTS = {requirement.id: requirement for requirement, _ in catalogue(suites) if requirement.area == "hardware"}
NOT_GREEN_HERE = {
    "HWR-010": "what a virtual machine's drive lies on can't be seen",
    "HWR-011": "there is no accelerator",
    "HWR-012": "there is no accelerator",
    "HWR-013": "no time service keeps the clock",
}
"""What no demand makes green on the machines that test this project; specimens and unit tests show it."""
NEEDS = {
    "an_emulated_program": lambda: shutil.which("go") and shutil.which("qemu-aarch64-static") and own_arch() != "arm64",
    "a_clock_that_nobody_keeps": lambda: not kept(),
    "a_container_on_one_processor": lambda: len(CORES) > 1,
    "a_small_file_system_of_the_machine": lambda: mounts(),
}
"""What a defect needs of this machine."""


def kept() -> bool:
    clock = _kernel.clock()
    return isinstance(clock, Clock) and clock.synchronised


def mounts() -> bool:
    """Whether a loop device can be mounted here."""
    try:
        with small_file_system():
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


class Hardware(Run):
    """A run of the area."""

    area = "hardware"

    @property
    def attested(self) -> dict[str, str]:
        """What the report attests of the machine, by name."""
        return {one["name"]: one["value"] for one in self.report["hardware"]}

    def seen(self, *outcomes: str) -> dict[str, str]:
        """By requirement, what was seen, or why nothing was."""
        return {one["id"]: f"{one['seen'] or one['reason']}" for one in self.results if one["outcome"] in outcomes}


@pytest.fixture
def scene(lab: Lab) -> Iterator[Scene]:
    with Bench(lab) as bench:
        made = Scene(bench)
        bench.afterwards(made.stack.close)  # before the container goes: what it mounts outlives it
        yield made


def test_every_requirement_is_shown_red() -> None:
    assert {id for defect in DEFECTS for id in defect.turns_red} == set(REQUIREMENTS)


def test_what_is_met_is_green_and_all_of_it_was_looked_at(scene: Scene, tmp_path: Path) -> None:
    run = Hardware(scene.profile(tmp_path), tmp_path)
    assert run.seen("violation", "advisory", "error") == {}
    assert set(run.seen("pass")) == set(REQUIREMENTS) - set(NOT_GREEN_HERE)
    assert run.code == 0


@pytest.mark.parametrize("defect", DEFECTS, ids=[defect.name for defect in DEFECTS])
def test_exactly_its_requirement_turns_red(defect: Defect, scene: Scene, tmp_path: Path) -> None:
    if not NEEDS.get(defect.name, lambda: True)():
        pytest.skip("this machine has not what it takes")
    defect.make(scene)
    run = Hardware(scene.profile(tmp_path), tmp_path)
    binding = REQUIREMENTS[defect.turns_red[0]].level.binding
    assert sorted(run.seen("violation" if binding else "advisory")) == sorted(defect.turns_red), run.text
    assert run.seen("advisory" if binding else "violation", "error") == {}
    assert run.code == (1 if binding else 0)


def test_a_replay_gives_the_same_verdicts_without_any_engine(scene: Scene, tmp_path: Path) -> None:
    scene.words |= {"mem_limit": "16m", "memswap_limit": "16m"}
    profile = scene.profile(tmp_path)
    first = Hardware(profile, tmp_path)
    again = Hardware(profile, tmp_path, f"--facts={first.folder}", DOCKER_HOST="unix:///nonexistent.sock")
    assert first.seen("violation").keys() == {"HWR-015"}
    verdicts = [[(one["id"], one["outcome"], one["seen"]) for one in run.results] for run in (first, again)]
    assert verdicts[0] == verdicts[1]
    assert first.attested == again.attested


@pytest.mark.parametrize(
    ("change", "red"),
    [
        (lambda facts: facts.update(arch="riscv64"), {"HWR-001"}),
        (lambda facts: facts.update(cpus=0), {"HWR-002", "HWR-003"}),
        (lambda facts: facts["disks"][0].update(size=1), {"HWR-006", "HWR-007"}),
        (lambda facts: facts["disks"][1].update(free_inodes=0), {"HWR-009"}),
        (lambda facts: facts["emulated"].append({"where": "container x", "by": "qemu-arm"}), {"HWR-014"}),
        (lambda facts: facts["limits"][0].update(cpus=0.1, cpus_groups=[["g", 0.1]]), {"HWR-015", "HWR-016"}),
    ],
)
def test_editing_one_fact_turns_exactly_that_red(change: Any, red: set[str], scene: Scene, tmp_path: Path) -> None:
    profile = scene.profile(tmp_path)
    first = Hardware(profile, tmp_path)
    file = first.folder / "facts.json"
    facts = json.loads(file.read_text())
    change(facts["observations"]["machine"])
    file.write_text(json.dumps(facts))
    again = Hardware(profile, tmp_path, f"--facts={first.folder}", DOCKER_HOST="unix:///nonexistent.sock")
    assert set(again.seen("violation", "advisory", "error")) == red


def test_an_engine_elsewhere_tells_what_it_knows_and_the_rest_is_undecided(scene: Scene, tmp_path: Path) -> None:
    """From a pid namespace of our own the containers' processes can't be seen, as from another machine."""
    apart = ("unshare", "--fork", "--pid", "--mount-proc")
    if subprocess.run([*apart, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no right to make a pid namespace")
    scene.demands |= {"gpu": {"min": "1GiB"}, "clock_synchronised": True}
    run = Hardware(scene.profile(tmp_path), tmp_path, before=apart)
    undecided = run.seen("error")
    assert set(run.seen("pass")) == {"HWR-001", "HWR-002", "HWR-003", "HWR-004", "HWR-005", "HWR-014"}
    assert {f"HWR-{n:03}" for n in (6, 7, 8, 9, 11, 13, 15, 16)} == set(undecided)
    assert run.seen("violation", "advisory") == {}
    assert run.code == 3
    assert all("another kernel" in reason for reason in undecided.values())
    assert {one["right"] for one in run.results if one["outcome"] == "error"} == {
        "run Seatrial on the engine's own host, as root, to read /proc"
    }
    assert "another kernel" in run.attested["clock"]
    assert run.attested["architecture"] == own_arch()


def test_an_engine_elsewhere_below_the_demand_is_red(
    scene: Scene, remote_engine: Remote, recording_proxy: RecordingProxy, tmp_path: Path
) -> None:
    apart = ("unshare", "--fork", "--pid", "--mount-proc")
    if subprocess.run([*apart, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no right to make a pid namespace")
    scene.demands = {"arch": "s390x", "cpus": {"min": 4096}, "memory": {"min": "1024TiB"}, "disk": None}
    profile = scene.profile(tmp_path)
    for environment in (remote_engine.environment, {"DOCKER_HOST": recording_proxy.host}):
        run = Hardware(profile, tmp_path, before=apart, **environment)
        assert set(run.seen("violation")) == {"HWR-001", "HWR-002", "HWR-004"}, run.text
    assert recording_proxy.methods <= {"GET", "HEAD"}


def plain(folder: Path, pid: int, **demands: Any) -> Path:
    """The profile of a plain process."""
    document = {
        "profile": "plain",
        "environment": "test",
        "target": {"driver": "process"},
        "hardware": demands,
        "services": {"job": {"process": {"pid": pid}}},
    }
    path = folder / "plain.yaml"
    path.write_text(json.dumps(document))
    return path


def test_a_plain_process_is_green_where_everything_is_met(tmp_path: Path) -> None:
    with sleeping() as pid:
        run = Hardware(plain(tmp_path, pid, **demands(tmp_path)), tmp_path)
    assert run.seen("violation", "advisory", "error") == {}
    assert set(run.seen("pass")) == set(REQUIREMENTS) - set(NOT_GREEN_HERE)
    assert run.attested["emulation"] == "none"
    assert run.attested["limits"] == "none"


def demands(folder: Path) -> dict[str, Any]:
    met = Scene.met(folder)
    return met | {"disk": [met["disk"][0], {"path": str(folder), "service": "job", "min": "1MiB"}]}


@pytest.mark.skipif(len(CORES) < 2, reason="one processor")
def test_a_process_held_to_one_processor_is_below_the_minimum(tmp_path: Path) -> None:
    with sleeping("taskset", "-c", str(CORES[0])) as pid:
        run = Hardware(plain(tmp_path, pid, cpus={"min": 2}), tmp_path)
    assert set(run.seen("violation")) == {"HWR-015"}
    assert f"process {pid} (sleep): may run on processor {CORES[0]} alone" in run.seen("violation")["HWR-015"]


def test_processes_in_one_limited_group_share_its_limit(tmp_path: Path) -> None:
    """As two programs of one systemd slice do: 48 MiB for both are 48, not 96."""
    try:
        with memory_group("50331648") as group, sleeping() as first, sleeping() as second:
            for pid in (first, second):
                (group / "cgroup.procs").write_text(str(pid))
            profile = plain(tmp_path, first, memory={"min": "64MiB"})
            document = json.loads(profile.read_text())
            document["services"]["other"] = {"process": {"pid": second}}
            profile.write_text(json.dumps(document))
            run = Hardware(profile, tmp_path)
            for pid in (first, second):  # or the group could not be removed
                (group.parent / "cgroup.procs").write_text(str(pid))
    except OSError as why:
        pytest.skip(f"no right to make a control group: {why}")
    (told,) = run.seen("violation").values()
    assert set(run.seen("violation")) == {"HWR-015"}
    for pid in (first, second):
        assert f"process {pid} (sleep): limited to 48MiB of memory (expected at least 64MiB)" in told


def test_an_ordinary_user_sees_the_machine_and_is_told_which_right_the_rest_takes(scene: Scene, tmp_path: Path) -> None:
    """Somebody who may read the engine's socket, and is not root."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("only root can become another user")
    folder = Path(scene.stack.enter_context(tempfile.TemporaryDirectory(prefix="ordinary-")))
    profile = scene.profile(folder)
    for place in (folder, profile):
        place.chmod(0o777)
    socket = Path(scene.bench.lab.engine.path)
    group = str(socket.stat().st_gid)
    before = ("setpriv", "--reuid=65534", f"--regid={group}", "--clear-groups")
    run = Hardware(profile, folder, "-p", "no:cacheprovider", before=before, HOME=str(folder))
    assert set(run.seen("pass")) >= {"HWR-001", "HWR-002", "HWR-003", "HWR-004", "HWR-005", "HWR-015", "HWR-016"}
    assert run.seen("violation", "advisory") == {}
    undecided = {(one["id"], one["subject"]): one["right"] for one in run.results if one["outcome"] == "error"}
    assert {id for id, _ in undecided} <= {"HWR-006", "HWR-007", "HWR-008", "HWR-009", "HWR-014"}
    assert {subject for id, subject in undecided if id != "HWR-014"} == {"subject:/data"}
    assert all("root" in right for right in undecided.values())


def test_an_emulated_process_is_named(tmp_path: Path) -> None:
    if not NEEDS["an_emulated_program"]():
        pytest.skip("no go, no qemu, or a machine of that kind")
    hardware.emulated_program(tmp_path)
    child = subprocess.Popen([tmp_path / "qemu-aarch64-static", tmp_path / "sleep"])
    try:
        run = Hardware(plain(tmp_path, child.pid, arch=own_arch()), tmp_path)
    finally:
        child.kill()
        child.wait()
    assert set(run.seen("violation")) == {"HWR-014"}
    assert "qemu-aarch64-static" in run.seen("violation")["HWR-014"]
    assert "qemu-aarch64-static" in run.attested["emulation"]


def test_a_path_that_is_not_there_is_undecided_and_says_what_may_be_meant(tmp_path: Path) -> None:
    with sleeping() as pid:
        run = Hardware(plain(tmp_path, pid, disk={"path": "/no/such/path", "min": "1MiB"}), tmp_path)
    assert set(run.seen("error")) == {"HWR-006"}
    assert "name its `service`" in run.seen("error")["HWR-006"]


def test_nothing_but_a_url_attests_nothing(tmp_path: Path) -> None:
    path = tmp_path / "url.yaml"
    document = {
        "profile": "url",
        "environment": "test",
        "target": {"driver": "http"},
        "hardware": {"arch": own_arch(), "cpus": {"min": 1}},
        "services": {"api": {"url": "http://127.0.0.1:9", "liveness": {"path": "/"}}},
    }
    path.write_text(json.dumps(document))
    run = Hardware(path, tmp_path)
    assert set(run.seen("error")) == {"HWR-001", "HWR-002", "HWR-014", "HWR-015"}
    assert list(run.attested) == ["unknown"]
    assert run.code == 3
