"""What operators do to a service while clients use it, as tests see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.facts.experiment import Sample, Timeline
from seatrial.words import CouldNotLook, Duration, Finding, Ratio, seen

if TYPE_CHECKING:
    from seatrial.profile.model import Lifecycle

__all__ = [
    "AFTER", "BACK", "BEFORE", "BEGAN", "CLIENT", "COUNTS", "FOUND", "KEYS", "NEW", "OLD", "REPLICA", "ROTATED", "VERSION",
    "Operation",
]  # fmt: skip

CLIENT, FOUND = "client", "client's writes read back"
REPLICA, AFTER, VERSION = "new replica's readiness", "readiness afterwards", "version"
OLD, NEW = "old key", "new key"
BEFORE, ROTATED, BACK = "before", "rotated", "back"
KEYS = {phase: (f"{OLD}, {phase}", f"{NEW}, {phase}") for phase in (BEFORE, ROTATED, BACK)}
"""What the samples are called; of keys by phase, each of the old and of the new one. A sample is ok when the key is taken,
or refused, as it should be then."""
BEGAN = "began at seconds"
COUNTS = ("replicas before", "replicas when scaled", "replicas afterwards")
"""What numbers are called."""
LEAST_RATE = 5.0
"""Requests a second that must have been made for a verdict; ten are planned."""
IN_A_ROW = 3


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that was done to one service under a client."""

    id: str
    service: str
    kind: str
    """scale, replace, upgrade or rotate."""
    declared: Lifecycle
    timeline: Timeline

    @property
    def _what(self) -> str:
        """``upgraded (command replace.sh ended with status 0)``."""
        seen(self.timeline.fault)
        return "; ".join(
            dict.fromkeys(f"{one.of} was {one.kind} ({one.how}; {one.proof})" for one in self.timeline.faults)
        )

    @property
    def _asked(self) -> tuple[Sample, ...]:
        """The client's requests since the operation began.

        Raises:
            CouldNotLook: nothing was done, or nothing was asked.
        """
        seen(self.timeline.fault)
        made = self.timeline.of(CLIENT, since=self.timeline.numbers.get(BEGAN, 0.0))
        if not made:
            raise CouldNotLook("the client made no request while this was done")
        return made

    # --- of every operation -------------------------------------------------------------------------------------------

    @property
    def failed_requests(self) -> list[Finding]:
        """The requests that failed, where they are more than the budget allows."""
        made = self._asked
        failed = [sample for sample in made if not sample.ok]
        share = len(failed) / len(made)
        if share > self.declared.errors.value:
            return [
                Finding(
                    f"{self.service} (front)",
                    f"{len(failed)} of {len(made)} requests failed ({Ratio(round(share, 4))}), the first "
                    f"{Duration(round(failed[0].at - made[0].at, 1))} and the last "
                    f"{Duration(round(failed[-1].at - made[0].at, 1))} after it was begun: {_several(failed)}; {self._what}",
                    f"at most {self.declared.errors} (services.{self.service}.lifecycle.errors)",
                )
            ]
        span = made[-1].at - made[0].at
        if span <= 0 or (len(made) - 1) / span < LEAST_RATE:
            raise CouldNotLook(
                f"the client made {len(made)} requests in {Duration(round(span, 1))}, fewer than {LEAST_RATE:g} a second: "
                f"this machine was too busy to judge it"
            )
        return []

    @property
    def lost_writes(self) -> list[Finding]:
        """What was acknowledged, and is not read back at the end."""
        self._asked  # noqa: B018 - nothing is judged where nothing was done
        written = sum(sample.ok for sample in self.timeline.of(CLIENT))
        looked = self.timeline.of(FOUND)
        if not written or written != len(looked):
            raise CouldNotLook(f"of {written} acknowledged writes {len(looked)} were looked for")
        lost = [sample for sample in looked if not sample.ok]
        if not lost:
            return []
        return [
            Finding(
                f"{self.service} (front)",
                f"{len(lost)} of {written} writes that were acknowledged are not read back at the end: {_several(lost)}; "
                f"{self._what}",
                "every acknowledged write is read back",
            )
        ]

    @property
    def unready_afterwards(self) -> list[Finding]:
        """What is not as before when all is over: readiness of each replica, the client, and how many replicas there are."""
        self._asked  # noqa: B018
        bound = self.timeline.bounds["ready_within"]
        lanes = [(AFTER, who) for who in self.timeline.asked(AFTER)]
        found = []
        for probe, who in (*lanes, (CLIENT, "front")):
            last = self.timeline.of(probe, who=who)[-IN_A_ROW:]
            if len(last) < IN_A_ROW:
                raise CouldNotLook(f"{probe} of {who} was asked {len(last)} times after all was over")
            if wrong := [sample for sample in last if not sample.ok]:
                found.append(
                    Finding(
                        f"{self.service} ({who})", f"{_several(wrong)}; {self._what}",
                        f"the steady state of before, within {bound}",
                    )
                )  # fmt: skip
        before, after = (sum(one.running for one in lives) for lives in (self.timeline.before, self.timeline.after))
        if before != after:
            found.append(
                Finding(self.service, f"{after} replicas run afterwards; {self._what}", f"{before}, as before")
            )
        return found

    # --- of one kind --------------------------------------------------------------------------------------------------

    @property
    def unready_replicas(self) -> list[Finding]:
        """New replicas that did not become ready in time, and counts that were not reached."""
        what, numbers = self._what, self.timeline.numbers
        bound = self.timeline.bounds["ready_within"]
        who = self.timeline.asked(REPLICA)
        if not who:
            raise CouldNotLook(
                "no new replica could be asked at its own address whether it is ready",
                right=f"services.{self.service}.readiness, and a port of its own",
            )
        found = []
        for name in who:
            last = self.timeline.of(REPLICA, who=name)[-IN_A_ROW:]
            if len(last) < IN_A_ROW or not all(sample.ok for sample in last):
                found.append(
                    Finding(f"{self.service} ({name})", f"not ready: {_several(last)}; {what}", f"ready within {bound}")
                )
        if self.kind == "scale":
            for when, want in ((COUNTS[1], self.declared.scale), (COUNTS[2], numbers[COUNTS[0]])):
                if numbers[when] != want:
                    found.append(Finding(self.service, f"{when}: {numbers[when]:g}; {what}", f"{want:g}"))
        return found

    @property
    def wrong_version_upgraded(self) -> list[Finding]:
        """Places that do not say the new version after the upgrade."""
        step = self.declared.upgrade
        return self._versions("upgrade", step.version if step else None)

    @property
    def wrong_version_rolled_back(self) -> list[Finding]:
        """Places that do not say the old version after the rollback."""
        step = self.declared.rollback
        return self._versions("rollback", step.version if step else None)

    def _versions(self, step: str, want: str | None) -> list[Finding]:
        what = self._what
        wanted = f"version {want} (services.{self.service}.lifecycle.{step}.version)"
        return list(self._last(f"{VERSION} after {step}", f"after the {step}", wanted, what))

    @property
    def new_key_refused(self) -> list[Finding]:
        """Places where the new key is not taken when it is in force."""
        return list(self._last(KEYS[ROTATED][1], "with the new key", "as services declare the call", self._what))

    @property
    def old_key_taken(self) -> list[Finding]:
        """Places where the old key is not refused when the new one is in force."""
        return list(self._last(KEYS[ROTATED][0], "with the old key", "refused as declared", self._what))

    @property
    def keys_not_back(self) -> list[Finding]:
        """Places where, when the old key is in force again, it is not taken, or the new one is."""
        what = self._what
        return [
            *self._last(KEYS[BACK][0], "with the old key", "taken, as it is in force again", what),
            *self._last(KEYS[BACK][1], "with the new key", "refused, as it is not in force any more", what),
        ]

    def _last(self, probe: str, where: str, expected: str, what: str) -> Iterator[Finding]:
        """What the last answers of a probe, which were waited for, still have wrong."""
        asked = self.timeline.asked(probe)
        if not asked:
            raise CouldNotLook(f"{probe}: was not asked")
        for who in asked:
            last = self.timeline.of(probe, who=who)[-1]
            if not last.ok:
                within = self.timeline.bounds["ready_within"]
                yield Finding(
                    f"{self.service} ({who}), {where}", f"{last.failure}; {what}", f"{expected}, within {within}"
                )


def _several(samples: tuple[Sample, ...] | list[Sample], most: int = 3) -> str:
    """What is wrong with some samples, each text once."""
    texts = list(dict.fromkeys(sample.failure or f"HTTP {sample.status}" for sample in samples))
    more = f" and {len(texts) - most} other kinds" if len(texts) > most else ""
    return "; ".join(texts[:most]) + more
