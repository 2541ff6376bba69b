"""Whether objectives are stated so that they say something: looked at in the profile alone, before any load is made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seatrial.facts.loads.judged import share_text
from seatrial.words import CouldNotLook, Duration, Finding, Rate

if TYPE_CHECKING:
    from seatrial.profile.objectives import ClassNumbers, Numbers, Slo

__all__ = ["Stated"]


@dataclass(frozen=True, slots=True)
class Stated:
    """One load as its profile states it."""

    id: str
    slo: Slo
    classes: tuple[str, ...] = ()
    """Of `hardware.classes`."""

    def _stated(self) -> Iterator[tuple[str, str, Numbers, ClassNumbers | Slo]]:
        """Everything that numbers are stated of: where, which endpoint, the numbers, and what says how often it is asked."""
        of: list[tuple[str, ClassNumbers | Slo]] = [(self.id, self.slo)]
        of += [(f"{self.id}.classes.{name}", node) for name, node in self.slo.classes.items()]
        for where, node in of:
            yield where, "", node, node
            for endpoint, numbers in node.endpoints.items():
                yield f"{where}.endpoints.{endpoint}", endpoint, numbers, node

    @property
    def without_errors(self) -> list[Finding]:
        """Latency that is promised where no share of errors is: neither there nor of all requests together."""
        everywhere = self.slo.errors is not None
        return [
            Finding(where, f"latency of {', '.join(numbers.latency)}, and no errors", "errors beside latency")
            for where, _, numbers, of in self._stated()
            if numbers.latency and numbers.errors is None and of.errors is None and not everywhere
        ]

    @property
    def closed(self) -> list[Finding]:
        """Users that wait for their answers, where latency is promised."""
        found = []
        of: list[tuple[str, Slo | ClassNumbers]] = [(self.id, self.slo)]
        of += [(f"{self.id}.classes.{name}", node) for name, node in self.slo.classes.items()]
        for where, node in of:
            if node.users is not None and node.rate is None:
                seen = f"{node.users} users, who ask again only when they were answered: a closed loop"
                found.append(Finding(where, seen, "a rate of arrivals: an open loop"))
        return found

    @property
    def undecidable(self) -> list[Finding]:
        """Quantiles and shares that so few requests can't decide, however well all goes."""
        from seatrial.latency import intervals

        found = []
        for where, _, numbers, of in self._stated():
            count = self._requests(of)
            if count is None:
                continue
            told = f"at most {count:,} requests in {self.slo.duration}"
            for name in numbers.latency:
                least = intervals.needed(float(name.lstrip("p")) / 100)
                if count < least:
                    found.append(Finding(f"{where}.latency.{name}", told, f"at least {least:,} for {name}"))
            if numbers.errors is not None and numbers.errors.value < 1:
                high = intervals.unseen(max(1, count))
                if high > numbers.errors.value:
                    seen = f"{told}: when none fails, up to {share_text(high)} still may"
                    found.append(Finding(f"{where}.errors", seen, f"enough to tell {numbers.errors}"))
        if self.slo.duration.seconds < intervals.SHORTEST and any(
            numbers.throughput for _, _, numbers, _ in self._stated()
        ):
            least_time = Duration(intervals.SHORTEST)
            found.append(Finding(self.id, f"throughput over {self.slo.duration}", f"at least {least_time}"))
        return found

    def _requests(self, of: ClassNumbers | Slo) -> int | None:
        """The most requests of a kind that are judged; None where the load alone knows: a visit may hold any number of them."""
        if self.slo.call is None:
            return None
        rate: Rate | None = of.rate
        users = of.users if rate is None else None
        if rate is None and users is None:
            rate, users = self.slo.rate, self.slo.users
        if rate is not None:
            return round(rate.per_second * self.slo.duration.seconds)
        if users is not None and self.slo.pause.seconds:
            return round(users * self.slo.duration.seconds / self.slo.pause.seconds) + users
        return None

    @property
    def forgotten_classes(self) -> list[Finding]:
        """Classes of machines that the profile knows, and of which this objective says nothing."""
        if not self.classes:
            raise CouldNotLook("hardware.classes is not declared")
        lacking = [name for name in self.classes if name not in self.slo.classes]
        stated = ", ".join(self.slo.classes)
        return [Finding(self.id, f"numbers for {stated}, and none for {name}", "numbers for each") for name in lacking]

    @property
    def unbounded(self) -> list[Finding]:
        """A load that reaches what is paid for, when no number of requests bounds the bill."""
        if self.slo.max_requests is not None:
            return []
        return [Finding(self.id, "it reaches a paid service, and max_requests is not declared", "max_requests")]
