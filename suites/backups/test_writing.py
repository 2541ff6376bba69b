"""Backups that are made while others write, as every real one is."""

import pytest

PITR = "PostgreSQL: Backup and Restore"
SRE = "Site Reliability Engineering, chapter 26: Data Integrity"
REDIS = "Redis persistence: Backing up Redis data"
SQLITE = "How To Corrupt An SQLite Database File: Backup or restore while a transaction is active"


@pytest.mark.requirement("BKP-060", tier="write", refs=[SRE, PITR, SQLITE])
def test_a_backup_under_writes_restores_one_moment(writing):
    """A backup that is made while others write MUST restore a state that was, of one moment.

    Why: who copies files one after the other while they are written gets the beginning of one moment and the end of another. No error
    tells of it, and the day it is restored an order is there without its payment.

    See: run a writer that numbers its writes and spreads them over several places, make the backup, restore it elsewhere, compare

    Fix: take a snapshot or use the store's own means (`pg_dump`, `BGSAVE` and its finished file, SQLite's `.backup`, a snapshot of
    the file system), or stop writers while the backup is made.
    """
    assert writing.torn == []


@pytest.mark.requirement("BKP-061", tier="write", refs=[SRE, REDIS])
def test_a_backup_under_writes_holds_what_was_acknowledged_before(writing):
    """A backup that is made while others write MUST hold all that was acknowledged before it began.

    Why: a procedure that copies the last snapshot, and not one of its own, saves yesterday and says today. The RPO counts from
    what is in the backup, not from when it was made.

    See: write, make the backup at once, restore it elsewhere, and look for what was written last

    Fix: let the procedure make its own snapshot, wait until that is finished, and fail where it can't be made.
    """
    assert writing.forgotten == []


@pytest.mark.requirement("BKP-062", tier="write", refs=[SRE, "GNU tar: Exit status"])
def test_a_backup_under_writes_succeeds(writing):
    """The backup procedure and its restore MUST succeed also when others write meanwhile.

    Why: nothing stands still at three in the morning. A procedure that works on quiet data alone, and ends with `file changed as we
    read it` on the rest, leaves no backup on just the days on which much happens.

    See: run a writer, make the backup, restore it elsewhere, and look at what each of them ends with

    Fix: save from a snapshot, or by the store's own means, so that what is read does not change.
    """
    assert writing.failing == []


@pytest.mark.requirement("BKP-067", tier="write", refs=["Redis command reference: SAVE", PITR])
def test_a_backup_lets_others_write(writing):
    """A backup SHOULD NOT keep a write waiting for longer than five seconds.

    Why: a lock for the time of the copy, or a server that does nothing else meanwhile, is an outage each night, and one that grows
    with the data.

    See: run a writer that takes the time of each write, and make the backup

    Fix: use means that work beside writers: `BGSAVE` and not `SAVE`, `pg_dump`, SQLite's `.backup`, a snapshot of the file system.
    """
    assert writing.stalls == []
