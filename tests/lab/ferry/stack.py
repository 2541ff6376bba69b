"""Ferry as a stack on the Docker engine: nginx, two replicas of the service, Redis, PostgreSQL, and a registry that is not ours.

    from tests.lab.ferry.stack import stack

    with stack(lab) as running:                                     # plain containers; kind="compose1" or "compose2"
        Run(running.profile(tmp_path), tmp_path, mode="drill", SEATRIAL_STATE=…)

    with stack(lab, wrong="readiness-blind", only=("api", "redis"), replicas=1, change={"api": {"restart": "no"}}) as running:
        running.profile(tmp_path, services={"api": {"readiness": {"unready_within": "3s"}}})

`wrong` and `env` make the program (see `service.py`); `only` names the services there are: without postgres the notes lie in a
file on the volume `notes`; `redis="optional"` as in `processes.py`; `change` overrides words of compose by service (see
`tests.lab.words.override`). `running.profile(folder, services=…, target=…)` writes the profile, merged deeply with what is
given; its identity is pinned. `running.container("api")`, `running.inspect("api", 2)`, `running.url`, `running.lab.engine`.

`compose.yaml` beside this file is the whole stack, written by `python -m tests.lab.ferry.stack`.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab import compose, images, stacks
from tests.lab.ferry.processes import behaviour, merged
from tests.lab.harbor.stack import OWNER, PROJECT, SECRET, hardened
from tests.lab.ports import free_port
from tests.lab.stacks import LABEL, Container, Kind, Lab
from tests.lab.words import Service, override, to_yaml

__all__ = ["ALL", "COMPOSE_FILE", "Running", "compose_text", "stack"]

HERE = Path(__file__).parent
COMPOSE_FILE = HERE / "compose.yaml"
ALL = ("redis", "postgres", "api", "front", "registry")
IMAGES = {"redis": "redis", "postgres": "postgres", "api": "ferry", "front": "nginx", "registry": "registry"}
HEALTHY = {"condition": "service_healthy"}


def services(
    references: Mapping[str, str],
    port: int | str,
    *,
    only: tuple[str, ...] = ALL,
    replicas: int = 2,
    env: Mapping[str, str] | None = None,
    nginx: str = str(HERE / "nginx.conf"),
) -> dict[str, Service]:
    """The services in compose's words, in an order that respects what depends on what."""
    app: Service = {"networks": ["back"], "secrets": [SECRET], "restart": "unless-stopped"}
    needs = {name: HEALTHY for name in ("redis", "postgres") if name in only}
    password = f"/run/secrets/{SECRET}"
    environment = {"FERRY_VERSION": "1.0.0", "FERRY_WORK_SECONDS": "1"}  # two workers share what is handed in
    if "redis" in only:
        environment |= {"FERRY_REDIS": "redis:6379", "FERRY_REDIS_PASSWORD_FILE": password}
    if "postgres" in only:
        environment |= {
            "FERRY_POSTGRES": "postgres:5432", "FERRY_POSTGRES_USER": "harbor", "FERRY_POSTGRES_DATABASE": "postgres",
            "FERRY_POSTGRES_PASSWORD_FILE": password,
        }  # fmt: skip
    api: Service = {"environment": {**environment, **(env or {})}, "depends_on": needs, "stop_grace_period": "8s"}
    if replicas > 1:
        api["scale"] = replicas
    if "postgres" not in only:
        api["volumes"] = ["notes:/data"]
    made = {
        "redis": hardened(references["redis"], 10011, "64m", volumes=["redis-data:/data"]) | app,
        "postgres": hardened(
            references["postgres"], 10012, "192m", volumes=["postgres-data:/var/lib/postgresql/data"]
        ) | app,
        "api": hardened(references["ferry"], 10014, "128m", cpus=1.0, pids_limit=256) | api | app,
        "front": hardened(references["nginx"], 10013, "48m") | app | {
            "ports": [f"127.0.0.1:{port}:8080"], "volumes": [f"{nginx}:/harbor/nginx.conf:ro"],
            "networks": ["back", "door"], "depends_on": {"api": HEALTHY},
        },
        "registry": hardened(references["registry"], 10015, "96m") | app | {
            "volumes": ["images:/store"], "depends_on": {"front": HEALTHY},
        },
    }  # fmt: skip
    del made["front"]["secrets"], made["registry"]["secrets"]
    return {name: service for name, service in made.items() if name in only}


def document(described: Mapping[str, Service]) -> dict[str, Any]:
    """The whole compose file, with variables for what only a run knows."""
    labels = {LABEL: "1", PROJECT: "${FERRY_PROJECT:-ferry}", OWNER: "${FERRY_OWNER:-}"}
    mounts = [text.partition(":")[0] for one in described.values() for text in one.get("volumes") or ()]
    return {
        "services": {name: one | {"labels": (one.get("labels") or {}) | labels} for name, one in described.items()},
        "networks": {"back": {"labels": labels}, "door": {"labels": labels}},
        "volumes": {name: {"labels": labels} for name in mounts if not name.startswith(("/", "."))},
        "secrets": {SECRET: {"file": "${FERRY_SECRET:?a file that holds the password}"}},
    }


def compose_text() -> str:
    """What `compose.yaml` must hold."""
    head = """\
# Ferry: the stack of the drills. Written from stack.py by `python -m tests.lab.ferry.stack`; do not edit.
# By hand:  FERRY_SECRET=/path/of/a/password docker-compose -p ferry -f tests/lab/ferry/compose.yaml up -d
"""
    local = {name: f"seatrial-lab/{name}:1" for name in IMAGES.values()}
    return head + to_yaml(document(services(local, "${FERRY_PORT:-18090}", nginx="./nginx.conf")))


@dataclass
class Running:
    """Ferry on the engine, running."""

    lab: Lab
    kind: Kind
    project: str
    port: int
    described: dict[str, Service]
    optional: bool = False
    containers: dict[str, list[Container]] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The published front."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def folder(self) -> Path:
        """Where the password lies, and the compose file."""
        return images.cache_dir() / "stacks" / self.project

    def container(self, service: str, number: int = 1) -> Container:
        """One replica, as it was started."""
        return self.containers[service][number - 1]

    def inspect(self, service: str, number: int = 1) -> dict[str, Any]:
        """What the engine says of a replica now: by its name, for its id may be another's by then."""
        return self.lab.engine.inspect(self.container(service, number).name)

    def wait(self, within: float = 60) -> None:
        """Wait until everything is healthy."""
        stacks._await([one for group in self.containers.values() for one in group], within)

    def profile(
        self, folder: Path, *, services: Mapping[str, Any] | None = None, target: Mapping[str, Any] | None = None
    ) -> Path:
        """Write the profile of the stack as it runs."""
        head = {"profile": "ferry-stack", "summary": "Ferry on the Docker engine.", "environment": "test"}
        identity = self.lab.engine.call("GET", "/info")["ID"]
        where = {"driver": "docker", "host": f"unix://{self.lab.engine.path}", "identity": identity}
        if self.kind != "plain":
            where["compose_project"] = self.project
        known = self._declared()
        for name, node in known.items():
            if self.kind == "plain":
                node["containers"] = [one.name for one in self.containers[name]]
        path = folder / f"{self.project}.yaml"
        told = {**head, "target": merged(where, target or {}), "services": merged(known, services or {})}
        path.write_text(json.dumps(told, indent=1))  # JSON is YAML
        return path

    def _declared(self) -> dict[str, Any]:
        restart = {"restart": "unless-stopped"}
        api = behaviour(optional=self.optional)
        if "redis" not in self.described:
            api["depends_on"] = {}
        if "postgres" in self.described:
            api["depends_on"]["postgres"] = {"timeout": "5s"}
        api["persistence"] = {"survives": ["restart", "kill", "recreate"]}
        if "postgres" not in self.described:
            api["persistence"]["paths"] = ["/data"]
        api["replicas"] = len(self.containers["api"])
        if api["replicas"] > 1:
            del api["rate_limits"]  # each replica counts for itself
        known: dict[str, Any] = {
            "redis": {"protocol": "redis", "port": 6379},
            "postgres": {"protocol": "postgres", "port": 5432},
            "api": {"port": 8000, **api},
            "front": {
                "url": self.url, "port": 8080,
                "liveness": {"path": "/-/healthy", "timeout": "2s"},
                "readiness": {**api["readiness"], "timeout": "3s"},
                "canary": api["canary"], "depends_on": {"api": {"port": 8000}}, "restart_within": "4s",
            },
            "registry": {
                "port": 5000,
                "liveness": {"path": "/debug/vars", "port": 5001, "timeout": "2s"},
                "readiness": {"path": "/debug/health", "port": 5001, "timeout": "2s",
                              "unready_within": "3s", "ready_within": "4s"},
                "depends_on": {"front": {"port": 8080}}, "restart_within": "4s",
            },
        }  # fmt: skip
        if "front" in self.described:
            known["api"]["url"] = self.url
        else:
            known["api"]["url"] = f"http://{self.container('api').address}:8000"
        if "registry" in self.described:
            known["registry"]["url"] = f"http://{self.container('registry').address}:5000"
        return {name: {**known[name], **restart} for name in self.described}

    # --- starting -----------------------------------------------------------------------------------------------------

    def _start_plain(self, *, wait: bool) -> None:
        lab, labels = self.lab, self.lab.labels(self.project)
        for name in ("back", "door"):
            lab.network(f"{self.project}_{name}", labels)
        for name, service in self.described.items():
            if wait:
                needs = service.get("depends_on") or ()
                stacks._await([one for other in needs for one in self.containers.get(other, ())], 60)
            volumes = []
            for text in service.get("volumes") or ():
                source, colon, rest = text.partition(":")
                if colon and not source.startswith("/"):
                    text = f"{lab.volume(f'{self.project}_{source}', labels)}:{rest}"
                volumes.append(text)
            volumes += [f"{self.folder / SECRET}:/run/secrets/{one}:ro" for one in service.get("secrets") or ()]
            networks = [f"{self.project}_{one}" for one in service.get("networks") or ()]
            self.containers[name] = [
                lab.run(f"{self.project}-{name}-{at + 1}", name, service | {"volumes": volumes}, labels, networks)
                for at in range(service.get("scale", 1))
            ]

    def _start_compose(self) -> None:
        file = self.folder / "compose.yaml"
        file.write_text(json.dumps(document(self.described), indent=1), encoding="utf-8")
        self.command = [*(compose.find(self.kind) or ()), "-p", self.project, "-f", str(file)]
        self.compose("up", "-d")
        listed = self.lab.engine.call(
            "GET", "/containers/json", all=True, filters={"label": [f"{stacks.COMPOSE_PROJECT}={self.project}"]}
        )
        for entry in sorted(listed, key=lambda one: one["Names"][0]):
            name = entry["Labels"][stacks.COMPOSE_SERVICE]
            found = Container(self.lab.engine, entry["Id"], entry["Names"][0].lstrip("/"), name)
            self.containers.setdefault(name, []).append(found)

    def compose(self, *words: str) -> str:
        """Run the compose command on this project."""
        known = {
            "DOCKER_HOST": f"unix://{self.lab.engine.path}", "FERRY_PROJECT": self.project, "FERRY_OWNER": self.lab.owner,
            "FERRY_SECRET": str(self.folder / SECRET), "FERRY_PORT": str(self.port),
        }  # fmt: skip
        done = subprocess.run(
            [*self.command, *words], env=os.environ | known, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False, timeout=180,
        )  # fmt: skip
        if done.returncode:
            raise images.LabError(f"{self.kind} {' '.join(words)} failed:\n{done.stdout[-2000:]}")
        return done.stdout


@contextlib.contextmanager
def stack(
    lab: Lab,
    kind: Kind = "plain",
    *,
    wrong: str = "",
    redis: str = "required",
    env: Mapping[str, str] | None = None,
    only: tuple[str, ...] = ALL,
    replicas: int = 2,
    change: Mapping[str, Mapping[str, Any]] | None = None,
    wait: bool = True,
) -> Iterator[Running]:
    """Ferry on the engine, up and healthy, until the end of the block.

    Args:
        lab: who makes it, and takes it down even when the block is never left.
        kind: plain containers, or made by a compose.
        wrong: what is wrong with the service, as FERRY_WRONG.
        redis: required or optional.
        env: more of the service's environment.
        only: the services there are.
        replicas: of the service.
        change: words of compose that are otherwise, by service.
        wait: whether everything must be healthy before the block begins.
    """
    if "registry" in only and not images.SHARED["registry"][0].exists():
        only = tuple(name for name in only if name != "registry")  # told by the profile, which does not have it either
    known = images.ensure(lab.engine, tuple(dict.fromkeys(IMAGES[name] for name in only)), digests=False)
    references = dict.fromkeys(IMAGES.values(), "") | known
    more = {"FERRY_WRONG": wrong, "FERRY_REDIS_OPTIONAL": "1" if redis == "optional" else "", **(env or {})}
    port = free_port()
    described = services(references, port, only=only, replicas=replicas, env=more)
    for name, words in (change or {}).items():
        described[name] = override(described[name], words)
    running = Running(lab, kind, f"ferry-{secrets.token_hex(3)}", port, described, redis == "optional")
    running.folder.mkdir(parents=True, mode=0o700)
    secret = running.folder / SECRET
    secret.write_text(secrets.token_urlsafe(18))
    secret.chmod(0o444)
    try:
        if kind == "plain":
            running._start_plain(wait=wait)
        else:
            running._start_compose()
        if wait:
            running.wait()
        yield running
    finally:
        stacks.tear_down(lab.engine, running.project)


if __name__ == "__main__":
    COMPOSE_FILE.write_text(compose_text(), encoding="utf-8")
    sys.stdout.write(f"{COMPOSE_FILE}\n")
