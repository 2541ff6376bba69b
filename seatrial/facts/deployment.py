"""Everything that runs at the target, known to the profile or not."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.facts.container import Container
from seatrial.words import Finding

__all__ = ["Deployment"]


@dataclass(frozen=True, slots=True)
class Deployment:
    """The target as a whole: the services of the profile, and the containers that belong to none of them."""

    services: tuple[str, ...]
    unknown: tuple[Container, ...]

    @property
    def undeclared_containers(self) -> list[Finding]:
        """Containers of the target that no service of the profile accounts for."""
        return [
            Finding(str(container), f"{container.state}, from image {container.image or container.image_id}")
            for container in self.unknown
        ]
