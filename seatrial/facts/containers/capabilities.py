"""What the processes may do beyond their user."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.facts.container import Container
from seatrial.facts.containers._capabilities import ALLOWED, DANGEROUS, granted, spelled
from seatrial.facts.containers.looking import Look, Looking, finds
from seatrial.facts.containers.users import declared_root
from seatrial.facts.process import Privileges, capability_names

__all__ = ["Capabilities"]


def _held(may: Privileges) -> frozenset[str]:
    return frozenset(capability_names(may.cap_effective | may.cap_permitted | may.cap_ambient))


def _dangerous(may: Privileges) -> str:
    found = DANGEROUS & (_held(may) | frozenset(capability_names(may.cap_bounding)))
    return f"has {spelled(found)}" if found else ""


def _declared_dangerous(container: Container) -> str:
    found = granted(container.cap_add, container.cap_drop) & DANGEROUS
    return f"has {spelled(found)}" if found else ""


def _excess(may: Privileges) -> str:
    found = _held(may) - ALLOWED - DANGEROUS
    return f"holds {spelled(found)}" if found else ""


def _declared_excess(job: Container) -> str:
    found = granted(job.cap_add, job.cap_drop) - ALLOWED - DANGEROUS
    return f"holds {spelled(found)}" if found and declared_root(job) else ""


def _obtainable(may: Privileges) -> str:
    found = frozenset(capability_names(may.cap_bounding)) - _held(may) - ALLOWED - DANGEROUS
    return f"could gain {spelled(found)}" if found else ""


def _declared_obtainable(job: Container) -> str:
    found = granted(job.cap_add, job.cap_drop) - ALLOWED - DANGEROUS
    return f"could gain {spelled(found)}" if found and not declared_root(job) else ""


@dataclass(frozen=True, slots=True)
class Capabilities(Looking):
    """Capabilities of every process, from the sets the kernel keeps. Privileged containers have a requirement of their own."""

    @finds
    def dangerous_capabilities(self) -> Look:
        """Capabilities that amount to root on the host, in any set of any process."""
        return self.each_privileges(_dangerous, job=_declared_dangerous, declared=_declared_dangerous, privileged=False)

    @finds
    def excess_capabilities(self) -> Look:
        """Capabilities that a process holds now, beyond the one that the restricted standard allows."""
        return self.each_privileges(_excess, job=_declared_excess, privileged=False)

    @finds
    def obtainable_capabilities(self) -> Look:
        """Capabilities that a process doesn't hold but could gain, through its bounding set."""
        return self.each_privileges(_obtainable, job=_declared_obtainable, privileged=False)
