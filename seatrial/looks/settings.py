"""What a deployment is really told: environments, configuration files, reports of servers, and places that must agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.facts.settings import Server, Settings
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.model import Configuration
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "PART", "look"]

PART = "settings"
NOUNS = ("environment", "container_environment", "configuration", "postgres", "agreement")


def look(session: Session, runtime: Runtime | Missing, subject: Subject) -> Settings:
    """What was read for one subject."""
    if subject.noun in ("environment", "container_environment"):
        from seatrial.looks._settings_environment import environment

        return environment(session, runtime, subject)
    if subject.noun == "agreement":
        from seatrial.looks._settings_agreement import agreement

        return agreement(session, runtime, subject)
    return _configuration(session, runtime, subject)


def _configuration(session: Session, runtime: Runtime | Missing, subject: Subject) -> Settings:
    from seatrial.looks._settings_files import files
    from seatrial.looks._settings_servers import servers

    node: Configuration = subject.node
    told: tuple[Server, ...] | Missing = ()
    if node.reports is not None or node.min_version is not None:
        try:
            told = servers(session, runtime, subject.service, node)
        except CouldNotLook as why:
            told = Missing(why.reason, why.right)
    return Settings(files=tuple(files(session, runtime, subject.service, node.files)), servers=told)
