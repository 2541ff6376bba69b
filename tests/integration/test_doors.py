"""The doors of the README, from a wheel and from an editable install, each in a virtual environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.integration


def run(*command, cwd, **env):
    environ = (
        {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "SEATRIAL_DEMO"))} | {"NO_COLOR": "1"} | env
    )
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, timeout=300, env=environ)
    done.text = done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    done = run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    assert done.returncode == 0, done.text
    (built,) = folder.glob("seatrial-*.whl")
    return built


@pytest.fixture(scope="module", params=["wheel", "editable"])
def installed(request, tmp_path_factory):
    """The folder of programs of an environment that Seatrial is installed in."""
    folder = tmp_path_factory.mktemp(request.param) / "venv"
    venv.create(folder, with_pip=True)
    what = [request.getfixturevalue("wheel")] if request.param == "wheel" else ["--editable", ROOT]
    done = run(folder / "bin" / "pip", "install", "--quiet", *what, cwd=folder)
    assert done.returncode == 0, done.text
    return folder / "bin"


@pytest.fixture
def hostile(tmp_path):
    """A folder whose pytest configuration would hide our tests, were it read."""
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\npython_files = nothing_*.py\naddopts = -k nothing --strict-markers\n"
    )
    (tmp_path / "conftest.py").write_text("raise SystemExit('a conftest of the folder was read')\n")
    return tmp_path


def verdict(folder: Path):
    (report,) = folder.glob("reports/*/conformance.json")
    return json.loads(report.read_text())


def test_seatrial_from_any_folder(installed, hostile, redis_binary):
    done = run(installed / "seatrial", "audit", "demo", cwd=hostile, PYTEST_ADDOPTS="-k nothing")
    assert done.returncode == 0, done.text
    assert verdict(hostile)["result"] == "partial"  # what only a drill may do is withheld


def test_modes_have_doors_of_their_own(installed, tmp_path, redis_binary):
    done = run(installed / "seatrial", "drill", "demo", "-k", "redis.timeout", cwd=tmp_path)
    assert done.returncode == 0, done.text
    assert verdict(tmp_path)["run"]["mode"] == "drill"


def test_pyargs_beside_ones_own_tests(installed, tmp_path, redis_binary):
    (tmp_path / "test_own.py").write_text("def test_own():\n    assert 1 == 1\n")
    profile = tmp_path / "mine.yaml"
    profile.write_text("profile: mine\nextends: demo\n")
    done = run(installed / "pytest", "--pyargs", "seatrial.suites", "--profile=./mine.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.text
    assert verdict(tmp_path)["profile"]["name"] == "mine"


def test_pytest_in_a_checkout(installed, tmp_path, redis_binary):
    done = run(
        installed / "pytest", "--profile=demo", f"--report-dir={tmp_path}/reports", "-p", "no:cacheprovider", cwd=ROOT
    )
    assert done.returncode == 0, done.text
    assert verdict(tmp_path)["profile"]["name"] == "demo"


def test_pytest_alone_is_the_demo(installed, tmp_path, redis_binary):
    done = run(installed / "pytest", f"--report-dir={tmp_path}/reports", "-p", "no:cacheprovider", cwd=ROOT)
    assert done.returncode == 0, done.text
    assert verdict(tmp_path)["profile"]["name"] == "demo"


def test_a_wheel_holds_what_the_suites_need(wheel):
    import zipfile

    names = set(zipfile.ZipFile(wheel).namelist())
    for part in ("suites/containers/__init__.py", "suites/conftest.py", "profiles/demo.yaml", "profiles/profile.schema.json",
                 "writers/conformance.schema.json", "py.typed"):  # fmt: skip
        assert f"seatrial/{part}" in names
    assert not [name for name in names if name.startswith(("tests/", "seatrial/tests"))]


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (("seatrial", "--help"), 0, "exit codes"),
        (("seatrial", "audit", "--help"), 0, "PROFILE"),
        (("seatrial", "profiles"), 0, "demo"),
        (("seatrial", "audit", "no-such-profile"), 4, "no-such-profile"),
        (("seatrial", "audit"), 4, "PROFILE"),
        (("seatrial", "demo", "--defect", "list"), 0, "HLT-"),
        (("seatrial", "demo", "--help"), 0, "--defect"),
        (("seatrial", "demo", "--nope"), 4, "--nope"),
        (("seatrial", "audit", ""), 4, "empty"),
        (("seatrial", "audit", "--plan", "demo"), 4, "PROFILE comes first"),
        (("seatrial", "audit", "demo", "--mode=drill"), 4, "seatrial audit|gate|drill PROFILE"),
        (("seatrial", "audit", "demo", "--profile", "other"), 4, "follows from the command"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_the_command_teaches(installed, tmp_path, command, code, said):
    done = run(installed / command[0], *command[1:], cwd=tmp_path)
    assert done.returncode == code, done.text
    assert said in done.text
    assert "Traceback" not in done.text


BAD = {
    "empty": (b"", "1:1"),
    "binary": (bytes(range(256)) * 9, "1:1"),
    "latin": ("profile: \xe9t\xe9\n".encode("latin-1"), "1:10"),
    "large": (b"a: b\n" * 2_200_000, "1:1"),
    "brackets": (b"[" * 200_000, "1:65"),
    "alias": (b"profile: &a x\nsummary: *a\n", "2:10"),
    "cyclic": (b"profile: c\nextends: ./cyclic.yaml\n", "2:10"),
    "version": (b"profile: c\nversion: 99\n", "2:10"),
    "twenty": (b"profile: c\ntarget: {driver: http}\nservices:\n" + b"".join(b"  s%d: {port: x}\n" % n for n in range(20)), "23:15"),
    "missing": (None, "1:1"),
}  # fmt: skip
DOORS = {
    "checkout": ("pytest", "--profile=./{}"),
    "seatrial": ("seatrial", "audit", "./{}"),
    "pyargs": ("pytest", "--pyargs", "seatrial.suites", "--profile=./{}"),
}


@pytest.mark.parametrize("door", DOORS)
def test_bad_profiles_are_refused_behind_each_door(installed, tmp_path, door):
    """Where it is wrong, and nothing else: no traceback, no report."""
    for name, (content, place) in BAD.items():
        if content is not None:
            (tmp_path / f"{name}.yaml").write_bytes(content)
        program, *words = (word.format(f"{name}.yaml") for word in DOORS[door])
        done = run(installed / program, *words, cwd=tmp_path)
        assert done.returncode == 4, (name, done.text)
        assert f"{name}.yaml:{place}" in done.text, (name, done.text)
        assert "Traceback" not in done.text, (name, done.text)
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("name", ["seatrial", "yaml", "suites", "sqlite3", "pydantic"])
def test_modules_of_the_folder_are_not_ours(installed, tmp_path, redis_binary, name):
    """The demo's own parts neither, though the command that starts them runs where the profile is."""
    (tmp_path / f"{name}.py").write_text("raise SystemExit('a module of the folder was imported')\n")
    (tmp_path / "mine.yaml").write_text("profile: mine\nextends: demo\n")
    done = run(installed / "seatrial", "audit", "./mine.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.text


def test_a_folder_that_can_not_be_written_is_told_before_anything_is_contacted(installed, tmp_path):
    done = run(installed / "seatrial", "audit", "demo", "--report-dir=/proc/nowhere", cwd=tmp_path)
    assert done.returncode in (3, 4), done.text  # root may write anywhere, as far as can be told before
    assert "/proc" in done.text
    assert "Traceback" not in done.text


def test_output_that_nobody_takes_changes_no_verdict(installed, tmp_path, redis_binary):
    for sink in (">&-", ">/dev/full", "2>&- | head -1"):
        done = run("bash", "-o", "pipefail", "-c", f'"$1" audit demo {sink}', "-", installed / "seatrial", cwd=tmp_path)
        assert done.returncode == 0, (sink, done.text)
        assert "Traceback" not in done.text
    assert len(list(tmp_path.glob("reports/*/conformance.json"))) == 3
