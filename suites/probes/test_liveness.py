"""What liveness says while something is wrong that a restart would not cure, and what becomes of the service."""

import pytest

PROBES = "Kubernetes: Configure Liveness, Readiness and Startup Probes"


@pytest.mark.requirement("PRB-009", refs=[f"{PROBES}, liveness"], tier="disrupt", needs="liveness")
def test_liveness_does_not_depend_on_dependencies(any_outage):
    """While a dependency is at fault and after it is back, liveness MUST answer as declared within the time-out of its probe.

    Why: a failing liveness has the service restarted; all of its replicas are, over and over, for as long as the dependency is
    down, and then start at once against it.

    See: docker pause the dependency's container, then curl -sim 1 URL of the liveness endpoint

    Fix: let the liveness handler ask nothing but the process itself, on a thread that requests can't use up.
    """
    assert any_outage.silent_liveness == []


@pytest.mark.requirement(
    "PRB-010", refs=["The Twelve-Factor App, IX Disposability", "declared depends_on"], tier="disrupt"
)
def test_services_outlive_their_dependencies(any_outage):
    """A service MUST NOT end or be restarted because a dependency is at fault.

    Why: a crash takes every request in flight with it, those too that need nothing of the dependency, and its cause is gone.

    See: docker inspect --format '{{.State.StartedAt}} {{.RestartCount}}' CONTAINER

    Fix: handle the lost connection where it is used, say not ready, and connect anew; nothing outside is to kill the service
    for it either (liveness, HEALTHCHECK, `PartOf=` of systemd, a watchdog).
    """
    assert any_outage.restarts == []


@pytest.mark.requirement("PRB-011", refs=[f"{PROBES}, readiness"], tier="disrupt", needs="canary")
def test_ready_means_usable(any_unready):
    """While a service says ready, its canary MUST work; around a change one period of the probe is granted.

    Why: ready is a promise to users; what is asked there must be what they need.

    See: curl -si URL of the readiness endpoint, and the canary of the profile in the same second

    Fix: let readiness ask everything that the canary needs (the right database, its write side, the pool that requests use);
    where the call can do without, let it answer without the dependency.
    """
    assert any_unready.unusable == []


@pytest.mark.requirement("PRB-016", refs=[f"{PROBES}, liveness and readiness"], tier="disrupt", needs="liveness")
def test_liveness_and_readiness_mean_different_things(twin_outage):
    """While a required dependency is at fault, liveness and readiness SHOULD give different answers.

    Why: one is answered by a restart and the other by less traffic; an orchestrator that gets one answer for both does the wrong
    thing each time. One path for both is fine where liveness accepts what readiness does not.

    See: docker pause the dependency's container, then curl -si the URLs of the liveness and of the readiness endpoint

    Fix: let liveness tell whether the process works at all, and readiness whether it can serve now.
    """
    assert twin_outage.alike == []
