"""Harbor: a small stack of real programs that keeps every promise, described once.

`compose.yaml` beside this file is written from here (`python -m tests.lab compose-file`), and the same description
makes plain containers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..engine import LABEL
from ..words import Service, to_yaml

COMPOSE_FILE = Path(__file__).with_name("compose.yaml")

PROJECT = f"{LABEL}.project"
OWNER = f"{LABEL}.owner"

REPLICAS = 2
JOB = "migrate"
"""The service that runs once and ends with status 0."""
FRONT = "front"
"""The service whose port is published."""
SECRET = "harbor_password"
IMAGES = {
    "redis": "redis", "postgres": "postgres", "migrate": "service", "service": "service", "front": "nginx",
}  # fmt: skip
"""Which image each service runs."""


def hardened(image: str, uid: int, memory: str, **words: Any) -> Service:
    """What every container of the lab has: no root, no capability, nothing writable, a bound on everything."""
    return {
        "image": image,
        "user": f"{uid}:{uid}",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "read_only": True,
        "tmpfs": ["/tmp:rw,noexec,nosuid,nodev,size=16m,mode=1777"],
        "mem_limit": memory,
        "memswap_limit": memory,
        "cpus": 0.5,
        "pids_limit": 64,
        "ulimits": {"nofile": {"soft": 4096, "hard": 8192}, "core": 0},
        "restart": "on-failure:5",
        "logging": {"driver": "json-file", "options": {"max-size": "1m", "max-file": "3"}},
    } | words


def services(images: dict[str, str], port: int | str) -> dict[str, Service]:
    """The five services, in an order that respects what depends on what."""
    healthy, done = {"condition": "service_healthy"}, {"condition": "service_completed_successfully"}
    app = {"networks": ["back"], "secrets": [SECRET]}
    return {
        "redis": hardened(images["redis"], 10011, "64m", volumes=["redis-data:/data"], **app),
        "postgres": hardened(
            images["postgres"], 10012, "192m", volumes=["postgres-data:/var/lib/postgresql/data"], **app
        ),
        JOB: hardened(
            images["migrate"],
            10014,
            "96m",
            command=["migrate"],
            restart="no",
            healthcheck={"disable": True},
            depends_on={"postgres": healthy},
            **app,
        ),
        "service": hardened(
            images["service"],
            10014,
            "96m",
            scale=REPLICAS,
            depends_on={"redis": healthy, "postgres": healthy, JOB: done},
            **app,
        ),
        FRONT: hardened(
            images["front"],
            10013,
            "48m",
            ports=[f"127.0.0.1:{port}:8080"],
            networks=["back", "door"],
            depends_on={"service": healthy},
        ),
    }


def document(stack: dict[str, Service] | None = None) -> dict[str, Any]:
    """The whole compose file, with variables for what only a run knows."""
    if stack is None:
        stack = services(placeholders(), "${HARBOR_PORT:-18080}")
    labels = {
        LABEL: "1",
        PROJECT: "${HARBOR_PROJECT:-harbor}",
        OWNER: "${HARBOR_OWNER:-}",
    }
    mounts = [text.partition(":") for service in stack.values() for text in service.get("volumes") or ()]
    volumes = {source: None for source, separator, _ in mounts if separator and not source.startswith("/")}
    return {
        "services": {name: service | {"labels": (service.get("labels") or {}) | labels}
                     for name, service in stack.items()},
        "networks": {"back": {"internal": True, "labels": labels}, "door": {"labels": labels}},
        "volumes": {name: {"labels": labels} for name in volumes},
        "secrets": {SECRET: {"file": "${HARBOR_SECRET:?a file that holds the password}"}},
    }  # fmt: skip


def placeholders() -> dict[str, str]:
    """The images as variables; a local tag is the default, the lab gives digests."""
    return {name: f"${{{variable(name)}:-seatrial-lab/{image}:1}}" for name, image in IMAGES.items()}


def variable(service: str) -> str:
    """The variable of the compose file that names the image of a service."""
    return f"HARBOR_IMAGE_{service.upper()}"


HEAD = """\
# Harbor: the conforming stack of the lab. Written from stack.py by `python -m tests.lab compose-file`; do not edit.
# By hand:  python -m tests.lab images
#           HARBOR_SECRET=/path/of/a/password docker-compose -p harbor -f tests/lab/harbor/compose.yaml up -d
# Read by docker-compose 1.29 and by compose 2 alike, hence `scale` and `mem_limit` rather than `deploy`.
"""


def compose_text() -> str:
    """What `compose.yaml` must hold."""
    return HEAD + to_yaml(document())
