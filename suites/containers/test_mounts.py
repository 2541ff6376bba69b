"""What of the host is mounted into a container."""

import pytest


@pytest.mark.requirement("CTR-020", refs=["CIS Docker 5.32", "PSS baseline: hostPath volumes"])
def test_containers_do_not_hold_the_engine(containers):
    """A container MUST NOT have the control socket of a container engine.

    Why: who can write to it can start a privileged container, so it is root on the host; read-only mounting changes nothing.

    See: docker inspect --format '{{json .Mounts}}' CONTAINER

    Fix: remove the mount of docker.sock, containerd.sock or /run from `volumes:` in compose, `docker run -v`, or the
    `hostPath` volumes of the pod spec; put a proxy that allows only the needed reads in between.
    """
    assert containers.engine_sockets == []


@pytest.mark.requirement("CTR-021", refs=["CIS Docker 5.6", "PSS baseline: hostPath volumes"])
def test_containers_cannot_change_the_host(containers):
    """A container MUST NOT be able to write to the system's own files on the host.

    Why: one line in /etc, a cron folder or a home is a program that runs on the host.

    See: docker inspect --format '{{json .Mounts}}' CONTAINER

    Fix: mount a named volume instead, or just the one file, read-only: `:ro` in compose and `docker run -v`, `readOnly: true`
    in `volumeMounts` of the pod spec.
    """
    assert containers.writable_host_paths == []


@pytest.mark.requirement("CTR-022", refs=["CIS Docker 5.6", "PSS baseline: hostPath volumes"], hardening=True)
def test_containers_do_not_see_the_host(containers):
    """A container SHOULD NOT be able to read the system's own files on the host.

    Why: password hashes, keys and the secrets of other containers are among them.

    See: docker inspect --format '{{json .Mounts}}' CONTAINER

    Fix: mount just the one file or folder that is needed in `volumes:` in compose, `docker run -v`, or `hostPath` of the pod
    spec. A collector of metrics that must see more is waived by name.
    """
    assert containers.readable_host_paths == []


@pytest.mark.requirement("CTR-023", refs=["CIS Docker 5.20"], hardening=True)
def test_mounts_of_a_container_stay_inside(containers):
    """A mount of a container SHOULD NOT be of shared propagation.

    Why: what the container mounts below it appears on the host, over whatever was there.

    See: docker inspect --format '{{json .Mounts}}' CONTAINER

    Fix: remove `propagation: rshared` in compose, `:rshared` of `docker run -v`, or `mountPropagation: Bidirectional` in
    the pod spec; `rslave` shows the host's mounts in the container without the way back.
    """
    assert containers.shared_propagation == []
