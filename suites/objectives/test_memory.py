"""Memory of a service under load."""

import pytest

CASCADES = "Site Reliability Engineering, Addressing Cascading Failures"


@pytest.mark.requirement("SLO-004", refs=[CASCADES], tier="load")
def test_memory_grows_no_more_than_declared(growth_objective):
    """From the end of the warm-up to the end of its declared load, the memory of a service MUST NOT grow by more than declared.

    Why: what grows with each request ends at a limit, where it is killed under load, with everything it was doing.

    See: docker stats SERVICE, or ps -o rss= -p PID, before and after

    Fix: bound caches and queues, close what is opened, and look at what is still held with the heap profiler of its language.
    """
    assert growth_objective.missed == []


@pytest.mark.requirement("SLO-014", refs=[CASCADES], tier="load")
def test_memory_settles_under_load(unbounded_load):
    """Memory of a service SHOULD NOT grow by half and still be growing at the end of a load for which no bound is declared.

    Why: under the same load all the time, what a sound service needs comes to rest: caches fill up and stay full. What does
    not is a leak, or a bound that nobody has set.

    See: docker stats SERVICE, or ps -o rss= -p PID, while the load is made

    Fix: declare `growth` where it is meant, and make the warm-up as long as it takes to settle; else look at what is held.
    """
    assert unbounded_load.growing == []
