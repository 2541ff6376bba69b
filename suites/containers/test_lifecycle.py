"""How the containers of a service start, end and start again."""

import pytest


@pytest.mark.requirement("CTR-034")
def test_all_replicas_run_and_jobs_succeed(containers):
    """A service MUST have as many containers as declared, running or, for a one-shot job, ended with exit code 0.

    Why: what the profile counts on is not there.

    See: docker ps --all --no-trunc --filter name=CONTAINER

    Fix: read `docker logs CONTAINER`, mend the cause, then `docker compose up -d --scale SERVICE=…` or `docker start`; in
    Kubernetes `replicas:` of the Deployment, and `kubectl describe` of the pod or Job that is missing.
    """
    assert containers.wrong_replicas == []


@pytest.mark.requirement("CTR-035", needs="restart")
def test_containers_are_restarted_as_declared(containers):
    """The restart policy of a container MUST be the declared one.

    Why: it decides whether the service is back after a crash, and after a reboot of the machine.

    See: docker inspect --format '{{.HostConfig.RestartPolicy.Name}}' CONTAINER

    Fix: `restart:` in compose, `docker run --restart` (or `docker update --restart`), or `restartPolicy` in the pod spec.
    """
    assert containers.other_restart_policies == []


@pytest.mark.requirement("CTR-036", refs=["CIS Docker 5.15"], hardening=True)
def test_failing_containers_are_given_up_in_the_end(containers):
    """A container that is restarted on failure SHOULD be given up after at most five times.

    Why: one that never starts otherwise burns processor time and fills logs for ever, unnoticed.

    See: docker inspect --format '{{.HostConfig.RestartPolicy}}' CONTAINER

    Fix: `restart: on-failure:5` in compose, `docker run --restart on-failure:5`, or `backoffLimit` of the Job in Kubernetes.
    """
    assert containers.endless_retries == []


@pytest.mark.requirement("CTR-037", needs="max_restarts")
def test_containers_are_seldom_restarted(containers):
    """A container MUST NOT have been restarted by the engine more often than declared.

    Why: a service that dies and comes back answers most health checks and loses work each time.

    See: docker inspect --format '{{.RestartCount}} {{.State.StartedAt}} {{.State.ExitCode}}' CONTAINER

    Fix: read `docker logs CONTAINER` (`kubectl logs --previous`) for why it ended, mend that, and recreate the container
    with `docker compose up -d --force-recreate` or `docker run`; the count starts again. In Kubernetes the pod spec's
    probes and limits are the usual cause.
    """
    assert containers.excess_restarts == []


@pytest.mark.requirement("CTR-038", refs=["CIS Docker 5.11"])
def test_memory_suffices(containers):
    """The kernel MUST NOT have killed a process of a container for want of memory.

    Why: whatever it was doing is lost, half-written files included.

    See: docker inspect --format '{{.State.OOMKilled}} {{.HostConfig.Memory}}' CONTAINER

    Fix: raise `mem_limit:` in compose, `docker run --memory`, or `resources.limits.memory` in the pod spec, or make the
    service use less (cache and heap sizes, worker count); then recreate the container.
    """
    assert containers.oom_kills == []


@pytest.mark.requirement("CTR-039", needs="grace_period")
def test_containers_get_their_time_to_stop(containers):
    """The engine MUST wait at least the declared grace period before it kills a container that it stops.

    Why: ten seconds are the default, and what has not been written by then is lost.

    See: docker inspect --format '{{.Config.StopTimeout}}' CONTAINER

    Fix: `stop_grace_period:` in compose, `docker run --stop-timeout`, or `terminationGracePeriodSeconds` in the pod spec.
    """
    assert containers.impatient_stops == []


@pytest.mark.requirement("CTR-040", refs=["CIS Docker 5.7"], hardening=True)
def test_nobody_can_log_in_to_a_container(containers):
    """A container SHOULD NOT run an SSH server.

    Why: it is a second way in, with keys and accounts that nobody rotates.

    See: docker top CONTAINER -eo pid,uid,comm

    Fix: take it out of the image; `docker compose exec`, `docker exec` and `kubectl exec` log in with the engine's own
    access control. Where the service is SSH, waive it by name; no field of compose or the pod spec is concerned.
    """
    assert containers.ssh_servers == []
