"""A service under a load that it is to carry: its probes, its lives, what it acknowledged, and whether it stood still.

Answers of probes that came too late, or were wrong now and then, are no finding where the machine itself was busy with something else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.facts.experiment import Bound, Sample, Timeline
from seatrial.facts.loads.judged import BUSIEST, Judged, time_text
from seatrial.facts.loads.memory_judged import endless_growth
from seatrial.facts.loads.run import Stream
from seatrial.words import CouldNotLook, Duration, Finding, Missing, seen

if TYPE_CHECKING:
    from seatrial.profile import model

__all__ = ["STILL", "TRANSPORT", "Load"]

TRANSPORT = re.compile(
    r"HTTP \d|refused\b|unknown host|unreachable|timed out|TLS\b|connection |no HTTP|head too long|body too long|"
    r"no local port|too many open files|no answer|not sent"
)
"""Kinds of failures in which no answer came, or another than declared: anything else is an answer that holds something wrong."""
_TROUBLE = re.compile(r"[A-Z]\w*(?:Error|Exception|Exit)?: ")
_GONE = re.compile(r"HTTP (?:404|410)\b")
STILL = 1.0
"""Seconds without any answer that users notice as such."""
MUCH_LATER = 5.0
"""How many times longer than usual half of a second's requests must have taken for the service to have stood still."""
ENOUGH = 5
"""Requests in a second from which on it says something how long half of them took."""
LOUD = 1.5
"""How many times longer the same work may take on this machine, and its lateness still be put down to the service."""


@dataclass(frozen=True, slots=True)
class Load(Judged):
    """One load, and what was watched meanwhile."""

    service: model.Service | None = None
    """As the profile declares it."""

    @property
    def watched(self) -> Timeline:
        """What was watched.

        Raises:
            CouldNotLook: nothing was.
        """
        return seen(self.run.watched)

    def _where(self, who: str) -> str:
        return f"{self.slo.service} ({who})"

    # --- probes -------------------------------------------------------------------------------------------------------

    @property
    def deaf_liveness(self) -> list[Finding]:
        """Where liveness, or a container's HEALTHCHECK, was not as declared, or not in time."""
        found = self._wrong("liveness")
        return found + (self._wrong("HEALTHCHECK") if self.watched.asked("HEALTHCHECK") else [])

    @property
    def lost_readiness(self) -> list[Finding]:
        """Where readiness was not as declared, or not in time."""
        return self._wrong("readiness")

    def _wrong(self, probe: str) -> list[Finding]:
        watched = self.watched
        if not watched.asked(probe):
            raise CouldNotLook(f"{probe} of {self.slo.service} was not asked while the load was made")
        bound = watched.bounds.get(f"timeout of {probe}", Bound(float("inf"), "no bound"))
        found, excused = [], ""
        for who in watched.asked(probe):
            samples = watched.of(probe, who=who, since=0.0, until=self.run.seconds)
            if not samples:
                raise CouldNotLook(f"{probe} of {who} was not asked while the load was made")
            wrong = [sample for sample in samples if not sample.ok or sample.seconds > bound.seconds]
            if not wrong:
                continue
            late = [sample for sample in wrong if not sample.status or sample.seconds > bound.seconds]
            text = (
                f"{probe} was wrong {len(wrong)} times of {len(samples)}, first {wrong[0].at:.1f} s after the load began: "
                f"{_said(wrong[0])} ({self.load_text()})"
            )
            # What it asks to answer may have been too late for it as well; not that it is wrong most of the time.
            if (len(late) == len(wrong) or 2 * len(wrong) < len(samples)) and (why := self._busy()):
                excused = f"{text}: {why}"
                continue
            expected = "as declared" + (f", within {bound}" if bound.seconds < float("inf") else "")
            found.append(Finding(self._where(who), text, expected))
        if excused and not found:
            raise CouldNotLook(excused)
        return found

    def _busy(self) -> str:
        """Why what came late may be the machine's doing, or the generator's that shares it with the service."""
        if self.noise > LOUD:
            return f"this machine was too busy to judge it: {self.loud}"
        busy, same = max(self.run.generator.busy, default=0.0), self.run.attested.same
        if busy > BUSIEST and not isinstance(same, Missing) and same:
            return f"on the same machine the generator used {busy:.0%} of a core"
        return ""

    @property
    def loud(self) -> str:
        """How noisy the machine was."""
        return f"the same work took up to {self.noise:.2f} times as long as it can"

    # --- lives --------------------------------------------------------------------------------------------------------

    @property
    def restarts(self) -> list[Finding]:
        """Replicas that ended or were started anew while the load was made."""
        watched = self.watched
        if not watched.before:
            raise CouldNotLook(
                f"no replica of {self.slo.service} was seen before, so that a restart would not be noticed"
            )
        found = []
        for replica, text in watched.ended():
            when = next((one.at for one in watched.moments if one.what.startswith(f"{replica} ")), None)
            told = f"{text}{'' if when is None else f' {when:.1f} s after the load began'} ({self.load_text()})"
            found.append(Finding(self._where(replica), told, "the same life before and after"))
        return found

    # --- answers ------------------------------------------------------------------------------------------------------

    @property
    def wrong_answers(self) -> list[Finding]:
        """What visits were told that is not so: written and not read back, or another answer than declared."""
        streams = self.run.streams[1:]
        if not streams:
            raise CouldNotLook("the load made no request")
        found = [
            Finding(
                f"{stream.name} of {self.name}", f"{count:,} times: {kind} ({self.load_text()})", "what was written"
            )
            for stream in streams
            for kind, count in sorted(stream.errors.items())
            if _holds_wrong(stream, kind)
        ]
        if not found and not sum(second.right for stream in streams for second in stream.seconds):
            raise CouldNotLook("no request was answered as declared, so that nothing could be read back")
        return found

    @property
    def standstills(self) -> list[Finding]:
        """Seconds in which half of all requests, where most are answered at once, had to wait until it went on again."""
        from seatrial.latency import histograms

        every = [second for second in self.judged if second.right + second.failed >= ENOUGH]
        known = histograms.merged(second.latency for second in every)
        if not histograms.total(known):
            raise CouldNotLook(
                "no request was answered as declared, so that nothing can be told of how fast answers are"
            )
        usual = histograms.quantile(known, 0.5)
        slow = max(STILL / 2, MUCH_LATER * usual)
        took = {one.at: _half(one.latency) for one in every if one.latency}
        still = [at for at, half in took.items() if half > slow]
        if not still:
            return []
        told = (
            f"half of the requests that began {_spans(still)} after the begin took {time_text(max(took[at] for at in still))} "
            f"or longer, where half of all take {time_text(usual)} ({self.load_text()})"
        )
        lag = histograms.decode(self.run.generator.lag)
        latest = histograms.quantile(lag, 1.0) if histograms.total(lag) else 0.0
        # A machine that is only slow does not stand still; one that did has kept the generator from its work, too.
        if latest > STILL / 4:
            raise CouldNotLook(f"{told}; the generator itself stood still for {time_text(latest)}")
        return [Finding(self.slo.service, told, "answers that come as in every other second")]

    # --- memory -------------------------------------------------------------------------------------------------------

    @property
    def growing(self) -> list[Finding]:
        """Replicas whose memory grew by much, and grew on to the end."""
        return endless_growth(self.run)


def _said(sample: Sample) -> str:
    if sample.ok:
        return f"an answer after {Duration(round(sample.seconds, 2))}"
    return str(sample).partition(": ")[2]


def _holds_wrong(stream: Stream, kind: str) -> bool:
    """Whether a failure is an answer that is not what it must be; what is asked for by GET and is not there, is gone."""
    if stream.name.startswith("GET ") and _GONE.match(kind):
        return True
    return not TRANSPORT.match(kind) and not _TROUBLE.match(kind)


def _half(latency: str) -> float:
    from seatrial.latency import histograms

    return histograms.quantile(histograms.decode(latency), 0.5)


def _spans(seconds: list[int]) -> str:
    """``4 to 6 s, 9 to 10 s``."""
    told: list[list[int]] = []
    for second in seconds:
        if told and told[-1][1] == second:
            told[-1][1] = second + 1
        else:
            told.append([second, second + 1])
    return ", ".join(f"{begin} to {end} s" for begin, end in told)
