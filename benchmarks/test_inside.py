"""Collection of the largest shipped profile, and the price of one more requirement on facts that are there already."""

from __future__ import annotations

import subprocess
import sys

import pytest

import seatrial


def _largest():
    """The shipped profile that gives the most tests."""
    from seatrial.profile.loading import load
    from seatrial.profile.subjects import NOUNS

    profiles = [load(str(file)).profile for file in seatrial.data("profiles").glob("*.yaml")]
    return max(profiles, key=lambda p: sum(len(list(noun.find(p))) for noun in NOUNS.values())).profile


@pytest.mark.benchmark(group="collection of the largest profile, whole process")
@pytest.mark.parametrize("what", ["seatrial", "pytest collecting one empty test"])
def test_collection(timed, tmp_path, what):
    (tmp_path / "test_empty.py").write_text("def test_empty():\n    pass\n")
    options = ["--pyargs", "seatrial.suites", f"--profile={_largest()}"] if what == "seatrial" else ["test_empty.py"]
    timed([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--collect-only", *options], cwd=tmp_path)


@pytest.mark.benchmark(group="one run on observed facts, per number of tests")
@pytest.mark.parametrize("times", [1, 5])
def test_marginal_requirement(timed, profile, tmp_path, times):
    """Replays of the same facts; the difference, divided by the additional tests, is the marginal price of one."""
    run = [sys.executable, "-m", "seatrial", "audit"]
    subprocess.run(
        [*run, str(profile), f"--report-dir={tmp_path}/first"], cwd=tmp_path, check=False, capture_output=True
    )
    (folder,) = (tmp_path / "first").iterdir()
    few = ["-k", "non_root"] if times == 1 else []
    timed([*run, profile, f"--facts={folder}", f"--report-dir={tmp_path}/again", *few], cwd=tmp_path, codes=(0, 1, 3))
