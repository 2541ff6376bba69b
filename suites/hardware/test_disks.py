"""The file system at each declared path, on the machine or in a service's containers."""

import pytest


@pytest.mark.requirement("HWR-006", needs="min")
def test_disks_have_the_size_they_must_have(disk):
    """The file system of a declared path MUST have at least its declared minimum size.

    Why: data grows until the disk is full, and then nothing can be written. A sixteenth is taken to be kept by the file
    system for itself.

    See: df -h PATH, of a container df -h /proc/PID/root/PATH

    Fix: enlarge the file system, mount a larger one at the path, or correct `hardware.disk.min`.
    """
    assert disk.too_small == []


@pytest.mark.requirement("HWR-007", needs="recommended")
def test_disks_have_the_size_they_should_have(disk):
    """The file system of a declared path SHOULD have its declared recommended size.

    Why: below it the deployment works, but holds less than it was planned for.

    See: df -h PATH, of a container df -h /proc/PID/root/PATH

    Fix: enlarge the file system, mount a larger one at the path, or correct `hardware.disk.recommended`.
    """
    assert disk.smaller_than_recommended == []


@pytest.mark.requirement("HWR-008", needs="free")
def test_disks_have_free_space(disk):
    """The file system of a declared path MUST have the declared space free for ordinary users.

    Why: databases stop, or lose what they were writing, when a disk is full; compaction and backups need room beside the
    data.

    See: df -h PATH, of a container df -h /proc/PID/root/PATH

    Fix: remove what nobody needs (old logs and images: `docker system df`), or enlarge the file system.
    """
    assert disk.too_full == []


@pytest.mark.requirement("HWR-009", needs="free_inodes")
def test_disks_have_free_inodes(disk):
    """The file system of a declared path MUST have the declared number of inodes free.

    Why: without an inode no file can be made, though `df -h` shows plenty of space.

    See: df -i PATH, of a container df -i /proc/PID/root/PATH

    Fix: remove small files that nobody needs, or make the file system anew with more inodes (`mkfs.ext4 -N`, or xfs, which
    makes them as it needs them).
    """
    assert disk.short_of_inodes == []


@pytest.mark.requirement("HWR-010", needs="medium")
def test_disks_are_of_the_declared_medium(disk):
    """The file system of a declared path MUST lie on the declared medium.

    Why: a disk that turns answers a hundred times slower than flash, and what lies in memory is lost with the power.

    See: lsblk -o NAME,TYPE,ROTA,TRAN,MODEL,MOUNTPOINTS

    Fix: mount a file system of the declared medium at the path and move the data, or correct `hardware.disk.medium`. What a
    virtual drive lies on can't be seen from inside: ask its host, and leave `medium` out.
    """
    assert disk.other_medium == []
