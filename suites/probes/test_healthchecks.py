"""What a container's HEALTHCHECK says, and whether it is true."""

import pytest

DOCKER = "Dockerfile reference, HEALTHCHECK"


@pytest.mark.requirement("PRB-017", refs=[DOCKER], tier="disrupt")
def test_healthchecks_say_what_the_probes_say(checked_outage):
    """A container's HEALTHCHECK MUST NOT say otherwise than both its liveness and its readiness at the same time.

    Why: the engine, Swarm, `depends_on: service_healthy` and whoever types `docker ps` believe it. It may follow either probe;
    what contradicts both is true of nothing.

    See: docker inspect --format '{{json .State.Health.Log}}' CONTAINER

    Fix: let HEALTHCHECK ask the liveness endpoint, or, where others wait for it with
    `condition: service_healthy`, the readiness endpoint, with a program that the image has.
    """
    assert checked_outage.untrue_checks == []


@pytest.mark.requirement(
    "PRB-018", refs=[DOCKER, "Docker Swarm: tasks that are unhealthy are replaced"], tier="disrupt"
)
def test_healthchecks_do_not_fail_because_of_a_dependency(checked_outage):
    """A container's HEALTHCHECK SHOULD NOT fail because of a dependency, unless another service waits for it to be healthy.

    Why: Swarm, and helpers that restart what is unhealthy, kill the service for an outage that its restart does not cure.

    See: docker inspect --format '{{json .State.Health.Log}}' CONTAINER

    Fix: let HEALTHCHECK ask the liveness endpoint, and the load balancer the readiness endpoint.
    """
    assert checked_outage.contagious_checks == []
