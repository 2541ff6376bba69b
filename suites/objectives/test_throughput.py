"""How much is answered under the load that the profile declares."""

import pytest


@pytest.mark.requirement("SLO-003", refs=["Site Reliability Engineering, Service Level Objectives"], tier="load")
def test_throughput_reaches_its_objective(throughput_objective):
    """Under its declared load, at least the declared number of requests a second MUST be answered as declared.

    Why: latency alone does not tell of a queue that grows for as long as the load lasts. Counted is what was answered
    until the end, so that what would have been answered some day does not count.

    See: seatrial gate PROFILE -k throughput, and the plot of rates in the report

    Fix: find what is full (processors, connections to what it needs, threads, locks), or promise what it can carry:
    seatrial capacity --profile PROFILE --slo NAME searches for it.
    """
    assert throughput_objective.missed == []
