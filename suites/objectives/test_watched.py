"""What a service's probes say while it carries the load that the profile declares, and whether it lives through it."""

import pytest

PROBES = "Kubernetes: Configure Liveness, Readiness and Startup Probes"
CASCADES = "Site Reliability Engineering, Addressing Cascading Failures"


@pytest.mark.requirement("SLO-010", refs=[f"{PROBES}, liveness", "Docker: HEALTHCHECK", CASCADES], tier="load")
def test_liveness_answers_under_its_load(live_load):
    """Under its declared load, liveness of a service, and its HEALTHCHECK, MUST answer as declared, within their time-outs.

    Why: who does not answer in time is killed, in the middle of the load that it was made for; the others get its share.

    See: the load in a second terminal, and curl -sim 1 URL of the liveness endpoint

    Fix: answer liveness on a thread or port of its own, ask nobody else for it, and bound the queue of requests.
    """
    assert live_load.deaf_liveness == []


@pytest.mark.requirement("SLO-011", refs=[f"{PROBES}, readiness", CASCADES], tier="load")
def test_services_stay_ready_under_their_load(ready_load):
    """Under its declared load, a service MUST stay ready, and say so within the time-out of its probe.

    Why: a replica that says not ready gets no more requests, and the others get all of them: under the load that the objectives are
    stated for, none may be missing.

    See: the load in a second terminal, and watch -n 0.5 curl -si URL of the readiness endpoint

    Fix: let readiness ask for what is lost, not for what is busy; give it connections of its own to what it asks, and room
    enough to the pools that requests use.
    """
    assert ready_load.lost_readiness == []


@pytest.mark.requirement("SLO-012", refs=[CASCADES], tier="load")
def test_services_outlive_their_load(seen_load):
    """Under its declared load, a replica of a service MUST NOT end or be started anew.

    Why: requests that it had in hand are lost, the others carry its share, and are next.

    See: docker inspect --format '{{.State.StartedAt}} {{.RestartCount}} {{.State.OOMKilled}}' CONTAINER

    Fix: look at its last words and its exit code: 137 is a kill (memory, or liveness), anything else its own end.
    """
    assert seen_load.restarts == []
