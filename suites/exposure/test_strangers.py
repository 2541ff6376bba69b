"""What a stranger without credentials is told."""

import pytest


@pytest.mark.requirement("EXP-009", refs=["OWASP Top 10 2021 A07", "CWE-306"])
def test_data_and_control_ask_strangers_for_credentials(exposure):
    """A data store or control interface MUST NOT serve a stranger without credentials, unless `exposure.anonymous` declares it.

    Why: an open Redis, an open engine API or an `auth: trust` database is found by scanners within hours and is as good as
    a shell on the machine.

    See: redis-cli -h HOST PING; psql -h HOST -U postgres -c 'SELECT 1'; curl http://HOST:PORT/version

    Fix: set a password (`requirepass`, `scram-sha-256` in pg_hba.conf, TLS client certificates), or bind it where only its
    clients are; declare it in `exposure.anonymous` when it is meant to be open.
    """
    assert exposure.open_stores == []


@pytest.mark.requirement("EXP-010", refs=["OWASP Top 10 2021 A01", "CWE-306"])
def test_pages_are_served_to_strangers_only_where_declared(exposure):
    """A web interface MUST NOT serve a stranger without credentials, unless `exposure.anonymous` declares it.

    Why: consoles and admin pages are open by default more often than not. A socket that should not be there at all is told by
    EXP-001, EXP-002, EXP-006 and EXP-007.

    See: curl -i http://HOST:PORT/

    Fix: ask for credentials, or declare the address in `exposure.anonymous` when the page is meant for everybody.
    """
    assert exposure.open_pages == []
