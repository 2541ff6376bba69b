"""Each requirement on secrets, on a real site: green where all is right, and red alone where just that is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import suites
from seatrial.catalogue import catalogue
from tests.integration.defects import Defect, defects_of, secrets
from tests.integration.defects.secrets import Site, site
from tests.integration.runs import Run
from tests.lab import Lab

pytestmark = pytest.mark.integration

DEFECTS = defects_of(secrets)
REQUIREMENTS = {requirement.id: requirement for requirement, _ in catalogue(suites) if requirement.area == "secrets"}


@pytest.fixture
def at(lab: Lab) -> Iterator[Site]:
    with site(lab) as made:
        yield made


class Secrets(Run):
    """A run of the area."""

    area = "secrets"


def test_every_requirement_is_shown_red() -> None:
    assert {id for defect in DEFECTS for id in defect.turns_red} == set(REQUIREMENTS)


def test_what_conforms_is_green_and_all_of_it_was_looked_at(at: Site, tmp_path: Path) -> None:
    at.start()
    run = Secrets(at.profile(tmp_path), tmp_path)
    assert run.ids("violation", "advisory", "error") == [], run.text
    assert run.ids("pass") == sorted(REQUIREMENTS)
    assert run.code == 0


@pytest.mark.parametrize("defect", DEFECTS, ids=[defect.name for defect in DEFECTS])
def test_exactly_its_requirement_turns_red(defect: Defect, at: Site, tmp_path: Path) -> None:
    defect.make(at)
    at.start()
    run = Secrets(at.profile(tmp_path), tmp_path)
    assert run.ids("violation", "advisory") == sorted(defect.turns_red), run.text
    assert run.ids("error") == sorted(defect.hides), run.text
    assert run.code == 1


@pytest.mark.parametrize("name", ["image_label", "logged", "open_key", "versioned_env_file", "copy_in_base64"])
def test_its_facts_give_the_same_verdicts_when_all_of_it_is_gone(name: str, at: Site, tmp_path: Path) -> None:
    (defect,) = (defect for defect in DEFECTS if defect.name == name)
    defect.make(at)
    at.start()
    profile = at.profile(tmp_path)
    run = Secrets(profile, tmp_path)
    assert at.container is not None
    at.container.down()
    for name in ("conf/tls.key", "app.env", "compose.yaml"):
        (at.folder / name).unlink()
    assert Secrets(profile, tmp_path, f"--facts={run.folder}").told() == run.told()


APART = ("unshare", "--fork", "--pid", "--mount-proc")


def test_on_another_kernel_the_engine_tells_what_it_can_and_the_rest_is_undecided(at: Site, tmp_path: Path) -> None:
    """From a pid namespace of our own the containers' processes can't be seen, as from another machine."""
    if subprocess.run([*APART, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no right to make a pid namespace")
    for defect in (secrets.open_key_among_the_data, secrets.option, secrets.open_configuration):
        defect.make(at)
    at.start()
    run = Secrets(at.profile(tmp_path), tmp_path, before=APART)
    assert run.ids("violation", "advisory") == ["SEC-005", "SEC-010", "SEC-011"], run.text
    assert run.ids("error") == ["SEC-006", "SEC-018"]
    assert {r["right"] for r in run.results if r["outcome"] == "error"} == {
        "run Seatrial on the engine's own host, as root, to read /proc"
    }


def test_who_may_ask_the_engine_and_nothing_else_gets_no_verdict_on_what_is_closed(at: Site, tmp_path: Path) -> None:
    """As an operator who is in the group docker. Root's files can't be read, so nothing is said of what is in them."""
    if not shutil.which("setpriv") or os.geteuid():
        pytest.skip("only root can be somebody else, with setpriv")
    group = os.stat(at.lab.engine.path).st_gid
    paths = f"PYTHONPATH={os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, sys.path)])}"
    nobody = ("setpriv", "--reuid=65534", f"--regid={group}", "--clear-groups", "env", "HOME=/nonexistent", paths)
    code = "import pydantic_core, pytest, seatrial"
    able = [  # an interpreter in somebody's home is closed to others
        python
        for python in (sys.executable, shutil.which("python3", path=os.defpath) or "")
        if python and not subprocess.run([*nobody, python, "-c", code], check=False, capture_output=True).returncode
    ]
    if not able:
        pytest.skip("no Python here that nobody in particular may run")
    secrets.open_configuration.make(at)
    at.start()
    at.folder.chmod(0o777)
    profile = at.profile(at.folder)
    profile.chmod(0o644)
    run = Secrets(profile, at.folder, before=nobody, python=able[0])
    assert run.ids("violation", "advisory") == ["SEC-011"], run.text
    assert run.ids("error") == ["SEC-006", "SEC-014", "SEC-018", "SEC-019"]
    assert all(r["right"] for r in run.results if r["outcome"] == "error")


def test_a_log_that_the_engine_can_not_read_is_no_pass(at: Site, tmp_path: Path) -> None:
    at.words["logging"] = {"driver": "none"}
    at.start()
    run = Secrets(at.profile(tmp_path), tmp_path)
    assert run.ids("violation", "advisory") == []
    assert run.ids("error") == ["SEC-004", "SEC-018"]
    assert run.code == 3


def test_a_container_that_is_down_is_no_pass(at: Site, tmp_path: Path) -> None:
    at.start()
    assert at.container is not None
    profile = at.profile(tmp_path)
    at.lab.engine.call("POST", f"/containers/{at.container.id}/stop", t=1)
    run = Secrets(profile, tmp_path)
    assert run.ids("violation", "advisory") == []
    assert {"SEC-005", "SEC-006", "SEC-007", "SEC-008", "SEC-009", "SEC-018"} == set(run.ids("error"))


def test_files_that_are_not_there_are_no_pass(at: Site, tmp_path: Path) -> None:
    at.start()
    profile = at.profile(tmp_path)
    for name in ("app.env", "compose.yaml", "web.service", "db.secret"):
        (at.folder / name).unlink()
    (at.folder / "src").rename(at.folder / "moved")
    run = Secrets(profile, tmp_path)
    assert run.ids("violation", "advisory") == []
    assert run.ids("error") == ["SEC-012", "SEC-013", "SEC-014", "SEC-015", "SEC-016", "SEC-017", "SEC-018", "SEC-019"]


def test_a_repository_whose_index_can_not_be_read_is_no_pass(at: Site, tmp_path: Path) -> None:
    (at.folder / "src/.git/index").write_bytes(b"no index")
    at.start()
    run = Secrets(at.profile(tmp_path), tmp_path)
    assert run.ids("violation", "advisory") == []
    assert run.ids("error") == ["SEC-016", "SEC-018"]
