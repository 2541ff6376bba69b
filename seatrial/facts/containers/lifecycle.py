"""How the containers start, end and start again."""

from __future__ import annotations

from dataclasses import dataclass

from seatrial.facts.container import Container
from seatrial.facts.containers.looking import Look, Looking, finds, stopped
from seatrial.words import CouldNotLook, Duration, Finding, Missing

__all__ = ["Lifecycle"]

MOST_RETRIES = 5
SSH_SERVERS = frozenset({"sshd", "dropbear"})


def _endless(container: Container) -> str:
    if container.restart_policy != "on-failure" or 1 <= container.restart_limit <= MOST_RETRIES:
        return ""
    return f"restart policy on-failure, {container.restart_limit or 'unlimited'} retries"


def _end(container: Container) -> str:
    return f"{container.state}, exit code {container.exit_code}"


@dataclass(frozen=True, slots=True)
class Lifecycle(Looking):
    """Replicas, restarts, ends, and who may log in meanwhile."""

    @property
    def wrong_replicas(self) -> list[Finding]:
        """What is missing or too many of the declared containers: running ones, or jobs that ended well."""
        if self.declared.one_shot:
            return self._wrong_jobs()
        running = sum(container.running for container in self.containers)
        if running == self.expected_count:
            return []
        others = [Finding(str(container), _end(container)) for container in self.containers if not container.running]
        return [Finding(f"service {self.service}", f"{running} running", f"{self.expected_count}"), *others]

    def _wrong_jobs(self) -> list[Finding]:
        found = [
            Finding(str(container), _end(container), "exited, exit code 0")
            for container in self.containers
            if not container.running and (container.state, container.exit_code) != ("exited", 0)
        ]
        if len(self.containers) != self.expected_count:
            count = Finding(f"service {self.service}", f"{len(self.containers)} containers", f"{self.expected_count}")
            found.insert(0, count)
        going = [str(container) for container in self.containers if container.running]
        if going and not found:
            raise CouldNotLook(f"the job in {', '.join(going)} has not ended yet")
        return found

    @finds
    def other_restart_policies(self) -> Look:
        """Containers whose restart policy is not the declared one."""
        for container in self.containers:
            policy = container.restart_policy or "no"
            if policy != self.declared.restart:
                yield Finding(str(container), f"restart policy {policy}", f"{self.declared.restart}")

    @finds
    def endless_retries(self) -> Look:
        """Containers that are restarted on failure without an end, or too often."""
        return self.each(_endless)

    @finds
    def excess_restarts(self) -> Look:
        """Containers that were restarted more often than declared."""
        most = self.declared.max_restarts or 0
        for container in self.containers:
            if container.restart_count > most:
                yield Finding(str(container), f"restarted {container.restart_count} times", f"at most {most}")

    @finds
    def oom_kills(self) -> Look:
        """Containers in which the kernel killed for want of memory."""
        for container in self.containers:
            kills = container.oom_kills
            if container.oom_killed:
                yield Finding(str(container), "killed by the kernel for want of memory")
            elif self.ended(container):
                continue
            elif not container.running:
                yield stopped(container)
            elif isinstance(kills, Missing):
                yield kills
            elif kills:
                yield Finding(str(container), f"the kernel killed {kills} of its processes for want of memory")

    @finds
    def impatient_stops(self) -> Look:
        """Containers that the engine kills before their declared grace period is over."""
        grace: Duration | None = self.declared.grace_period
        for container in self.containers:
            if grace and container.stop_timeout < grace.seconds:
                seen = f"killed {Duration(container.stop_timeout)} after it was asked to stop"
                yield Finding(str(container), seen, f"{grace}")

    @finds
    def ssh_servers(self) -> Look:
        """Processes that let somebody log in to a container."""
        return self.each_process(lambda process: "an SSH server" if {process.name, process.exe} & SSH_SERVERS else "")
