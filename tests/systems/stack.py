"""Bringing a system up by compose, under the name and on the ports that its document says, and taking it down again."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab import LABEL, Engine, Lab, LabError, compose, emulation, images, tear_down
from tests.lab.ports import listener_of

from . import programs

__all__ = ["System", "up"]

HERE = Path(__file__).parent
STANDINS = programs.STANDINS
COMPOSE_PROJECT = "com.docker.compose.project"


@dataclass(frozen=True)
class System:
    """A running system."""

    name: str
    lab: Lab
    command: tuple[str, ...]
    variables: Mapping[str, str]
    """What its compose file reads beside the lab's own."""

    def compose(self, *words: str) -> str:
        """Run the compose command on it."""
        own = {"LAB_OWNER": self.lab.owner, "DOCKER_HOST": f"unix://{self.lab.engine.path}"}
        environment = os.environ | own | self.variables
        done = subprocess.run(
            [*self.command, *words], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False, timeout=180,
        )  # fmt: skip
        if done.returncode:
            raise LabError(f"compose {' '.join(words)} of {self.name} failed:\n{done.stdout[-2000:]}")
        return done.stdout

    def health(self) -> list[str]:
        """What the engine says of each container's health; empty for one without a check."""
        listed = self.lab.engine.call("GET", "/containers/json", filters={"label": [f"{COMPOSE_PROJECT}={self.name}"]})
        states = [self.lab.engine.inspect(entry["Id"])["State"] for entry in listed]
        return [(state.get("Health") or {}).get("Status", "") for state in states]


@contextlib.contextmanager
def up(name: str, lab: Lab, *, within: float = 120, **variables: str) -> Iterator[System]:
    """Start a system, wait until all its ports answer, and remove it again, by id.

    Its project has the name its profile says, and its ports are the documented ones: both must be free.
    """
    found = compose.find("compose2") or compose.find("compose1")
    if found is None:
        raise LabError("no compose here")
    make, ports = SYSTEMS[name]
    engine = lab.engine
    others = engine.call("GET", "/containers/json", all=True, filters={"label": [f"{COMPOSE_PROJECT}={name}"]})
    if any(LABEL not in (entry["Labels"] or {}) for entry in others):
        raise LabError(f"a compose project {name} that is not ours runs here; it is left alone")
    tear_down(engine, name)
    if taken := [port for port in ports if listener_of(port)]:
        raise LabError(f"these ports are taken, and {name} is documented on them: {taken}")
    make(engine)
    system = System(name, lab, (*found, "-p", name, "-f", str(HERE / name / "compose.yaml")), variables)
    try:
        _start(system)
        _await(ports, within)
        yield system
    finally:
        tear_down(engine, name)


def _start(system: System) -> None:
    """The engine gives a port back a moment after the container that had it is gone."""
    for last in (False, False, True):
        try:
            system.compose("up", "-d")
        except LabError as why:
            if last or "port is already allocated" not in str(why):
                raise
            time.sleep(2)
        else:
            return


def _await(ports: tuple[int, ...], within: float) -> None:
    end = time.monotonic() + within
    for port in ports:
        while not _answers(port):
            if time.monotonic() > end:
                raise LabError(f"nothing answers on port {port} within {within:g} s")
            time.sleep(0.2)


def _answers(port: int) -> bool:
    """Whether somebody is behind a published port: the engine's proxy accepts for nobody, and hangs up at once."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as line:
            line.settimeout(0.3)
            return bool(line.recv(1))
    except TimeoutError:
        return True
    except OSError:
        return False


def image(engine: Engine, name: str, architecture: str, files: Mapping[str, Path], dockerfile: str) -> str:
    """Build an image of one layer of files, for an architecture, and give its tag."""
    tag = images.tag_of(name)
    with tempfile.TemporaryDirectory(prefix="system-") as folder:
        for target, source in files.items():
            place = Path(folder) / target
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, place)
            place.chmod(0o755)
        (Path(folder) / "Dockerfile").write_text(dockerfile, encoding="utf-8")
        command = [
            "docker",
            "build",
            "--quiet",
            "--platform",
            f"linux/{architecture}",
            "--label",
            f"{LABEL}=1",
            "--tag",
            tag,
            folder,
        ]
        done = subprocess.run(
            command, env=os.environ | {"DOCKER_BUILDKIT": "0", "DOCKER_HOST": f"unix://{engine.path}"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise LabError(f"image {name}: {done.stdout[-800:]}{done.stderr[-800:]}")
    return tag


def akidb_images(engine: Engine, architecture: str = "arm64") -> None:
    """MinIO's real server, and the stand-ins for AkiDB and Jaeger."""
    if architecture == "arm64":
        emulation.arm64()
    with tempfile.TemporaryDirectory(prefix="standins-") as folder:
        made = programs.standins(architecture, Path(folder))
        # Neither MinIO's image nor Jaeger's has a curl. AkiDB's is nowhere described: there the health check gets one.
        image(
            engine, "akidb-minio", architecture, {"usr/bin/minio": programs.minio(architecture)},
            'FROM scratch\nCOPY usr /usr\nENV PATH=/usr/bin\nVOLUME /data\nENTRYPOINT ["minio"]\n',
        )  # fmt: skip
        image(
            engine, "akidb-standin", architecture,
            {"usr/bin/akidb-api": made / "akidb", "usr/bin/curl": made / "curl", "cache/README": STANDINS / "cache.txt"},
            'FROM scratch\nCOPY usr /usr\nCOPY --chown=10001:10001 cache /var/lib/akidb/cache\nENV PATH=/usr/bin\n'
            'USER 10001:10001\nENTRYPOINT ["akidb-api"]\n',
        )  # fmt: skip
        image(
            engine, "jaeger-standin", architecture, {"usr/bin/all-in-one": made / "jaeger"},
            'FROM scratch\nCOPY usr /usr\nENV PATH=/usr/bin STANDIN_PORTS=4317\nUSER 10001:10001\nENTRYPOINT ["all-in-one"]\n',
        )  # fmt: skip


def opossum_images(engine: Engine) -> None:
    """A real Redis, and stand-ins for the application, Ollama, the collector and Jaeger."""
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    base = images.tag_of("base")
    images.ensure(engine, ("redis",))  # which makes the base
    python = STANDINS / "python"
    # As the official image has it: its own user, and a server that lets other containers in.
    image(
        engine, "opossum-redis", architecture, {},
        f"FROM {base}\nRUN groupadd -g 999 cache && useradd -u 999 -g 999 -M -d /data cache && mkdir /data && chown 999:999 /data\n"
        "WORKDIR /data\nVOLUME /data\nUSER 999:999\n"
        'ENTRYPOINT ["/bin/sh", "-c", "exec \\"$0\\" \\"$@\\" --protected-mode no"]\n',
    )  # fmt: skip
    for name, program, user, ready in (
        ("opossum-standin", "opossum", "10020:10020", "RUN mkdir -p /app/models /app/config\n"),
        ("ollama-standin", "ollama", "0:0", "VOLUME /root/.ollama\n"),
        ("otel-standin", "otel_collector", "10001:10001", ""),
    ):
        image(
            engine, name, architecture, {f"srv/{program}.py": python / f"{program}.py"},
            f"FROM {base}\nCOPY srv /srv\n{ready}ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1\n"
            f'USER {user}\nENTRYPOINT ["python3", "/srv/{program}.py"]\n',
        )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="standins-") as folder:
        made = programs.standins(architecture, Path(folder))
        image(
            engine, "opossum-jaeger-standin", architecture, {"usr/bin/all-in-one": made / "jaeger"},
            'FROM scratch\nCOPY usr /usr\nENV PATH=/usr/bin STANDIN_PORTS=14250\nUSER 10001:10001\nENTRYPOINT ["all-in-one"]\n',
        )  # fmt: skip


SYSTEMS: Mapping[str, tuple[Callable[[Engine], None], tuple[int, ...]]] = {
    "akidb": (akidb_images, (9000, 9001, 8080, 16686, 4317)),
    "opossum": (opossum_images, (8000, 6379, 11434, 4318, 9464, 16686, 14250)),
}
"""How the images of a system are made, and the ports it is documented on."""
