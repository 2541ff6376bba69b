"""What servers say of their own configuration, which is what is in force."""

import pytest


@pytest.mark.requirement("CFG-011", refs=["Redis: CONFIG GET", "PostgreSQL: pg_settings"], needs="reports.values")
def test_servers_run_with_their_declared_settings(configuration):
    """A server MUST report every setting with the value that the profile declares.

    Why: a file that is not mounted, a line that comes too late or a `CONFIG SET` by hand leave no trace but this one.

    See: redis-cli CONFIG GET NAME; psql -c 'SHOW NAME'

    Fix: put the setting where the server really reads it (the file it was started with, its command line), restart it,
    and ask it again.
    """
    assert configuration.other_settings == []


@pytest.mark.requirement("CFG-012", refs=["PostgreSQL: pg_settings.pending_restart"])
def test_settings_are_in_force(postgres):
    """A server SHOULD NOT have settings that were changed in its files and wait for a restart.

    Why: the next restart, planned or not, changes what runs, and nobody will remember why.

    See: psql -c 'SELECT name, setting FROM pg_settings WHERE pending_restart'

    Fix: restart the server in a quiet hour, or take the change back.
    """
    assert postgres.waiting_settings == []


@pytest.mark.requirement("CFG-013", refs=["Redis: INFO server", "PostgreSQL: server_version"], needs="min_version")
def test_servers_are_recent_enough(configuration):
    """A server MUST report the version that the profile declares as its minimum, or a later one.

    See: redis-cli INFO server; psql -c 'SHOW server_version'

    Fix: upgrade the server; mind that the image's tag may name another version than the one that runs.
    """
    assert configuration.old_versions == []
