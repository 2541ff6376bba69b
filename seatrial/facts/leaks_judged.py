"""How findings are made of leaks: over every place of a surface, never silently over none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seatrial.facts.leak import Leak, Leaks, Place
from seatrial.words import CouldNotLook, Finding, Missing

__all__ = ["Searched", "told"]


def told(place: Place, leak: Leak) -> Finding:
    """One leak as a finding: where it was seen, and what is known of it without its value."""
    where = [place.where]
    if leak.line:
        where.append(f"line {leak.line}")
    if leak.key:
        where.append(leak.key)
    seen = f"{leak} ({place.rights})" if place.rights else str(leak)
    return Finding(", ".join(where), seen)


@dataclass(frozen=True, slots=True)
class Searched:
    """The places that were searched on one subject."""

    id: str
    leaks: Leaks

    def _found(
        self,
        *surfaces: str,
        wrong: Callable[[Place, Leak], bool],
        instead: Callable[[Place], str] | None = None,
        expected: str = "",
        decided: Callable[[Place], bool] = lambda _: False,
    ) -> list[Finding]:
        """The leaks on some surfaces that are wrong.

        Args:
            surfaces: kinds of places.
            wrong: whether this leak, in this place, is one.
            instead: what is told of a place with wrong leaks, where it is about the place and not about each of them.
            expected: what such a place should be.
            decided: whether a place is right whatever it holds, so that it need not be seen.

        Raises:
            CouldNotLook: nothing was found, and some place was not seen, or there was none.
        """
        places = [place for place in self.leaks.places if place.surface in surfaces]
        found: list[Finding] = []
        for place in places:
            if isinstance(place.leaks, Missing):
                continue
            bad = [leak for leak in place.leaks if wrong(place, leak)]
            if bad and instead:
                found.append(Finding(place.where, instead(place), expected))
            elif bad:
                found += [told(place, leak) for leak in bad]
        if not found:
            self._all_seen(places, decided)
        return found

    def _all_seen(self, places: list[Place], decided: Callable[[Place], bool]) -> None:
        """Nothing passes that was not looked at."""
        for place in places:
            if isinstance(place.leaks, Missing) and not decided(place):
                raise CouldNotLook(f"{place.where}: {place.leaks.reason}", right=place.leaks.right)
        if not places:
            raise CouldNotLook(f"nothing of {self.id} was there to be searched")
