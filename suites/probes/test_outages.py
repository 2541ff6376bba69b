"""What readiness says while a dependency is at fault, and after it is back."""

import pytest

PROBES = "Kubernetes: Configure Liveness, Readiness and Startup Probes"


@pytest.mark.requirement("PRB-001", refs=[f"{PROBES}, readiness"], tier="disrupt")
def test_readiness_turns_not_ready_while_a_dependency_is_at_fault(outage):
    """While a required dependency is stopped, hung or slow, a service MUST turn not ready within its declared time.

    Why: traffic is sent to whatever says ready; a service that can't serve keeps failing its users for as long as it says so.

    See: docker pause the dependency's container, then curl -si URL of the readiness endpoint

    Fix: let the readiness handler ask the dependency, with a time-out below the probe's.
    """
    assert outage.still_ready == []


@pytest.mark.requirement("PRB-002", refs=[f"{PROBES}, readiness"], tier="disrupt")
def test_readiness_stays_not_ready_for_as_long_as_the_fault(lasting_outage):
    """For as long as a required dependency answers nobody, a service that turned not ready MUST stay so.

    Why: each moment in which it says ready sends users to a service that can't serve them, and makes the load balancer flap.

    See: docker pause the dependency's container, then watch -n 0.2 curl -si URL of the readiness endpoint

    Fix: let readiness ask a call that really reaches the dependency; a connection from a pool, or a breaker that lets a trial
    through, is no answer.
    """
    assert lasting_outage.ready_in_between == []


@pytest.mark.requirement("PRB-003", refs=[f"{PROBES}, timeoutSeconds"], tier="disrupt")
def test_readiness_answers_in_time_while_a_dependency_is_at_fault(any_unready):
    """While a dependency is at fault, readiness MUST answer within the time-out of its probe.

    Why: an answer says which dependency is missing; a probe that runs into its time-out looks like a service that is gone, and
    holds one of its threads for each time it is asked.

    See: docker pause the dependency's container, then curl -sm 1 -w '%{time_total}' URL of the readiness endpoint

    Fix: bound what the readiness handler asks by a time-out below the probe's, for connecting and for reading.
    """
    assert any_unready.unanswered == []


@pytest.mark.requirement("PRB-004", refs=[f"{PROBES}, readiness"], tier="disrupt")
def test_readiness_is_back_in_time_once_a_dependency_is(outage):
    """Once a required dependency is back, a service MUST be ready again within its declared time, and stay so.

    Why: what has recovered and says that it has not is an outage that goes on for no reason.

    See: docker unpause the dependency's container, then watch -n 0.2 curl -si URL of the readiness endpoint

    Fix: connect anew with a bounded back-off, let a breaker try soon, and drop broken connections from the pool.
    """
    assert outage.late_return == []


@pytest.mark.requirement(
    "PRB-005", refs=["The Twelve-Factor App, IX Disposability", "declared depends_on"], tier="disrupt"
)
def test_services_recover_from_an_outage_by_themselves(outage):
    """Once a required dependency is back, a service MUST become ready again without a restart or other help.

    Why: nobody is there at night, and a restart as a cure takes every request in flight with it.

    See: docker stop and docker start the dependency's container, then curl -si URL of the readiness endpoint

    Fix: make a new connection when one is broken, and let nothing that failed at first be kept for ever.
    """
    assert outage.helpless == []


@pytest.mark.requirement("PRB-006", refs=[f"{PROBES}, readiness", "declared optional"], tier="disrupt")
def test_services_stay_ready_without_an_optional_dependency(optional_outage):
    """While an optional dependency is stopped, hung or slow, a service MUST stay ready.

    Why: what it can do without takes it out of service all the same, and all of its replicas at once.

    See: docker pause the dependency's container, then curl -si URL of the readiness endpoint

    Fix: leave the optional dependency out of the readiness handler, and name it in the detailed health; where the service can't
    work without it, take `optional: true` out of the profile.
    """
    assert optional_outage.unready == []


@pytest.mark.requirement(
    "PRB-007", refs=["Health Check Response Format for HTTP APIs, checks"], tier="disrupt", needs="health.components"
)
def test_the_detailed_health_names_the_dependency_at_fault(any_outage):
    """While a dependency is at fault, required or optional, the detailed health MUST name it among its components as not healthy.

    Why: who is woken at night reads there what to look at; an optional dependency is told nowhere else.

    See: docker pause the dependency's container, then curl -s URL of the health endpoint

    Fix: give each dependency a component of its own, asked with a time-out, in the document of the health endpoint.
    """
    assert any_outage.unnamed == []


@pytest.mark.requirement(
    "PRB-008", refs=["Health Check Response Format for HTTP APIs, status"], tier="disrupt", needs="health.status"
)
def test_the_overall_status_follows_its_parts(required_outage):
    """While a required dependency is at fault, the overall status of the detailed health MUST NOT be healthy.

    Why: dashboards and alerts read the one word; the parts below it are read by nobody until it changes.

    See: docker pause the dependency's container, then curl -s URL of the health endpoint

    Fix: compute the overall status from the components each time it is asked for.
    """
    assert required_outage.still_well == []
