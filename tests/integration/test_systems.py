"""The systems as their documents describe them: what is red is just what `docs/findings/` lists, each with its reason."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lab import Lab
from tests.systems import stack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
RED = ("violation", "error")
KEY = secrets.token_urlsafe(24)
"""For the paid API, which nobody asks."""
ROW = re.compile(r"^\| (?P<id>[A-Z]{3}-\d{3}) \| (?P<subject>\S+) \| (?P<seen>.+?) \| (?P<why>.+?) \|$", re.MULTILINE)


def listed(system: str, heading: str) -> dict[tuple[str, str], str]:
    """What a section of a system's findings lists: requirement and subject, and what was seen."""
    text = (ROOT / "docs" / "findings" / f"{system}.md").read_text()
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return {(row["id"], row["subject"]): row["seen"] for row in ROW.finditer(section)}


def audit(profile: str, folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Run the suites as a user does, and give what every check came to."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DOCKER_"))}
    command = [sys.executable, "-m", "pytest", f"--profile={profile}", "--wait-ready=60s", f"--report-dir={folder}"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    found = list(folder.glob("*/conformance.json"))
    assert found, done.stdout + done.stderr
    results = json.loads(found[0].read_text())["results"]
    assert done.returncode == 1, done.stdout
    return {(one["id"], one["subject"]): one for one in results}


def red(results: dict[tuple[str, str], dict[str, Any]]) -> dict[tuple[str, str], str]:
    """What is red, and what was seen."""
    return {key: " ".join([*one["seen"], one["reason"]]) for key, one in results.items() if one["outcome"] in RED}


def assert_as_listed(found: dict[tuple[str, str], str], expected: dict[tuple[str, str], str]) -> None:
    """Exactly what is listed is red, and each shows what is listed."""
    assert sorted(found) == sorted(expected)
    untold = {key: (seen, found[key]) for key, seen in expected.items() if seen.strip("`") not in found[key]}
    assert untold == {}


def settled(system: stack.System) -> None:
    """Wait until the engine has decided on every health check: three failures make one."""
    end = time.monotonic() + 60
    while any(status == "starting" for status in system.health()) and time.monotonic() < end:
        time.sleep(0.5)


def test_akidb_on_one_arm_server(lab: Lab, require: Callable[[str], None], tmp_path: Path) -> None:
    require("systems")
    with stack.up("akidb", lab) as system:
        settled(system)
        results = audit("arm-single-node", tmp_path)
    found = red(results)
    machine = {key: seen for key, seen in found.items() if results[key]["area"] == "hardware"}
    assert_as_listed(
        {key: seen for key, seen in found.items() if key not in machine}, listed("akidb", "The deployment")
    )
    # What this machine lacks is its own: each must be foreseen, and an ARM server with all of it shows none.
    assert set(machine) <= set(listed("akidb", "The machine"))


def test_opossum_by_compose(lab: Lab, require: Callable[[str], None], tmp_path: Path) -> None:
    require("systems")
    with stack.up("opossum", lab, GEMINI_API_KEY=KEY):
        results = audit("opossum-compose", tmp_path)
    found = red(results)
    machine = {key: seen for key, seen in found.items() if results[key]["area"] == "hardware"}
    assert_as_listed(
        {k: seen for k, seen in found.items() if k not in machine}, listed("opossum-search", "The deployment")
    )
    assert set(machine) <= set(listed("opossum-search", "The machine"))


def test_opossum_with_its_health_repaired(lab: Lab, require: Callable[[str], None], tmp_path: Path) -> None:
    """What the document's health handler hides, once it answers."""
    require("systems")
    with stack.up("opossum", lab, GEMINI_API_KEY=KEY, STANDIN_REPAIRED="1"):
        results = audit("opossum-compose", tmp_path)
    found = {key: seen for key, seen in red(results).items() if results[key]["area"] == "health"}
    assert_as_listed(found, listed("opossum-search", "With its health handler repaired"))
