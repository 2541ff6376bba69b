"""What keeps the processes of a container away from the kernel and the machine."""

import pytest


@pytest.mark.requirement("CTR-007", refs=["CIS Docker 5.5", "PSS baseline: privileged containers"])
def test_containers_are_unprivileged(containers):
    """A container MUST NOT be privileged.

    Why: it has every capability and device, and no filter; it is the host under another name.

    See: docker inspect --format '{{.HostConfig.Privileged}}' CONTAINER

    Fix: remove `privileged: true` in compose, `docker run --privileged`, or `securityContext.privileged` in the pod spec,
    and grant the one device or capability that is really needed.
    """
    assert containers.privileged == []


@pytest.mark.requirement("CTR-008", refs=["CIS Docker 5.26", "PSS restricted: privilege escalation"], hardening=True)
def test_processes_can_gain_no_privileges(containers):
    """Every process of a container SHOULD run with no_new_privs set.

    Why: without it a setuid program in the image gives its caller the rights of its owner.

    See: docker inspect --format '{{.HostConfig.SecurityOpt}} {{.State.Pid}}' CONTAINER, then grep NoNewPrivs /proc/PID/status

    Fix: `security_opt: ["no-new-privileges:true"]` in compose, `docker run --security-opt no-new-privileges`, or
    `securityContext.allowPrivilegeEscalation: false` in the pod spec.
    """
    assert containers.new_privileges == []


@pytest.mark.requirement("CTR-009", refs=["CIS Docker 5.22", "PSS restricted: seccomp"], hardening=True)
def test_processes_run_under_a_seccomp_filter(containers):
    """Every process of a container that is not privileged SHOULD run under the engine's seccomp filter.

    Why: it closes the rarely used system calls, where most escapes from containers were found.

    See: docker inspect --format '{{.HostConfig.SecurityOpt}} {{.State.Pid}}' CONTAINER, then grep Seccomp /proc/PID/status

    Fix: remove `seccomp=unconfined` from `security_opt:` in compose or `docker run --security-opt`; in the pod spec
    `securityContext.seccompProfile.type: RuntimeDefault`.
    """
    assert containers.without_seccomp == []


@pytest.mark.requirement(
    "CTR-010", refs=["CIS Docker 5.2", "CIS Docker 5.3", "PSS baseline: AppArmor, SELinux"], hardening=True
)
def test_containers_stay_in_the_confinement_of_their_host(containers):
    """A container that is not privileged SHOULD NOT be taken out of the AppArmor or SELinux confinement of its host.

    Why: it is the last fence when a process gets out of its namespaces.

    See: docker inspect --format '{{.AppArmorProfile}} {{.ProcessLabel}} {{.HostConfig.SecurityOpt}}' CONTAINER

    Fix: remove `apparmor=unconfined` or `label=disable` from `security_opt:` in compose or `docker run --security-opt`; in
    the pod spec `securityContext.appArmorProfile.type: RuntimeDefault`, and no `seLinuxOptions` of one's own.
    """
    assert containers.unconfined == []


@pytest.mark.requirement("CTR-011", refs=["PSS baseline: /proc mount type"], hardening=True)
def test_containers_see_no_unmasked_kernel_interfaces(containers):
    """A container that is not privileged SHOULD NOT see the paths of /proc and /sys that the engine hides.

    Why: they tell of, and steer, the one kernel that all containers share.

    See: docker inspect --format '{{.HostConfig.MaskedPaths}} {{.HostConfig.ReadonlyPaths}}' CONTAINER

    Fix: remove `systempaths=unconfined` from `security_opt:` in compose or `docker run --security-opt`; in the pod spec
    remove `securityContext.procMount: Unmasked`.
    """
    assert containers.open_system_paths == []


@pytest.mark.requirement("CTR-012", refs=["PSS baseline: sysctls"], hardening=True)
def test_containers_set_only_safe_sysctls(containers):
    """A container SHOULD NOT set a kernel parameter that is not known to stay inside it.

    Why: others may take memory or change behaviour for every container of the machine.

    See: docker inspect --format '{{.HostConfig.Sysctls}}' CONTAINER

    Fix: remove it from `sysctls:` in compose, `docker run --sysctl`, or `securityContext.sysctls` in the pod spec, and set
    it on the host where it is meant for the host.
    """
    assert containers.unsafe_sysctls == []


@pytest.mark.requirement("CTR-013", refs=["CIS Docker 5.18"], hardening=True)
def test_containers_have_no_devices_of_the_host(containers):
    """A container SHOULD NOT be given a device of the host.

    Why: a raw disk, memory or bus can be read past everything that protects it.

    See: docker inspect --format '{{json .HostConfig.Devices}}' CONTAINER

    Fix: remove it from `devices:` in compose or `docker run --device`; in Kubernetes use a device plugin. What must have
    one, an accelerator say, is waived by name.
    """
    assert containers.host_devices == []
