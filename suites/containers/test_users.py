"""Who the processes of a container run as, from the kernel's own view of every one of them."""

import pytest


@pytest.mark.requirement("CTR-001", refs=["CIS Docker 4.1", "PSS restricted: running as non-root"])
def test_processes_run_as_non_root(containers):
    """Every process of a container MUST run as a user other than root.

    Why: root in a container is root on the host for every file and kernel interface that it reaches.

    See: docker top CONTAINER -eo pid,uid,gid,comm

    Fix: set `USER` in the image; else `user: "10001:10001"` in compose, `docker run --user 10001:10001`, or
    `securityContext.runAsNonRoot: true` with `runAsUser` in the pod spec. An entrypoint that starts as root must drop
    to its user for good (`exec setpriv --reuid=… --regid=… --init-groups`).
    """
    assert containers.root_processes == []


@pytest.mark.requirement("CTR-002", refs=["CIS Docker 4.1"], hardening=True)
def test_processes_have_a_group_other_than_root(containers):
    """Every process that is not root's SHOULD have a primary group other than root's.

    Why: files of the image and of mounts that group root may write are then open to it.

    See: docker top CONTAINER -eo pid,uid,gid,comm

    Fix: name a group, too, as a number alone leaves gid 0: `USER 10001:10001` in the image, `user: "10001:10001"` in
    compose, `docker run --user 10001:10001`, or `securityContext.runAsGroup` in the pod spec.
    """
    assert containers.root_group_processes == []


@pytest.mark.requirement("CTR-003", refs=["CIS Docker 4.1"], hardening=True)
def test_processes_keep_out_of_the_groups_that_open_the_host(containers):
    """A process SHOULD NOT be in a supplementary group to which hosts open their disks, memory or passwords.

    Why: one mounted device, socket or file of such a group is enough to leave the container.

    See: docker inspect --format '{{.HostConfig.GroupAdd}} {{.State.Pid}}' CONTAINER, then grep Groups /proc/PID/status

    Fix: take the group out of `group_add:` in compose, `docker run --group-add`, `supplementalGroups` in the pod spec, or
    of the user's line in the image's /etc/group.
    """
    assert containers.host_group_processes == []
