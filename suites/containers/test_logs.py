"""How much of a container's log is kept."""

import pytest


@pytest.mark.requirement("CTR-050", hardening=True)
def test_logs_are_bounded(containers):
    """A container for which the profile declares no size of its log SHOULD still have a bound on it.

    Why: the engine's default grows until the disk of the host is full, and everything on it stops.

    See: docker inspect --format '{{json .HostConfig.LogConfig}}' CONTAINER

    Fix: `logging: {driver: local}`, or `json-file` with `max-size` and `max-file`, in compose; `docker run --log-opt
    max-size=10m --log-opt max-file=3`; or both for all in daemon.json. In Kubernetes `containerLogMaxSize` of the kubelet.
    """
    assert containers.unbounded_logs == []


@pytest.mark.requirement("CTR-051", needs="logs.max_size")
def test_logs_are_no_larger_than_declared(containers):
    """The engine MUST keep no more of a container's log than declared.

    Why: the disk was sized for it.

    See: docker inspect --format '{{json .HostConfig.LogConfig}}' CONTAINER

    Fix: set `max-size` times `max-file` to the declared size in `logging.options:` in compose or `docker run --log-opt`, and
    recreate the container; in Kubernetes `containerLogMaxSize` and `containerLogMaxFiles` of the kubelet.
    """
    assert containers.larger_logs == []
