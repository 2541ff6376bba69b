"""What a container's own healthcheck is worth, and what it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seatrial.facts.container import Container, Healthcheck
from seatrial.facts.containers.looking import Look, Looking, finds, stopped
from seatrial.words import Finding, Missing

__all__ = ["Healthchecks"]

CANNOT_RUN = (126, 127)
"""What a shell exits with when it can't execute, or can't find, the command."""


def _broken(check: Healthcheck) -> bool:
    """Whether its command could not be executed when it was last tried; False when it was never tried."""
    return bool(check.log) and (not check.log[-1].executed or check.log[-1].exit_code in CANNOT_RUN)


@dataclass(frozen=True, slots=True)
class Healthchecks(Looking):
    """HEALTHCHECK as configured, and the runs of it that the engine remembers."""

    @finds
    def without_healthcheck(self) -> Look:
        """Long-running containers that the engine can't ask for their health."""
        return self.each(
            lambda container: "no healthcheck" if container.healthcheck is None and not self.declared.one_shot else ""
        )

    @finds
    def broken_healthchecks(self) -> Look:
        """Healthchecks whose command could not be executed when it was last tried."""
        for container, check in self._healthchecks():
            if isinstance(check, Missing):
                yield check
            elif not check.log:
                yield Missing(f"{container}: its healthcheck has not run yet")
            elif _broken(check):
                why = f": {check.log[-1].reason}" if check.log[-1].reason else ""
                yield Finding(str(container), f"its healthcheck can't run, exit code {check.log[-1].exit_code}{why}")

    @finds
    def unhealthy(self) -> Look:
        """Containers that their own healthcheck, which does run, calls unhealthy."""
        for container, check in self._healthchecks():
            if isinstance(check, Missing):
                yield check
            elif _broken(check):
                continue  # it told nothing of the health
            elif check.status in ("", "starting"):
                yield Missing(f"{container}: its healthcheck has not decided yet")
            elif check.status != "healthy":
                code = f", exit code {check.log[-1].exit_code}" if check.log else ""
                yield Finding(str(container), f"{check.status}{code}")

    def _healthchecks(self) -> Iterator[tuple[Container, Healthcheck | Missing]]:
        for container in self.containers:
            if container.healthcheck is not None and not self.ended(container):
                yield container, container.healthcheck if container.running else stopped(container)
