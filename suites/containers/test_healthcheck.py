"""What a container's own healthcheck is worth, and what it says."""

import pytest


@pytest.mark.requirement("CTR-041", refs=["CIS Docker 4.6", "CIS Docker 5.27"], hardening=True)
def test_the_engine_can_ask_for_health(containers):
    """A container, unless it is of a one-shot job, SHOULD have a healthcheck.

    Why: the engine takes a running process for a working service otherwise.

    See: docker inspect --format '{{json .Config.Healthcheck}}' CONTAINER

    Fix: `HEALTHCHECK CMD …` in the image, `healthcheck:` in compose, `docker run --health-cmd`, or `livenessProbe` and
    `readinessProbe` in the pod spec.
    """
    assert containers.without_healthcheck == []


@pytest.mark.requirement("CTR-042", refs=["CIS Docker 5.27"])
def test_healthchecks_can_run(containers):
    """A container MUST NOT have a healthcheck whose command can't be executed.

    Why: it calls the service unhealthy for ever, or, where nobody looks, hides that it never asked.

    See: docker inspect --format '{{json .State.Health.Log}}' CONTAINER

    Fix: name a program that the image really has (curl and wget often aren't there) in `HEALTHCHECK`, `healthcheck.test:`
    in compose, `docker run --health-cmd`, or `exec` of the pod spec's probe; the exec form needs no shell.
    """
    assert containers.broken_healthchecks == []


@pytest.mark.requirement("CTR-043", refs=["CIS Docker 5.27"])
def test_containers_are_healthy(containers):
    """A container MUST NOT be called unhealthy by a healthcheck that does run.

    Why: the service says itself that it does not work.

    See: docker inspect --format '{{json .State.Health}}' CONTAINER

    Fix: read the check's output and `docker logs CONTAINER`; where the service is right and slow, give `healthcheck:` in
    compose, `docker run --health-timeout`, or the pod spec's probe more `timeout` or `start_period`.
    """
    assert containers.unhealthy == []
