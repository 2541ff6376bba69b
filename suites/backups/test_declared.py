"""Whether all that is kept is in a backup, and whether each can be restored, is tried, and says what it promises."""

import pytest

SRE = "Google SRE book, 26. Data Integrity"
CONTINGENCY = "NIST SP 800-34 Rev. 1, 3.4 Backup and Recovery"


@pytest.mark.requirement("BKP-024", refs=["CIS Controls v8 11.2", SRE])
def test_mounted_volumes_are_in_a_backup(mounted_data):
    """A named volume that a container can write SHOULD be in a backup.

    Why: who named it wanted it kept. A service that was added since the backups were written keeps its data where none of them looks.

    See: docker inspect --format '{{json .Mounts}}' CONTAINER

    Fix: name it in `holds` of the backup that saves it. Where it is a cache or can be made again, say so:
    `persistence: {paths: [...], backup: {none: reason, owner: who}}`.
    """
    assert mounted_data.unsaved_volumes == []


@pytest.mark.requirement("BKP-025", refs=["CIS Controls v8 11.2", CONTINGENCY, SRE])
def test_kept_data_is_in_a_backup(kept_data):
    """All data that the profile declares persistent MUST be in a backup.

    Why: a restore brings back what was saved and nothing else; that a store was forgotten is learned on the day it is gone.

    See: grep -n -A3 -e persistence: -e holds: profiles/*.yaml

    Fix: save it too, and name it in `holds` of the backup it is in (a volume, a path, or the service). Where it can be made again,
    say so: `persistence: {backup: {none: reason, owner: who}}`.
    """
    assert kept_data.unsaved == []


@pytest.mark.requirement("BKP-026", refs=["CIS Controls v8 11.1", CONTINGENCY, SRE])
def test_a_backup_can_be_restored(backup):
    """Every backup that the profile declares MUST have a restore procedure.

    Why: nobody wants backups, everybody wants restores; a procedure that is thought up on the day is tried out on the only copy.

    See: grep -n -A20 '^backups:' profiles/*.yaml

    Fix: write down the commands that restore it, as a script that runs without questions, and declare it as `restore`.
    """
    assert backup.unrestorable == []


@pytest.mark.requirement("BKP-027", refs=["CIS Controls v8 11.5", "NIST SP 800-209 BR-SS-R13", SRE])
def test_a_backup_is_restored_by_way_of_trial(backup):
    """Every backup SHOULD have a drill, in which it is restored to a scratch place and compared.

    Why: that it was written says nothing about what is in it; only what came back once is known to come back.

    See: grep -n -A20 '^backups:' profiles/*.yaml

    Fix: declare `drill` with a `target` (a folder, or an image) and `store`, and run with --mode=gate; or say why there is none:
    `drill: {none: reason, owner: who}`.
    """
    assert backup.unrehearsed == []


@pytest.mark.requirement("BKP-028", refs=["NIST SP 800-34 Rev. 1, 3.4.1 Backup Methods", SRE])
def test_a_backup_can_be_verified(backup):
    """Every backup SHOULD have a verification: a command that tells a good one from a broken one.

    Why: between two drills each backup is made by itself, on a disk that may be full and from a server that may hang; what nobody
    reads again is noticed when it is needed.

    See: grep -n -A20 '^backups:' profiles/*.yaml

    Fix: declare `verify`: `pg_restore --list`, `redis-check-rdb`, `gzip --test`, `sha256sum --check` or `PRAGMA integrity_check`, run right
    after the backup.
    """
    assert backup.unverified == []


@pytest.mark.requirement(
    "BKP-029", refs=["NIST SP 800-34 Rev. 1, 3.2 Business Impact Analysis", "CIS Controls v8 11.1"]
)
def test_a_backup_says_what_it_promises(backup):
    """Every backup SHOULD say how much may be lost, how long restoring may take, and what makes it by itself.

    Why: a backup that is two weeks old is right or wrong only by what was promised, and one that somebody makes by hand is not made
    during holidays.

    See: grep -n -A20 '^backups:' profiles/*.yaml

    Fix: agree on them with those who need the data, and declare `rpo`, `rto` and `schedule` (or `schedule: {none: reason, owner: who}`).
    """
    assert backup.unpromised == []
