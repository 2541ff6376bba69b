"""What a service accepts, and what it refuses."""

import pytest

HTTP = "RFC 9110 (HTTP Semantics)"
LIMITS = "OWASP API Security Top 10 2023, API4 Unrestricted Resource Consumption"


@pytest.mark.requirement("PRT-001", refs=["declared as limits", LIMITS], tier="write")
def test_what_is_at_a_limit_is_accepted(limit):
    """A call at a declared limit MUST be accepted.

    Why: users rely on what is promised; a service, or a proxy before it, that refuses less breaks what they have built.

    See: curl -si -X POST -H 'Content-Type: application/json' --data @FILE URL, with a value at the limit in FILE

    Fix: raise the limit where it is enforced (the service, and every proxy before it), or declare the one that holds.
    """
    assert limit.refused_at_the_limit == []


@pytest.mark.requirement("PRT-002", refs=["declared as limits", f"{HTTP}, 15.5", LIMITS], tier="write")
def test_what_is_above_a_limit_is_refused_cleanly(limit):
    """A call above a declared limit, however far, MUST be refused with its declared status (else any of 400 to 499) in time.

    Why: what is not refused costs memory and time of everybody; an error of the server or a closed connection is tried again
    by clients, and tells nobody what was wrong.

    See: curl -si -X POST -H 'Content-Type: application/json' --data @FILE URL, with a value above the limit in FILE

    Fix: check the value before any work is done with it, and answer 400, 413 or 422; check Content-Length before reading.
    """
    assert limit.not_refused_above_it == []


@pytest.mark.requirement("PRT-003", refs=["declared as limits", LIMITS], tier="write")
def test_a_service_is_as_well_after_a_refusal_as_before(limit):
    """After calls above a declared limit a service MUST run on, be as alive and as ready as before, and do what it did before.

    Why: a caller that can make a service end or turn not ready by one call can keep it from everybody.

    See: curl -si URL of the readiness endpoint after such a call

    Fix: refuse before memory is taken or a worker is lost; a refusal is no fault of the service, and must not count as one.
    """
    assert limit.worse_afterwards == []
