"""How findings are found: over every container and process of a service, never silently over none."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from seatrial.facts.container import Container
from seatrial.facts.process import Privileges, Process
from seatrial.words import CouldNotLook, Finding, Missing

if TYPE_CHECKING:
    from seatrial.profile.model import Service

__all__ = ["Look", "Looking", "finds", "seen_processes", "stopped"]

Look = Iterator[Finding | Missing]
Self = TypeVar("Self", bound="Looking")

JOB_ENDED = "(declared, as the job has ended)"
NOT_SEEN = "(declared; what is effective could not be looked at)"


def finds(look: Callable[[Self], Look]) -> Any:
    """A property that lists what ``look`` finds; where it finds nothing, what it could not see is an error."""

    @functools.wraps(look)
    def decided(self: Self) -> list[Finding]:
        if not self.containers and self.expected_count:
            raise CouldNotLook(
                f"service {self.service} has no container, though the profile declares {self.expected_count}"
            )
        found: list[Finding] = []
        missing: list[Missing] = []
        for each in look(self):
            if isinstance(each, Missing):
                missing.append(each)
            else:
                found.append(each)
        if missing and not found:
            raise CouldNotLook(missing[0].reason, right=missing[0].right)
        return found

    return property(decided)


def stopped(container: Container) -> Missing:
    """Why nothing effective can be seen of a container that does not run."""
    return Missing(f"{container} is not running ({container.state}), so that nothing effective can be seen of it")


def seen_processes(container: Container) -> tuple[Process, ...] | Missing:
    """The processes of a container; none at all is never taken for an observation."""
    if not container.running:
        return stopped(container)
    if not isinstance(container.processes, Missing) and not container.processes:
        return Missing(f"{container} runs, but no process of it was seen")
    return container.processes


def _nothing(_: Container) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Looking:
    """The containers of one service, and the ways to go over them."""

    service: str
    declared: Service
    containers: tuple[Container, ...]
    hardening: str = "baseline"
    taken: str = ""
    """When they were looked at, RFC 3339; empty means now."""

    @property
    def expected_count(self) -> int:
        """How many containers the profile declares."""
        if self.declared.replicas is not None:
            return self.declared.replicas
        return len(self.declared.containers or ()) or 1

    def ended(self, container: Container) -> bool:
        """Whether it is a one-shot job that is over, well or badly."""
        return self.declared.one_shot and container.state in ("exited", "dead")

    def unseen(self, container: Container) -> str:
        """Why what a container was created with is shown, where what is effective is not."""
        return JOB_ENDED if self.ended(container) else NOT_SEEN

    def each(self, judge: Callable[[Container], str]) -> Look:
        """What is wrong with each container, from what the engine tells of it, running or not."""
        for container in self.containers:
            if told := judge(container):
                yield Finding(str(container), told)

    def each_process(
        self,
        judge: Callable[[Process], str | Missing],
        *,
        job: Callable[[Container], str] = _nothing,
        declared: Callable[[Container], str] = _nothing,
        only: Container | None = None,
    ) -> Look:
        """What is wrong with each process. Those of one name with the same fault are one finding.

        Args:
            judge: what is wrong with a process, empty when nothing is.
            job: what is wrong with an ended job, from what it was created with.
            declared: what is wrong for certain, by what a container was created with, when its processes are not seen.
            only: this container alone.
        """
        for container in self.containers if only is None else (only,):
            processes = seen_processes(container)
            if isinstance(processes, Missing):
                if told := job(container) if self.ended(container) else declared(container):
                    yield Finding(str(container), f"{told} {self.unseen(container)}")
                elif not self.ended(container):
                    yield processes
                continue
            alike: dict[tuple[str, str], list[str]] = {}
            for process in processes:
                verdict = judge(process)
                if isinstance(verdict, Missing):
                    yield verdict
                elif verdict:
                    alike.setdefault((process.name, verdict), []).append(str(process.pid))
            for (name, told), pids in alike.items():
                noun = "process" if len(pids) == 1 else "processes"
                yield Finding(f"{container}, {noun} {', '.join(pids)} ({name})", told)

    def each_privileges(
        self,
        judge: Callable[[Privileges], str],
        *,
        job: Callable[[Container], str] = _nothing,
        declared: Callable[[Container], str] = _nothing,
        privileged: bool = True,
    ) -> Look:
        """As `each_process`, of what the kernel lets them do; ``privileged=False`` leaves out privileged containers."""

        def of_process(process: Process) -> str | Missing:
            return process.privileges if isinstance(process.privileges, Missing) else judge(process.privileges)

        for container in self.containers:
            if privileged or not container.privileged:
                yield from self.each_process(of_process, job=job, declared=declared, only=container)
