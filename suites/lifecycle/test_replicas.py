"""Replicas that are made while clients use a service."""

import pytest

ROLLOUT = "Kubernetes: Deployments, rolling update"


@pytest.mark.requirement("LFC-004", refs=[ROLLOUT], tier="disrupt")
def test_new_replicas_become_ready(scaling):
    """A service that is scaled MUST have as many replicas as wanted, there and back, and each new one ready in its declared time.

    Why: who scales under load needs replicas that serve, soon.

    See: docker compose up --detach --scale SERVICE=N, and curl -si URL of the readiness endpoint of each replica

    Fix: bind nothing that only one can have (a published port, a lock, a file), and make starting fast.
    """
    assert scaling.unready_replicas == []


@pytest.mark.requirement("LFC-005", refs=[ROLLOUT], tier="disrupt")
def test_recreated_replicas_become_ready(replacement):
    """Each container of a service that is recreated MUST be ready again in its declared time, before the next one's turn.

    Why: an update of the image is just this, and stops half-way where a new container does not come up.

    See: docker compose up --detach --force-recreate SERVICE, and curl -si URL of the readiness endpoint

    Fix: let a new container need nothing that only the old one's writable layer had.
    """
    assert replacement.unready_replicas == []
