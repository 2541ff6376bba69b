"""Where a defect is made and looked at: containers of the lab, a profile that declares them, and every verdict on them."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import suites
from seatrial import drivers
from seatrial.catalogue import catalogue
from seatrial.facts.containers import Containers
from seatrial.facts.deployment import Deployment
from seatrial.profile.loading import Loaded, load
from seatrial.profile.references import References
from seatrial.profile.subjects import subjects
from seatrial.words import CouldNotLook, seen
from tests.lab import Container, Engine, Lab

__all__ = ["Bench", "Broken", "verdicts"]

SUBJECT = "subject"
BASE: dict[str, Any] = {"volumes": ["data:/data"], "mem_limit": "16m", "memswap_limit": "16m"}
"""What every container of the bench has, whatever its image, unless a defect says otherwise."""
REQUIREMENTS = {
    requirement.id: (requirement, function)
    for requirement, function in catalogue(suites)
    if requirement.area == "containers"
}


@dataclass
class Broken:
    """Containers with a defect, and what the profile says of them."""

    containers: list[Container]
    declared: dict[str, Any]
    target: dict[str, Any]

    def profile(self, folder: Path) -> Path:
        """Write the profile that declares them."""
        names = {"containers": [container.name for container in self.containers]} if self.containers else {}
        services = {SUBJECT: {**names, **self.declared}}
        return write_profile(folder, self.target, services)


def write_profile(folder: Path, target: Mapping[str, Any], services: Mapping[str, Any]) -> Path:
    """Write a profile; JSON is YAML."""
    path = folder / "bench.yaml"
    head = {"profile": "bench", "environment": "test", "hardening": "restricted"}
    path.write_text(json.dumps({**head, "target": target, "services": services}, indent=1), encoding="utf-8")
    return path


class Bench:
    """Makes conforming containers but for what is said, and takes them down again."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.target: dict[str, Any] = {"driver": "docker"}
        self._after = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._after.close()

    def afterwards(self, undo: Callable[..., Any], *arguments: Any) -> None:
        """Call this when all is done."""
        self._after.callback(undo, *arguments)

    def elsewhere(self, make: Callable[[], contextlib.AbstractContextManager[Lab]]) -> Bench:
        """A bench on another engine, for as long as this one is used."""
        other = Bench(self._after.enter_context(make()))
        self._after.callback(other._after.close)
        other.target = {"driver": "docker", "host": f"unix://{other.lab.engine.path}"}
        return other

    def declared(self, **changes: Any) -> dict[str, Any]:
        """All that can be declared of the lab's tiny container; None takes a key away."""
        whole = {
            "image": self.lab.images["tiny"],
            "image_max_age": "3650d",
            "platform": "linux/amd64",
            "restart": "on-failure",
            "max_restarts": 0,
            "grace_period": "10s",
            "resources": {"memory": "16MiB", "cpus": "0.5", "pids": 64, "nofile": 4096},
            "persistence": {"paths": ["/data"]},
            "logs": {"max_size": "3MB"},
            **changes,
        }
        return {key: value for key, value in whole.items() if value is not None}

    def container(self, image: str = "tiny", *, host: dict[str, Any] | None = None, **words: Any) -> Container:
        """One container; ``host`` are fields of the engine's HostConfig that compose has no word for."""
        with self._created_with(host or {}):
            made = self.lab.single(image, **{**BASE, **words})
        self.afterwards(made.down)
        return made

    def single(
        self,
        image: str = "tiny",
        *,
        declared: dict[str, Any] | None = None,
        host: dict[str, Any] | None = None,
        **words: Any,
    ) -> Broken:
        """One container and its profile; ``declared`` are changes of what the profile says."""
        return Broken([self.container(image, host=host, **words)], self.declared(**(declared or {})), self.target)

    def limits(self, **changes: Any) -> dict[str, Any]:
        """The declared resources, with some changed; None takes a key away."""
        whole = {**self.declared()["resources"], **changes}
        return {"resources": {key: value for key, value in whole.items() if value is not None}}

    @contextlib.contextmanager
    def _created_with(self, host: dict[str, Any]) -> Iterator[None]:
        if not host:
            yield
            return

        class More(Engine):
            def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
                if path == "/containers/create":
                    body["HostConfig"].update(host)
                return super().call(method, path, body, **query)

        before, self.lab.engine = self.lab.engine, More(self.lab.engine.path)
        try:
            yield
        finally:
            self.lab.engine = before


def verdicts(profile: Path) -> dict[str, str]:
    """By requirement: pass, red or error, on what the driver observes now, with what was seen."""
    loaded = load(profile)
    taken = dt.datetime.now(dt.UTC).isoformat()
    return judge(loaded, drivers.load("docker").observe(session(loaded)), taken)


def session(loaded: Loaded) -> drivers.Session:
    """What a run would let its drivers do."""
    references = References({}, loaded.file.parent)
    return drivers.Session(profile=loaded.profile, base=loaded.file.parent, resolve=references.resolve)


def judge(loaded: Loaded, runtime: Any, taken: str) -> dict[str, str]:
    """Run every requirement of the area on one observation."""
    found: dict[str, str] = {}
    for id, (requirement, function) in sorted(REQUIREMENTS.items()):
        for subject in subjects(loaded.profile, requirement.noun, requirement.needs)[0]:
            verdict = _verdict(function, _noun(requirement.noun, subject, loaded, runtime, taken))
            if found.get(id, "pass") == "pass":
                found[id] = verdict
    return found


def _noun(noun: str, subject: Any, loaded: Loaded, runtime: Any, taken: str) -> Callable[[], Any]:
    if noun == "deployment":
        return lambda: Deployment(tuple(loaded.profile.services), seen(runtime.unknown))
    return lambda: Containers(
        subject.service, subject.node, seen(runtime.containers[subject.service]), loaded.profile.hardening, taken
    )


def _verdict(function: Callable[[Any], None], noun: Callable[[], Any]) -> str:
    try:
        function(noun())
    except AssertionError as broken:
        return f"red: {broken}"
    except CouldNotLook as why:
        return f"error: {why}"
    return "pass"
