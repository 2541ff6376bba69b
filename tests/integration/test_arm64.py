"""The stack of real programs once as it is, and once with its service as a program for arm64 under emulation.

What turns red there is emulation, and nothing else: every other promise is kept by the emulated service too, which speaks
the same contract. A profile that asks for a machine of arm64 is red for its architecture as well, rightly: the kernel is
not one, whatever `uname` says inside.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.harbor_profile import write
from tests.lab import Lab, Stack, arm64

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.uname().machine == "aarch64", reason="arm64 is this machine's own"),
]
NATIVE = {"x86_64": "amd64"}.get(os.uname().machine, os.uname().machine)
HARDWARE = """\
hardware:
  arch: {arch}
  cpus: {{min: 1}}
  memory: {{min: 256MiB}}
  disk:
    - {{path: /data, service: redis, min: 1MiB, free: 1MiB, free_inodes: 10}}
    - {{path: /var/lib/postgresql/data, service: postgres, min: 1MiB, free: 1MiB}}
services:
"""
Verdicts = dict[tuple[str, str], str]


def audit(stack: Stack, folder: Path, arch: str) -> tuple[dict[str, Any], str]:
    """A whole run, as its user starts it: the report, and what was printed."""
    stack.wait_healthy()
    profile = write(stack, folder, change=("services:\n", HARDWARE.format(arch=arch)))
    reports = folder / f"reports-{len(list(folder.iterdir()))}"
    command = [sys.executable, "-m", "seatrial", "audit", str(profile), f"--report-dir={reports}"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DOCKER_"))}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=180, check=False
    )
    found = list(reports.glob("*/conformance.json"))
    assert found, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(found[0].read_text())
    return report, done.stdout


def verdicts(report: dict[str, Any]) -> Verdicts:
    return {(one["id"], one["subject"]): one["outcome"] for one in report["results"]}


def red(report: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {
        (one["id"], one["subject"]): f"{one['outcome']}: {one['seen'] or one['reason']}"
        for one in report["results"]
        if one["outcome"] in ("violation", "advisory", "error")
    }


@pytest.fixture(scope="module")
def emulated(lab: Lab, require: Any) -> Iterator[Stack]:
    """The stack with two replicas of its service in containers of arm64."""
    require("arm64")
    image = arm64.service(lab.engine)
    with lab.up("plain", overrides={"service": {"image": image}}) as stack:
        yield stack


def test_the_stack_is_green_on_its_own_processor(harbor_plain: Stack, tmp_path: Path) -> None:
    report, _ = audit(harbor_plain, tmp_path, NATIVE)
    assert red(report) == {}
    attested = {one["name"]: one["value"] for one in report["hardware"]}
    assert attested["architecture"] == NATIVE
    assert attested["emulation"] == "none"


def test_under_emulation_exactly_emulation_is_red(harbor_plain: Stack, emulated: Stack, tmp_path: Path) -> None:
    native, _ = audit(harbor_plain, tmp_path, NATIVE)
    report, text = audit(emulated, tmp_path, NATIVE)
    found = red(report)
    assert set(found) == {("HWR-014", "hardware"), ("CTR-049", "service")}
    assert found["HWR-014", "hardware"].startswith("violation")
    for container in emulated.containers["service"]:
        assert container.name in found["HWR-014", "hardware"]
    assert "qemu-aarch64" in found["HWR-014", "hardware"]
    assert "image linux/arm64" in found["HWR-014", "hardware"]
    assert f"on a kernel of {NATIVE}" in found["HWR-014", "hardware"]
    same = {key: outcome for key, outcome in verdicts(report).items() if key not in found}
    assert same == {key: outcome for key, outcome in verdicts(native).items() if key not in found}
    attested = {one["name"]: one["value"] for one in report["hardware"]}
    assert attested["architecture"] == NATIVE
    assert "qemu-aarch64" in attested["emulation"]
    assert "HWR-014" in text


def test_a_promise_of_arm64_is_red_for_the_machine_too(emulated: Stack, tmp_path: Path) -> None:
    report, _ = audit(emulated, tmp_path, "arm64")
    found = red(report)
    assert set(found) == {("HWR-001", "hardware"), ("HWR-014", "hardware"), ("CTR-049", "service")}
    assert found["HWR-001", "hardware"] == f"violation: ['kernel: {NATIVE} (expected arm64)']"
    assert report["exit_code"] == 1


def test_the_emulated_service_keeps_the_contract(emulated: Stack) -> None:
    """What is compared is the same service: it writes and reads back through both of its dependencies."""
    import urllib.request

    body = json.dumps({"text": "from another processor"}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{emulated.url}/notes", data=body), timeout=20) as answer:
        assert answer.status == 201
    with urllib.request.urlopen(f"{emulated.url}/notes", timeout=20) as answer:
        assert "from another processor" in answer.read().decode()
    with urllib.request.urlopen(f"{emulated.url}/health", timeout=20) as answer:
        assert json.load(answer)["components"].keys() == {"redis", "postgres"}
