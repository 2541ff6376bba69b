"""Hands on throwaway containers of the lab."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

from seatrial.drivers import Session
from seatrial.drivers import docker as driver
from seatrial.outcomes import Tier
from seatrial.profile.model import Profile
from seatrial.safety.acts import Act, Hands
from seatrial.words import CouldNotLook
from tests.lab import EngineError


def session(base: Path, services: dict[str, Any], **target: Any) -> Session:
    """A run that may disturb."""
    profile = Profile.model_validate({"profile": "p", "target": {"driver": "docker", **target}, "services": services})
    return Session(
        profile=profile, base=base, resolve=lambda value: "" if value is None else str(value), granted=Tier.disrupt
    )


def hands(base: Path, services: dict[str, Any], **target: Any) -> Hands:
    """Its hands."""
    return driver.hands(session(base, services, **target))


class NoProfile:
    """What stands for the target's profile where a journal is all there is."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the profile was asked for {name}")


def again(base: Path, told: dict[str, Any]) -> Hands:
    """The hands of another process, from what a journal holds."""
    bare = Session(profile=NoProfile(), base=base, resolve=str, granted=Tier.disrupt)  # type: ignore[arg-type]
    return driver.hands_again(bare, json.loads(json.dumps(told)))


def read_back(act: Act) -> Act:
    """An act as a journal gives it."""
    return Act(**json.loads(json.dumps(act.told())))


def undone(with_: Hands, act: Act, within: float = 30.0) -> str:
    """Undo it as a run does; what is left when time is up."""
    end = time.monotonic() + within
    while True:
        left = "the engine does not answer"
        with contextlib.suppress(CouldNotLook):
            with_.undo(act)
            left = with_.left(act)
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.1)


def proven(with_: Hands, act: Act, within: float = 3.0) -> str:
    """Its proof, for a service that is just being scheduled beside much else."""
    end = time.monotonic() + within
    while True:
        try:
            return with_.proof(act)
        except CouldNotLook:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def paused(container: Any) -> None:
    """Pause a container of the lab by hand. A busy engine needs more than one go."""
    for left in reversed(range(5)):
        try:
            container.engine.call("POST", f"/containers/{container.id}/pause")
            return
        except EngineError:
            if not left:
                raise
            time.sleep(0.3)
