"""What readiness says while a required dependency is at fault, and after it is back."""

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
