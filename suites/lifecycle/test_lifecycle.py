"""What operators do to a service while clients use it: the clients hardly notice, and nothing is lost."""

import pytest

ROLLOUT = "Kubernetes: Deployments, rolling update"
TERMINATION = "Kubernetes: Pod Lifecycle, termination of Pods"


@pytest.mark.requirement("LFC-001", refs=[ROLLOUT, TERMINATION], tier="disrupt")
def test_clients_hardly_notice(lifecycle):
    """A service that is scaled, recreated, upgraded or given a new key MUST keep failed requests within its declared share.

    Why: what can't be done without an outage is put off, and then done at the worst time.

    See: while sleep 0.1; do curl -s -o /dev/null -w '%{http_code} ' URL; done, and do the same by hand meanwhile

    Fix: turn not ready first and stop listening later, let the front retry what was refused a connection, start the next
    replica before the old one is stopped, and accept both keys on the client's side.
    """
    assert lifecycle.failed_requests == []


@pytest.mark.requirement("LFC-002", refs=[TERMINATION], tier="disrupt")
def test_acknowledged_writes_are_kept(lifecycle_writes):
    """Every write that was acknowledged while a service is scaled, recreated, upgraded or given a new key MUST be kept.

    Why: a failed request is made again; a write that was acknowledged and lost is missed by nobody until it is needed.

    See: make the canary call in a loop meanwhile, and make the call of read_back for each answer at the end

    Fix: keep state outside of the replica that took the write, and migrate in steps that both versions can read.
    """
    assert lifecycle_writes.lost_writes == []


@pytest.mark.requirement("LFC-003", refs=[ROLLOUT], tier="disrupt")
def test_the_steady_state_returns(lifecycle):
    """After a service was scaled, recreated, upgraded or given a new key, and back, all MUST be ready as before.

    Why: an operation that leaves something behind is not an operation but an incident.

    See: docker ps, and curl -si URL of the readiness endpoint of each replica

    Fix: look at what the operation left: a replica that is not ready, a front that still knows one that is gone.
    """
    assert lifecycle.unready_afterwards == []
