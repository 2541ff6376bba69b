"""What a profile may say of hardware, and what its subjects are."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from seatrial.profile.loading import load
from seatrial.profile.problems import ProfileError
from seatrial.profile.subjects import subjects

HEAD = """\
profile: mine
environment: test
target: {driver: docker}
services: {api: {containers: [api-1]}}
"""


def written(folder: Path, hardware: str) -> Path:
    file = folder / "mine.yaml"
    file.write_text(f"{HEAD}hardware: {hardware}\n")
    return file


DISKS = "{disk: [{path: /var/lib/api, min: 1GiB}, {path: {env: DATA}, service: api, free: 1GiB}]}"


@pytest.mark.parametrize(
    ("hardware", "found"),
    [
        ("{arch: arm64}", []),
        ("{disk: {path: /srv, min: 1GiB}}", [("/srv", ("hardware", "disk"), "")]),
        (
            DISKS,
            [("/var/lib/api", ("hardware", "disk", 0), ""), ("api:{env: DATA}", ("hardware", "disk", 1), "api")],
        ),
    ],
)
def test_every_declared_disk_is_a_subject(hardware: str, found: list[object], tmp_path: Path) -> None:
    profile = load(written(tmp_path, hardware)).profile
    told, why = subjects(profile, "disk")
    assert [(one.id, one.path, one.service) for one in told] == found
    assert why == ("" if found else "hardware.disk is not declared")


def test_only_disks_that_demand_it_are_judged_by_it(tmp_path: Path) -> None:
    profile = load(written(tmp_path, DISKS)).profile
    assert [one.id for one in subjects(profile, "disk", "free")[0]] == ["api:{env: DATA}"]
    assert subjects(profile, "disk", "medium") == ([], "no disk declares medium")


def test_the_machine_is_one_subject(tmp_path: Path) -> None:
    profile = load(written(tmp_path, "{cpus: {min: 2}}")).profile
    assert [one.id for one in subjects(profile, "hardware", "cpus.min|memory.min")[0]] == ["hardware"]
    assert subjects(profile, "hardware", "arch") == ([], "no hardware section declares arch")


@pytest.mark.parametrize(
    ("hardware", "told"),
    [
        ("{disk: {path: /srv, service: apy}}", "this profile has no service `apy`"),
        ("{disk: [{path: /srv, service: apy}]}", "this profile has no service `apy`"),
        ("{disk: {path: /srv, min: 5}}", "a size needs a number and a unit"),
        ("{disk: {min: 1GiB}}", "missing key `path`"),
        ("{arch: x86}", "amd64"),
        ("{cpus: 4}", "hardware.cpus"),
        ("{clock_synchronised: yes}", "write true"),
    ],
)
def test_what_is_wrong_is_told(hardware: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as wrong:
        load(written(tmp_path, hardware), today=dt.date(2026, 6, 1))
    assert told in str(wrong.value)
