"""What a container shares with its host, as asked for and as the kernel's inodes show it."""

import pytest


@pytest.mark.requirement("CTR-014", refs=["CIS Docker 5.10", "PSS baseline: host namespaces"])
def test_containers_have_a_network_of_their_own(containers):
    """A container MUST NOT share the network namespace of its host.

    Why: it can then listen on, and reach, everything that the host keeps to its loopback.

    See: docker inspect --format '{{.HostConfig.NetworkMode}} {{.State.Pid}}' CONTAINER, then readlink /proc/PID/ns/net

    Fix: remove `network_mode: host` in compose, `docker run --network host`, or `hostNetwork: true` in the pod spec, and
    publish the ports that are needed.
    """
    assert containers.in_host_network == []


@pytest.mark.requirement("CTR-015", refs=["CIS Docker 5.16", "PSS baseline: host namespaces"])
def test_containers_have_processes_of_their_own(containers):
    """A container MUST NOT share the process namespace of its host.

    Why: it sees every process of the machine, and can signal and read those of its user.

    See: docker inspect --format '{{.HostConfig.PidMode}} {{.State.Pid}}' CONTAINER, then readlink /proc/PID/ns/pid

    Fix: remove `pid: host` in compose, `docker run --pid host`, or `hostPID: true` in the pod spec.
    """
    assert containers.in_host_pid == []


@pytest.mark.requirement("CTR-016", refs=["CIS Docker 5.17", "PSS baseline: host namespaces"])
def test_containers_have_shared_memory_of_their_own(containers):
    """A container MUST NOT share the IPC namespace of its host.

    Why: the shared memory of other programs can then be read and written.

    See: docker inspect --format '{{.HostConfig.IpcMode}} {{.State.Pid}}' CONTAINER, then readlink /proc/PID/ns/ipc

    Fix: remove `ipc: host` in compose, `docker run --ipc host`, or `hostIPC: true` in the pod spec; for more room there is
    `shm_size`.
    """
    assert containers.in_host_ipc == []


@pytest.mark.requirement("CTR-017", refs=["CIS Docker 5.21"])
def test_containers_have_a_host_name_of_their_own(containers):
    """A container MUST NOT share the UTS namespace of its host.

    Why: with it goes the right to learn, and as root to change, the name of the host.

    See: docker inspect --format '{{.HostConfig.UTSMode}} {{.State.Pid}}' CONTAINER, then readlink /proc/PID/ns/uts

    Fix: remove `uts: host` in compose or `docker run --uts host`; in the pod spec it comes with `hostNetwork: true`.
    """
    assert containers.in_host_uts == []


@pytest.mark.requirement("CTR-018", refs=["CIS Docker 5.31"], hardening=True)
def test_containers_stay_in_the_mapping_of_user_ids(containers):
    """A container SHOULD NOT be taken out of the engine's mapping of user ids.

    Why: where the engine maps them, root inside is nobody outside; the exception is root.

    See: docker inspect --format '{{.HostConfig.UsernsMode}}' CONTAINER

    Fix: remove `userns_mode: host` in compose or `docker run --userns host`; in the pod spec set `hostUsers: false`.
    """
    assert containers.out_of_user_mapping == []


@pytest.mark.requirement("CTR-019", refs=["CIS Docker 5.30"], hardening=True)
def test_containers_are_on_networks_made_for_them(containers):
    """A container SHOULD NOT be on the engine's default bridge.

    Why: everything that was started without a network meets there, and names do not resolve.

    See: docker inspect --format '{{json .NetworkSettings.Networks}}' CONTAINER

    Fix: name the service under `networks:` in compose and remove `network_mode: bridge`; else `docker network create`
    and `docker run --network`. Pods have a network of their own; there a NetworkPolicy says who may reach them.
    """
    assert containers.on_default_bridge == []
