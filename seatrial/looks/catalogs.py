"""The metrics there are: asked of the running Prometheus, or read from the expositions of the services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seatrial.words import CouldNotLook, Missing, seen

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.alerts.catalog import Catalog
    from seatrial.facts.runtime import Runtime
    from seatrial.profile.subjects import Subject

__all__ = ["NOUNS", "PART", "catalog", "look"]

PART = "catalogs"
NOUNS = ("references", "expressions", "dashboard")


def look(session: Session, _runtime: Runtime | Missing, _subject: Subject) -> Catalog:
    """The same for every subject."""
    return seen(catalog(session))


def catalog(session: Session) -> Catalog | Missing:
    """The metrics there are, looked at once."""

    def make() -> Catalog | Missing:
        from seatrial.looks._catalog_exposed import catalog as exposed
        from seatrial.looks._catalog_scraped import catalog as scraped
        from seatrial.profile.nouns.alerts import alerts_of

        alerts = alerts_of(session.profile)
        try:
            if alerts is not None and alerts.prometheus is not None:
                return scraped(session, alerts)
            return exposed(session)
        except CouldNotLook as why:
            return Missing(why.reason, why.right)

    return session.once("catalog", make)
