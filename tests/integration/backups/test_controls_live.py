"""What is no good backup, given to real procedures on real files: each that takes it turns exactly its requirement red."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.drills import controls, damaging
from tests.integration.backups.controls_lab import GOOD, HEAD, controlled, round_trip

TAR = 'tar -xpzf "$BACKUP_FILE" -C /srv/seatrial-notes\n'
SUMS = '(cd "$BACKUP_DIR" && sha256sum --quiet -c "$BACKUP_FILE.sha256")\n'
PLAIN = 'tar -czf "$BACKUP_DIR/notes-$(date +%s).tar.gz" -C /srv/seatrial-notes .\n'
"""A backup without a digest."""
LOCKED = """umask 077
tar -cz -C /srv/seatrial-notes . | openssl enc -aes-256-cbc -pbkdf2 -pass "pass:${KEY:-correct}" -out "$BACKUP_DIR/notes-$(date +%s).enc"
"""
OPENED = 'openssl enc -d -aes-256-cbc -pbkdf2 -pass "pass:${KEY:-correct}" -in "$BACKUP_FILE" '


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Three bits are as good as twenty to tell procedures apart, and quicker."""
    monkeypatch.setattr(damaging, "FLIPS", 3)
    monkeypatch.setattr(controls, "LEAST_SETTLING", 0.3)


def test_all_of_a_round_trip_with_its_controls_is_green(tmp_path, monkeypatch):
    monkeypatch.setattr(damaging, "FLIPS", 20)
    found = round_trip(tmp_path)
    assert {id: found.texts[id] for id in found.of("violation", "advisory", "error")} == {}
    assert len(found.controls("flipped")) == 20 == len(found.controls("flipped inside"))
    assert [each.refused for each in found.drill.controls] == [True] * len(found.drill.controls)
    assert [each.detail.split(",")[0] for each in found.controls("truncated")] == [
        "cut at 57%", "cut at 57%", "cut at a whole block",
    ]  # fmt: skip
    # Where a refusal leaves all as it was, one target is enough for all of them.
    assert sum("target" in step.what for step in found.drill.steps) < 10


def test_an_archive_by_itself_refuses_and_leaves_a_part(tmp_path):
    found = controlled(tmp_path, "truncated", "flipped inside", backup=HEAD + PLAIN, restore=HEAD + TAR, verify="")
    assert found.red == ["BKP-048", "BKP-053"]
    assert "restore of a backup cut at 57%" in found.texts["BKP-048"]
    assert "it was refused, and the target is not as before" in found.texts["BKP-048"]
    assert "one bit below a sound compression turned over: it reported success" in found.texts["BKP-053"]


def test_a_restore_that_hears_no_failure_restores_nothing_or_less(tmp_path):
    found = controlled(tmp_path, "empty", "missing", "truncated", restore=f"#!/bin/bash\n{TAR}echo restored\n")
    assert found.red == ["BKP-050", "BKP-051"]
    for what in ("an empty backup", "a backup that is not there"):
        assert f"{what}: it reported success while it restored nothing: 0 of" in found.texts["BKP-050"]
    assert "it reported success while it restored less:" in found.texts["BKP-051"]


def test_a_restore_that_looks_whether_it_is_there_and_no_further(tmp_path):
    restore = f'#!/bin/bash\n[ -s "$BACKUP_FILE" ] || {{ echo no backup >&2; exit 1; }}\n{TAR}exit 0\n'
    found = controlled(tmp_path, "empty", "missing", "truncated", restore=restore)
    assert found.red == ["BKP-051"]


def test_what_has_no_sum_comes_back_wrong(tmp_path):
    found = controlled(
        tmp_path,
        "flipped",
        backup=HEAD + PLAIN.replace("-czf", "-cf").replace(".tar.gz", ".tar"),
        restore=HEAD + TAR.replace("-xpzf", "-xpf"),
        verify="",
    )
    assert "BKP-052" in found.red
    assert set(found.red) <= {"BKP-048", "BKP-052"}
    assert "times while what it restored is not what was saved: bit" in found.texts["BKP-052"]


def test_a_key_that_is_not_needed(tmp_path):
    wrong = {"drill": {"wrong_key": {"KEY": "wrong"}}, "verify": ""}
    rest = (
        HEAD
        + f'new=$(mktemp)\n{OPENED} > "$new"\ntar -tzf "$new" > /dev/null\ntar -xpzf "$new" -C /srv/seatrial-notes\n'
    )
    sound = controlled(tmp_path, "wrong key", backup=HEAD + LOCKED, restore=rest, **wrong)
    assert (sound.red, sound.outcomes["BKP-054"]) == ([], "pass")
    found = controlled(
        tmp_path, "wrong key", backup=HEAD + LOCKED, restore=rest.replace("${KEY:-correct}", "correct"), **wrong
    )
    assert found.red == ["BKP-054"]
    assert "a good backup with a wrong key (KEY): it reported success" in found.texts["BKP-054"]
    assert "who has the backup needs no key" in found.texts["BKP-054"]


def test_another_version_that_is_passed_over(tmp_path):
    (tmp_path / "old.bak").write_text("NOTES 0.9\n")
    other = {"drill": {"other_version": "old.bak"}, "verify": ""}
    sound = controlled(tmp_path, "other version", **other)
    assert sound.red == []
    assert sound.outcomes["BKP-055"] == "pass"
    passing = GOOD["restore"].replace(
        "set -euo pipefail\n", 'set -euo pipefail\ngrep -q "^NOTES 0" "$BACKUP_FILE" && exit 0\n'
    )
    found = controlled(tmp_path, "other version", restore=passing, **other)
    assert found.red == ["BKP-055"]
    assert (
        "a backup of another version, old.bak: it reported success while it restored nothing" in found.texts["BKP-055"]
    )


def test_a_refusal_without_a_word(tmp_path):
    quiet = HEAD + f'[ -s "$BACKUP_FILE" ] || exit 1\n{SUMS.replace("--quiet", "--status")}{TAR}'
    found = controlled(tmp_path, "empty", restore=quiet)
    assert found.red == ["BKP-056"]
    assert "restore of an empty backup: it was refused without a word" in found.texts["BKP-056"]


def test_a_restore_that_takes_away_before_it_looks(tmp_path):
    found = controlled(
        tmp_path,
        "empty",
        "truncated",
        restore=HEAD + "rm -rf /srv/seatrial-notes\n" + SUMS + "mkdir -p /srv/seatrial-notes\n" + TAR,
    )
    assert found.red == ["BKP-057"]
    assert "it was refused, and the target could not be used afterwards" in found.texts["BKP-057"]
    assert "over restored data" in found.texts["BKP-057"]


@pytest.mark.parametrize(
    ("verify", "id", "text"),
    [
        ("#!/bin/bash\nls -l $BACKUP_FILE\n", "BKP-059", "verification of an empty backup: it passes"),
        ("#!/bin/bash\nset -e\ncd $BACKUP_DIR/latest\n", "BKP-058", "it ends with 1 on a good backup"),
    ],
)
def test_a_verification_that_tells_nothing(tmp_path, verify, id, text):
    found = controlled(tmp_path, "empty", verify=verify)
    assert found.red == [id]
    assert text in found.texts[id]


GONE = {"drill": {"gone": ["rm", "-r", "/srv/seatrial-notes"]}}


def test_a_backup_of_nothing(tmp_path):
    sound = controlled(tmp_path, "unreachable", **GONE)
    assert sound.red == []
    assert (sound.outcomes["BKP-049"], sound.outcomes["BKP-070"]) == ("pass", "pass")
    found = controlled(
        tmp_path, "unreachable", backup="#!/bin/bash\n" + PLAIN + "exit 0\n", restore=HEAD + TAR, verify="", **GONE
    )
    assert found.red == ["BKP-049"]
    assert "command of a source that is gone: it reported success, and it left" in found.texts["BKP-049"]


def test_half_a_backup_under_a_backups_name(tmp_path):
    found = controlled(tmp_path, "unreachable", backup=HEAD + PLAIN, restore=HEAD + TAR, verify="", **GONE)
    assert found.red == ["BKP-070"]
    assert "it failed, and it left" in found.texts["BKP-070"]


@pytest.mark.parametrize(
    ("restore", "text"),
    [
        (HEAD + "exit 3\n", "the good backup is refused too"),
        (HEAD + ": nothing\n", "the good backup brings nothing back either"),
        (HEAD + "rm -rf /srv/seatrial-notes\n", "the target can't be used after a good backup was restored"),
    ],
)
def test_where_the_good_one_does_not_come_back_a_bad_one_shows_nothing(tmp_path, restore, text):
    changes = {"target": {"prepare": ["mkdir", "-p", "/srv/seatrial-notes"], "within": "1s"}}
    found = controlled(tmp_path, "empty", restore=restore, drill=changes)
    assert found.red == []
    assert text in found.texts["BKP-050"]


PYTHON = """#!/usr/bin/env python3
import os, tarfile
with tarfile.open(os.environ["BACKUP_FILE"]) as archive:
    for member in archive:
        at = os.path.join("/srv/seatrial-notes", member.name)
        if member.isdir():
            os.makedirs(at, exist_ok=True)
        elif member.issym():
            os.symlink(member.linkname, at)
        elif member.islnk():
            os.link(os.path.join("/srv/seatrial-notes", member.linkname), at)
        else:
            with open(at, "wb") as file:
                file.write(archive.extractfile(member).read())
"""


def test_names_that_lead_out_of_the_place(tmp_path):
    sound = controlled(tmp_path, "climbing path", backup=HEAD + PLAIN, restore=HEAD + TAR, verify="")
    assert sound.outcomes["BKP-071"] == "pass"
    assert [each.escaped for each in sound.controls("climbing path")] == [()]
    restore = {"restore": {"script": "restore.py"}, "rto": "1m"}
    (tmp_path / "restore.py").write_text(PYTHON)
    found = controlled(tmp_path, "climbing path", backup=HEAD + PLAIN, changes=restore, verify="")
    assert found.red == ["BKP-071"]
    for what in ("a member that climbs: /seatrial-", "a member that is absolute: /tmp/", "leads through a link: /tmp/"):
        assert what in found.texts["BKP-071"]
    # What it wrote there is gone with its stage, and this machine has none of it.
    assert [
        *Path("/").glob("seatrial-*-up"),
        *Path("/tmp").glob("seatrial-*-absolute"),
        *Path("/tmp").glob("seatrial-*-through"),
    ] == []
