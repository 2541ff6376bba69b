"""Disturbances: journalled before they happen, undone however the run goes on, and no more of them when one can't be undone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self, TypeVar

from seatrial.safety.acts import Act, Hands, NotRecovered
from seatrial.safety.guarding import Guarding
from seatrial.safety.journal import Journal
from seatrial.safety.shield import Shield
from seatrial.words import CouldNotLook

__all__ = ["Disturber", "undo", "unsettled"]

UNDONE_WITHIN = 60.0
"""Seconds an act has to be undone, tried again and again: engines are busy just then."""
AT_ONCE = 1.0
"""Seconds within which a refusal is an answer; what took longer may still be under way."""
UNSETTLED = {"hang": 2.0, "slow": 4.0, "command": 1.0, "alert": 2.0, "stage": 5.0, "seed": 5.0}
"""Seconds for which an engine may still be at it; a command has its own time beside that."""
T = TypeVar("T")


def unsettled(act: Act) -> float:
    """Seconds for which an act may still take effect when whoever asked for it has not heard that it is done.

    An engine goes on with what it was asked for after the one who asked is gone.
    """
    base = UNSETTLED.get(act.kind, 13.0)
    return base + sum(_number(act.wanted.get(name)) for name in ("grace", "within"))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def undo(hands: Hands, act: Act, *, within: float | None = None, watched: float = 0.0) -> None:
    """Undo an act, and make sure of it. Takes no longer than its time, whatever the driver does.

    Args:
        hands: that undo it.
        act: what was done.
        within: seconds it has, when not those that every act has.
        watched: seconds for which it must stay undone, since it may still take effect.

    Raises:
        NotRecovered: it is not undone when time is up.
    """
    begin = time.monotonic()
    if within is None:
        within = UNDONE_WITHIN + _number(act.wanted.get("within"))  # a declared command's way back may take as long
    end = begin + max(within, watched + 5.0 if watched else 0.0)
    why = ""
    while True:
        try:
            why = _bounded(lambda: hands.left(act) if _undone(hands, act) else "", end - time.monotonic())
        except CouldNotLook as trouble:
            why = trouble.reason
        except Exception as trouble:  # noqa: BLE001 - a fault of ours is no reason to try less, or to claim more
            why = f"trouble of Seatrial's own, please report it: {type(trouble).__name__}"
        now = time.monotonic()
        if not why and now - begin >= watched:
            return
        if now >= end:
            raise NotRecovered(f"{act.name} could not be brought back after it was {act.how}: {why}")
        time.sleep(0.2)


def _undone(hands: Hands, act: Act) -> bool:
    hands.undo(act)
    return True


def _bounded(call: Callable[[], T], seconds: float) -> T:
    """What a call gives, if it comes to an end in time."""
    given: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            given.append(call())
        except BaseException as trouble:  # noqa: BLE001 - raised where it was asked for
            raised.append(trouble)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(max(0.1, seconds))
    if raised:
        raise raised[0]
    if not given:
        raise CouldNotLook(f"it did not come to an end within {max(0.1, seconds):.0f} s")
    return given[0]


class Disturber:
    """The only way an experiment disturbs a target. As a context manager it makes sure at its end that nothing stands."""

    def __init__(
        self,
        hands: Hands,
        journal: Journal,
        guarding: Guarding | None = None,
        say: Callable[[str], None] = lambda _: None,
        at_end: Callable[[], None] = lambda: None,
    ) -> None:
        """Nothing is done yet.

        Args:
            hands: of the driver.
            journal: of the run.
            guarding: the child that undoes what this process can't any more.
            say: is told what is undone after an interruption.
            at_end: is called when nothing stands any more, before signals have their way again.
        """
        self.hands = hands
        self.journal = journal
        self.broken: NotRecovered | None = None
        """What could not be undone. From then on nothing is disturbed."""
        self._guarding = guarding
        self._say = say
        self._at_end = at_end
        self._shield = Shield()
        self._standing: list[tuple[int, Act, float]] = []
        """Number, act, and for how many seconds it must be watched once it is undone."""

    def __enter__(self) -> Self:
        self._shield.up()
        return self

    def __exit__(self, _: type[BaseException] | None, cut: BaseException | None, __: TracebackType | None) -> None:
        lost = self.release()
        if lost and (cut is None or isinstance(cut, Exception)):
            raise lost

    def release(self) -> NotRecovered | None:
        """Undo what stands, if anything does, and let signals have their way again; done twice it does no harm.

        It is called at the end of the context, and by whoever made the context once more: a signal may come just before
        the first line of that end.
        """
        try:
            with self._shield:
                lost = self._bring_back(0)
                at_end, self._at_end = self._at_end, lambda: None
                at_end()
        finally:
            self._shield.down(last=True)
        return lost

    @contextmanager
    def disturbed(self, *acts: Act) -> Iterator[None]:
        """Do the acts, one after the other, and undo them at the end, last in first out.

        Raises:
            CouldNotLook: one could not be done; those before it are undone.
            NotRecovered: one could not be undone, now or earlier in this run.
        """
        self._shield.up()
        mark = len(self._standing)
        lost: NotRecovered | None = None
        try:
            try:
                for act in acts:
                    self._do(act)
                yield
            except Exception as trouble:
                lost = self._bring_back(mark)
                if lost:
                    raise lost from trouble
                raise
            finally:
                # An interruption stays one: what could not be undone is told by `broken` then.
                lost = self._bring_back(mark) or lost
        finally:
            if self._shield.raised:  # the one raise may have come just before that
                lost = self._bring_back(mark) or lost
            self._shield.down()
        if lost:
            raise lost

    def _do(self, act: Act) -> None:
        if self.broken:
            raise NotRecovered(f"nothing more is disturbed in this run: {self.broken.reason}")
        if self._guarding:
            self._guarding.ensure()
        with self._shield:
            number = self.journal.begin(act)
            began = time.monotonic()
            try:
                self.hands.do(act)
            except BaseException:
                took = time.monotonic() - began
                self._standing.append((number, act, 0.0 if took < AT_ONCE else max(0.0, unsettled(act) - took)))
                raise
            self._standing.append((number, act, 0.0))
            self.journal.done(number)

    def _bring_back(self, mark: int) -> NotRecovered | None:
        """Undo what stands above a mark, the last first; all of it, also when one can't be undone. Gives the first such."""
        lost: NotRecovered | None = None
        with self._shield:
            while len(self._standing) > mark:
                number, act, watched = self._standing[-1]
                with suppress(Exception):  # that it could not be told or noted is no reason to leave it
                    if self._shield.raised:
                        self._say(f"ending: {act.name} is brought back first")
                    self.journal.undoing(number)
                try:
                    undo(self.hands, act, watched=watched)
                    self.journal.undone(number)
                except NotRecovered as why:
                    lost = lost or why
                except CouldNotLook as why:
                    lost = lost or NotRecovered(
                        f"{act.name} is as it was found, but that could not be noted: {why.reason}"
                    )
                self._standing.pop()
            self.broken = self.broken or lost
        return lost
