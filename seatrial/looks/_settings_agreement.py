"""The places that must state one value, and what each states."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seatrial.facts.settings import Place, Settings
from seatrial.looks._settings_values import stated, text_of
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.facts.runtime import Runtime
    from seatrial.profile import model
    from seatrial.profile.subjects import Subject

__all__ = ["agreement"]


def agreement(session: Session, runtime: Runtime | Missing, subject: Subject) -> Settings:
    """What every place states; one that can't be read hides nothing of the others."""
    found = [one for place in subject.node for one in _places(session, runtime, place)]
    return Settings(places=tuple(found))


def _places(session: Session, runtime: Runtime | Missing, place: model.Place) -> Iterator[Place]:
    try:
        for where, name, value, unit in _values(session, runtime, place):
            if value is not None and place.match is not None:
                found = re.search(place.match, value)
                value = found[1] if found else None
            yield Place(where, stated(name, value, unit=unit))
    except CouldNotLook as why:
        yield Place(place.service or "", Missing(why.reason, why.right))


def _values(
    session: Session, runtime: Runtime | Missing, place: model.Place
) -> Iterator[tuple[str, str, str | None, str]]:
    """Where, by what name, what, and in which unit."""
    if place.environment is not None:
        from seatrial.looks._settings_environment import sources

        for source in sources(session, runtime, place.service or ""):
            if isinstance(source.variables, Missing):
                raise CouldNotLook(source.variables.reason, right=source.variables.right)
            yield f"{source.where}, environment", place.environment, source.variables.get(place.environment), ""
    elif place.reports is not None:
        from seatrial.looks._settings_servers import reports

        for report in reports(session, runtime, place.service or "", [place.reports]):
            unit = report.units.get(place.reports, "")
            yield f"{report.where}, reported", place.reports, report.values.get(place.reports), unit
    else:
        yield from _of_files(session, runtime, place)


def _of_files(
    session: Session, runtime: Runtime | Missing, place: model.Place
) -> Iterator[tuple[str, str, str | None, str]]:
    from seatrial.facts.document import search
    from seatrial.looks._settings_files import NotOfItsFormat, document, texts

    for text in texts(session, runtime, place.service or "", place):
        if place.at is None:  # the whole text, of which `match` means a part
            yield text.where, "its text", text.text.strip(), ""
            continue
        try:
            value = search(place.at, document(text, place.format))
        except NotOfItsFormat as why:
            raise CouldNotLook(f"{text.where} {why}") from None
        yield text.where, place.at, None if value is None else text_of(value), ""
