"""Everything that one run observed of its target: the root of facts.json."""

from __future__ import annotations

from dataclasses import dataclass, field

from seatrial.facts.alerts.arrival import Alertmanager
from seatrial.facts.alerts.catalog import Catalog
from seatrial.facts.alerts.coverage import Vanishing
from seatrial.facts.alerts.dashboard import Dashboard
from seatrial.facts.alerts.evaluation import Evaluations
from seatrial.facts.alerts.monitoring import Monitoring
from seatrial.facts.alerts.operands import Operands
from seatrial.facts.alerts.rules import RuleFile
from seatrial.facts.answer import Answers
from seatrial.facts.backups.drill import Drill, Maintained
from seatrial.facts.backups.files import BackupFiles
from seatrial.facts.backups.schedule import ScheduleSeen
from seatrial.facts.container import Container
from seatrial.facts.experiment import Timeline
from seatrial.facts.exposition import Exposition
from seatrial.facts.leak import Leaks
from seatrial.facts.loads.baseline import Baselines
from seatrial.facts.loads.run import LoadRun
from seatrial.facts.machine import Machine
from seatrial.facts.process import Process
from seatrial.facts.reach import Reach
from seatrial.facts.settings import Settings
from seatrial.facts.socket import Handshake, Socket
from seatrial.words import Missing

__all__ = ["Engine", "Observations", "Runtime", "ServiceProcesses"]


@dataclass(frozen=True, slots=True)
class Engine:
    """What runs the deployment, and what it is identified by."""

    driver: str
    identity: str
    """Engine id, cluster uid or machine id."""
    description: str
    """``Docker Engine 20.10.24, linux/amd64, cgroup v1``."""
    local: bool
    """True when the kernel we run on is the kernel the target runs on, so that /proc shows its processes."""
    address: str = ""


@dataclass(frozen=True, slots=True)
class ServiceProcesses:
    """The processes of a service that runs without containers."""

    processes: tuple[Process, ...] | Missing
    listening: tuple[Socket, ...] | Missing


@dataclass(frozen=True, slots=True)
class Runtime:
    """What runs, as one driver saw it. Dictionaries are keyed by service."""

    engine: Engine
    containers: dict[str, tuple[Container, ...] | Missing] = field(default_factory=dict)
    unknown: tuple[Container, ...] | Missing = ()
    """Containers of the target that belong to no service of the profile."""
    processes: dict[str, ServiceProcesses | Missing] = field(default_factory=dict)
    """For driver process."""

    def generations(self) -> dict[str, tuple[str, ...]]:
        """By service, what tells one incarnation from the next: containers' ids, processes' pids, and start times."""
        found: dict[str, tuple[str, ...]] = {}
        for service, containers in self.containers.items():
            if not isinstance(containers, Missing):
                found[service] = tuple(f"{c.name} {c.id[:12]} started {c.started_at}" for c in containers)
        for service, seen in self.processes.items():
            if not isinstance(seen, Missing) and not isinstance(seen.processes, Missing):
                found[service] = tuple(f"pid {p.pid} started {p.started}" for p in seen.processes[:1])
        return found


@dataclass(frozen=True, slots=True)
class Observations:
    """What was seen, once. Dictionaries are keyed by the subject's id."""

    taken: str
    """RFC 3339, UTC: when the first look was taken."""
    runtime: Runtime | Missing
    answers: dict[str, Answers | Missing] = field(default_factory=dict)
    """By endpoint (``api.readiness``)."""
    strangers: dict[str, tuple[Handshake, ...] | Missing] = field(default_factory=dict)
    """By service."""
    reach: dict[str, tuple[Reach, ...] | Missing] = field(default_factory=dict)
    """By dependency (``api.redis``), one for each container or process of the service."""
    leaks: dict[str, Leaks | Missing] = field(default_factory=dict)
    """By service, secret file, repository and known secret: what was found where no secret may be."""
    settings: dict[str, Settings | Missing] = field(default_factory=dict)
    """By environment, configuration and agreement: what the deployment is really told."""
    expositions: dict[str, Exposition | Missing] = field(default_factory=dict)
    """By metrics (``api.metrics``)."""
    rules: dict[str, RuleFile | Missing] = field(default_factory=dict)
    """By rule file."""
    catalogs: dict[str, Catalog | Missing] = field(default_factory=dict)
    """By rule file and dashboard, the same for all: the metrics there are."""
    monitoring: dict[str, Monitoring | Missing] = field(default_factory=dict)
    """By server (``alerts.prometheus``)."""
    alertmanagers: dict[str, Alertmanager | Missing] = field(default_factory=dict)
    """By what of it is asked for (``alerts.alertmanager``, ``alerts.test_receiver``): the same for all."""
    operands: dict[str, Operands | Missing] = field(default_factory=dict)
    """By rule file: what its selectors and operands gave a running Prometheus."""
    vanishing: dict[str, Vanishing | Missing] = field(default_factory=dict)
    """By server (``alerts.prometheus``): which alerts tell that a target is down or gone."""
    dashboards: dict[str, Dashboard | Missing] = field(default_factory=dict)
    """By dashboard: what its file asks a Prometheus."""
    evaluations: dict[str, Evaluations | Missing] = field(default_factory=dict)
    """By alert and rule file: what real evaluation made of synthetic series."""
    experiments: dict[str, Timeline | Missing] = field(default_factory=dict)
    """By subject (``api.redis.hung``): what was seen while the target was disturbed."""
    backup_files: dict[str, BackupFiles | Missing] = field(default_factory=dict)
    """By backup (``backups.notes.files``): what lies where it is declared to be."""
    schedules: dict[str, ScheduleSeen | Missing] = field(default_factory=dict)
    """By backup (``backups.notes.schedule``): what is installed to make it."""
    drills: dict[str, Drill | Missing] = field(default_factory=dict)
    """By backup (``backups.notes.drill``): its round trip."""
    maintained: dict[str, Maintained | Missing] = field(default_factory=dict)
    """By maintenance (``maintenance.cleanup``): what it did to data that was made for it."""
    loads: dict[str, LoadRun | Missing] = field(default_factory=dict)
    """By objective (``slos.read``): the load it is judged by."""
    baselines: dict[str, Baselines | Missing] = field(default_factory=dict)
    """By ``baseline``: latencies without load."""
    machine: Machine | Missing = Missing("the machine was not looked at")
    """The hardware, looked at in every run: a verdict is worth what it was reached on."""
    addresses: dict[str, str | Missing] = field(default_factory=dict)
    """What the profile's references to sockets and ports stand for, by ``env NAME`` or ``file PATH``."""
    calls: dict[str, int] = field(default_factory=dict)
    """How often the target was asked, by driver and method (``docker GET``)."""
    changed: dict[str, str] = field(default_factory=dict)
    """By service: what was replaced while we looked. Every verdict on such a service is *could not look*."""

    def urls(self, id: str) -> dict[str, str]:
        """What stands for an address in a command to type, for one subject, where it was asked."""
        found: dict[str, list[object]] = {
            "PROMETHEUS": [*self.monitoring.values()],
            "ALERTMANAGER": [*self.alertmanagers.values()],
            "URL": [self.answers.get(id) or self.expositions.get(id)],
        }
        told = {
            word: next((url for one in ones if (url := getattr(one, "url", ""))), "") for word, ones in found.items()
        }
        return {word: url for word, url in told.items() if url}
