"""What each backup is worth, and how every report tells it."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from seatrial.backup_grades import RUNGS, backup_grades, round_trips
from seatrial.facts.backups.drill import Drill, Fingerprint, Maintained, Ran, Step
from seatrial.outcomes import Outcome
from seatrial.record import BackupTold, Rung
from seatrial.words import Missing
from seatrial.writers import _grouping as grouping
from seatrial.writers import conformance, html, markdown
from seatrial.writers._timeline import drawing

from .records import BASE, RECORD


def told(*states: str) -> BackupTold:
    return BackupTold(
        "notes", tuple(Rung(name, state, ("BKP-001",)) for name, state in zip(RUNGS, states, strict=True))
    )


@pytest.mark.parametrize(
    ("states", "grade", "stop"),
    [
        (("yes", "yes", "yes", "yes", "yes"), "equivalent", None),
        (("yes", "yes", "no", "yes", "yes"), "fresh", "intact"),
        (("yes", "unknown", "yes", "yes", "yes"), "exists", "fresh"),
        (("no", "yes", "yes", "unasked", "unasked"), "ungraded", "exists"),
        (("unasked", "unasked", "unasked", "yes", "no"), "restorable", "equivalent"),
        (("unasked", "unasked", "unasked", "unasked", "unasked"), "ungraded", None),
    ],
)
def test_a_grade_rests_on_all_below_it(states, grade, stop):
    made = told(*states)
    assert made.grade == grade
    assert (made.stop.name if made.stop else None) == stop


def trial(**found):
    notes = SimpleNamespace(service=None)
    profile = SimpleNamespace(backups={"notes": notes, "logs": notes})
    observed = SimpleNamespace(**{"drills": {}, "maintained": {}, **found})
    return SimpleNamespace(profile=profile, observations=observed, mask=lambda text: text.replace("s3cret", "[…]"))


def check(number: int, outcome: Outcome, subject: str = "backups.notes.files"):
    return replace(BASE, id=f"BKP-{number:03}", area="backups", subject=subject, outcome=outcome, raw=outcome)


def test_grades_are_drawn_from_checks_and_from_those_of_that_backup_alone():
    checks = [
        check(1, Outcome.passed), check(2, Outcome.violation), check(1, Outcome.error, "backups.logs.files"),
        check(30, Outcome.withheld, "backups.notes.drill"),
    ]  # fmt: skip
    notes, logs = backup_grades(trial(), checks)
    assert [rung.state for rung in notes.rungs] == ["yes", "no", "unasked", "unasked", "unasked"]
    assert [rung.state for rung in logs.rungs] == ["unknown", "unasked", "unasked", "unasked", "unasked"]
    assert grouping.backups((notes, logs)) == (
        "notes exists, not fresh (BKP-002); logs ungraded, whether it is there could not be seen (BKP-001)"
    )
    assert backup_grades(trial(), []) == ()


def test_a_round_trip_is_drawn_step_by_step_and_holds_no_secret():
    steps = (
        Step(0.0, "backup", 1.0, "ended with 0"), Step(1.0, "restore", 2.0, "password s3cret refused", ok=False),
        Step(3.0, "control: empty", 0.5), Step(3.5, "control: truncated", 0.5, ok=False),
    )  # fmt: skip
    drill = Drill(
        "backups.notes", "files", "a", "b", "2026-11-21T10:00:00Z", 4.0, steps=steps, backed_up=Ran("x", 0, 1.0)
    )
    was = Fingerprint("0" * 64, 3, 30)
    maintained = Maintained("cleanup", "a", Ran("x", 0, 0.1), was, Missing("gone"))
    made = round_trips(trial(drills={"a": drill, "b": Missing("no")}, maintained={"m": maintained}))
    assert [lane.probe for lane in made[0].lanes] == ["backup", "restore", "control"]
    assert made[0].moments[1] == (1.0, "restore: password […] refused")
    assert [row.told for row in drawing(made[0]).rows] == [
        "backup: 1 in 1.0 s, all as they should be",
        "restore: 1 in 2.0 s, 1 not as they should be",
        "control: 2 in 1.0 s, 1 not as they should be",
    ]
    assert made[1].moments == ((0.0, "3 objects before, and none could be read after"),)


def test_the_page_says_what_the_bars_of_a_round_trip_are(tmp_path):
    drill = Drill(
        "backups.notes", "files", "a", "b", "2026-11-21T10:00:00Z", 4.0, steps=(Step(0.0, "backup", 1.0),),
        backed_up=Ran("x", 0, 1.25), source_before=Fingerprint("0" * 64, 3, 2_473_984),
    )  # fmt: skip
    page = html.write(replace(RECORD, loads=(), experiments=round_trips(trial(drills={"a": drill}))), tmp_path)
    assert "Each bar is a step" in page
    assert "Low bars are answers" not in page
    assert "measured: bytes of the source 2,473,984" in page
    assert "measured: seconds of the backup 1.25" in page
    assert "Low bars are answers" in html.write(RECORD, tmp_path)


def test_every_report_tells_the_grades(tmp_path):
    assert grouping.backups(RECORD.backups) == (
        "notes fresh, not intact (BKP-005, BKP-006); logs ungraded, whether it is there could not be seen (BKP-001); store equivalent"
    )
    page = html.write(RECORD, tmp_path)
    assert '<h2 id="h-backups">Backups</h2>' in page
    assert '<td role="cell" data-column="Grade">equivalent</td>' in page
    text = markdown.write(RECORD, tmp_path)
    assert "`store`: equivalent" in text
    assert "`notes`: fresh, not intact (BKP-005, BKP-006)" in text
    stored = json.loads(conformance.write(RECORD, tmp_path))["backups"]
    assert [each["grade"] for each in stored] == ["fresh", "ungraded", "equivalent"]
    assert stored[0]["rungs"]["intact"] == {"state": "no", "by": ["BKP-005", "BKP-006"]}
