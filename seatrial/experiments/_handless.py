"""Hands of a driver that has none: what only calls a service is done all the same, and everything else is refused."""

from __future__ import annotations

from typing import Any, NoReturn

from seatrial.safety.acts import Act, Checked, Replica
from seatrial.words import CouldNotLook

__all__ = ["Handless"]


class Handless:
    """Knows no replicas, and disturbs nothing."""

    def __init__(self, driver: str) -> None:
        self.driver = driver

    def _refuse(self) -> NoReturn:
        raise CouldNotLook(f"driver {self.driver} has no way to disturb a target")

    def replicas(self, _service: str) -> tuple[Replica, ...]:
        """None that it knows of."""
        return ()

    def checks(self, _service: str) -> tuple[Checked, ...]:
        """None that it knows of."""
        return ()

    def acts(self, _kind: str, _service: str, **_wanted: Any) -> tuple[Act, ...]:
        """Refused."""
        self._refuse()

    def do(self, _act: Act) -> None:
        """Refused."""
        self._refuse()

    def undo(self, _act: Act) -> None:
        """Refused."""
        self._refuse()

    def left(self, _act: Act) -> str:
        """Refused."""
        self._refuse()

    def proof(self, _act: Act) -> str:
        """Refused."""
        self._refuse()

    def inventory(self) -> dict[str, str]:
        """Nothing that it could change."""
        return {}

    def told(self) -> dict[str, Any]:
        """Nothing is needed to have it again."""
        return {}
