"""Bringing containers up and down: harbor as a whole, or one throwaway container, conforming but for what is overridden."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from . import compose, images
from .engine import LABEL, Engine, EngineError
from .harbor import stack as harbor
from .harbor.stack import OWNER, PROJECT
from .images import LabError
from .ports import free_port
from .words import Service, create_body, override

Kind = Literal["plain", "compose1", "compose2"]
KINDS: tuple[Kind, ...] = ("plain", "compose1", "compose2")
Overrides = Mapping[str, Mapping[str, Any]]
"""What differs from the conforming stack: service → words (see `words.override`). `service.2` is the second replica alone,
which only plain containers can have: compose makes replicas alike."""

ROLE = f"{LABEL}.service"
COMPOSE_PROJECT, COMPOSE_SERVICE = "com.docker.compose.project", "com.docker.compose.service"


@dataclass(frozen=True)
class Container:
    """One container of the lab."""

    engine: Engine
    id: str
    name: str
    service: str
    volumes: tuple[str, ...] = ()

    def inspect(self) -> dict[str, Any]:
        """The engine's description, now."""
        return self.engine.inspect(self.id)

    @property
    def address(self) -> str:
        """Its address on its first network, reachable from this machine; empty when it has none."""
        networks = self.inspect()["NetworkSettings"]["Networks"].values()
        return next((n["IPAddress"] for n in networks if n["IPAddress"]), "")

    def logs(self, tail: int = 30) -> str:
        """Its last lines."""
        return self.engine.logs(self.id, tail)

    def settle(self, within: float = 30) -> Self:
        """Wait until a health probe has been logged, or the container has ended, or there is no probe to wait for."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            state = self.inspect()["State"]
            if not state["Running"] or not state.get("Health") or state["Health"].get("Log"):
                return self
            time.sleep(0.05)
        raise LabError(f"{self.name}: no health probe ran within {within:g} s")

    def wait_healthy(self, within: float = 60) -> Self:
        """Wait until it is healthy (running, where it has no health check)."""
        _await([self], within)
        return self

    def down(self) -> None:
        """Remove it, and the volumes made for it."""
        self.engine.remove("containers", [self.id])
        self.engine.remove("volumes", self.volumes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()


@dataclass
class Stack:
    """Harbor, running."""

    lab: Lab
    kind: Kind
    project: str
    port: int
    password: str
    containers: dict[str, list[Container]] = field(default_factory=dict)
    overrides: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)
    """The compose command and its global options, for a test that wants to type more of it."""

    @property
    def url(self) -> str:
        """The published front."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def urls(self) -> dict[str, list[str]]:
        """Every HTTP door that this machine reaches: the published front, and each replica on the private network."""
        replicas = [f"http://{container.address}:8000" for container in self.containers["service"]]
        return {harbor.FRONT: [self.url], "service": replicas}

    @property
    def ids(self) -> list[str]:
        """Ids of all containers, the job's included."""
        return [c.id for group in self.containers.values() for c in group]

    @property
    def folder(self) -> Path:
        """Where the secret and the generated compose file are."""
        return images.cache_dir() / "stacks" / self.project

    @property
    def secret_file(self) -> Path:
        """The file that holds the password of Redis and PostgreSQL."""
        return self.folder / harbor.SECRET

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the compose file reads."""
        pinned = {harbor.variable(name): self.lab.images[image] for name, image in harbor.IMAGES.items()}
        return {
            "DOCKER_HOST": f"unix://{self.lab.engine.path}",
            "HARBOR_PORT": str(self.port),
            "HARBOR_PROJECT": self.project,
            "HARBOR_OWNER": self.lab.owner,
            "HARBOR_SECRET": str(self.secret_file),
        } | pinned

    def __getitem__(self, service: str) -> Container:
        """The first container of a service, or the replica that `service.2` names."""
        name, number = _replica(service)
        return self.containers[name][(number or 1) - 1]

    def wait_healthy(self, within: float = 90) -> Self:
        """Wait until every service is healthy and the job has ended well."""
        _await([c for group in self.containers.values() for c in group], within)
        return self

    @contextlib.contextmanager
    def broken(self, service: str, /, wait: bool = True, **words: Any) -> Iterator[Container]:
        """Recreate one service with some words changed, and as it was before on leaving.

        Volumes and networks stay; ids change. With `wait`, a health probe of the new container has run on entry, and the
        whole stack is healthy again on leaving.
        """
        self._refuse_replica(service)
        before = self.overrides.get(service, {})
        try:
            self._recreate(service, {**before, **words})
            if wait:
                for container in self._affected(service):
                    container.settle()
            yield self[service]
        finally:
            self._recreate(service, before)
            if wait:
                self.wait_healthy()

    def down(self) -> None:
        """Remove every container, network and volume of this project, by id."""
        tear_down(self.lab.engine, self.project)
        self.lab.forget(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    # --- starting ---

    def _start(self, *, wait: bool) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.secret_file.write_text(self.password, encoding="utf-8")
        # Everyone in the container may read it, nobody on this machine: the folder above it is closed.
        self.secret_file.chmod(0o444)
        if self.kind == "plain":
            self._start_plain(wait=wait)
        else:
            self._start_compose(wait=wait)
        if wait:
            self.wait_healthy()

    def services(self) -> dict[str, Service]:
        """The stack as it is to be, overrides included, in compose's words."""
        base = harbor.services({name: self.lab.images[image] for name, image in harbor.IMAGES.items()}, self.port)
        return self._changed(base)

    def _changed(self, base: dict[str, Service]) -> dict[str, Service]:
        result = dict(base)
        for name, words in self.overrides.items():
            self._refuse_replica(name)
            if _replica(name)[1]:
                continue  # for when that very container is made
            # A name that harbor doesn't know is a container more: a conforming one, unless its words say otherwise.
            start = base.get(name) or self.lab.conforming(networks=["back"])
            result[name] = override(start, words)
            result[name]["image"] = self.lab.images.get(result[name]["image"], result[name]["image"])
        return result

    def _start_plain(self, *, wait: bool) -> None:
        labels = self.lab.labels(self.project)
        for name, internal in (("back", True), ("door", False)):
            self.lab.network(f"{self.project}_{name}", labels, internal=internal)
        services = self.services()
        started: set[str] = set()
        while len(started) < len(services):
            ready = [n for n, s in services.items() if n not in started and set(s.get("depends_on") or ()) <= started]
            if not ready:
                raise LabError(f"these wait for what never starts: {sorted(set(services) - started)}")
            for name in ready:
                needs = [c for n in services[name].get("depends_on") or () for c in self.containers[n]]
                if wait:
                    _await(needs, 60)
                self._run_plain(name, services[name])
            started |= set(ready)

    def _run_plain(self, name: str, service: Service) -> None:
        count = service.get("scale", 1)
        self.containers[name] = [self._run_replica(name, service, number) for number in range(1, count + 1)]

    def _run_replica(self, name: str, service: Service, number: int) -> Container:
        changed = override(service, self.overrides.get(f"{name}.{number}", {}))
        changed["image"] = self.lab.images.get(changed["image"], changed["image"])
        return self.lab.run(
            f"{self.project}-{name}-{number}",
            name,
            self._resolved(changed),
            self.lab.labels(self.project),
            networks=[f"{self.project}_{n}" for n in changed.get("networks") or ()],
        )

    def _resolved(self, service: Service) -> Service:
        """Volumes by their real names, secrets as mounts: what compose does for itself."""
        volumes = []
        for text in service.get("volumes") or []:
            source, separator, rest = text.partition(":")
            if separator and not source.startswith("/"):
                # Made before the engine would, so that it carries our label; one that is there already stays.
                text = self.lab.volume(f"{self.project}_{source}", self.lab.labels(self.project)) + f":{rest}"
            volumes.append(text)
        volumes += [f"{self.secret_file}:/run/secrets/{name}:ro" for name in service.get("secrets") or ()]
        return service | {"volumes": volumes}

    def _start_compose(self, *, wait: bool) -> None:
        found = compose.find(self.kind)
        if found is None:
            raise LabError(f"no {self.kind} here")
        self.command = [*found, "-p", self.project, "-f", str(self._compose_file())]
        try:
            self.compose("up", "-d")
        except LabError:
            if wait:
                raise
        self._find_composed()

    def _compose_file(self) -> Path:
        """The shipped file as it is, or, with overrides, one that differs from it in just that."""
        if not self.overrides:
            return harbor.COMPOSE_FILE
        changed = self._changed(harbor.services(harbor.placeholders(), "${HARBOR_PORT:-18080}"))
        changed = {n: _escaped(s) if n in self.overrides else s for n, s in changed.items()}
        path = self.folder / "compose.yaml"
        path.write_text(json.dumps(harbor.document(changed), indent=1), encoding="utf-8")
        return path

    def compose(self, *words: str) -> str:
        """Run the compose command on this project."""
        done = subprocess.run(
            [*self.command, *words], env=os.environ | self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=180,
        )  # fmt: skip
        if done.returncode:
            raise LabError(f"{self.kind} {' '.join(words)} failed:\n{done.stdout[-2000:]}")
        return done.stdout

    def _find_composed(self) -> None:
        listed = self.lab.engine.call(
            "GET", "/containers/json", all=True, filters={"label": [f"{COMPOSE_PROJECT}={self.project}"]}
        )
        self.containers = {}
        for entry in sorted(listed, key=lambda e: e["Names"][0]):
            name = entry["Labels"][COMPOSE_SERVICE]
            found = Container(self.lab.engine, entry["Id"], entry["Names"][0].lstrip("/"), name)
            self.containers.setdefault(name, []).append(found)

    def _refuse_replica(self, service: str) -> None:
        if _replica(service)[1] and self.kind != "plain":
            raise ValueError(f"{service}: compose makes all replicas alike; use plain containers")

    def _affected(self, service: str) -> list[Container]:
        name, number = _replica(service)
        return [self[service]] if number else self.containers[name]

    def _recreate(self, service: str, words: Mapping[str, Any]) -> None:
        name, number = _replica(service)
        extra = name not in harbor.IMAGES
        self.overrides = {n: w for n, w in self.overrides.items() if n != service}
        if words:
            self.overrides[service] = words
        declared = self.services()  # refuses unknown words before anything is removed
        if number:
            self[service].down()
            self.containers[name][number - 1] = self._run_replica(name, declared[name], number)
            return
        for container in self.containers.pop(name, []):
            container.down()
        if extra and not words:  # the container was one too many, and is gone again
            return
        if self.kind == "plain":
            self._run_plain(name, declared[name])
        else:
            self.command[self.command.index("-f") + 1] = str(self._compose_file())
            with contextlib.suppress(LabError) if words else contextlib.nullcontext():
                self.compose("up", "-d", "--no-deps", name)
            self._find_composed()


class Lab:
    """The maker of stacks and single containers, and the one that takes down all it made."""

    def __init__(self, engine: Engine | None = None, *, keep: bool = False) -> None:
        """With `keep`, what is made outlives this process, until `python -m tests.lab down`."""
        self.engine = engine or Engine()
        self.project = f"lab-{secrets.token_hex(3)}"
        self.owner = "kept" if keep else _owner()
        self._images: dict[str, str] | None = None
        self._stacks: list[Stack] = []
        self._own_network: str | None = None
        self._count = 0
        if not keep:
            atexit.register(self.close)

    @property
    def images(self) -> dict[str, str]:
        """Pinned references of the lab's images, by short name; made on first use."""
        if self._images is None:
            self._images = images.ensure(self.engine)
        return self._images

    def up(
        self, kind: Kind = "plain", project: str | None = None, overrides: Overrides | None = None, *, wait: bool = True
    ) -> Stack:
        """Start harbor, and return when it is healthy.

        `overrides` changes words of single services (see `words.override`); a service that harbor doesn't have is a
        container more. With `wait=False` it returns as soon as everything was started once, healthy or not.
        """
        if kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}, not {kind}")
        stack = Stack(
            lab=self,
            kind=kind,
            project=project or f"harbor-{secrets.token_hex(3)}",
            port=free_port(),
            password=secrets.token_urlsafe(18),
            overrides=dict(overrides or {}),
        )
        if self.engine.labelled("containers", f"{PROJECT}={stack.project}"):
            raise LabError(f"project {stack.project} is up already")
        self._stacks.append(stack)
        try:
            stack._start(wait=wait)
        except BaseException:
            stack.down()
            raise
        return stack

    def single(self, image: str = "tiny", *, name: str | None = None, wait: bool = True, **words: Any) -> Container:
        """Start one container that conforms but for `words` (see `words.override`).

        It has a network of the lab's own; `volumes=["data:/data"]` names volumes that are made for it. With `wait`, a
        health probe has run when this returns (never, that it is healthy).
        """
        self._count += 1
        name = name or f"single-{self._count}"
        service = override(self.conforming(image, networks=["own"]), words)
        service["image"] = self.images.get(service["image"], service["image"])
        labels = self.labels(self.project)
        full = f"{self.project}-{name}"
        made, volumes = [], []
        for text in service.get("volumes") or []:
            source, separator, rest = text.partition(":")
            if separator and not source.startswith("/"):
                made.append(self.volume(f"{full}-{source}", labels))
                text = f"{made[-1]}:{rest}"
            volumes.append(text)
        networks = [self._network() if n == "own" else n for n in service.get("networks") or ()]
        try:
            container = self.run(full, name, service | {"volumes": volumes}, labels, networks, tuple(made))
        except EngineError:
            self.engine.remove("volumes", made)
            raise
        return container.settle() if wait else container

    def conforming(self, image: str = "tiny", **words: Any) -> Service:
        """The words of one container that breaks nothing."""
        uid = {"redis": 10011, "postgres": 10012, "nginx": 10013, "service": 10014}.get(image)
        # Whatever is not a name of ours is a variant of the tiny image, and has the bounds of that.
        return harbor.hardened(image, uid or images.TINY_UID, "64m" if uid else "16m", **words)

    def image(self, **words: Any) -> str:
        """Load a variant of the tiny image and return its id: `created`, `architecture`, `config` as in `load_tiny`.

        It goes when the lab closes.
        """
        self._count += 1
        tag = f"seatrial-lab/variant:{self.project}-{self._count}"
        return images.load_tiny(self.engine, tag, labels=self.labels(self.project), **words)

    def close(self) -> None:
        """Take down everything that this lab made."""
        for stack in list(self._stacks):
            stack.down()
        if self._count:
            tear_down(self.engine, self.project)
        self._own_network = None
        atexit.unregister(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def forget(self, stack: Stack) -> None:
        """A stack is down."""
        self._stacks = [s for s in self._stacks if s is not stack]

    # --- the engine's nouns, labelled ---

    def labels(self, project: str) -> dict[str, str]:
        """What everything of a project carries."""
        return {LABEL: "1", PROJECT: project, OWNER: self.owner}

    def network(self, name: str, labels: Mapping[str, str], *, internal: bool = False) -> str:
        """Make a bridge network, and return its name."""
        body = {"Name": name, "Internal": internal, "Labels": dict(labels), "CheckDuplicate": True}
        self.engine.call("POST", "/networks/create", body)
        return name

    def volume(self, name: str, labels: Mapping[str, str]) -> str:
        """Make a volume, and return its name."""
        self.engine.call("POST", "/volumes/create", {"Name": name, "Labels": dict(labels)})
        return name

    def _network(self) -> str:
        if self._own_network is None:
            self._own_network = self.network(self.project, self.labels(self.project))
        return self._own_network

    def run(
        self, name: str, role: str, service: Service, labels: Mapping[str, str], networks: list[str] = (),  # type: ignore[assignment]
        volumes: tuple[str, ...] = (),
    ) -> Container:  # fmt: skip
        """Create a container, attach its networks, start it."""
        body = create_body(service, {**labels, ROLE: role})
        if networks:
            body["HostConfig"].setdefault("NetworkMode", networks[0])
            body["NetworkingConfig"] = {"EndpointsConfig": {networks[0]: {"Aliases": [role]}}}
        query = {"name": name} | ({"platform": service["platform"]} if service.get("platform") else {})
        made = self.engine.call("POST", "/containers/create", body, **query)["Id"]
        try:
            for network in networks[1:]:
                attach = {"Container": made, "EndpointConfig": {"Aliases": [role]}}
                self.engine.call("POST", f"/networks/{network}/connect", attach)
            self.engine.call("POST", f"/containers/{made}/start")
        except BaseException:
            self.engine.remove("containers", [made])
            raise
        return Container(self.engine, made, name, role, volumes)


def tear_down(engine: Engine, project: str) -> None:
    """Remove what carries this project's label, by id, and the folder that held its secret."""
    label = f"{PROJECT}={project}"
    containers = engine.labelled("containers", LABEL, label)
    if containers:
        with ThreadPoolExecutor(min(4, len(containers))) as pool:
            list(pool.map(lambda one: engine.remove("containers", [one]), containers))
        _until(lambda: not engine.labelled("containers", LABEL, label), 20)
    engine.remove("networks", engine.labelled("networks", LABEL, label))
    engine.remove("volumes", engine.labelled("volumes", LABEL, label))
    engine.remove("images", engine.labelled("images", LABEL, label))
    shutil.rmtree(images.cache_dir() / "stacks" / project, ignore_errors=True)


def projects(engine: Engine) -> dict[str, str]:
    """Every project of the lab that has anything left on this engine, and its owner."""
    found: dict[str, str] = {}
    for path in ("/containers/json", "/networks", "/volumes"):
        more: dict[str, Any] = {"all": True} if path == "/containers/json" else {}
        answer = engine.call("GET", path, filters={"label": [LABEL]}, **more)
        for entry in (answer["Volumes"] or []) if path == "/volumes" else answer:
            labels = entry.get("Labels") or {}
            if labels.get(PROJECT):
                found[labels[PROJECT]] = labels.get(OWNER, "")
    return found


def sweep(engine: Engine) -> list[str]:
    """Take down the projects whose owner died without doing so; those of living processes, and kept ones, stay."""
    gone = [project for project, owner in projects(engine).items() if _orphaned(owner)]
    for project in gone:
        tear_down(engine, project)
    return gone


def _owner() -> str:
    """Who made it, so that a later run can tell whether that process still lives: pid namespace, pid, start time."""
    return f"{_namespace()}/{os.getpid()}/{_started(os.getpid())}"


def _orphaned(owner: str) -> bool:
    namespace, _, rest = owner.partition("/")
    pid, _, started = rest.partition("/")
    # A process of another machine or pid namespace can't be judged from here.
    return bool(started) and namespace == _namespace() and _started(int(pid)) != started


def _namespace() -> str:
    return os.readlink("/proc/self/ns/pid").strip("pid:[]") + "-" + os.uname().nodename


def _started(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]


def _await(containers: list[Container], within: float) -> None:
    """Wait until each is healthy, or running without a health check, or has ended with 0 where that is its purpose."""
    deadline = time.monotonic() + within
    waiting = list(containers)
    while waiting:
        container, state = waiting[0], waiting[0].inspect()["State"]
        health = (state.get("Health") or {}).get("Status", "none")
        job = container.service == harbor.JOB
        if (job and state["Status"] == "exited" and state["ExitCode"] == 0) or (
            not job and state["Running"] and health in ("healthy", "none")
        ):
            waiting.pop(0)
            continue
        # What the restart policy has not given up on is "restarting"; "exited" is the end of it.
        if state["Status"] in ("exited", "dead") or time.monotonic() > deadline:
            probes = (state.get("Health") or {}).get("Log") or [{}]
            raise LabError(
                f"{container.name} is {state['Status']} ({health}, exit code {state['ExitCode']}, {state['Error']})\n"
                f"last probe: {probes[-1].get('Output', '')}\nlog:\n{container.logs()}"
            )
        time.sleep(0.1)


def _replica(service: str) -> tuple[str, int | None]:
    """`service.2` is the second replica of `service`."""
    name, _, number = service.partition(".")
    return name, int(number) if number else None


def _until(condition: Callable[[], bool], within: float) -> None:
    deadline = time.monotonic() + within
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)


def _escaped(value: Any) -> Any:
    """A dollar that is meant as one, unless it opens one of our own variables."""
    if isinstance(value, str):
        return value if value.startswith("${HARBOR_") or "${HARBOR_PORT" in value else value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {k: _escaped(v) for k, v in value.items()}
    return [_escaped(v) for v in value] if isinstance(value, list) else value
