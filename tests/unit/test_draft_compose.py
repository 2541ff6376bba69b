"""Drafts from compose files as people write them, with nothing running."""

from __future__ import annotations

import re
import textwrap

import pytest
import yaml

from seatrial.draft import NothingFound
from seatrial.draft.compose_yaml import read, variables_of
from seatrial.draft.composing import find
from seatrial.draft.writing import text
from seatrial.profile.loading import load

SHOP = """\
version: "3.8"
x-common: &common
  restart: unless-stopped
  logging: {driver: json-file, options: {max-size: "10m", max-file: "3"}}
services:
  web:
    <<: *common
    image: nginx:${NGINX_VERSION:-1.25}
    ports: ["80:80", "127.0.0.1:8443:443", "53:53/udp", "[::1]:9:9", "7000-7001:7000-7001", "5000"]
    volumes: ["./nginx.conf:/etc/nginx/nginx.conf:ro"]
    depends_on: [api]
  api:
    <<: *common
    build: .
    env_file: api.env
    environment:
      - DATABASE_URL=postgres://shop:canary-url-password@db:5432/shop
      - STRIPE_KEY=sk_live_51canarycanarycanary0001
      - LOG_LEVEL=info
      - EMPTY=
      - PASSTHROUGH
    ports:
      - 127.0.0.1:8000:8000
      - {target: 9000, published: "9001", host_ip: 127.0.0.1}
    healthcheck: {test: ["CMD-SHELL", "curl -fs http://localhost:8000/health/ready?token=canary-token-0002 || exit 1"]}
    depends_on:
      db: {condition: service_healthy}
      cache: {condition: service_started, required: false}
      migrate: {condition: service_completed_successfully}
    deploy: {replicas: 2, resources: {limits: {cpus: "0.50", memory: 512M, pids: 100}}}
    ulimits: {nofile: {soft: 4096, hard: 8192}}
    stop_grace_period: 1m30s
    labels: {secret.label: canary-label-0003}
  migrate:
    build: .
    command: ./migrate --password canary-command-0004
    depends_on: [db]
  db:
    image: postgres:16-alpine@sha256:0000000000000000000000000000000000000000000000000000000000000000
    platform: linux/arm64
    environment: {POSTGRES_PASSWORD: canary-env-0005, POSTGRES_DB: shop}
    volumes: ["db-data:/var/lib/postgresql/data", {type: bind, source: ./spool, target: /spool}]
    restart: always
  cache:
    image: redis:7
    command: redis-server --requirepass ${REDIS_PASSWORD:-canary-default-0006}
    volumes: [/data]
  debug:
    image: adminer
    profiles: [debug]
volumes: {db-data: {}}
"""


@pytest.fixture(autouse=True)
def _clean(monkeypatch, tmp_path):
    """The engine that is here and this process's own variables are no part of a test."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    for name in ("COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES", "NGINX_VERSION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def shop(tmp_path):
    folder = tmp_path / "Shop.App"
    folder.mkdir()
    (folder / "docker-compose.yml").write_text(SHOP)
    (folder / "api.env").write_text("export API_TOKEN='canary-envfile-0007'\n# note\nAPI_URL=http://x\n")
    (folder / ".env").write_text("REDIS_PASSWORD=canary-dotenv-0008\nNGINX_VERSION=1.27\n")
    return folder / "docker-compose.yml"


def drafted(file, **options):
    written = text(find(file), file.parent, **options)
    (file.parent / "draft.yaml").write_text(written)
    return written, load(file.parent / "draft.yaml").profile


def compose(tmp_path, body, **services):
    file = tmp_path / "compose.yml"
    file.write_text(textwrap.dedent(body))
    return file


def test_a_draft_loads_and_says_what_the_file_says(shop):
    _, profile = drafted(shop)
    assert profile.target.compose_project == "shopapp"
    assert list(profile.services) == ["web", "api", "migrate", "db", "cache"]
    web, api, migrate, db, cache = profile.services.values()
    assert web.image == "nginx:1.27"
    assert web.restart == api.restart == "unless-stopped"
    assert web.exposure.published == [
        "0.0.0.0:80", "127.0.0.1:8443", "0.0.0.0:53/udp", "[::1]:9", "0.0.0.0:7000", "0.0.0.0:7001",
    ]  # fmt: skip
    assert api.exposure.published == ["127.0.0.1:8000", "127.0.0.1:9001"]
    assert (api.replicas, str(api.grace_period), str(api.resources.memory), api.resources.cpus) == (
        2,
        "1m30s",
        "512MiB",
        "0.5",
    )
    assert (api.resources.pids, api.resources.nofile) == (100, 4096)
    assert str(api.logs.max_size) == str(web.logs.max_size)
    assert api.logs.max_size.bytes == 30_000_000
    assert api.readiness.path == "/health/ready"
    assert api.url == "http://127.0.0.1:8000"
    assert {name: node.optional for name, node in api.depends_on.items()} == {"db": False, "cache": True}
    assert migrate.one_shot
    assert migrate.depends_on is None
    assert db.image.startswith("postgres:16-alpine@sha256:")
    assert (db.platform, db.protocol, db.port) == ("linux/arm64", "postgres", 5432)
    assert db.persistence.paths == ["/var/lib/postgresql/data", "/spool"]
    assert cache.persistence is None, "a volume nobody named is for a person to decide"


def test_names_of_variables_and_no_value(shop):
    written, profile = drafted(shop)
    assert "canary" not in written
    assert "sk_live" not in written
    assert profile.services["api"].environment.required == [
        "API_TOKEN",
        "API_URL",
        "DATABASE_URL",
        "STRIPE_KEY",
        "LOG_LEVEL",
    ]
    assert profile.services["db"].environment.required == ["POSTGRES_PASSWORD", "POSTGRES_DB"]


def test_what_is_no_fact_says_so(shop):
    written, _ = drafted(shop)
    assert re.search(r"protocol: postgres +# guess: by the name of image", written)
    assert re.search(r'- "0\.0\.0\.0:80" +# decide: 80 inside, on every interface', written)
    assert re.search(r"/spool +# guess: a writable folder of the host", written)
    assert re.search(r"# +- /data +# decide: a volume nobody named", written)
    assert re.search(r"readiness:\n +path: /health/ready +# guess: healthcheck in docker-compose.yml", written)
    assert "service debug starts only with profile debug" in written
    assert "# backups:" in written
    assert "# slos:" in written
    assert "# port 5000 is published on a port that the engine chooses anew each time" in written


def test_every_line_says_where_it_is_from_or_is_plain(shop):
    written, _ = drafted(shop)
    for line in written.splitlines():
        code = line.split("  # ")[0].strip()
        assert len(line) <= 120 or "sha256" in line
        if code and not code.startswith(("#", "driver:", "profile:")) and not code.endswith(":"):
            assert "# " in line, line


def test_files_that_may_hold_secrets_are_named(shop):
    _, profile = drafted(shop)
    assert profile.secrets.files == ["docker-compose.yml", ".env", "api.env"]


def test_a_file_that_cannot_be_read_is_left_to_a_person(shop):
    (shop.parent / "api.env").unlink()
    written, profile = drafted(shop)
    assert profile.secrets.files == ["docker-compose.yml", ".env"]
    assert "#   - api.env" in written or "# - api.env" in written


@pytest.mark.parametrize(
    ("written", "given", "becomes"),
    [
        ("$A", {"A": "x"}, "x"),
        ("${A}", {}, ""),
        ("${A:-d}", {"A": ""}, "d"),
        ("${A-d}", {"A": ""}, ""),
        ("${A-d}", {}, "d"),
        ("${A:+r}", {"A": "x"}, "r"),
        ("${A:+r}", {}, ""),
        ("${A:?must}", {"A": "x"}, "x"),
        ("${A:-${B:-c}}", {}, "c"),
        ("${A:-${B:-c}}-z", {"B": "b"}, "b-z"),
        ("$$A ${A}$", {"A": "1"}, "$A 1$"),
        ("a$1", {}, "a$1"),
    ],
)
def test_variables_as_compose_fills_them_in(tmp_path, monkeypatch, written, given, becomes):
    monkeypatch.delenv("A", raising=False)
    monkeypatch.delenv("B", raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    file = compose(tmp_path, "services: {a: {image: b}}")
    assert read(file).text(written) == becomes


def test_a_variable_without_a_value_is_told(tmp_path):
    file = compose(tmp_path, "services: {a: {image: 'b:${TAG_NOBODY_SET}'}}")
    assert "variable TAG_NOBODY_SET, which compose.yml uses, is not set" in text(find(file), tmp_path)


def test_ports_are_no_numbers_of_base_60_and_no_is_a_word(tmp_path):
    file = compose(tmp_path, "services:\n  a:\n    image: ssh\n    restart: no\n    ports:\n      - 22:22\n")
    _, profile = drafted(file)
    assert profile.services["a"].restart == "no"
    assert profile.services["a"].exposure.published == ["0.0.0.0:22"]


def test_the_projects_name_is_the_files_own_when_it_has_one(tmp_path, monkeypatch):
    file = compose(tmp_path, "name: ${STACK:-Sea}\nservices: {a: {image: b}}")
    assert drafted(file)[1].target.compose_project == "sea"
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "other")
    assert drafted(file)[1].target.compose_project == "other"
    assert drafted(file, name="mine")[1].profile == "mine"


def test_services_of_a_profile_are_there_when_it_is_asked_for(tmp_path, monkeypatch):
    file = compose(tmp_path, "services: {a: {image: b}, d: {image: c, profiles: [debug]}}")
    monkeypatch.setenv("COMPOSE_PROFILES", "debug,more")
    assert list(drafted(file)[1].services) == ["a", "d"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("services: {a: {extends: {service: b}}, b: {image: c}}", "services.a.extends"),
        ("include: [more.yml]\nservices: {a: {image: b}}", "include"),
        ("hello: world", "no services"),
        ("- a\n- b", "no services"),
        ("services: {a: [", "is no YAML"),
        ("services: {a: {profiles: [x]}}", "no service that starts by default"),
        ("services: {a: {image: '${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-${A:-b}}}}}}}}}}'}}", "more than 8 deep"),
        ("services: {a: {image: '${A'}}", "not closed"),
    ],
)
def test_what_is_not_read_is_refused_and_says_what_to_do(tmp_path, body, told):
    with pytest.raises(NothingFound, match=re.escape(told)):
        find(compose(tmp_path, body))


def test_a_file_that_is_not_there_is_too_large_or_too_deep_is_refused(tmp_path):
    with pytest.raises(NothingFound, match="is not there"):
        find(tmp_path / "compose.yml")
    (tmp_path / "big.yml").write_text("services: {}\n#" + "x" * 1024 * 1024)
    with pytest.raises(NothingFound, match="larger than 1 MB"):
        find(tmp_path / "big.yml")
    (tmp_path / "deep.yml").write_text("[" * 20000)
    with pytest.raises(NothingFound, match="more than 64 deep"):
        find(tmp_path / "deep.yml")


def test_aliases_of_aliases_are_not_written_out(tmp_path):
    rows = ["a0: &a0 {x: y}"] + [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 12)]
    file = compose(tmp_path, "\n".join([*rows, "services: {a: {image: b, environment: *a11}}"]))
    with pytest.raises(NothingFound, match="huge"):
        find(file)
    with pytest.raises(NothingFound):
        find(compose(tmp_path, "services: &s {a: {image: b, environment: *s}}"))


def test_an_override_beside_it_is_told(tmp_path):
    file = compose(tmp_path, "services: {a: {image: b}}")
    (tmp_path / "compose.override.yml").write_text("services: {}\n")
    assert "compose.override.yml, which compose reads too, was not read" in text(find(file), tmp_path)


def test_names_that_a_profile_cannot_have_keep_their_own_in_compose(tmp_path):
    file = compose(tmp_path, "services: {_db: {image: redis}, a: {image: b, depends_on: [_db]}}")
    _, profile = drafted(file)
    assert profile.services["db"].compose_service == "_db"
    assert list(profile.services["a"].depends_on) == ["db"]


def test_env_files(tmp_path):
    (tmp_path / "e").write_text("A=1\nexport B='two words' \n#C=3\nD = \"x\"\nE=v # note\nbad line\n9F=1\n")
    assert variables_of(tmp_path / "e") == {"A": "1", "B": "two words", "D": "x", "E": "v"}
    assert variables_of(tmp_path / "nothing") == {}


def test_tags_of_compose_are_read_past(tmp_path):
    file = compose(tmp_path, "services: {a: {image: b, ports: !override ['127.0.0.1:1:1']}}")
    assert drafted(file)[1].services["a"].exposure.published == ["127.0.0.1:1"]


def test_the_text_is_one_that_any_yaml_reader_takes_alike(shop):
    written, profile = drafted(shop)
    document = yaml.safe_load(written)
    assert document["services"]["migrate"]["restart"] == profile.services["migrate"].restart == "no"
    assert document["services"]["api"]["resources"]["cpus"] == "0.5"


def test_what_looks_like_a_secret_is_left_out_and_that_is_told(tmp_path):
    (tmp_path / ".env").write_text("REGISTRY_TOKEN=canary-token-1234567\n")
    file = compose(
        tmp_path,
        """\
        services:
          a:
            image: reg/app:${REGISTRY_TOKEN}
            volumes: ["d:/data/${REGISTRY_TOKEN}"]
            restart: always
        """,
    )
    written, profile = drafted(file)
    assert "canary" not in written
    assert profile.services["a"].image is None
    assert profile.services["a"].persistence is None
    assert profile.services["a"].restart == "always"
    assert "# image is left out: what was found there looks like a secret" in written
    assert "# persistence is left out" in written


def test_a_variable_that_names_another_service_tells_of_it(tmp_path):
    file = compose(
        tmp_path,
        """\
        services:
          api:
            image: a
            depends_on: [db]
            environment:
              STORE: http://user:canary-pass-12345@minio:9000/x
              CACHES: cache-1:6379,cache-2:6379
              QUEUE_HOST: queue
              DB_USER: bus
              BUS_PASSWORD: bus
              WORD: queue of things
              DB: db:5432
              SELF: http://api:1
          minio: {image: minio/minio}
          cache-1: {image: redis}
          cache-2: {image: redis}
          queue: {image: nats}
          bus: {image: nats}
          db: {image: postgres}
        """,
    )
    written, profile = drafted(file)
    assert "canary" not in written
    found = {name: node.optional for name, node in profile.services["api"].depends_on.items()}
    assert found == {"db": False, "minio": True, "cache-1": True, "cache-2": True, "queue": True}
    assert re.search(r"minio: \{optional: true\} +# guess: variable STORE names it; is it needed\?", written)
