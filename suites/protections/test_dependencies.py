"""What stands between a service and its dependencies: time-outs, retries, circuit breakers."""

import pytest

CASCADES = "Google SRE Book, 22 Addressing Cascading Failures"
BREAKER = "Nygard, Release It!, Circuit Breaker"


@pytest.mark.requirement("PRT-008", refs=["declared as depends_on.timeout", CASCADES], tier="disrupt")
def test_calls_end_in_time_while_a_dependency_hangs(time_out):
    """While a dependency hangs, a call that needs it MUST end within the declared time, if only with an error.

    Why: a call that waits without end holds a thread, a connection and its user; soon all of them are held.

    See: docker pause the dependency's container, then time curl -si the call

    Fix: give every question to the dependency a time-out (connect and read), such that all attempts together end in time.
    """
    assert time_out.calls_that_hung == []


@pytest.mark.requirement("PRT-009", refs=["declared as depends_on.timeout", CASCADES], tier="disrupt")
def test_calls_do_not_pile_up_while_a_dependency_hangs(time_out):
    """While a dependency hangs, calls that are made at once MUST NOT wait for each other beyond the declared time.

    Why: where each waits for the one before it, a time-out of one second is a minute for the sixtieth caller.

    See: docker pause the dependency's container, then make eight of the calls at once, each by time curl -si

    Fix: let no lock or single connection be held over a question to the dependency; bound the wait for a pool, and shed.
    """
    assert time_out.calls_that_piled_up == []


@pytest.mark.requirement("PRT-010", refs=["declared as depends_on.retries", CASCADES], tier="disrupt")
def test_a_failing_dependency_is_not_stormed_with_retries(retrying):
    """While a dependency fails, it MUST NOT get more attempts for one call than the declared retries and the first one.

    Why: retries multiply the load on what is already failing, and keep it from coming back.

    See: tcpdump -ni any 'dst port PORT and tcp[tcpflags] & tcp-syn != 0' beside the dependency, during one call

    Fix: bound attempts per call in one place only, with backoff and jitter: client libraries often retry beneath one's own loop.
    """
    assert retrying.storms == []


@pytest.mark.requirement("PRT-011", refs=["declared as depends_on.breaker", BREAKER], tier="disrupt")
def test_a_breaker_opens_after_its_failures(breaker):
    """After its declared failures in a row a circuit breaker MUST be open: calls fail fast, and the dependency gets no attempt.

    Why: users wait for what can't work, and the dependency is kept busy by what it can't answer.

    See: docker pause the dependency's container, then time curl -si the call once more than the declared failures

    Fix: let time-outs count as failures, and share one breaker among all calls to the dependency.
    """
    assert breaker.not_open == []


@pytest.mark.requirement("PRT-012", refs=["declared as depends_on.breaker", BREAKER], tier="disrupt")
def test_an_open_breaker_lets_one_call_try(breaker):
    """When the declared time of an open circuit breaker is over, it MUST let just one call of several through.

    Why: without a trial it never sees that the dependency is back; with many, all callers fall upon it at once.

    See: docker pause the dependency's container, wait until the breaker may try again, then make five of the calls at once

    Fix: go from open to half-open after the declared time, with a single permit until its call has ended.
    """
    assert breaker.not_one_trial == []


@pytest.mark.requirement("PRT-013", refs=["declared as depends_on.breaker", BREAKER], tier="disrupt")
def test_a_breaker_closes_when_its_dependency_is_back(breaker):
    """Once its dependency is back and its declared time is over, a circuit breaker MUST close, so that calls work again.

    Why: a breaker that stays open turns a short outage of the dependency into one that lasts until somebody restarts the service.

    See: docker unpause the dependency's container, wait as long as the breaker is open, then curl -si the call

    Fix: let a trial that works close the breaker and reset its count of failures.
    """
    assert breaker.not_closed == []
