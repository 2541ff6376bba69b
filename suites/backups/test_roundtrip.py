"""Whether what was saved comes back: written, saved as documented, restored into a scratch target, and compared there."""

import pytest

SRE = "Site Reliability Engineering, chapter 26: Data Integrity"
NIST = "NIST SP 800-34 rev. 1, 3.4.2 and 5.1.2"
STORAGE = "NIST SP 800-209, 4.6 and 4.7"
CIS = "CIS Controls v8, 11.5"
BASH = "Bash reference manual: The Set Builtin"


@pytest.mark.requirement("BKP-030", tier="write", refs=[CIS, STORAGE])
def test_the_backup_procedure_leaves_a_backup(drill):
    """The documented backup procedure MUST end with success and leave a backup.

    Why: what is documented is what is run, by cron or by hand. One that fails, or that says success and leaves nothing, is found
    when the backup is needed.

    See: run it as documented, then `echo $?` and `ls -l` where backups lie

    Fix: look at the line it ended with, below; let it fail (`set -euo pipefail`) and tell somebody when it does.
    """
    assert drill.failing_backup == []


@pytest.mark.requirement("BKP-031", tier="write", refs=[BASH, SRE])
def test_every_command_of_the_backup_procedure_succeeds(drill):
    """A command of the backup procedure SHOULD NOT fail while the procedure reports success.

    Why: a shell goes on after a command that failed, and ends with what the last one came to. What was to be saved by the failed one
    is not in the backup, and nobody hears of it.

    See: bash -x backup.sh 2>&1 | less

    Fix: begin it with `set -euo pipefail`; where a failure is fine, say so in that line (`|| true`).
    """
    assert drill.unheard_in_backup == []


@pytest.mark.requirement("BKP-032", tier="write", refs=[NIST, STORAGE])
def test_a_restore_is_tried_beside_its_source(drill):
    """The source and the target of a drill MUST be two servers, with data of their own.

    Why: a restore into the source proves nothing, since everything is there already, and what is wrong with the backup is then wrong
    with the data too. Nothing was restored here.

    See: compare `redis-cli info server`, `SHOW data_directory` or `stat -c %d:%i FOLDER` of the two

    Fix: give `drill.target` a port and a folder of its own, and let its `start` announce them.
    """
    assert drill.same_server == []


@pytest.mark.requirement("BKP-033", tier="write", refs=[CIS, NIST])
def test_the_restore_procedure_succeeds(drill):
    """The documented restore procedure MUST end with success on a good backup.

    Why: it is run by somebody who has not written it, on the worst day of the year, and there is no other.

    See: run it as documented on a machine with nothing on it, then `echo $?`

    Fix: look at the line it ended with, below, and try it again on an empty machine until it needs no help.
    """
    assert drill.failing_restore == []


@pytest.mark.requirement("BKP-034", tier="write", refs=[BASH, SRE])
def test_every_command_of_the_restore_procedure_succeeds(drill):
    """A command of the restore procedure SHOULD NOT fail while the procedure reports success.

    Why: whoever reads `done` stops looking. What the failed command was to bring back is missed by users.

    See: bash -x restore.sh 2>&1 | less

    Fix: begin it with `set -euo pipefail`; where a failure is fine, say so in that line (`|| true`).
    """
    assert drill.unheard_in_restore == []


@pytest.mark.requirement("BKP-035", tier="write", refs=[NIST])
def test_a_restored_target_can_be_used(drill):
    """A target MUST be ready within its declared time after a restore that reported success.

    Why: a server that does not start on what was restored, or for whose user that can't be read, is no service yet.

    See: restore it on another machine, start the service, and ask its readiness endpoint

    Fix: let the procedure give files to the user that the server runs as, start it, and wait until it is ready.
    """
    assert drill.unready == []


@pytest.mark.requirement("BKP-036", tier="write", refs=[SRE, CIS])
def test_a_restore_that_reports_success_brings_everything_back(drill):
    """A restore MUST NOT report success while it restored nothing, or less than was saved.

    Why: this is the worst there is. Everybody believes in such a backup until the day it is needed, and then the data is gone: each
    object below was there before the backup, and is not after a restore that said it succeeded.

    See: back up, restore on another machine as documented, and count there what was there before

    Fix: find out where it is lost: is it in the backup (what the procedure leaves out), is it where the server looks, and does
    the server load it? Then let the procedure count what came back, and fail when it is less.
    """
    assert drill.hollow == []


@pytest.mark.requirement("BKP-037", tier="write", refs=[SRE, STORAGE])
def test_what_comes_back_is_what_was_saved(drill):
    """What is restored MUST have the content that it had when it was saved.

    Why: a wrong value is worse than a missing one: it is believed.

    See: compare a digest of some objects at the source with that of the same on a restored machine

    Fix: look for what converts on the way: encodings, line ends, text of binary data, another version; save with the store's own means.
    """
    assert drill.changed == []


@pytest.mark.requirement("BKP-038", tier="write", refs=[SRE, STORAGE])
def test_nothing_else_comes_back(drill):
    """A restore MUST NOT bring what the source did not hold.

    Why: data of another time, tenant or system turns up among users' own.

    See: list what is there after a restore on an empty machine, and compare it with the source

    Fix: save from one place alone; empty the folder that a backup is made in before, and the target before it is filled.
    """
    assert drill.added == []


@pytest.mark.requirement("BKP-039", tier="write", refs=[SRE, "Regulation (EU) 2016/679, article 17"])
def test_what_was_removed_stays_removed(drill):
    """What was removed before a backup MUST NOT come back with it.

    Why: a user who deleted something sees it again, an account that was locked can log in. A mirror that only ever adds keeps all
    that ever was.

    See: write something, remove it, back up, restore on another machine, and look for it there

    Fix: let the mirror remove too (`rsync --delete`, `mc mirror --remove`), with versions kept elsewhere; restore into an empty place.
    """
    assert drill.returned == []


@pytest.mark.requirement("BKP-040", tier="write", refs=[SRE, "GNU tar: Setting Access Permissions"])
def test_attributes_come_back(drill):
    """What belongs to an object beside its content MUST come back with it: mode, owner, expiry and the like.

    Why: a private key that everybody may read, a session that never ends, a file that its server may not open: the data is there, and
    the system is not as it was.

    See: compare `stat -c '%a %U:%G %n' FILE`, or `redis-cli ttl KEY`, at the source and on a restored machine

    Fix: save and restore with what keeps them (`tar -p --numeric-owner` as root, `cp -a`, `DUMP` with its TTL), not file by file.
    """
    assert drill.attributes == []


@pytest.mark.requirement("BKP-041", tier="write", refs=[SRE, STORAGE])
def test_a_backup_leaves_its_source_as_it_is(drill):
    """A backup MUST NOT change what it saves.

    Why: it is made each night, and nobody looks at what it does to the data.

    See: compare a listing of the data, with digests, before and after the backup

    Fix: only read; where the procedure needs files of its own, let it make them elsewhere (`mktemp -d`), and no `mv` of originals.
    """
    assert drill.touched == []


@pytest.mark.requirement("BKP-042", tier="write", refs=["CWE-377", "CIS Controls v8, 11.3"])
def test_no_copy_is_left_open(drill):
    """A procedure MUST NOT leave a copy of the data behind that every user may read.

    Why: whatever guards the data itself, an unguarded copy in /tmp or beside the backup is for everyone who has an account there.

    See: find / -xdev -newer START -type f -perm -004 -ls, after it was run

    Fix: `umask 077` at its beginning, a folder by `mktemp -d`, and `trap 'rm -rf "$folder"' EXIT`.
    """
    assert drill.open_residue == []


@pytest.mark.requirement("BKP-043", tier="write", refs=[NIST], needs="rpo")
def test_a_backup_is_quick_enough_for_the_rpo(drill):
    """A backup MUST be made quickly enough that its schedule keeps the declared RPO.

    Why: what is written after a backup began is not in it. Until the next one has ended, the loss is one interval and the time of
    the backup. It was measured with as much data as the finding says; more takes longer.

    See: time the backup procedure, and add what its schedule leaves between two

    Fix: make backups more often, make them smaller (increments, a log that is shipped), or declare the RPO that there is.
    """
    assert drill.late_backup == []


@pytest.mark.requirement("BKP-044", tier="write", refs=[NIST, CIS], needs="rto")
def test_a_restore_is_quick_enough_for_the_rto(drill):
    """A target MUST be usable within the declared RTO after its restore began.

    Why: it is the promise on which others plan. It was measured with as much data as the finding says; more takes longer, and finding
    the backup, the machine and the procedure took no time here.

    See: time the restore procedure, up to the first good answer of the readiness endpoint

    Fix: restore in parallel, from a nearer place, by files in place of statements; or declare the RTO that there is.
    """
    assert drill.late_restore == []


@pytest.mark.requirement("BKP-045", tier="write", refs=[SRE], needs="drill.source")
def test_the_same_data_gives_the_same_backup(drill):
    """A second backup of the same data MUST succeed and bring back the same as the first.

    Why: the first is made on an empty machine by whoever wrote the procedure. Later ones find what the first left: a folder that is
    there, its own output among what it saves, a lock, an increment without its base.

    See: run the backup procedure twice, restore each on a machine of its own, and compare the two

    Fix: let it clean up after itself, exclude its own output, and make each backup one that stands alone.
    """
    assert drill.another_time == []


@pytest.mark.requirement("BKP-046", tier="write", refs=["GNU tar: Handling File Attributes", "cp(1), --preserve"])
def test_times_come_back(drill):
    """The time at which an object was changed last SHOULD come back with it.

    Why: what removes by age, mirrors by time or caches by `Last-Modified` takes everything for new after such a restore: nothing is
    cleaned up for a month, or all is copied again.

    See: compare `stat -c '%y %n' FILE` at the source and on a restored machine

    Fix: save and restore with what keeps times: `tar`, `cp -a`, `rsync -t`.
    """
    assert drill.times == []


@pytest.mark.requirement("BKP-047", tier="write", refs=["CWE-459"])
def test_no_copy_is_left_behind(drill):
    """A procedure SHOULD NOT leave a copy of the data behind that is no backup.

    Why: such copies fill the disk, one each night, and nobody who must erase something knows that they are there.

    See: find / -xdev -newer START -type f -size +4k -ls, after it was run

    Fix: make them in a folder by `mktemp -d` and remove that on every exit: `trap 'rm -rf "$folder"' EXIT`.
    """
    assert drill.residue == []
