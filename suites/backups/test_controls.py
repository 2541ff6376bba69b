"""Whether what is no good backup is refused, says why, and does no harm: the negative controls of the round trip."""

import pytest

SRE = "Site Reliability Engineering, chapter 26: Data Integrity"
CONTINGENCY = "NIST SP 800-34 rev. 1, 3.4.2 and 5.1.2"
STORAGE = "NIST SP 800-209, 4.6 and 4.7"
RECOVERY = "CIS Controls v8, 11.5"


@pytest.mark.requirement(
    "BKP-048", tier="write", refs=[SRE, "PostgreSQL documentation, pg_restore --single-transaction"]
)
def test_a_refused_restore_leaves_the_target_as_it_was(control):
    """A restore procedure that refuses a backup SHOULD leave the target as it was.

    Why: half of the data, or none where there was some, is worse than what was there before; and a second try then meets the
    leftovers of the first.

    See: head -c 1000 BACKUP_FILE > /tmp/cut; env BACKUP_FILE=/tmp/cut bash restore.sh, in a scratch place, and look what is there

    Fix: check the whole backup first (`gzip -t`, `sha256sum -c`, `pg_restore -f /dev/null`), restore beside what is there
    or in one transaction, and swap at the end.
    """
    assert control.altered == []


@pytest.mark.requirement("BKP-049", tier="write", refs=[SRE, "CIS Controls v8, 11.2"], needs="drill.gone")
def test_a_backup_fails_when_its_source_is_gone(control):
    """A backup procedure MUST fail when what it saves can't be reached.

    Why: a dump of nothing that ends with 0 is kept, rotated, and pushes the last good one out; nobody is told for as long as backups
    are kept.

    See: mkdir -p /tmp/b; env BACKUP_DIR=/tmp/b bash backup.sh; echo "ended with $?", where its source is stopped

    Fix: begin the script with `set -euo pipefail`, so that a program that fails before a `|` counts, and check that what was
    written is not empty before it gets its name.
    """
    assert control.backed_up_from_nowhere == []


@pytest.mark.requirement("BKP-050", tier="write", refs=[SRE, CONTINGENCY, RECOVERY])
def test_an_empty_backup_is_refused(control):
    """A restore procedure MUST refuse a backup that is empty or is not there.

    Why: a restore that reports success while it restored nothing is the worst there is: the service is handed back without its data,
    and nobody looks for another backup.

    See: : > /tmp/empty; env BACKUP_FILE=/tmp/empty bash restore.sh; echo "ended with $?", in a scratch place

    Fix: begin the script with `set -euo pipefail` and `[ -s "$BACKUP_FILE" ] || exit 1`, and let the last step count what came back.
    """
    assert control.restored_from_nothing == []


@pytest.mark.requirement(
    "BKP-051", tier="write", refs=[SRE, RECOVERY, "PostgreSQL documentation, 26.1 SQL Dump, ON_ERROR_STOP"]
)
def test_a_backup_that_was_cut_short_is_refused(control):
    """A restore procedure MUST refuse a backup that is cut short.

    Why: a disk that was full, a connection that broke or a job that was killed leaves the first part of a backup; a restore
    that reports success while it restored less hides the loss for good.

    See: head -c 1000 BACKUP_FILE > /tmp/cut; env BACKUP_FILE=/tmp/cut bash restore.sh; echo "ended with $?", in a scratch place

    Fix: keep a digest beside each backup and compare it first (`sha256sum -c`), stop at the first error (`set -euo pipefail`,
    `psql -v ON_ERROR_STOP=1 --single-transaction`), and check that the end of a text dump is there.
    """
    assert control.restored_from_a_part == []


@pytest.mark.requirement("BKP-052", tier="write", refs=[SRE, STORAGE, RECOVERY])
def test_a_backup_with_a_bit_turned_over_is_refused(control):
    """A restore procedure MUST refuse a backup in which a bit is another, or restore the same content all the same.

    Why: disks, memory and cables turn bits over, and a backup lies for a long time; data that came back wrong is used as if it were right.

    See: sha256sum -c BACKUP_FILE.sha256

    Fix: keep a digest beside each backup (`sha256sum`), made as it is written, and compare it before anything is restored; or use
    a form with one of its own (gzip, zstd, an RDB with its CRC, age).
    """
    assert control.restored_damaged == []


@pytest.mark.requirement("BKP-053", tier="write", refs=[SRE, STORAGE])
def test_a_backup_that_was_packed_anew_is_refused(control):
    """A restore procedure SHOULD refuse a backup that was changed below a sound compression.

    Why: the sum of a compression covers what the packer was given; what was unpacked, changed and packed anew, or damaged on its way
    to the packer, passes it.

    See: zcat BACKUP_FILE | sha256sum

    Fix: keep a digest beside each backup (`sha256sum`), better one of each file made before it is packed, and compare it before
    anything is restored.
    """
    assert control.restored_damaged_inside == []


@pytest.mark.requirement("BKP-054", tier="write", refs=["CIS Controls v8, 11.3", STORAGE], needs="drill.wrong_key")
def test_a_wrong_key_is_refused(control):
    """A restore procedure MUST refuse a backup when it is given a wrong key.

    Why: a restore that goes on after a failed decryption restores nothing or noise and reports success; one that succeeds shows
    that the backup was not encrypted at all.

    See: head -c 32 BACKUP_FILE | xxd

    Fix: use encryption that is authenticated (age, gpg, AES-GCM; not `openssl enc` alone), and let a failed decryption end the
    script: `set -euo pipefail`.
    """
    assert control.restored_with_a_wrong_key == []


@pytest.mark.requirement("BKP-055", tier="write", refs=[CONTINGENCY, SRE], needs="drill.other_version")
def test_a_backup_of_another_version_is_refused_or_restored(control):
    """A restore procedure MUST refuse a backup of another version, or restore it.

    Why: the backup that is needed is often older than the program; a restore that reports success while it restored nothing
    is noticed by users.

    See: env BACKUP_FILE=OTHER_VERSION bash restore.sh; echo "ended with $?", in a scratch place

    Fix: write the version into each backup, compare it before anything is restored, and say which versions can be read.
    """
    assert control.restored_from_another_version == []


@pytest.mark.requirement(
    "BKP-056", tier="write", refs=[CONTINGENCY, "GNU Coding Standards, 4.4 Formatting Error Messages"]
)
def test_a_refusal_says_why(control):
    """A procedure that refuses a backup SHOULD say why.

    Why: who restores is in a hurry; a bare exit status does not tell whether to mend the command, the key or to take the backup before.

    See: env BACKUP_FILE=/tmp/empty bash restore.sh 2>&1 | tail -n 1, in a scratch place

    Fix: print one line to the standard error before `exit 1`: which file, and what is wrong with it; don't send errors to /dev/null.
    """
    assert control.silent == []


@pytest.mark.requirement("BKP-057", tier="write", refs=[SRE, CONTINGENCY])
def test_a_target_can_be_used_after_a_refusal(control):
    """After a restore procedure refused a backup, the target MUST still answer and take writes.

    Why: a service that ran before a bad backup was tried, and does not afterwards, has been taken down by the attempt to help it.

    See: head -c 1000 BACKUP_FILE > /tmp/cut; env BACKUP_FILE=/tmp/cut bash restore.sh, in a scratch place, and ask the service

    Fix: check the whole backup (`gzip -t`, `redis-check-rdb`, `pg_restore -f /dev/null`, a digest) before the service is
    stopped or anything of it is replaced, and start it again on failure.
    """
    assert control.unusable == []


@pytest.mark.requirement("BKP-058", tier="write", refs=[RECOVERY, SRE])
def test_the_verification_passes_a_good_backup(verification):
    """The documented verification MUST pass a good backup.

    Why: an alarm that always rings is switched off, and then a broken backup rings as well as a good one.

    See: env BACKUP_FILE=NEWEST bash verify.sh; echo "ended with $?"

    Fix: run it on a backup of today as it is documented, and correct paths, names and the digest that it compares.
    """
    assert verification.alarming == []


@pytest.mark.requirement("BKP-059", tier="write", refs=[RECOVERY, SRE])
def test_the_verification_fails_a_bad_backup(verification):
    """The documented verification MUST fail a backup that is empty or cut short.

    Why: it is run so that a broken backup is found while there still is a good one; one that passes everything says "verified" of
    the backup that will be needed.

    See: head -c 1000 BACKUP_FILE > /tmp/cut; env BACKUP_FILE=/tmp/cut bash verify.sh; echo "ended with $?"

    Fix: read the backup to its end (`gzip -t`, `tar -tzf`, `pg_restore -f /dev/null`, `redis-check-rdb`), compare a digest,
    and let the script end with the status of that: `set -euo pipefail`.
    """
    assert verification.undiscerning == []


@pytest.mark.requirement("BKP-070", tier="write", refs=[SRE, "rename(2)"], needs="drill.gone")
def test_a_failed_backup_leaves_nothing_under_a_backups_name(control):
    """A backup procedure that failed SHOULD NOT leave a file where backups lie.

    Why: who restores "the newest" takes it for one, and retention counts it as one.

    See: ls -lt BACKUP_DIR, after a backup that failed

    Fix: write to a temporary name beside it, rename it when all is done, and remove it on failure: `trap 'rm -f "$new"' EXIT`.
    """
    assert control.left_by_failed_backups == []


@pytest.mark.requirement("BKP-071", tier="write", refs=["CWE-22", "Python documentation: tarfile, Extraction filters"])
def test_a_restore_keeps_to_its_place(control):
    """A restore procedure SHOULD NOT write outside the place it restores to, whatever names an archive holds.

    Why: a restore is run as root; whoever can write a backup then writes /etc/cron.d or a key of ssh with it.

    See: tar -tvPf BACKUP_FILE | grep -e ' /' -e ' [.][.]/' -e ' -> '

    Fix: unpack with `tar` without `-P`; in Python with `extractall(filter="data")`; below a folder of its own, and move from there.
    """
    assert control.written_elsewhere == []
