"""Canaries: a value of its own on every surface of a real target, and none of them in anything that a failing run leaves."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest

from tests.integration.defects.secrets import UID, Site, git, private_key, site
from tests.lab import Lab
from tests.lab.ports import free_port, listener_of

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
PAGES = """
import functools, http.server, os, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[2])
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), handler).serve_forever()
"""


@dataclass
class Canaries:
    """Every value that was planted, by where."""

    planted: dict[str, str] = field(default_factory=dict)

    def __call__(self, where: str) -> str:
        """A new value; its odd characters are written otherwise in URLs, JSON and XML."""
        return self.keep(where, f"{secrets.token_urlsafe(12)}7Q&<'%/+{secrets.token_urlsafe(6)}")

    def plain(self, where: str) -> str:
        """A new value that needs no quoting."""
        return self.keep(where, f"{secrets.token_urlsafe(21)}7Qz")

    def keep(self, where: str, value: str) -> str:
        self.planted[where] = value
        return value

    def seen_in(self, text: str) -> list[str]:
        """Where the canaries were planted that this text holds, in any clothing."""
        return [where for where, value in self.planted.items() if any(form in text for form in forms(value))]


def forms(value: str) -> set[str]:
    """A value as it is, and as URLs, JSON, XML, reprs and headers write it; base64 wherever in a text it begins."""
    plain = {value, quote(value), quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], repr(value)[1:-1]}
    plain |= {escape(value), escape(value, {'"': "&quot;", "'": "&#39;"}), escape(value, {"'": "&#x27;"})}
    raw = value.encode()
    coded = {base64.b64encode(b"\0" * n + raw).decode()[-(-n * 8 // 6) : -4] for n in range(3)}
    return {form for form in plain | coded | {base64.b64encode(raw).decode()} if len(form) >= 8}


def whole_run(profile: Path, folder: Path, **environment: str) -> tuple[int, dict[str, str], list[dict[str, Any]]]:
    """A run of every suite that shows as much as it can: exit code, everything it left by name, and its results."""
    command = [sys.executable, "-m", "pytest", "suites", "-l", "-vv", "-p", "no:cacheprovider", "--showlocals", "-rA"]
    base = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DOCKER_"))}
    done = subprocess.run(
        [*command, f"--profile={profile}", f"--report-dir={folder}/reports", f"--junitxml={folder}/own.xml"],
        cwd=ROOT, env=base | environment, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    left = {str(f): f.read_text(errors="replace") for f in (folder / "reports").rglob("*") if f.is_file()}
    left |= {"stdout": done.stdout, "stderr": done.stderr, "own.xml": (folder / "own.xml").read_text()}
    (report,) = [text for name, text in left.items() if name.endswith("conformance.json")]
    return done.returncode, left, json.loads(report)["results"]


def red(results: list[dict[str, Any]]) -> set[str]:
    return {r["id"] for r in results if r["outcome"] in ("violation", "advisory") and r["id"].startswith("SEC")}


def ids(*numbers: int) -> set[str]:
    return {f"SEC-{number:03}" for number in numbers}


def plant_files(at: Site, canary: Canaries) -> None:
    """On every file that a run looks at."""
    at.append("app.env", f"SMTP_PASSWORD='{canary.plain('env file')}'\nADMIN_PASSWORD=changeme\n")
    (at.folder / "app.env").chmod(0o644)
    at.write("compose.yaml", f"services:\n  web:\n    environment:\n      API_KEY: {canary.plain('compose file')}\n")
    at.write("web.service", f'[Service]\nEnvironment="TOKEN={canary.plain("unit file")}"\n')
    at.append("conf/web.yaml", f"  password: {json.dumps(canary('configuration file'))}\n")
    at.write("conf/tls.key", canary.keep("private key", private_key()), 0o644, UID)
    canary.keep("a line of the private key", canary.planted["private key"].splitlines()[1])
    at.write("src/deploy.sh", f"TOKEN={canary.plain('repository')}\nexport DB_PASSWORD={at.db}\n")
    git(at.folder / "src", "add", ".")
    git(at.folder, "init", "-q")
    git(at.folder, "add", "app.env")


def plant_pages(at: Site, canary: Canaries) -> None:
    """On pages: a health document that is wrong, so that it is told of, metrics, and an error page."""
    document = {"status": "broken", "token": canary("health page"), "dsn": f"redis://:{canary.plain('URL')}@redis:6379"}
    at.write("www/index.html", json.dumps({**document, "nested": [{"api_key": canary("nested in a health page")}]}))
    at.write("www/metrics", f'# TYPE up gauge\nup{{password="{canary.plain("label of a metric")}"}} 1\n')
    trace = f"Traceback (most recent call last):\n  password = '{canary.plain('error page')}'\nDEBUG = True</code>\n"
    at.write("www/404.html", trace)


def sections(at: Site) -> dict[str, Any]:
    """What the profile asks of the pages: nothing of it holds, and all of it is told."""
    health = {"path": "/index.html", "status": "status", "expect": {"match": {"token": "x", "nested": []}}}
    return {
        "liveness": {"path": "/index.html", "expect": {"content_type": "application/json"}},
        "health": {**health, "headers": {"X-Api-Key": {"env": "CANARY_HEADER"}}},
        "metrics": {"path": "/metrics", "required": ["down"], "max_label_values": 1},
        "environment": {
            "file": str(at.folder / "app.env"),
            "values": {"SESSION_SECRET": {"env": "CANARY_EXPECTED"}},
            "required": ["SMTP_PASSWORD"],
            "allowed": {"SESSION_SECRET": ["red", "green"]},
        },
    }


def rewritten(profile: Path, **service: Any) -> Path:
    """The profile with more said of its service."""
    document = json.loads(profile.read_text())
    document["services"]["web"].update(service)
    profile.write_text(json.dumps(document, indent=1))
    return profile


def test_no_canary_of_a_container_gets_out(lab: Lab, tmp_path: Path) -> None:
    canary = Canaries()
    with site(lab) as at:
        canary.keep("known secret", at.db)
        built = f"LABEL a.token={canary.plain('image label')}\nENV B_SECRET={canary.plain('image variable')}"
        at.built(f"{built}\nARG PIP_TOKEN\nRUN true", f"--build-arg=PIP_TOKEN={canary.plain('build argument')}")
        plant_files(at, canary)
        plant_pages(at, canary)
        logged = f"password={canary('log')}\ndb {at.db}\n{quote(at.db)}\n{base64.b64encode(at.db.encode()).decode()}\n"
        at.write("conf/banner", logged, 0o600, UID)
        at.write("conf/probe", f"#!/bin/sh\necho token={canary.plain('healthcheck')}\n", 0o700, UID)
        at.words["healthcheck"] = {"test": ["CMD", "/etc/web/probe", "--key", canary("probe")], "interval": "300ms"}
        at.words["labels"] = {"backup.password": canary("label")}
        at.words["environment"] = {
            "SESSION_SECRET": canary("variable"),
            "DATABASE_URL": f"postgres://web:{canary.plain('URL in a variable')}@db/web",
            "MINIO_ROOT_PASSWORD": "minioadmin",
        }
        at.write("conf/run", f"export LATE_TOKEN='{canary.plain('process environment')}'\n", 0o600, UID)
        serve = "cat /etc/web/banner; . /etc/web/run; httpd -f -p 8080 -h /www -c /etc/web/httpd.conf"
        at.words["command"] = ["/bin/sh", "-c", serve, "web", f"--password={canary('argument')}"]
        at.data["dump.txt"] = (0o600, f"{base64.b64encode(at.db.encode()).decode()}\n")
        at.start()
        profile = rewritten(at.profile(tmp_path), **sections(at))
        given = {"CANARY_HEADER": canary.plain("header"), "CANARY_EXPECTED": canary("expected value")}
        code, left, results = whole_run(profile, tmp_path, **given)
    assert code == 1
    assert red(results) == ids(*range(1, 13), 14, 15, 16, 17, 18), left["stdout"]
    assert {name: found for name, text in left.items() if (found := canary.seen_in(text))} == {}
    assert len(left) >= 6
    assert len(canary.planted) >= 24


@contextlib.contextmanager
def serving(folder: Path, environment: dict[str, str], *words: str) -> Iterator[tuple[int, int]]:
    """A process that serves a folder: its pid and its port."""
    port = free_port()
    command = [sys.executable, "-c", PAGES, str(port), str(folder), *words]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 20
        while listener_of(port) != process.pid:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait(10)


def test_no_canary_of_a_process_gets_out(lab: Lab, tmp_path: Path) -> None:
    canary = Canaries()
    with site(lab) as at:
        canary.keep("known secret", at.db)
        plant_files(at, canary)
        plant_pages(at, canary)
        at.write("data/dump.txt", f"{base64.b64encode(at.db.encode()).decode()}\n", 0o600)
        at.write("data/id_rsa", canary.planted["private key"], 0o644)
        environment = {
            "SESSION_SECRET": canary("variable"),
            "DATABASE_URL": f"postgres://web:{canary.plain('URL in a variable')}@db/web",
            "MINIO_ROOT_PASSWORD": "minioadmin",
        }
        with serving(at.folder / "www", environment, "--token", canary("argument"), f"--dsn={at.db}") as (pid, port):
            service = {
                "process": {"pid": pid},
                "url": f"http://127.0.0.1:{port}",
                "persistence": {"paths": [str(at.folder / "data")]},
                "configuration": {
                    "files": [{"path": str(at.folder / "conf/web.yaml"), "values": {"db.password": "x"}}]
                },
            }
            known = {"db": {"value": {"file": str(at.folder / "db.secret")}, "held_by": ["web"]}}
            declared = {
                "known": known,
                "files": [str(at.folder / name) for name in ("compose.yaml", "web.service")],
                "repository": str(at.folder / "src"),
            }
            head = {"profile": "site", "environment": "test", "target": {"driver": "process"}}
            profile = tmp_path / "site.yaml"
            profile.write_text(json.dumps({**head, "services": {"web": service}, "secrets": declared}, indent=1))
            rewritten(profile, **sections(at))
            given = {"CANARY_HEADER": canary.plain("header"), "CANARY_EXPECTED": canary("expected value")}
            code, left, results = whole_run(profile, tmp_path, **given)
    assert code == 1
    assert red(results) == ids(5, 6, 7, 10, 11, 12, 14, 15, 16, 17, 18), left["stdout"]
    assert {name: found for name, text in left.items() if (found := canary.seen_in(text))} == {}
    assert len(canary.planted) >= 16


@pytest.mark.parametrize(
    "clothing", [str, quote, lambda v: json.dumps(v)[1:-1], lambda v: base64.b64encode(v.encode()).decode()]
)
def test_a_canary_that_got_out_would_be_seen(clothing: Any) -> None:
    canary = Canaries()
    text = f"so it was {clothing(canary('log'))} after all"
    assert canary.seen_in(text) == ["log"]
