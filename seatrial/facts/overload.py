"""A service under more than it can do, and while its slowest call runs: what its probes said meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.facts.probes_watched import Watched, span
from seatrial.words import CouldNotLook, Finding

__all__ = ["BUSY", "TAKEN", "Overload", "SlowestCall"]

TAKEN = "processor_share_before"
BUSY = 0.9
"""Share of this machine's processor time that was taken before anything was done, from which a late answer proves nothing of
the service."""


@dataclass(frozen=True, slots=True)
class Overload(Watched):
    """Twice the calls that a service can answer, for a while."""

    @property
    def deaf_liveness(self) -> list[Finding]:
        """Where liveness was not as declared, or not in time, from the beginning of the overload on.

        Raises:
            CouldNotLook: it was not, and others had kept this machine busy before, so that it may be their doing.
        """
        found = self.silent_liveness
        taken = self.timeline.numbers.get(TAKEN, 0.0)
        if found and taken > BUSY:
            raise CouldNotLook(
                f"this machine was too busy to judge it: {taken:.0%} of its processors' time was taken before anything was "
                f"done; {found[0]}"
            )
        return found


@dataclass(frozen=True, slots=True)
class SlowestCall(Watched):
    """The first run of the slowest call that is declared."""

    @property
    def mistaken_for_dead(self) -> list[Finding]:
        """Where liveness was not as declared, or not in time, while the call ran.

        Raises:
            CouldNotLook: the call failed, or was over before liveness could be asked twice.
        """
        (call, *_) = self.timeline.of("slowest") or (None,)
        if call is None:
            raise CouldNotLook("the slowest call was not made")
        if not call.ok:
            raise CouldNotLook(f"the slowest call did not do what is declared: {str(call).partition(': ')[2]}")
        asked = len(self.timeline.of("liveness", since=call.at, until=call.end))
        if asked < 2:
            raise CouldNotLook(
                f"the slowest call took {span(call.seconds)}, in which liveness was asked {asked} times: it is not slow"
            )
        return self._steadily("liveness", since=self.fault.began, until=self.fault.ended)
