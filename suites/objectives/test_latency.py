"""How fast users are answered, under the load that the profile declares."""

import pytest

SLOS = "Site Reliability Engineering, Service Level Objectives"
OPEN = "Schroeder, Wierman, Harchol-Balter: Open Versus Closed (NSDI 2006)"
TENE = "Tene: How NOT to Measure Latency"


@pytest.mark.requirement("SLO-001", refs=[SLOS, TENE, "HdrHistogram"], tier="load")
def test_latency_is_within_its_objective(latency_objective):
    """Under its declared load, each declared quantile of latency MUST be within its objective.

    Why: it is what users were promised, at the load they were promised it for. Time counts from when a request was meant to be
    made, so that a service which stands still can't hide those who waited; only right answers count, and where more failed
    than the quantile leaves, it is missed however fast the rest was.

    See: seatrial gate PROFILE -k latency, or the Locust file of the load: locust -f FILE --headless --rate RATE -t 1m

    Fix: look at the plot of latency over time in the report first: one step (a queue that grows, more load than it can carry),
    teeth (pauses, locks, a log that is written out), or a shelf (a slow path: a missing index, a cold cache).
    """
    assert latency_objective.missed == []


@pytest.mark.requirement("SLO-015", refs=[TENE, OPEN], tier="load")
def test_services_go_on_answering(load):
    """Under its declared load, a service SHOULD NOT stand still for a second or longer.

    Why: two seconds without an answer in each minute leave a p95 as it was, and every user of that moment waits. It is how a
    collector's pause, a lock or a checkpoint looks from outside.

    See: seatrial gate PROFILE, and the plot of latency over time in the report

    Fix: find what holds everybody at that time (a collection, a lock, a flush, a batch job), and make it short or rare.
    """
    assert load.standstills == []
