"""Whether the backups that a profile declares are there, young, whole, closed, kept and copied: by looking alone."""

import pytest

SRE = "Google SRE book, chapter 26: data integrity"
CONTINGENCY = "NIST SP 800-34, 3.4.1"
STORAGE = "NIST SP 800-209"
CIS = "CIS Controls v8"


@pytest.mark.requirement("BKP-001", refs=[f"{CIS} 11.2", CONTINGENCY])
def test_a_backup_is_there(backup_files):
    """Where a backup is declared to lie, there MUST be one.

    Why: a script that writes somewhere else, or nowhere, is found out on the day of the restore.

    See: ls -lat PATH

    Fix: run the backup by hand and see where it writes; correct its path, or `files.path` and `files.match` in the profile.
    """
    assert backup_files.absent == []


@pytest.mark.requirement("BKP-002", needs="rpo", refs=[f"{CIS} 11.2", f"{CONTINGENCY} (recovery point objective)"])
def test_the_newest_backup_is_younger_than_the_rpo(backup_files):
    """The newest backup MUST be younger than the declared RPO.

    Why: what was written since the newest backup is what a disaster takes.

    See: ls -la --time-style=full-iso --sort=time PATH

    Fix: look at the schedule and at the log of its last run; make backups more often than the RPO.
    """
    assert backup_files.stale == []


@pytest.mark.requirement("BKP-003", needs="files.min_size", refs=[SRE])
def test_backups_have_their_least_size(backup_files):
    """A backup MUST NOT be smaller than the profile declares.

    Why: a backup of nothing has a size, too: that of an empty archive or of a head without data.

    See: ls -la PATH

    Fix: look at what the backup holds; a wrong source, or a program that failed before a pipe, leaves a small file.
    """
    assert backup_files.small == []


@pytest.mark.requirement("BKP-004", refs=[SRE, f"{STORAGE} (data protection)"])
def test_backups_do_not_shrink_at_once(backup_files):
    """The newest backup SHOULD NOT be much smaller than those before it.

    Why: data seldom halves overnight. A source that was not mounted, or a dump that was cut off, often does just that.

    See: ls -la --sort=time PATH

    Fix: compare what the newest holds with the one before it; where data really shrinks so, declare `files.shrinks`.
    """
    assert backup_files.shrunk == []


@pytest.mark.requirement("BKP-005", refs=[SRE, f"{CIS} 11.2"])
def test_backups_hold_something(backup_files):
    """A backup MUST NOT be empty.

    Why: a file of 0 bytes and an archive without a member are what is left when the program before the pipe failed.

    See: ls -la PATH; tar tzf FILE | head

    Fix: let the script stop at the first failure (`set -euo pipefail`), and give a file its name only once it is whole.
    """
    assert backup_files.empty == []


@pytest.mark.requirement("BKP-006", needs="files.mode", refs=[f"{CIS} 11.3", "CWE-732"])
def test_backups_have_their_mode(backup_files):
    """A backup MUST NOT have a wider mode than the profile declares.

    Why: who may read a backup may read all that it was made of, whatever guards the original.

    See: stat -c '%a %U %n' PATH/*

    Fix: set `umask 077` at the top of the script, and `chmod 0600` what is there.
    """
    assert backup_files.wide == []


@pytest.mark.requirement("BKP-007", refs=[f"{CIS} 11.3", "CWE-732"], hardening=True)
def test_backups_are_closed_to_other_users(backup_files):
    """A backup SHOULD NOT be open to every user of the machine.

    Why: a backup holds what the service keeps, and its secrets with it; any process on the machine could take it or change it.

    See: stat -c '%a %U %n' PATH PATH/*

    Fix: set `umask 077` in the script, `chmod 0700` the folder; declare `files.mode`, so that it is held to it.
    """
    assert backup_files.open_to_all == []


@pytest.mark.requirement("BKP-008", needs="files.owner", refs=[f"{CIS} 11.3"])
def test_backups_have_their_owner(backup_files):
    """Every backup MUST belong to the user that the profile declares.

    Why: its owner may remove it, and what breaks into a service should not find that it owns the backups.

    See: stat -c '%U %u %n' PATH/*

    Fix: run the backup as that user, or `chown` at its end.
    """
    assert backup_files.owned_by_others == []


@pytest.mark.requirement("BKP-009", needs="files.encrypted", refs=[f"{CIS} 11.3", f"{CIS} 3.11"])
def test_backups_are_encrypted(backup_files):
    """Every backup MUST be encrypted as the profile declares, and nothing in it be readable without a key.

    Why: a name that ends in .gpg or .enc encrypts nothing, and who gets hold of the copy at the other site gets hold of the data.

    See: head -c 64 FILE | xxd; file FILE

    Fix: pipe the backup through `age -r RECIPIENT`, `gpg --encrypt` or `openssl enc`, and stop when that fails.
    """
    assert backup_files.in_the_clear == []


@pytest.mark.requirement("BKP-010", needs="files.checksum", refs=[SRE, "GNU Coreutils: sha256sum"])
def test_backups_match_their_checksums(backup_files):
    """Every backup MUST have the checksum file that the profile declares, with its own digest.

    Why: it is how a restore knows that what it reads is what was written.

    See: cd PATH && sha256sum -c *.sha256

    Fix: write the digest from the same stream as the backup; where they differ, the backup was changed or damaged: make a new one.
    """
    assert backup_files.wrong_checksums == []


@pytest.mark.requirement(
    "BKP-011", refs=[SRE, "PostgreSQL: pg_dump, pg_restore", "Redis persistence", "SQLite: PRAGMA integrity_check"]
)
def test_backups_are_readable_to_their_end(backup_files):
    """Every backup MUST be readable to its end.

    Why: one that is cut off or damaged restores nothing, or less than all, and most programs notice only where they come to it.
    What is encrypted is followed as far as that goes without its key.

    See: gzip -t FILE; tar tf FILE >/dev/null; pg_restore -l FILE; redis-check-rdb FILE

    Fix: make a new backup and look at it; let the script check what it wrote, and stop at the first failure (`set -euo pipefail`).
    """
    assert backup_files.unreadable == []


@pytest.mark.requirement("BKP-012", refs=["rename(2)", SRE])
def test_backups_appear_whole(backup_files):
    """A backup SHOULD lie under its name only once it is whole.

    Why: who copies or restores it a moment too early gets half of it, and a run that is cut off leaves half of one for good.

    See: watch -n1 ls -la PATH

    Fix: write to a name of its own in the same folder (`NAME.tmp`), then `mv` it to the backup's.
    """
    assert backup_files.half_written == []


@pytest.mark.requirement("BKP-013", refs=[SRE, f"{CIS} 11.3"])
def test_no_half_written_files_are_left(backup_files):
    """Half-written files SHOULD NOT be left beside backups.

    Why: each is a run that ended before its time, a copy of data that nobody counts, and in the end a full disk.

    See: ls -la --sort=time PATH

    Fix: remove them; let the script remove its own on any exit (`trap 'rm -f "$temporary"' EXIT`).
    """
    assert backup_files.leftovers == []


@pytest.mark.requirement("BKP-014", needs="files.keep", refs=[f"{CIS} 3.4", STORAGE])
def test_backups_are_not_kept_for_longer_than_declared(backup_files):
    """Backups MUST NOT be kept for longer, nor more of them, than the profile declares.

    Why: what must be forgotten lives on in old backups, and a disk that nothing is removed from is full one day.

    See: find PATH -type f -mtime +DAYS

    Fix: run the clean-up that the profile promises, and see that its pattern fits the names of the backups.
    """
    assert backup_files.kept_too_long == []


@pytest.mark.requirement("BKP-015", needs="files.keep", refs=[SRE, f"{CIS} 11.1"])
def test_backups_are_kept_for_as_long_as_declared(backup_files):
    """A backup MUST NOT be removed before the declared retention is over.

    Why: damage is often noticed late, and then only the older ones hold what was lost. A clean-up that removes too much, or a name
    that each run writes over, shows as long as nobody needs them in nothing.

    See: ls -la --sort=time PATH

    Fix: give each backup a name of its own, and let the clean-up remove by age or number as declared, never all but the newest.
    """
    assert backup_files.removed_too_early == []


@pytest.mark.requirement("BKP-016", needs="files.keep", refs=[SRE, f"{CIS} 11.2"])
def test_no_backups_are_missing_between(backup_files):
    """Between two backups that are kept there SHOULD NOT be a gap.

    Why: a run that failed, or a clean-up that took one away, left a time to which nothing can be restored.

    See: ls -la --time-style=full-iso --sort=time PATH

    Fix: look at the log of that time; let a failed run tell somebody, and be made again.
    """
    assert backup_files.gaps == []


@pytest.mark.requirement("BKP-017", needs="files.copies", refs=[f"{CIS} 11.4", f"{CONTINGENCY} (offsite storage)"])
def test_copies_are_at_the_other_site_in_time(backup_files):
    """Every backup MUST be at each declared other site within the declared time.

    Why: a fire, a stolen key or a failed disk takes the backup with the original, where both are at one place.

    See: ls -la COPY; mc ls --recursive STORE/BUCKET

    Fix: look at the log of what copies them; a wrong name, an expired key or a full disk at the other site are what stops it.
    """
    assert backup_files.not_copied == []


@pytest.mark.requirement("BKP-018", needs="files.copies", refs=[f"{CIS} 11.4", SRE])
def test_copies_are_the_same(backup_files):
    """A copy at another site MUST be what it is a copy of, byte by byte.

    Why: one that was cut off on its way is found out when the original is gone.

    See: sha256sum FILE COPY/FILE

    Fix: copy it again; let what copies compare digests (`rclone check`, `rsync --checksum`) and give the name last.
    """
    assert backup_files.other_copies == []


@pytest.mark.requirement("BKP-019", needs="files.copies", refs=[f"{CIS} 11.4", f"{CIS} 11.3"])
def test_copies_are_files_of_their_own(backup_files):
    """A copy at another site MUST NOT be the backup itself under another name.

    Why: a link, or the same folder mounted twice, is one file on one disk: what damages it damages both.

    See: stat -c '%d:%i %n' FILE COPY/FILE

    Fix: copy to a disk, a machine or a store of its own, with keys that the source does not hold.
    """
    assert backup_files.no_copies == []
