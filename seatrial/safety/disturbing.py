"""Disturbances: journalled before they happen, undone however the run goes on, and no more of them when one can't be undone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from seatrial.safety.acts import Act, Hands, NotRecovered
from seatrial.safety.journal import Journal
from seatrial.safety.shield import shielded
from seatrial.words import CouldNotLook

__all__ = ["Disturber", "undo"]

UNDONE_WITHIN = 60.0
"""Seconds an act has to be undone, tried again and again: engines are busy just then."""


def undo(hands: Hands, act: Act, *, within: float = UNDONE_WITHIN) -> None:
    """Undo an act, and make sure of it.

    Raises:
        NotRecovered: it is not undone when time is up.
    """
    end = time.monotonic() + within
    why = ""
    while True:
        try:
            hands.undo(act)
            why = hands.left(act)
            if not why:
                return
        except CouldNotLook as trouble:
            why = trouble.reason
        if time.monotonic() >= end:
            raise NotRecovered(f"{act.name} could not be brought back after it was {act.how}: {why}")
        time.sleep(0.2)


class Disturber:
    """The only way an experiment disturbs a target."""

    def __init__(self, hands: Hands, journal: Journal) -> None:
        self.hands = hands
        self.journal = journal
        self.broken: NotRecovered | None = None
        """What could not be undone. From then on nothing is disturbed."""

    @contextmanager
    def disturbed(self, *acts: Act) -> Iterator[None]:
        """Do the acts, one after the other, and undo them at the end, last in first out.

        Raises:
            CouldNotLook: one could not be done; those before it are undone.
            NotRecovered: one could not be undone, now or earlier in this run.
        """
        with ExitStack() as standing:
            for act in acts:
                standing.enter_context(self._disturbed(act))
            yield

    @contextmanager
    def _disturbed(self, act: Act) -> Iterator[None]:
        if self.broken:
            raise NotRecovered(f"nothing more is disturbed in this run: {self.broken.reason}")
        number = 0
        try:
            with shielded():
                number = self.journal.begin(act)
                self.hands.do(act)
                self.journal.done(number)
            yield
        finally:
            if number:
                with shielded():
                    self._undo(number, act)

    def _undo(self, number: int, act: Act) -> None:
        try:
            undo(self.hands, act)
        except NotRecovered as why:
            self.broken = why
            raise
        self.journal.undone(number)
