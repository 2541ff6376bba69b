"""The profile of the lab's harbor stack: what a team would have written about it."""

from __future__ import annotations

from pathlib import Path

from tests.lab import Stack

_PROFILE = """\
profile: harbor
summary: Two replicas of a notes service behind nginx, with Redis and PostgreSQL.
environment: test
hardening: restricted
target: {{driver: docker{target}}}
services:
  front:
    {front}
    url: http://127.0.0.1:{port}
    port: 8080
    restart: on-failure
    resources: {{memory: 48MiB, cpus: "0.5", pids: 64, nofile: 4096}}
    liveness: {{path: /health/live, latency: 2s, expect: {{status: 200}}}}
    readiness: {{path: /health/ready, latency: 2s}}
    depends_on: {{service: {{port: 8000}}}}
    exposure:
      published: ["127.0.0.1:{port}"]
      anonymous: ["127.0.0.1:{port}"]
  service:
    {service}
    replicas: 2
    port: 8000
    restart: on-failure
    max_restarts: 0
    resources: {{memory: 96MiB, cpus: "0.5", pids: 64, nofile: 4096}}
    depends_on: {{redis: {{}}, postgres: {{}}}}
    exposure: {{anonymous: ["8000"]}}
  migrate:
    {migrate}
    one_shot: true
  redis:
    {redis}
    protocol: redis
    port: 6379
    restart: on-failure
    resources: {{memory: 64MiB, pids: 64}}
    persistence: {{paths: [/data], survives: [restart, kill, recreate]}}
    exposure: {{}}
  postgres:
    {postgres}
    protocol: postgres
    port: 5432
    restart: on-failure
    resources: {{memory: 192MiB, pids: 64}}
    persistence: {{paths: [/var/lib/postgresql/data], survives: [restart, kill, recreate]}}
    exposure: {{}}
"""


def write(stack: Stack, folder: Path, *, target: str = "", change: tuple[str, str] = ("", "")) -> Path:
    """Write the profile of a running stack: by its compose project, or by container names when it has none.

    Args:
        stack: the running stack.
        folder: where the profile goes.
        target: more of ``target:``, such as ``, host: tcp://…``.
        change: a text of the profile, and what stands in its place.
    """
    compose = stack.kind != "plain"
    names = {
        service: "image_max_age: 3650d" if compose else f"containers: [{', '.join(c.name for c in containers)}]"
        for service, containers in stack.containers.items()
    }
    text = _PROFILE.format(
        target=(f", compose_project: {stack.project}" if compose else "") + target, port=stack.port, **names
    )
    file = folder / "harbor.yaml"
    file.write_text(text.replace(*change) if change[0] else text)
    return file
