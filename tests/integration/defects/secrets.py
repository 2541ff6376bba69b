"""A small site with secrets where they belong, and each way in which one lies where it does not."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.defects import defect
from tests.lab import Container, Lab

__all__ = ["Site", "git", "site"]

UID = 10001
"""Of the lab's tiny image."""
STRANGER = 54321


def password() -> str:
    """A new one for each use, so that none is known from elsewhere."""
    return f"{secrets.token_urlsafe(18)}7Qz"


def private_key() -> str:
    """A real one."""
    made = ["openssl", "genpkey", "-algorithm", "ed25519"]
    return subprocess.run(made, capture_output=True, text=True, check=True).stdout


def git(folder: Path, *words: str) -> None:
    """Run git in a folder, as nobody in particular."""
    who = ["-c", "user.name=harbor", "-c", "user.email=harbor@example.invalid"]
    subprocess.run(["git", *who, "-C", str(folder), *words], check=True, capture_output=True)


@dataclass
class Site:
    """One service in a container, what is mounted into it, and the files of whoever runs it."""

    lab: Lab
    folder: Path
    db: str = field(default_factory=password)
    image: str = "tiny"
    words: dict[str, Any] = field(default_factory=dict)
    """What the container is otherwise than conforming."""
    secrets: dict[str, Any] = field(default_factory=dict)
    """More of the section of the profile."""
    data: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Files of the volume: mode and text; ``.`` is its folder."""
    container: Container | None = None

    def write(self, name: str, text: str, mode: int = 0o644, owner: int = 0) -> Path:
        """A file of the site, with just that mode and owner."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
        path.chmod(mode)
        os.chown(path, owner, owner)
        return path

    def append(self, name: str, text: str) -> None:
        """More of a file that is there."""
        with (self.folder / name).open("a") as file:
            file.write(text)

    def conforming(self) -> None:
        """Everything that must be there, as it should be."""
        self.write("db.secret", self.db, 0o600)
        self.write("app.env", f"DB_HOST=db\nDB_PASSWORD={self.db}\nAPP_KEY={password()}\n", 0o600)
        self.write("compose.yaml", "services:\n  web:\n    environment:\n      DB_PASSWORD: ${DB_PASSWORD}\n")
        self.write("web.service", "[Service]\nEnvironmentFile=/etc/web/app.env\nExecStart=/start\n")
        self.write("conf/web.yaml", "db:\n  host: db\n  password_file: /run/secrets/db\n")
        self.write("conf/httpd.conf", "E404:/www/404.html\n")
        self.write("conf/tls.key", private_key(), 0o600, UID)
        self.write("www/index.html", "ready\n")
        self.write("www/404.html", "there is no such page\n")
        self.write("src/app.py", "import os\n\npassword = os.environ['DB_PASSWORD']\n")
        self.write("src/.env.example", "DB_PASSWORD=your-password-here\n")
        git(self.folder / "src", "init", "-q")
        git(self.folder / "src", "add", ".")

    def start(self) -> None:
        """Start the container."""
        binds = [f"{self.folder}/conf:/etc/web:ro", f"{self.folder}/www:/www:ro"]
        words = {
            "command": ["/bin/sh", "-c", "exec httpd -f -p 8080 -h /www -c /etc/web/httpd.conf"],
            "volumes": ["data:/data", *binds],
            "environment": {"DB_HOST": "db", "DB_PASSWORD_FILE": "/run/secrets/db"},
            **self.words,
        }
        self.container = self.lab.single(self.image, **words)
        for name, (mode, text) in self.data.items():
            path = Path(f"/proc/{self.container.inspect()['State']['Pid']}/root/data") / name
            if text:
                path.write_text(text)
            path.chmod(mode)
            os.chown(path, UID, UID)

    def profile(self, folder: Path) -> Path:
        """Write the profile that declares the site; JSON is YAML."""
        assert self.container is not None
        known = {"db": {"value": {"file": str(self.folder / "db.secret")}, "held_by": ["web"]}}
        service = {
            "containers": [self.container.name],
            "url": f"http://{self.container.address}:8080",
            "liveness": {"path": "/index.html"},
            "persistence": {"paths": ["/data"]},
            "configuration": {"files": [{"path": "/etc/web/web.yaml", "inside": True}]},
            "environment": {"file": str(self.folder / "app.env")},
        }
        declared = {
            "known": {**known, **self.secrets.get("known", {})},
            "files": [str(self.folder / name) for name in ("compose.yaml", "web.service")],
            "repository": str(self.folder / "src"),
            **{key: value for key, value in self.secrets.items() if key != "known"},
        }
        head = {"profile": "site", "environment": "test", "hardening": "restricted", "target": {"driver": "docker"}}
        path = folder / "site.yaml"
        path.write_text(json.dumps({**head, "services": {"web": service}, "secrets": declared}, indent=1))
        return path

    def run(self, command: str) -> None:
        """Let the container's shell do something before it serves."""
        serve = "exec httpd -f -p 8080 -h /www -c /etc/web/httpd.conf"
        self.words["command"] = ["/bin/sh", "-c", f"{command}; {serve}"]

    def built(self, lines: str, *options: str) -> None:
        """Build an image of its own on the lab's."""
        folder = self.folder / "build"
        folder.mkdir()
        (folder / "Dockerfile").write_text(f"FROM seatrial-lab/tiny:1\n{lines}\n")
        labels = [f"--label={key}={value}" for key, value in self.lab.labels(self.lab.project).items()]
        done = subprocess.run(
            ["docker", "build", "--quiet", *labels, *options, str(folder)],
            env=os.environ | {"DOCKER_BUILDKIT": "0"}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        self.image = done.stdout.strip()


@contextlib.contextmanager
def site(lab: Lab) -> Iterator[Site]:
    """A site that is written, and not started yet. Its folder is one that everyone may enter, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="site-", dir="/var/tmp"))
    folder.chmod(0o755)
    made = Site(lab, folder)
    try:
        made.conforming()
        yield made
    finally:
        if made.container is not None:
            made.container.down()
        shutil.rmtree(folder)


# --- what an engine shows


@defect(turns_red=("SEC-001",))
def image_label(at: Site) -> None:
    at.built(f"LABEL deploy.token={password()}")


@defect(turns_red=("SEC-001",))
def build_argument(at: Site) -> None:
    """It is in the history of every step after it, although no file and no variable of the image holds it."""
    at.built("ARG NPM_TOKEN\nRUN true", f"--build-arg=NPM_TOKEN={password()}")


@defect(turns_red=("SEC-002",))
def container_label(at: Site) -> None:
    at.words["labels"] = {"backup.password": password()}


@defect(turns_red=("SEC-003",))
def variable(at: Site) -> None:
    at.words["environment"] = {"SESSION_SECRET": password()}


@defect(turns_red=("SEC-003",))
def password_in_a_url(at: Site) -> None:
    at.words["environment"] = {"DATABASE_URL": f"postgres://web:{password()}@db:5432/web"}


@defect(turns_red=("SEC-004",))
def logged(at: Site) -> None:
    at.write("conf/banner", f"connecting to redis://web:{password()}@redis:6379/0\n", 0o600, UID)
    at.run("cat /etc/web/banner")


@defect(turns_red=("SEC-004",))
def logged_by_the_healthcheck(at: Site) -> None:
    at.write("conf/probe", f"#!/bin/sh\necho 'X-Api-Key: {password()}'\n", 0o700, UID)
    at.words["healthcheck"] = {"test": ["CMD", "/etc/web/probe"], "interval": "300ms"}


# --- processes


@defect(turns_red=("SEC-005",))
def option(at: Site) -> None:
    serve = "exec httpd -f -p 8080 -h /www -c /etc/web/httpd.conf"
    at.words["command"] = ["/bin/sh", "-c", f"true; {serve}", "web", f"--password={password()}"]


@defect(turns_red=("SEC-005",))
def probe_with_a_password(at: Site) -> None:
    at.words["healthcheck"] = {"test": ["CMD", "true", "--token", password()], "interval": "300ms"}


@defect(turns_red=("SEC-006",))
def default_password(at: Site) -> None:
    """The engine shows nothing of it: an entrypoint put it there."""
    at.write("conf/defaults", "export MINIO_ROOT_PASSWORD=minioadmin\n", 0o600, UID)
    at.run(". /etc/web/defaults")


# --- pages


@defect(turns_red=("SEC-007",))
def page_with_a_dsn(at: Site) -> None:
    at.write("www/index.html", f'{{"status": "ok", "dsn": "postgres://web:{password()}@db/web"}}\n')


@defect(turns_red=("SEC-007",))
def error_page_with_a_token(at: Site) -> None:
    at.write("www/404.html", f"not found; request was sent with api_key={password()}\n")


@defect(turns_red=("SEC-008",))
def stack_trace(at: Site) -> None:
    at.write("www/404.html", 'Traceback (most recent call last):\n  File "/srv/web.py", line 3, in get\nKeyError: 4\n')


@defect(turns_red=("SEC-009",))
def debug_page(at: Site) -> None:
    text = "<p>You’re seeing this error because you have <code>DEBUG = True</code> in your Django settings file."
    at.write("www/404.html", text)


# --- files


@defect(turns_red=("SEC-010",))
def open_key(at: Site) -> None:
    (at.folder / "conf/tls.key").chmod(0o644)


@defect(turns_red=("SEC-010",))
def open_key_among_the_data(at: Site) -> None:
    at.data["id_ed25519"] = (0o644, private_key())
    at.data["."] = (0o755, "")


@defect(turns_red=("SEC-011",))
def open_configuration(at: Site) -> None:
    at.append("conf/web.yaml", f"  password: {password()}\n")


@defect(turns_red=("SEC-012",))
def open_env_file(at: Site) -> None:
    (at.folder / "app.env").chmod(0o644)


@defect(turns_red=("SEC-012",))
def env_file_that_all_may_write(at: Site) -> None:
    (at.folder / "app.env").chmod(0o602)


@defect(turns_red=("SEC-013",))
def env_file_of_a_stranger(at: Site) -> None:
    os.chown(at.folder / "app.env", STRANGER, STRANGER)


@defect(turns_red=("SEC-014",))
def weak_value(at: Site) -> None:
    at.append("app.env", "ADMIN_PASSWORD=changeme\n")


@defect(turns_red=("SEC-015",))
def compose_file_with_a_password(at: Site) -> None:
    text = f"services:\n  web:\n    environment:\n      - REDIS_PASSWORD={password()}\n"
    at.write("compose.yaml", text, 0o600)


@defect(turns_red=("SEC-015",))
def unit_file_with_a_token(at: Site) -> None:
    at.write("web.service", f'[Service]\nEnvironment="API_TOKEN={password()}" "MODE=live"\nExecStart=/start\n', 0o600)


@defect(turns_red=("SEC-016",))
def token_in_the_repository(at: Site) -> None:
    at.write("src/deploy.sh", f"#!/bin/sh\ncurl -H 'Authorization: Bearer {password()}' https://deploy.example/\n")
    git(at.folder / "src", "add", ".")


@defect(turns_red=("SEC-017",))
def versioned_env_file(at: Site) -> None:
    git(at.folder, "init", "-q")
    git(at.folder, "add", "app.env")


# --- known secrets


@defect(turns_red=("SEC-018",))
def copy_in_base64(at: Site) -> None:
    """In a file that nobody else may read: a secret may lie there, but not this one."""
    at.data["dump.txt"] = (0o600, f"basic {base64.b64encode(f'web:{at.db}'.encode()).decode()}\n")


@defect(turns_red=("SEC-018",))
def copy_as_it_is(at: Site) -> None:
    at.data["dump.txt"] = (0o600, f"last seen {at.db} here\n")


@defect(turns_red=("SEC-019",))
def weak_known_secret(at: Site) -> None:
    at.write("old.secret", "changeme\n", 0o600)
    at.secrets["known"] = {"old": {"value": {"file": str(at.folder / "old.secret")}}}
