"""What probes say while a service has more to do than it can, and while it does what takes longest."""

import pytest

PROBES = "Kubernetes: Configure Liveness, Readiness and Startup Probes"
CASCADES = "Site Reliability Engineering, Addressing Cascading Failures"


@pytest.mark.requirement("PRB-012", refs=[f"{PROBES}, liveness", CASCADES], tier="disrupt", needs="liveness")
def test_liveness_answers_under_overload(overload):
    """Under twice the calls that a service can answer, liveness MUST answer as declared within the time-out of its probe.

    Why: what is killed under load hands its load to the others, which are killed next.

    See: a load generator on the canary of the profile, and curl -sim 1 URL of the liveness endpoint

    Fix: answer liveness on a thread or port of its own, bound the queue of requests, and refuse early what can't be done in time.
    """
    assert overload.deaf_liveness == []


@pytest.mark.requirement("PRB-013", refs=[CASCADES], tier="disrupt")
def test_services_outlive_an_overload(overload):
    """A service MUST NOT end or be restarted under twice the calls that it can answer.

    Why: what crashes under load hands its load to the others, which crash next.

    See: docker inspect --format '{{.State.StartedAt}} {{.RestartCount}} {{.State.OOMKilled}}' CONTAINER

    Fix: bound what a request may hold (memory, connections, files) and how many are held at once; refuse the others with 503.
    """
    assert overload.restarts == []


@pytest.mark.requirement("PRB-014", refs=[CASCADES], tier="disrupt", needs="readiness")
def test_services_are_ready_again_after_an_overload(overload):
    """Once an overload is over, a service MUST be ready again within its declared time, and stay so.

    Why: a queue that is worked off for minutes, for clients who left long ago, makes a short peak a long outage.

    See: a load generator on the canary of the profile, ended, and then watch -n 0.2 curl -si URL of the readiness endpoint

    Fix: bound the queue, drop what its client no longer waits for, and give back threads and connections when a request ends.
    """
    assert overload.late_return == []


@pytest.mark.requirement("PRB-015", refs=[f"{PROBES}, liveness"], tier="disrupt")
def test_liveness_answers_while_the_slowest_call_runs(slowest_call):
    """While the slowest declared call runs for the first time, liveness MUST answer as declared within the time-out of its probe.

    Why: a service that is killed in the middle of its longest work never gets it done.

    See: the call of `slowest` in the profile, and meanwhile curl -sim 1 URL of the liveness endpoint

    Fix: do long work beside what answers probes: another thread, process or worker, and off the event loop.
    """
    assert slowest_call.mistaken_for_dead == []
