"""Drafts of what really runs: they load, give a verdict at once, hold no secret, and are kept up to date."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import secrets
import subprocess
import sys
import time
import urllib.parse

import pytest

from seatrial.profile.loading import load
from tests.lab import compose as composes
from tests.lab import tear_down
from tests.lab.ports import free_port

pytestmark = pytest.mark.integration


def seatrial(*words, folder, code=0, **env):
    """Run the command as an operator does; give what it printed."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "DOCKER_", "COMPOSE_"))}
    done = subprocess.run(
        [sys.executable, "-m", "seatrial", *map(str, words)],
        cwd=folder, capture_output=True, text=True, timeout=180, env=environ | {"NO_COLOR": "1"} | env, check=False,
    )  # fmt: skip
    assert done.returncode in (code if isinstance(code, tuple) else (code,)), done.stdout + done.stderr
    return done


def report(folder, name="reports"):
    run = max((folder / name).iterdir())
    return json.loads((run / "conformance.json").read_text()), run


@pytest.fixture(params=["harbor_compose1", "harbor_compose2"])
def composed(request):
    return request.getfixturevalue(request.param)


def test_a_project_is_drafted_as_it_is(composed, docker_engine, tmp_path):
    seatrial("draft", f"compose:{composed.project}", "-o", "sea.yaml", folder=tmp_path)
    profile = load(tmp_path / "sea.yaml").profile
    assert profile.target.identity == docker_engine.call("GET", "/info")["ID"]
    assert profile.target.compose_project == composed.project
    front, service, migrate = (profile.services[name] for name in ("front", "service", "migrate"))
    assert front.url == composed.url
    assert front.exposure.published == [f"127.0.0.1:{composed.port}"]
    assert (front.readiness.path, front.health.path) == ("/health/ready", "/health")
    assert (front.health.status, front.health.components, front.health.version) == ("status", "components", "version")
    assert str(front.resources.memory) == "48MiB"
    assert service.replicas == 2
    assert set(service.depends_on) == {"redis", "postgres"}
    assert migrate.one_shot
    assert {name: profile.services[name].protocol for name in ("redis", "postgres", "service")} == {
        "redis": "redis", "postgres": "postgres", "service": "http",
    }  # fmt: skip
    assert profile.services["postgres"].persistence.paths == ["/var/lib/postgresql/data"]
    assert profile.services["redis"].exposure.listening == ["6379"]
    assert profile.environment == "production"
    text = (tmp_path / "sea.yaml").read_text()
    assert composed.password not in text
    for line in ("backups:", "slos:", "alerts:"):
        assert f"\n# {line}" in text


def test_a_draft_gives_a_verdict_at_once(composed, tmp_path):
    began = time.monotonic()
    seatrial("draft", f"compose:{composed.project}", "-o", "sea.yaml", folder=tmp_path)
    seatrial("audit", "./sea.yaml", folder=tmp_path, code=(0, 1))
    took = time.monotonic() - began
    told, _ = report(tmp_path)
    asked = [r for r in told["results"] if r["area"] in ("containers", "exposure", "health")]
    assert [
        (r["id"], r["subject"], r["seen"] or r["reason"]) for r in asked if r["outcome"] in ("violation", "error")
    ] == []
    assert {r["area"] for r in asked if r["outcome"] == "pass"} == {"containers", "exposure", "health"}
    assert took < 90


def test_containers_by_name(harbor_plain, tmp_path):
    names = [c.name for group in harbor_plain.containers.values() for c in group]
    seatrial("draft", *(f"container:{name}" for name in names), "-o", "sea.yaml", "--name", "sea", folder=tmp_path)
    profile = load(tmp_path / "sea.yaml").profile
    assert profile.profile == "sea"
    assert sorted(name for service in profile.services.values() for name in service.containers) == sorted(names)
    redis = profile.services[harbor_plain.containers["redis"][0].name]
    assert redis.protocol == "redis"
    text = (tmp_path / "sea.yaml").read_text()
    assert re.search(r"# guess: a connection to port (6379|5432|8000) was seen", text), "nothing says it, but they talk"
    seatrial("audit", "./sea.yaml", "-k", "containers or exposure", folder=tmp_path, code=(0, 1))
    said = seatrial("draft", "--update", "sea.yaml", folder=tmp_path).stderr
    assert "has everything that is there" in said


def test_a_url_is_drafted_and_decided(harbor_plain, tmp_path):
    seatrial("draft", harbor_plain.url, "-o", "site.yaml", folder=tmp_path)
    profile = load(tmp_path / "site.yaml").profile
    assert profile.target.driver == "http"
    assert profile.target.identity == harbor_plain.url
    assert profile.services["site"].readiness.path == "/health/ready"
    seatrial("audit", "./site.yaml", "-k", "health", folder=tmp_path)
    told, _ = report(tmp_path)
    assert told["target"]["pinned"]


# --- later ------------------------------------------------------------------------------------------------------------


def without(text, *services):
    for name in services:
        text = re.sub(rf"\n  {name}:\n(?:    .*\n)+", "\n", text)
    return text


def test_an_update_adds_what_appeared_and_touches_nothing_else(harbor_compose2, tmp_path):
    file = tmp_path / "sea.yaml"
    seatrial("draft", f"compose:{harbor_compose2.project}", "-o", file, folder=tmp_path)
    text = without(file.read_text(), "redis")
    # A profile that names a service it has not is not sound: the dependency goes with it.
    text = re.sub(r"\n      redis: \{\}.*", "", text)
    text = re.sub(r"    exposure:\n      listening:\n        - 5432.*\n", "", text)
    text = text.replace("summary:", "# by hand: ask Ada\nsummary:").replace(
        "  migrate:\n", "  migrate:\n    # a job\n", 1
    )
    text = text.replace("    platform: linux/amd64", "    # platform: linux/amd64", 1)
    file.write_text(text)
    said = seatrial("draft", "--update", file, folder=tmp_path).stderr
    after = file.read_text()
    kept = [line for line in text.splitlines() if line not in after.splitlines()]
    assert kept == [], "every line a person left is there, byte for byte"
    order = [after.splitlines().index(line) for line in text.splitlines() if text.count(line) == 1 and line.strip()]
    assert order == sorted(order)
    profile = load(file).profile
    assert profile.services["redis"].protocol == "redis"
    assert set(profile.services["service"].depends_on) == {"redis", "postgres"}
    assert profile.services["postgres"].exposure.listening == ["5432"]
    assert re.search(r"\n  redis: +# new \d{4}-\d\d-\d\d\n", after)
    assert "added services.redis" in said
    assert profile.services["front"].platform is None, "what a person turned into a comment stays one"
    again = seatrial("draft", "--update", file, folder=tmp_path).stderr
    assert "has everything that is there" in again
    assert file.read_text() == after


def test_an_update_tells_what_is_gone_and_what_differs(harbor_compose2, tmp_path):
    file = tmp_path / "sea.yaml"
    seatrial("draft", f"compose:{harbor_compose2.project}", "-o", file, folder=tmp_path)
    text = file.read_text().replace("services:\n", "services:\n  ghost: {protocol: redis}\n\n", 1)
    text = text.replace("restart: on-failure ", "restart: always ", 1).replace(
        "        - 8080 ", "        - 1234\n        - 8080 ", 1
    )
    file.write_text(text)
    said = seatrial("draft", "--update", file, folder=tmp_path).stderr
    assert "service ghost is declared, and nothing of it was found" in said
    assert "front.restart is on-failure, declared is always" in said
    assert "1234 is declared in front.exposure.listening, and was not found" in said
    assert file.read_text() == text


def test_an_update_of_another_target_is_refused(harbor_compose2, docker_engine, tmp_path):
    file = tmp_path / "sea.yaml"
    seatrial("draft", f"compose:{harbor_compose2.project}", "-o", file, folder=tmp_path)
    real = docker_engine.call("GET", "/info")["ID"]
    file.write_text(file.read_text().replace(real, "AAAA:BBBB"))
    said = seatrial("draft", "--update", file, folder=tmp_path, code=4).stderr
    assert "not the target the profile pins" in said
    assert "AAAA:BBBB" in file.read_text()
    seatrial("draft", "--update", file, "--refresh-identity", folder=tmp_path)
    assert load(file).profile.target.identity == real


# --- without a profile ------------------------------------------------------------------------------------------------


def test_an_audit_without_a_profile(composed, tmp_path):
    done = seatrial("audit", f"compose:{composed.project}", folder=tmp_path, code=(0, 1))
    told, run = report(tmp_path)
    profile = load(run / "profile.yaml").profile
    assert profile.target.compose_project == composed.project
    assert profile.services["front"].image is None, "what is found would only agree with itself"
    asked = [r for r in told["results"] if r["area"] in ("containers", "exposure", "health")]
    assert [
        (r["id"], r["subject"], r["seen"] or r["reason"]) for r in asked if r["outcome"] in ("violation", "error")
    ] == []
    assert all(f"{run.name}/profile.yaml:" in r["where"] for r in told["results"] if r["outcome"] == "pass")
    assert composed.password not in (run / "profile.yaml").read_text()
    again = seatrial(
        "audit", run / "profile.yaml", f"--facts={run}", folder=tmp_path, code=(0, 1), DOCKER_HOST="unix:///nonexistent"
    )
    assert again.returncode == done.returncode
    by_facts = seatrial(
        "audit", run / "profile.yaml", f"--facts={run}", "--report-dir=again", folder=tmp_path, code=(0, 1)
    )
    replayed, _ = report(tmp_path, "again")
    verdicts = [[(r["id"], r["subject"], r["outcome"]) for r in each["results"]] for each in (told, replayed)]
    assert verdicts[0] == verdicts[1], by_facts.stdout


def test_plain_pytest_without_a_profile(harbor_compose2, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--pyargs", "suites.health", f"--profile=compose:{harbor_compose2.project}", "-p", "no:cacheprovider"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told, run = report(tmp_path)
    assert {r["outcome"] for r in told["results"]} <= {"pass", "not applicable"}
    assert (run / "profile.yaml").exists()


def test_a_plan_leaves_nothing_behind(harbor_compose2, tmp_path):
    said = seatrial("audit", f"compose:{harbor_compose2.project}", "--plan", folder=tmp_path).stdout
    assert "CTR-001" in said or "tests of" in said
    assert list((tmp_path / "reports").iterdir()) == []
    said = seatrial("gate", f"compose:{harbor_compose2.project}", folder=tmp_path, code=4)
    assert "production" in said.stdout + said.stderr
    assert list((tmp_path / "reports").iterdir()) == []


def test_no_engine_is_no_verdict_and_no_such_project_says_what_there_is(harbor_compose2, tmp_path):
    name = harbor_compose2.project
    for words in (("draft", f"compose:{name}"), ("audit", f"compose:{name}")):
        done = seatrial(*words, folder=tmp_path, code=3, DOCKER_HOST="unix:///nonexistent.sock")
        assert "missing right" in done.stdout + done.stderr
        done = seatrial(words[0], f"compose:{name}x", folder=tmp_path, code=4)
        assert f"did you mean compose:{name}?" in done.stdout + done.stderr
    done = seatrial("draft", "container:" + harbor_compose2.containers["redis"][0].name + "x", folder=tmp_path, code=4)
    assert "did you mean container:" in done.stderr


def test_a_draft_sends_get_and_head_alone(harbor_compose2, recording_proxy, tmp_path):
    seatrial("draft", f"compose:{harbor_compose2.project}", folder=tmp_path, DOCKER_HOST=recording_proxy.host)
    assert recording_proxy.requests
    assert recording_proxy.methods <= {"GET", "HEAD"}


# --- a stack as users write them --------------------------------------------------------------------------------------

CANARIES = {
    "environment": "kx7Canary-environment-91",
    "url": "kx7CanaryUrlPassword92",
    "command": "kx7Canary-command-93",
    "label": "kx7Canary-label-94",
    "healthcheck": "kx7Canary-healthcheck-95",
    "dotenv": "kx7Canary-dotenv-96",
    "envfile": "kx7Canary-envfile-97",
}
STACK = """\
x-lab: &lab {{org.seatrial.lab: "1", org.seatrial.lab.project: "{project}", org.seatrial.lab.owner: "{owner}", note.password: "{label}"}}
services:
  store:
    image: {redis}
    entrypoint: [redis-server, --port, "6379", --protected-mode, "no", --bind, 0.0.0.0, --dir, /tmp]
    environment:
      STORE_PASSWORD: {environment}
      MODE: fast
    env_file: store.env
    ports: ["0.0.0.0:{port}:6379"]
    volumes: ["data:/data"]
    healthcheck: {{disable: true}}
    labels: *lab
  keeper:
    image: {redis}
    entrypoint: [redis-server, --port, "6379", --requirepass, {command}, --dir, /tmp]
    environment: ["STORE_URL=redis://user:{url}@store:6379/0", "TOKEN=${{KEEPER_TOKEN}}"]
    healthcheck: {{test: [CMD, curl, -H, "Authorization: Bearer {healthcheck}", "http://localhost:6379/health?token={healthcheck}"]}}
    depends_on: [store]
    labels: *lab
volumes: {{data: {{labels: *lab}}}}
networks: {{default: {{labels: *lab}}}}
"""


@pytest.fixture
def stack(lab, require, docker_engine, tmp_path):
    """A careless stack: a store open to everybody, secrets wherever there is room for one."""
    require("compose2")
    project, folder = f"careless-{secrets.token_hex(3)}", tmp_path / "stack"
    folder.mkdir()
    given = CANARIES | {"project": project, "owner": lab.owner, "redis": lab.images["redis"], "port": free_port()}
    (folder / "docker-compose.yml").write_text(STACK.format(**given))
    (folder / ".env").write_text(f"KEEPER_TOKEN={CANARIES['dotenv']}\n")
    (folder / "store.env").write_text(f"STORE_TOKEN={CANARIES['envfile']}\n")
    command = [*composes.find("compose2"), "-p", project, "-f", str(folder / "docker-compose.yml")]
    try:
        done = subprocess.run([*command, "up", "-d"], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        yield project, folder
    finally:
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run([*command, "down", "-v", "-t", "1"], capture_output=True, timeout=60, check=False)
        tear_down(docker_engine, project)


def forms(value):
    yield value
    yield urllib.parse.quote(value, safe="")
    yield base64.b64encode(value.encode()).decode().rstrip("=")


def leaks(text):
    return [kind for kind, value in CANARIES.items() for form in forms(value) if form in text]


def test_no_secret_of_a_deployment_gets_into_a_draft(stack, tmp_path):
    project, folder = stack
    for source in (f"compose:{project}", folder / "docker-compose.yml"):
        done = seatrial("draft", source, folder=tmp_path)
        assert leaks(done.stdout + done.stderr) == []
        (tmp_path / "draft.yaml").write_text(done.stdout)
        profile = load(tmp_path / "draft.yaml").profile
        # redis-server writes over the environment it was given: names are told, and for a person to turn on.
        assert re.search(r"required: \[.*STORE_PASSWORD.*\]", done.stdout)
        assert "STORE_TOKEN" in done.stdout
        assert {os.path.basename(name) for name in profile.secrets.files} == {"docker-compose.yml", ".env", "store.env"}
    done = seatrial("draft", "--update", "draft.yaml", f"compose:{project}", folder=tmp_path, code=(0, 4))
    assert leaks(done.stdout + done.stderr + (tmp_path / "draft.yaml").read_text()) == []


def test_what_is_open_is_red_without_a_profile_and_in_a_draft(stack, tmp_path):
    project, _ = stack
    seatrial("draft", f"compose:{project}", "-o", "draft.yaml", folder=tmp_path)
    text = (tmp_path / "draft.yaml").read_text()
    assert re.search(r"# anonymous:\n      # +- \"0\.0\.0\.0:\d+\" +# decide: may it\?", text), (
        "a draft permits nothing"
    )
    for number, profile in enumerate((f"compose:{project}", "./draft.yaml")):
        done = seatrial("audit", profile, f"--report-dir=r{number}", folder=tmp_path, code=1)
        told, run = report(tmp_path, f"r{number}")
        red = {(r["id"], r["subject"]) for r in told["results"] if r["outcome"] == "violation"}
        assert ("EXP-009", "store") in red
        assert ("EXP-009", "keeper") not in red
        advised = {(r["id"], r["subject"]) for r in told["results"] if r["outcome"] == "advisory"}
        assert ("EXP-005", "store") in advised
        assert leaks(done.stdout + done.stderr) == []
        assert leaks((run / "facts.json").read_text()) == []
