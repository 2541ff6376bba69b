"""The machine, as its kernel tells of it."""

import pytest


@pytest.mark.requirement("HWR-001", refs=["OCI image specification: platform"], needs="arch")
def test_the_kernel_is_of_the_declared_architecture(hardware):
    """The kernel that the deployment runs on MUST be of the declared architecture.

    Why: sizes, speeds and images were chosen for it. What counts is the kernel: inside an emulator `uname` says what is
    emulated.

    See: cat /proc/sys/kernel/arch, on another machine docker info --format '{{.Architecture}}'

    Fix: move the deployment to a machine of that kind, or correct `hardware.arch` in the profile.
    """
    assert hardware.other_architecture == []


@pytest.mark.requirement("HWR-002", needs="cpus.min")
def test_the_machine_has_the_processors_it_must_have(hardware):
    """The machine MUST have at least the declared minimum of processors online.

    Why: below it the deployment is not supported, and nobody has measured what it does.

    See: cat /sys/devices/system/cpu/online

    Fix: give the machine more processors, bring those that are offline online, or correct `hardware.cpus.min`.
    """
    assert hardware.too_few_cpus == []


@pytest.mark.requirement("HWR-003", needs="cpus.recommended")
def test_the_machine_has_the_processors_it_should_have(hardware):
    """The machine SHOULD have the declared recommended number of processors online.

    Why: below it the deployment works, but not at the speed that its objectives mean.

    See: cat /sys/devices/system/cpu/online

    Fix: give the machine more processors, or correct `hardware.cpus.recommended`.
    """
    assert hardware.fewer_cpus_than_recommended == []


@pytest.mark.requirement("HWR-004", needs="memory.min")
def test_the_machine_has_the_memory_it_must_have(hardware):
    """The machine MUST have at least the declared minimum of memory.

    Why: below it the deployment is not supported: caches shrink, then the kernel kills. What is installed counts; where
    only the kernel's part of it is told, a sixteenth is taken to be kept by firmware and kernel.

    See: lsmem --summary; grep MemTotal /proc/meminfo

    Fix: give the machine more memory, or correct `hardware.memory.min`.
    """
    assert hardware.too_little_memory == []


@pytest.mark.requirement("HWR-005", needs="memory.recommended")
def test_the_machine_has_the_memory_it_should_have(hardware):
    """The machine SHOULD have the declared recommended memory.

    Why: below it the deployment works, but less of its data fits into memory than its objectives mean.

    See: lsmem --summary; grep MemTotal /proc/meminfo

    Fix: give the machine more memory, or correct `hardware.memory.recommended`.
    """
    assert hardware.less_memory_than_recommended == []


@pytest.mark.requirement("HWR-011", needs="gpu.min")
def test_the_machine_has_the_accelerator_it_must_have(hardware):
    """The machine MUST have an accelerator with at least the declared minimum of memory of its own.

    Why: a model that does not fit into one accelerator is computed by the processor, many times slower, or not at all.

    See: lspci -nn -d ::0302; lspci -nn -d ::0300; nvidia-smi; cat /sys/class/drm/card*/device/mem_info_vram_total

    Fix: put such an accelerator into the machine and install its driver, or correct `hardware.gpu.min`.
    """
    assert hardware.too_small_gpus == []


@pytest.mark.requirement("HWR-012", needs="gpu.recommended")
def test_the_machine_has_the_accelerator_it_should_have(hardware):
    """The machine SHOULD have an accelerator with the declared recommended memory of its own.

    Why: below it the deployment works, with smaller models or slower than its objectives mean.

    See: lspci -nn -d ::0302; lspci -nn -d ::0300; nvidia-smi; cat /sys/class/drm/card*/device/mem_info_vram_total

    Fix: put such an accelerator into the machine and install its driver, or correct `hardware.gpu.recommended`.
    """
    assert hardware.smaller_gpus_than_recommended == []


@pytest.mark.requirement("HWR-013", refs=["adjtimex(2): STA_UNSYNC"], needs="clock_synchronised")
def test_the_clock_is_synchronised(hardware):
    """Where the profile declares it, the kernel MUST take its clock for synchronised.

    Why: certificates, tokens, leases and the order of log lines all trust the clock.

    See: timedatectl show --property NTPSynchronized; adjtimex --print

    Fix: start a time service (`timedatectl set-ntp true`, or chrony with `rtcsync`, without which the kernel is never told),
    and let it reach its servers.
    """
    assert hardware.unsynchronised_clock == []
