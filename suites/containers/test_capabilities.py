"""What the processes of a container may do beyond their user, from the capability sets that the kernel keeps."""

import pytest


@pytest.mark.requirement("CTR-004", refs=["CIS Docker 5.4", "PSS baseline: capabilities"])
def test_processes_have_no_power_over_the_host(containers):
    """A container that is not privileged MUST NOT have a capability that amounts to root on the host.

    Why: SYS_ADMIN, SYS_PTRACE, SYS_MODULE and their like reach past every namespace.

    See: docker inspect --format '{{.HostConfig.CapAdd}} {{.State.Pid}}' CONTAINER, then grep Cap /proc/PID/status

    Fix: take it out of `cap_add:` in compose, `docker run --cap-add`, or `securityContext.capabilities.add` in the pod
    spec; what needs it belongs on the host.
    """
    assert containers.dangerous_capabilities == []


@pytest.mark.requirement("CTR-005", refs=["CIS Docker 5.4", "PSS restricted: capabilities"], hardening=True)
def test_processes_hold_no_needless_capability(containers):
    """A process of a container that is not privileged SHOULD NOT hold a capability other than NET_BIND_SERVICE.

    Why: each one is a right of root's that an intruder gets with the process.

    See: docker inspect --format '{{.State.Pid}}' CONTAINER, then grep -E 'Cap(Prm|Eff|Amb)' /proc/PID/status

    Fix: `cap_drop: [ALL]` in compose, `docker run --cap-drop ALL`, or `securityContext.capabilities.drop: [ALL]` in the
    pod spec; then run as a user other than root and take file capabilities off the program (`setcap -r`).
    """
    assert containers.excess_capabilities == []


@pytest.mark.requirement("CTR-006", refs=["CIS Docker 5.4", "PSS restricted: capabilities"], hardening=True)
def test_processes_can_gain_no_capability(containers):
    """A process of a container that is not privileged SHOULD NOT be able to gain a capability other than NET_BIND_SERVICE.

    Why: the bounding set is what a setuid program in the image can turn into real power.

    See: docker inspect --format '{{.State.Pid}}' CONTAINER, then grep CapBnd /proc/PID/status

    Fix: `cap_drop: [ALL]` in compose, `docker run --cap-drop ALL`, or `securityContext.capabilities.drop: [ALL]` in the
    pod spec, adding back none but NET_BIND_SERVICE.
    """
    assert containers.obtainable_capabilities == []
