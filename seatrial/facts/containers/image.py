"""What was started: which image, how old, and for which processor."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass

from seatrial.facts.containers._reference import Reference
from seatrial.facts.containers.looking import Look, Looking, finds, seen_processes
from seatrial.facts.process import Process
from seatrial.words import Duration, Finding, Missing

__all__ = ["Images"]

NATIVE = frozenset({("amd64", "386"), ("arm64", "arm")})
"""Processor and image that run without emulation, although they differ."""
OLDEST_PLAUSIBLE = dt.datetime(2013, 3, 1, tzinfo=dt.UTC)
"""Before Docker there were none; reproducible builds write the epoch."""


def _short(image_id: str) -> str:
    return f"image id {image_id.removeprefix('sha256:')[:12]}"


def _moment(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text or 'nothing'} is no date") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    if moment < OLDEST_PLAUSIBLE:
        raise ValueError(f"it says {text[:10]}")
    return moment


def _architecture(platform: str) -> str:
    return platform.split("/")[1] if "/" in platform else ""


def _emulator(process: Process) -> str:
    """The user-mode emulator a process runs in; whole machines (qemu-system-…) and tools emulate nothing of it."""
    if not process.exe.startswith("qemu-") or process.exe.startswith(
        ("qemu-system", "qemu-img", "qemu-nbd", "qemu-ga")
    ):
        return ""
    return f"runs in {process.exe}"


@dataclass(frozen=True, slots=True)
class Images(Looking):
    """The image that really runs, not the one a file names."""

    @finds
    def moving_images(self) -> Look:
        """Containers created from a reference that may mean another image tomorrow."""
        return self.each(
            lambda container: f"image {container.image}" if Reference.parse(container.image).moving else ""
        )

    @finds
    def other_images(self) -> Look:
        """Containers that do not run the declared image."""
        want = Reference.parse(self.declared.image or "")
        for container in self.containers:
            if not want.names(Reference.parse(container.image), container.image_id, container.image_digests):
                seen = f"image {container.image}, {_short(container.image_id)}"
                yield Finding(str(container), seen, f"{self.declared.image}")

    @finds
    def mixed_images(self) -> Look:
        """Containers that run another image than most of their service."""
        counts = Counter(container.image_id for container in self.containers)
        usual = max(counts, key=lambda image: counts[image], default="")
        for container in self.containers:
            if container.image_id != usual:
                yield Finding(str(container), _short(container.image_id), _short(usual))

    @finds
    def aged_images(self) -> Look:
        """Containers whose image is older than declared."""
        most = self.declared.image_max_age or Duration(0)
        now = _moment(self.taken) if self.taken else dt.datetime.now(dt.UTC)
        for container in self.containers:
            try:
                age = now - _moment(container.image_created)
            except ValueError as why:
                yield Missing(f"{container}: the age of its image can't be told: {why}")
                continue
            if age.total_seconds() > most.seconds:
                seen = f"image made {container.image_created[:10]}, {age.days} days old"
                yield Finding(str(container), seen, f"at most {most}")

    @finds
    def other_platforms(self) -> Look:
        """Containers whose image is for another platform than declared."""
        want = (self.declared.platform or "").split("/")
        for container in self.containers:
            if not container.platform:
                yield Missing(f"{container}: its image does not tell its platform")
            elif container.platform.split("/")[: len(want)] != want:
                yield Finding(str(container), container.platform, "/".join(want))

    @finds
    def emulated(self) -> Look:
        """Containers whose machine code their host's processor does not understand."""
        for container in self.containers:
            processes = seen_processes(container)
            if not isinstance(processes, Missing) and any(process.exe for process in processes):
                # What really executes is known, whatever the image's label says; that is a requirement of its own.
                yield from self.each_process(_emulator, only=container)
                continue
            image, host = _architecture(container.platform), _architecture(container.host_platform)
            if not (image and host):
                yield Missing(f"{container}: neither what executes nor the platform of its image can be seen")
            elif image != host and (host, image) not in NATIVE:
                yield Finding(str(container), f"{container.platform} emulated on {container.host_platform}")
