"""What a service has acknowledged is there after what its data is declared to outlive."""

import pytest

DISPOSABILITY = "The Twelve-Factor App, IX. Disposability"
WRITTEN = "PostgreSQL: Reliability and the Write-Ahead Log"
BACKING = "The Twelve-Factor App, VI. Processes"


@pytest.mark.requirement("DUR-001", refs=[DISPOSABILITY, WRITTEN], tier="disrupt")
def test_data_survives_a_kill(survival_of_kill):
    """A service whose data is declared to survive a kill MUST give back all that it acknowledged before it was killed.

    Why: power cuts, the kernel's out-of-memory killer and a node that dies ask nobody; what was acknowledged was promised.

    See: make the canary call, kill -9 the main process, start the service, and make the call of read_back

    Fix: answer after the write is on the disk (`appendfsync always`, `synchronous_commit = on`), and recover from what lies
    there at the start.
    """
    assert survival_of_kill.lost == []


@pytest.mark.requirement("DUR-002", refs=[DISPOSABILITY], tier="disrupt")
def test_data_survives_a_restart(survival_of_restart):
    """A service whose data is declared to survive a restart MUST give back all that it acknowledged before it was restarted.

    Why: every release, every reboot and every changed setting restarts it.

    See: make the canary call, docker restart CONTAINER or systemctl restart UNIT, and make the call of read_back

    Fix: keep state in files or in a store, never in the memory of a process alone, and write out what is queued at SIGTERM.
    """
    assert survival_of_restart.lost == []


@pytest.mark.requirement("DUR-003", refs=[BACKING, "Docker: Persisting container data"], tier="disrupt")
def test_data_survives_a_new_container(survival_of_recreation):
    """A service whose data is declared to survive recreation MUST give back all that it acknowledged before that.

    Why: each update of an image makes a new container, and the old one's writable layer and anonymous volumes are not in it.

    See: make the canary call, docker compose up --detach --force-recreate SERVICE, and make the call of read_back

    Fix: mount a named volume or a folder of the host where the service really writes; `docker diff CONTAINER` shows where.
    """
    assert survival_of_recreation.lost == []


@pytest.mark.requirement("DUR-004", refs=[DISPOSABILITY], tier="disrupt")
def test_what_was_removed_stays_removed(survival_of_removal):
    """What was removed before MUST NOT be there again after what the data is declared to survive.

    Why: deleted data that returns is wrong for users, and a breach where its removal was promised.

    See: make the canary call and the call of remove, restart the service, and make the call of read_back

    Fix: write removals as durably as writes: to the same log, before they are acknowledged.
    """
    assert survival_of_removal.back_again == []
