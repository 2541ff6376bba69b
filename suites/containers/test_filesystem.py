"""Where a container can write, and whether what it writes is kept."""

import pytest


@pytest.mark.requirement("CTR-024", refs=["CIS Docker 5.13"], hardening=True)
def test_root_file_systems_are_read_only(containers):
    """The root file system of a container SHOULD be mounted read-only.

    Why: an intruder can then change no program, and nothing that matters is kept where it will be lost.

    See: docker inspect --format '{{.HostConfig.ReadonlyRootfs}} {{.State.Pid}}' CONTAINER, then grep ' / / ' /proc/PID/mountinfo

    Fix: `read_only: true` with `tmpfs:` for scratch folders in compose, `docker run --read-only --tmpfs /tmp`, or
    `securityContext.readOnlyRootFilesystem: true` with an `emptyDir` in the pod spec.
    """
    assert containers.writable_roots == []


@pytest.mark.requirement("CTR-025", needs="persistence.paths")
def test_data_lies_on_volumes_with_a_name(containers):
    """Every declared data path MUST lie on a named volume or a folder of the host.

    Why: the writable layer and a tmpfs are gone with the container, and an anonymous volume is not found again.

    See: docker inspect --format '{{json .Mounts}}' CONTAINER

    Fix: `volumes: ["data:/path"]` with `data:` under the top-level `volumes:` in compose, `docker run -v data:/path`, or a
    `persistentVolumeClaim` in the pod spec. Mind the path: one letter off, and the image's anonymous volume is used.
    """
    assert containers.unsafe_data_paths == []
