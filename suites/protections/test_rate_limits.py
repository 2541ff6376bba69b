"""How often a call may be made, and what a client is told that makes it more often."""

import pytest

LIMITS = "OWASP API Security Top 10 2023, API4 Unrestricted Resource Consumption"
TOO_MANY = "RFC 6585, 4 (429 Too Many Requests)"
RETRY_AFTER = "RFC 9110, 10.2.3 (Retry-After)"


@pytest.mark.requirement("PRT-004", refs=["declared as rate_limits", LIMITS], tier="load")
def test_calls_within_a_rate_limit_are_accepted(rate_limit):
    """As many calls as a declared rate limit allows MUST be accepted within its time.

    Why: clients keep to what is promised; one that does and is refused all the same can do nothing about it.

    See: for i in $(seq ALLOWED); do curl -so /dev/null -w '%{http_code} ' URL; done

    Fix: raise the limit where it is enforced, let the probes not count, or declare the one that holds.
    """
    assert rate_limit.refused_too_early == []


@pytest.mark.requirement("PRT-005", refs=["declared as rate_limits", TOO_MANY, LIMITS], tier="load")
def test_a_call_above_a_rate_limit_is_refused(rate_limit):
    """A call above what a declared rate limit allows MUST be refused with its declared status, 429 when none is declared.

    Why: one client that calls without end takes the service from all others; that is what the limit was promised against.

    See: for i in $(seq MORE); do curl -so /dev/null -w '%{http_code} ' URL; done

    Fix: enforce the limit in the service or in the proxy before it, for all of its processes together.
    """
    assert rate_limit.let_through == []


@pytest.mark.requirement("PRT-006", refs=[RETRY_AFTER, TOO_MANY], tier="load")
def test_a_refusal_says_when_to_come_back(rate_limit):
    """A refusal by a rate limit MUST say when to come back, by Retry-After with a number of seconds or an HTTP date.

    Why: clients that are not told come back at once, all of them, and keep the service busy with refusals.

    See: curl -si URL once more than is allowed, and look at Retry-After

    Fix: send Retry-After with the seconds until the next call is accepted, rounded up.
    """
    assert rate_limit.without_a_time_to_come_back == []


@pytest.mark.requirement("PRT-007", refs=[RETRY_AFTER, "declared as rate_limits"], tier="load")
def test_who_comes_back_when_told_is_accepted(rate_limit):
    """A call after the time that a refusal asks to wait, or the declared one where it asks for none, MUST be accepted.

    Why: a client that waits as it is told and is refused again never gets through; others learn that waiting does not pay.

    See: curl -si URL once more than is allowed, sleep as long as Retry-After says, curl -si URL

    Fix: work Retry-After out from when the next call will be accepted; let a refused call not count as one.
    """
    assert rate_limit.refused_after_waiting == []
