"""Keys that are replaced while clients use a service."""

import pytest

ROTATION = "OWASP Cheat Sheet Series: Secrets Management, rotation"


@pytest.mark.requirement("LFC-008", refs=[ROTATION], tier="disrupt")
def test_a_new_key_works_once_it_is_in_force(rotation):
    """After the declared command has put a new key in force, a service MUST accept the new key at every replica.

    Why: a key that is read once at the start needs a restart that nobody planned.

    See: run the declared command, then make the call of renewed at each replica

    Fix: read the key again when its file changes, or let the command restart the replicas one by one.
    """
    assert rotation.new_key_refused == []


@pytest.mark.requirement("LFC-009", refs=[ROTATION], tier="disrupt")
def test_an_old_key_is_refused_once_it_was_replaced(rotation):
    """After the declared command has put a new key in force, a service MUST NOT accept the old key at any replica.

    Why: keys are replaced because the old one may be known to others.

    See: run the declared command, then make the call with the old key at each replica

    Fix: forget the old key when the new one is read; where both must work for a while, let the command wait for its end.
    """
    assert rotation.old_key_taken == []


@pytest.mark.requirement("LFC-010", refs=[ROTATION], tier="disrupt")
def test_a_rotation_can_be_taken_back(rotation):
    """After the declared way back, a service MUST accept the old key again, and the new one no more.

    Why: a rotation that breaks a client nobody thought of has to be undone within minutes.

    See: run both declared commands, then make both calls at each replica

    Fix: let the way back do all that the way there does, with the old key.
    """
    assert rotation.keys_not_back == []
