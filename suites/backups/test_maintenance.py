"""Maintenance and cleanup commands, run over data that was made for them: what must stay, stays."""

import pytest

SRE = "Site Reliability Engineering, chapter 26: Data Integrity"
FIND = "find(1): -mtime and -delete"


@pytest.mark.requirement("BKP-063", tier="write", refs=[SRE, FIND])
def test_maintenance_keeps_what_must_stay(maintenance):
    """A maintenance command MUST leave everything as it is that its declaration does not let it remove.

    Why: `find … -mtime +30 -delete` does not tell a log from a customer's file that nobody has changed since: it deletes what is old,
    not what is no longer needed. It runs each week, and is noticed when somebody asks for something old.

    See: run it over a copy that holds files of every age, owner and depth, and compare that before and after

    Fix: name what may go (a folder of logs or of temporary files, a pattern), or leave it to the program that knows what is used; where
    data may really go by its age, declare `older`.
    """
    assert maintenance.lost == []


@pytest.mark.requirement("BKP-064", tier="write", refs=[FIND], needs="older")
def test_cleanup_removes_what_is_old(maintenance):
    """A cleanup command SHOULD remove what its declaration lets it remove.

    Why: a cleanup that finds nothing, since its path or pattern is another than that of the data, is silent until the disk is full.

    See: run it over a copy that holds something old enough, and look whether that is still there

    Fix: correct its path and its pattern, and let it tell how much it removed.
    """
    assert maintenance.kept_on == []


@pytest.mark.requirement("BKP-065", tier="write", refs=[SRE])
def test_maintenance_succeeds(maintenance):
    """A declared maintenance command MUST succeed, and so must each command in it.

    Why: what is scheduled is run by nobody who would see it fail.

    See: run it by hand, and look at what it ends with

    Fix: correct the command; begin its script with `set -euo pipefail`, so that it ends where it fails.
    """
    assert maintenance.failing == []


@pytest.mark.requirement("BKP-066", tier="write", refs=[SRE])
def test_what_is_maintained_stays_usable(maintenance):
    """What a maintenance command was run over MUST be usable afterwards.

    Why: a file that is cleaned away below a running server, or a lock that stays, is an outage that comes by schedule.

    See: run it over a copy with a server on it, then read and write there

    Fix: let the server itself clean up, or stop it before and start it after.
    """
    assert maintenance.unusable == []
