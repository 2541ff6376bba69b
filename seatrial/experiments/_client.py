"""A client that goes on making the canary call ten times a second, and remembers what was acknowledged."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any

from seatrial.drivers._http_calls import call, differs
from seatrial.experiments._sampling import Asker
from seatrial.experiments._sentinels import Sentinel, Sentinels
from seatrial.facts.experiment import Sample
from seatrial.facts.lifecycle import CLIENT, FOUND
from seatrial.words import CouldNotLook, Missing

if TYPE_CHECKING:
    from seatrial.drivers import Session
    from seatrial.experiments._sampling import Watch
    from seatrial.profile.model import Canary, Rotation

__all__ = ["EVERY", "Client", "rekeyed"]


EVERY = 0.1
"""Seconds between two requests."""
WAITING = 100
"""Requests that are waited for at the same time, at most."""
READ_WITHIN = 5.0


def rekeyed(node: Canary, old: Canary, new: Canary) -> Canary:
    """A call, and its second calls, with the headers of one key replaced by those of another, where it has them."""
    changes: dict[str, Any] = {}
    if node.headers:
        swapped = {
            name: (new.headers or {}).get(name, value) if (old.headers or {}).get(name) == value else value
            for name, value in node.headers.items()
        }
        changes["headers"] = swapped
    for second in ("read_back", "remove"):
        if (inner := getattr(node, second)) is not None:
            changes[second] = rekeyed(inner, old, new)
    return node.model_copy(update=changes)


class Client:
    """One client of a service, at its front."""

    def __init__(self, session: Session, name: str, rotation: Rotation | None = None) -> None:
        """Begin with nothing asked yet.

        Args:
            session: of the run.
            name: the service.
            rotation: a key that is replaced meanwhile. Where the canary uses it, the client has both, as clients need for
                such a time: what is refused with one is asked again at once with the other.
        """
        node = session.profile.services[name].canary
        if node is None:
            raise CouldNotLook(f"{name} declares no call that a client makes", right=f"services.{name}.canary")
        self.session = session
        self.service = session.profile.services[name]
        self.node = node
        self.rotation = rotation
        self.tells = bool(node.sentinel and node.read_back)
        self.written: list[tuple[float, Sentinel]] = []
        """What was acknowledged, and when it was asked, on the clock of the watch."""
        self._sentinels = [Sentinels(session, name, node)]
        if rotation is not None and (other := rekeyed(node, rotation.call, rotation.renewed)) != node:
            self._sentinels.append(Sentinels(session, name, other))
        self._using = 0
        self._lock = threading.Lock()
        self.watch: Watch | None = None

    def asker(self) -> Asker:
        """What a watch asks."""
        waiting = min(WAITING, math.ceil(self.node.timeout.seconds / EVERY) + 1)
        return Asker(CLIENT, "front", self.ask, EVERY, waiting)

    def ask(self) -> Sample:
        """Make the call once."""
        using = self._using
        began = self.watch.now if self.watch else 0.0
        one = self._made(using)
        if len(self._sentinels) > 1 and self.rotation and one.status == self.rotation.refused:
            again = self._made(1 - using)
            if not again.failure:
                self._using, one = 1 - using, again
        if not one.failure:
            with self._lock:
                self.written.append((began, one))
        return Sample(0.0, CLIENT, "front", not one.failure, one.status, one.seconds, one.failure)

    def _made(self, using: int) -> Sentinel:
        if self.tells:
            return self._sentinels[using].write("client")
        node = self._sentinels[using].node
        answer = call(self.session, self.service, node)
        if isinstance(answer, Missing):
            return Sentinel("client", node, answer.reason)
        return Sentinel("client", node, differs(node, answer), answer.seconds, answer.status)

    def look(self, watch: Watch) -> None:
        """Look for everything that was acknowledged, with the key that was in force at first; no request is made any more."""
        if not self.tells:
            return
        ones = [(at, self._with_old(one)) for at, one in self.written]
        lost = self._sentinels[0].lost([one for _, one in ones], READ_WITHIN)
        for (at, _), why in zip(ones, lost, strict=True):
            if why is not None:
                failure = f"acknowledged at {at:.2f} s: {why}" if why else ""
                watch.add(Sample(round(watch.now, 4), FOUND, "front", not why, failure=failure))

    def _with_old(self, one: Sentinel) -> Sentinel:
        if len(self._sentinels) == 1 or self.rotation is None:
            return one
        node = rekeyed(one.node, self.rotation.renewed, self.rotation.call)
        return Sentinel(one.kind, node, one.failure, one.seconds, one.status)

    def tidy(self) -> None:
        """Take away what was written, where that is declared."""
        self._sentinels[0].tidy(self._with_old(one) for _, one in self.written)
