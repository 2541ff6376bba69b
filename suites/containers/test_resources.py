"""How much a container may use, as its cgroup has it."""

import pytest


@pytest.mark.requirement("CTR-026", refs=["CIS Docker 5.11"], hardening=True)
def test_memory_is_limited(containers):
    """A container for which the profile declares no memory limit SHOULD still have one.

    Why: without it one leak takes the memory of all, and the kernel chooses whom to kill.

    See: docker inspect --format '{{.HostConfig.Memory}}' CONTAINER

    Fix: `mem_limit: 512m` (or `deploy.resources.limits.memory`) in compose, `docker run --memory 512m`, or
    `resources.limits.memory` in the pod spec; then declare it as `resources.memory`.
    """
    assert containers.without_memory_limit == []


@pytest.mark.requirement("CTR-027", refs=["CIS Docker 5.12"], hardening=True)
def test_cpu_is_limited(containers):
    """A container for which the profile declares no CPU limit SHOULD still have one.

    Why: without it one busy loop slows every neighbour.

    See: docker inspect --format '{{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}}' CONTAINER

    Fix: `cpus: 0.5` (or `deploy.resources.limits.cpus`) in compose, `docker run --cpus 0.5`, or `resources.limits.cpu` in
    the pod spec; then declare it as `resources.cpus`.
    """
    assert containers.without_cpu_limit == []


@pytest.mark.requirement("CTR-028", refs=["CIS Docker 5.29"], hardening=True)
def test_the_number_of_processes_is_limited(containers):
    """A container for which the profile declares no limit on processes SHOULD still have one.

    Why: without it a fork bomb in one container leaves the machine no process to log in with.

    See: docker inspect --format '{{.HostConfig.PidsLimit}}' CONTAINER

    Fix: `pids_limit: 200` in compose, `docker run --pids-limit 200`, or `podPidsLimit` of the kubelet; then declare it as
    `resources.pids`.
    """
    assert containers.without_pids_limit == []


@pytest.mark.requirement("CTR-029", refs=["CIS Docker 5.11"], needs="resources.memory")
def test_memory_is_limited_as_declared(containers):
    """The memory limit of a container's cgroup MUST be the declared one.

    Why: sizes were chosen and tested for it; less is killed under load, more starves the others.

    See: docker inspect --format '{{.HostConfig.Memory}}' CONTAINER

    Fix: `mem_limit:` (or `deploy.resources.limits.memory`) in compose, `docker run --memory`, or `resources.limits.memory`
    in the pod spec; then recreate the container, since compose's `restart` changes no limit.
    """
    assert containers.other_memory_limits == []


@pytest.mark.requirement("CTR-030", refs=["CIS Docker 5.12"], needs="resources.cpus")
def test_cpu_is_limited_as_declared(containers):
    """The CPU limit of a container's cgroup MUST be the declared one.

    Why: every declared latency holds only with the processor time it was measured with.

    See: docker inspect --format '{{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}} {{.HostConfig.CpuPeriod}}' CONTAINER

    Fix: `cpus:` (or `deploy.resources.limits.cpus`) in compose, `docker run --cpus`, or `resources.limits.cpu` in the pod
    spec; then recreate the container.
    """
    assert containers.other_cpu_limits == []


@pytest.mark.requirement("CTR-031", refs=["CIS Docker 5.29"], needs="resources.pids")
def test_the_number_of_processes_is_limited_as_declared(containers):
    """The limit on processes of a container's cgroup MUST be the declared one.

    Why: too low a limit fails as "can't start new thread" under load, and no limit protects nobody.

    See: docker inspect --format '{{.HostConfig.PidsLimit}}' CONTAINER

    Fix: `pids_limit:` in compose, `docker run --pids-limit`, or `podPidsLimit` of the kubelet; then recreate the container.
    """
    assert containers.other_pids_limits == []


@pytest.mark.requirement("CTR-032", refs=["CIS Docker 5.19"], needs="resources.nofile")
def test_open_files_are_limited_as_declared(containers):
    """The main process of a container MUST be started with the declared soft limit on open files, and have no less now.

    Why: each connection is an open file, so this is how many clients a service can have.

    See: docker inspect --format '{{.HostConfig.Ulimits}} {{.State.Pid}}' CONTAINER, then grep 'open files' /proc/PID/limits

    Fix: `ulimits: {nofile: {soft: …, hard: …}}` in compose, `docker run --ulimit nofile=…`, or the default of the engine
    or container runtime in Kubernetes, which has no field for it.
    """
    assert containers.other_open_file_limits == []


@pytest.mark.requirement("CTR-033", refs=["CIS Docker 5.25"], hardening=True)
def test_containers_are_in_the_cgroups_of_their_engine(containers):
    """A container SHOULD NOT be put below a cgroup other than the engine's default.

    Why: limits and accounting of the engine do not hold there.

    See: docker inspect --format '{{.HostConfig.CgroupParent}}' CONTAINER

    Fix: remove `cgroup_parent:` in compose or `docker run --cgroup-parent`; in Kubernetes the kubelet decides.
    """
    assert containers.foreign_cgroups == []
