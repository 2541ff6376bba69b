"""Five containers to look at, and the commands that look."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))


@pytest.fixture(scope="session")
def five():
    """Names of five running containers of our own."""
    from tests.lab import Engine, Lab

    if not Engine().answers():
        pytest.skip("no Docker engine")
    with Lab() as lab:
        yield [lab.single().name for _ in range(5)]


@pytest.fixture(scope="session")
def profile(five, tmp_path_factory):
    """A profile of the five."""
    file = tmp_path_factory.mktemp("profile") / "five.yaml"
    services = "".join(f"  s{n}: {{containers: [{name}]}}\n" for n, name in enumerate(five))
    file.write_text(f"profile: five\nenvironment: test\ntarget: {{driver: docker}}\nservices:\n{services}")
    return file


@pytest.fixture
def timed(benchmark):
    """Time a whole process, several times, and give its last output."""

    # As on a machine where Python may keep what it compiled, which is the usual case.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def run(command, *, cwd, codes=(0,)):
        def once():
            return subprocess.run(
                list(map(str, command)), cwd=cwd, capture_output=True, text=True, timeout=120, check=False, env=environ
            )

        done = benchmark.pedantic(once, rounds=5, warmup_rounds=1)
        assert done.returncode in codes, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def goss():
    """The goss program."""
    found = shutil.which("goss")
    if not found:
        pytest.skip("no goss on PATH (go install github.com/goss-org/goss/cmd/goss@latest)")
    return found
