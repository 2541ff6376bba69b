"""Hands of a driver that has none: what only calls a service is done all the same, and everything else is refused."""

# ruff: noqa: ARG002 - hands are told what to do; these do nothing

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

    def replicas(self, service: str) -> tuple[Replica, ...]:
        """None that it knows of."""
        return ()

    def checks(self, service: str) -> tuple[Checked, ...]:
        """None that it knows of."""
        return ()

    def acts(self, kind: str, service: str, **wanted: Any) -> tuple[Act, ...]:
        """Refused."""
        self._refuse()

    def do(self, act: Act) -> None:
        """Refused."""
        self._refuse()

    def undo(self, act: Act) -> None:
        """Refused."""
        self._refuse()

    def left(self, act: Act) -> str:
        """Refused."""
        self._refuse()

    def proof(self, act: Act) -> str:
        """Refused."""
        self._refuse()

    def inventory(self) -> dict[str, str]:
        """Nothing that it could change."""
        return {}

    def told(self) -> dict[str, Any]:
        """Nothing is needed to have it again."""
        return {}
