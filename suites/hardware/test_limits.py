"""What of the machine the deployment may really use, and whether it is this machine that computes."""

import pytest


@pytest.mark.requirement("HWR-014", refs=["Docker: multi-platform builds, emulation"], needs="arch")
def test_nothing_is_emulated_where_the_architecture_is_declared(hardware):
    """Where the profile declares an architecture, a service MUST NOT run under the emulation of another one.

    Why: an emulated program is five to twenty times slower and fails in ways of its own, so that nothing measured on it
    holds for the declared machine.

    See: docker ps --quiet | xargs docker inspect --format '{{.Name}} {{.Image}} {{.State.Pid}}', then readlink /proc/PID/exe

    Fix: build or pull the image for this machine (`docker buildx build --platform`, `platform:` in compose), or run it on a
    machine of its kind.
    """
    assert hardware.emulation == []


@pytest.mark.requirement("HWR-015", needs="cpus.min|memory.min")
def test_limits_leave_the_deployment_what_it_must_have(hardware):
    """The limits of the deployment's containers and processes together MUST leave it the declared minimum.

    Why: a large machine is of no use to a service that may use a corner of it. The minimum is the whole deployment's, so
    limits are added up, each control group's once; a part without limit may use the whole machine. Quotas, cpusets and
    affinity of processors count, and limits of memory.

    See: docker stats --no-stream; docker ps --quiet | xargs docker inspect --format '{{.Name}} {{.HostConfig.NanoCpus}}
    {{.HostConfig.CpusetCpus}}'; of a process taskset -cp PID and cat /proc/PID/cgroup

    Fix: raise `mem_limit:`, `cpus:` or `cpuset:` in compose (`resources.limits` in the pod spec, `MemoryMax=`, `CPUQuota=`
    or `AllowedCPUs=` of the unit), or correct `hardware.memory.min` and `hardware.cpus.min`.
    """
    assert hardware.limits_below_the_minimum == []


@pytest.mark.requirement("HWR-016", needs="cpus.recommended|memory.recommended")
def test_limits_leave_the_deployment_what_it_should_have(hardware):
    """The limits of the deployment's containers and processes together SHOULD leave it what is declared as recommended.

    Why: the machine has what is recommended and the deployment may not use it. Limits are added up as for the minimum.

    See: docker stats --no-stream; docker ps --quiet | xargs docker inspect --format '{{.Name}} {{.HostConfig.NanoCpus}}
    {{.HostConfig.CpusetCpus}}'; of a process taskset -cp PID and cat /proc/PID/cgroup

    Fix: raise `mem_limit:`, `cpus:` or `cpuset:` in compose (`resources.limits` in the pod spec, `MemoryMax=`, `CPUQuota=`
    or `AllowedCPUs=` of the unit), or correct `hardware.memory.recommended` and `hardware.cpus.recommended`.
    """
    assert hardware.limits_below_the_recommended == []
