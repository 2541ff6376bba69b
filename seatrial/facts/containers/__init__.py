"""The containers of one service, and what is not as it should be about them: one file a noun, as in the suites.

Each property lists findings. What could not be looked at is told only where nothing was found: a violation that is
visible stays one, however much else was hidden. A one-shot job that has ended has no processes and no cgroup left; it
is judged by what its containers were created with, and the finding says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.facts.containers.capabilities import Capabilities
from seatrial.facts.containers.filesystem import Filesystem
from seatrial.facts.containers.healthcheck import Healthchecks
from seatrial.facts.containers.image import Images
from seatrial.facts.containers.lifecycle import Lifecycle
from seatrial.facts.containers.logs import Logs
from seatrial.facts.containers.mounts import Mounts
from seatrial.facts.containers.namespaces import Namespaces
from seatrial.facts.containers.privileges import Privileged
from seatrial.facts.containers.resources import Limits
from seatrial.facts.containers.users import Users

__all__ = ["Containers"]


@dataclass(frozen=True, slots=True)
class Containers(
    Users, Capabilities, Privileged, Namespaces, Mounts, Filesystem, Limits, Lifecycle, Healthchecks, Images, Logs
):
    """All containers of one service, as the profile declares it and as they were seen."""
