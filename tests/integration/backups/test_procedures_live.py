"""The documented procedures, run as they are written: what is red is just what `docs/findings/backups.md` lists, each with its reason.

With SEATRIAL_LONG=1 their negative controls are tried as well, which takes half an hour: a restore of a host for each of 40 flipped bits.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import suites
from seatrial.catalogue import catalogue
from tests.lab import Lab, LabError, compose, tear_down
from tests.systems.procedures import images

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1500)]

ROOT = Path(__file__).parents[3]
PROCEDURES = ROOT / "tests" / "systems" / "procedures"
FINDINGS = ROOT / "docs" / "findings" / "backups.md"
ROW = re.compile(r"^\| (?P<id>[A-Z]{3}-\d{3}) \| (?P<subject>\S+) \| `(?P<seen>.+?)` \| (?P<why>.+?) \|$", re.MULTILINE)
LONG = os.environ.get("SEATRIAL_LONG", "") not in ("", "0")
CONTROLS = frozenset(
    requirement.id for requirement, function in catalogue(suites) if function.__module__.endswith(".test_controls")
)
"""Requirements that need a restore of a host, again and again."""
UNDECIDED = (
    "nothing came back of",
    "the good backup brings nothing back either",
    "the good backup is refused too",
    "the restore failed, so that nothing was there to compare",
    "no backup lies at",
)
"""Why something can't be decided of a backup that is not there, or that is good and is not restored."""
NOTHING = ("BKP-001", "BKP-033", "BKP-036")
"""Requirements that are violated then."""

PRODUCTS = """
import sys
sys.path.insert(0, "/opt/standins")
import akidb_pkg
for number in range(20):
    akidb_pkg.put("products", f"product-{number}", bytes([number]) * 3072)
"""
CONTEXTS = """
import asyncio
from openviking import AsyncOpenViking
async def main():
    client = AsyncOpenViking()
    await client.initialize()
    for number in range(3):
        await client._client._service.viking_fs.write_file(f"viking://resources/guide/{number}.md", "text", ctx=client._client._ctx)
    await client.close()
asyncio.run(main())
"""
BACKUPS: dict[str, tuple[tuple[str, str, str], ...]] = {
    # what is run in the host before it is looked at: the interpreter, its directory, a program or a file of the procedures
    "opossum": (
        ("bash", "/", "opossum/backup-redis.sh"),
        ("bash", "/", "opossum/backup-redis-mended.sh"),
    ),
    "akidb": (("python3", "/", PRODUCTS), ("bash", "/", "akidb/backup.sh")),
    "openviking": (
        ("python3", "/", CONTEXTS),
        ("bash", "/backups", "openviking/backup-agfs.sh"),
        ("bash", "/", "openviking/backup-collections.sh"),
        ("bash", "/mended", "openviking/backup-agfs-mended.sh"),
        ("python3", "/", "openviking/backup_mended.py"),
    ),
}  # fmt: skip


def listed(heading: str) -> dict[tuple[str, str], str]:
    """What a section of the findings lists: requirement and subject, and what was seen."""
    section = FINDINGS.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = (row for row in ROW.finditer(section) if LONG or row["id"] not in CONTROLS)
    return {(row["id"], row["subject"]): row["seen"] for row in rows}


@contextlib.contextmanager
def host(system: str, lab: Lab) -> Iterator[str]:
    """The machine of a system, with the backups that its procedures left there; gone at the end."""
    command = compose.find("compose2") or compose.find("compose1")
    assert command
    project = f"{system}-host"
    try:
        images.ensure(lab.engine)
    except LabError as why:
        pytest.skip(str(why))
    tear_down(lab.engine, project)
    environment = os.environ | {"LAB_OWNER": lab.owner, "DOCKER_HOST": f"unix://{lab.engine.path}"}
    file = PROCEDURES / system / "compose.yaml"
    try:
        words = [*command, "-p", project, "-f", str(file), "up", "-d"]
        subprocess.run(words, env=environment, check=True, capture_output=True, timeout=120)
        (found,) = lab.engine.call(
            "GET", "/containers/json", filters={"label": [f"com.docker.compose.project={project}"]}
        )
        for interpreter, directory, what in BACKUPS[system]:
            made(found["Id"], interpreter, directory, what)
        yield str(found["Id"])
    finally:
        tear_down(lab.engine, project)


def made(container: str, interpreter: str, directory: str, what: str) -> subprocess.CompletedProcess[bytes]:
    """Run one of its procedures in it, by hand as an operator would, once it is up."""
    source = what.encode() if "\n" in what else (PROCEDURES / what).read_bytes()
    wait = "mkdir -p {0}; cd {0}; if command -v redis-cli >/dev/null && [ -d /run/systemd/system ]; then until redis-cli ping >/dev/null 2>&1; do sleep 0.2; done; fi; exec {1} -"
    command = ["docker", "exec", "-i", container, "sh", "-c", wait.format(directory, interpreter)]
    return subprocess.run(command, input=source, capture_output=True, timeout=120, check=False)


def judged(system: str, folder: Path, but: str = "nothing-of-the-kind") -> dict[tuple[str, str], dict[str, Any]]:
    """Run the suite as a user does, and give what every check came to."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DOCKER_"))}
    profile = f"tests/systems/procedures/{system}.yaml"
    command = [
        sys.executable, "-m", "pytest", "suites/backups", "-p", "no:cacheprovider", f"--profile={profile}", "--mode=gate",
        f"--report-dir={folder}", "-k", f"not {but}" if LONG else f"not {but} and not test_controls",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1400, check=False)
    found = list(folder.glob("*/conformance.json"))
    assert found, done.stdout + done.stderr
    results = json.loads(found[0].read_text())["results"]
    return {(one["id"], one["subject"]): one for one in results}


def seen(results: dict[tuple[str, str], dict[str, Any]], outcome: str) -> dict[tuple[str, str], str]:
    """What came to that, and what was seen."""
    return {key: " ".join([*one["seen"], one["reason"]]) for key, one in results.items() if one["outcome"] == outcome}


def assert_as_listed(system: str, heading: str, lab: Lab, folder: Path, but: str = "nothing-of-the-kind") -> None:
    """Exactly what is listed is violated, and each shows what is listed; nothing else is left undecided than what then must be."""
    with host(system, lab):
        results = judged(system, folder, but)
    found, expected, errors = seen(results, "violation"), listed(heading), seen(results, "error")
    assert sorted(found) == sorted(expected)
    assert {key: found[key] for key, text in expected.items() if text not in found[key]} == {}
    assert {key: why for key, why in errors.items() if not why.strip().startswith(UNDECIDED)} == {}
    nothing = {subject for id, subject in expected if id in NOTHING}
    assert {subject for _, subject in errors} <= nothing
    assert not LONG or {subject for _, subject in errors} == nothing


def test_opossum(lab: Lab, require: Callable[[str], None], tmp_path: Path) -> None:
    require("procedures")
    assert_as_listed("opossum", "Opossum Search", lab, tmp_path)


def test_akidb(lab: Lab, require: Callable[[str], None], tmp_path: Path) -> None:
    require("procedures")
    assert_as_listed("akidb", "AkiDB", lab, tmp_path)


def test_openviking(lab: Lab, require: Callable[[str], None], tmp_path: Path) -> None:
    require("procedures")
    # The mended export is tried by hand: each of its many controls takes as long as a Python with OpenViking takes to start.
    assert_as_listed("openviking", "OpenViking", lab, tmp_path, "collections-mended")


def test_opossum_state_is_not_exported_where_its_folder_is_not_made(lab: Lab, require: Callable[[str], None]) -> None:
    """The function opens a file in a folder that nothing makes."""
    require("procedures")
    with host("opossum", lab) as container:
        done = made(container, "python3", "/srv/opossum", "opossum/export_state.py")
    assert done.returncode == 1
    assert b"No such file or directory: 'backups/state-" in done.stderr
