"""The grammar for editors and for readers: `profiles/profile.schema.json` and `docs/profile.md`, made from the model.

``python -m seatrial.profile.schema`` writes both; with ``--check`` it writes nothing and exits 1 when one is stale.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

import seatrial
from seatrial.profile import alerting, backing, model, objectives
from seatrial.profile.describing import meaning
from seatrial.profile.loading import LONGEST_WAIVER

__all__ = ["document", "main", "schema"]

ID = "urn:seatrial:profile:1"
_ABSENT = "DeclaredAbsent"

EXAMPLES = {
    "Profile": """\
profile: notes
summary: Notes behind one API, on one machine.
environment: staging
target: {driver: docker, compose_project: notes}
services:
  api:
    url: http://127.0.0.1:8080
    readiness: {path: /health/ready}
    depends_on: {redis: {}}
  redis: {protocol: redis, port: 6379}
backups: {none: notes are a cache, owner: "@notes"}
""",
    "EnvReference": "env: DB_PASSWORD\n",
    "FileReference": "file: /run/secrets/db_password\n",
    "None_": 'none: the data can be rebuilt from its source\nowner: "@storage"\n',
    "Hardware": """\
arch: arm64
cpus: {min: 4, recommended: 8}
memory: {min: 8GiB}
disk: {path: /var/lib/akidb, min: 100GiB, medium: nvme}
""",
    "Target": "driver: docker\ncompose_project: notes\n",
    "Start": "command: [python, -m, seatrial.demo]\nwithin: 30s\n",
    "Service": """\
url: http://127.0.0.1:8080
liveness: {path: /health/live}
readiness: {path: /health/ready, unready_within: 15s, ready_within: 60s}
depends_on: {postgres: {}, tracing: {optional: true}}
exposure: {published: ["127.0.0.1:8080"]}
restart: always
""",
    "HttpCheck": """\
path: /health
expect: {status: 200, content_type: application/json, match: {status: ok}}
version: build.version
components: components
latency: 500ms
""",
    "Expect": """\
status: [200, 201]
content_type: application/json
json_schema: {type: object, required: [id]}
match: {"items[0].id": 7}
""",
    "Canary": """\
post: /notes
body: {id: sea-trial, text: hello}
expect: {status: 201}
sentinel: sea-trial
read_back: {get: /notes/sea-trial, only_reads: true}
""",
    "Exposure": 'published: ["127.0.0.1:8080", "[::1]:8080"]\nlistening: [8080]\nanonymous: [8080]\n',
    "Persistence": "paths: [/var/lib/postgresql/data]\nsurvives: [restart, kill, recreate]\n",
    "Resources": "memory: 1GiB\ncpus: 1.5\npids: 200\nnofile: 4096\n",
    "Environment": "required: [DATABASE_URL]\nvalues: {LOG_LEVEL: info, DB_PASSWORD: {env: DB_PASSWORD}}\n",
    "Access": "call: GET /admin/stats\nexpect: {none: 401, wrong: 401}\n",
    "Limit": "name: length of a note\npost: /notes\nbody: {id: sea-trial, text: hello}\nfield: text\nat: 10000\nover: 10001\nstatus: 413\n",
    "RateLimit": "name: searches\nget: /search?q=sea\nallowed: 10\nper: 1s\n",
    "Breaker": "failures: 5\nopen_for: 10s\nfails_within: 100ms\n",
    "Dependency": "timeout: 2s\nretries: 2\nbreaker: {failures: 5, open_for: 10s}\ncall: {get: /notes/sea-trial, only_reads: true}\n",
    "Lifecycle": "errors: 1%\nreplace: true\nscale: 3\n",
    "Alerts": 'files: []\nprometheus: {url: "http://127.0.0.1:9090"}\nmeans: {ApiDown: {value: up, is: 0, for: 1m}}\ncovers: {the API is down: ApiDown}\n',
    "Meaning": "ratio: {of: {metric: calls_total, labels: {status: error}}, to: calls_total}\nabove: 5%\nfor: 2m\n",
    "Backup": """\
service: postgres
command: [./backup.sh]
restore: [./restore.sh]
files: {path: /var/backups/postgres, match: "*.dump", mode: "0600", keep: {for: 7d}}
schedule: {every: 1d, crontab: /etc/cron.d/postgres-backup}
store: {postgres: {database: shop}}
drill: {target: {image: "postgres:17"}}
rpo: 1d
rto: 30m
""",
    "Stage": "image: registry.example/postgres-with-tools:17\nenvironment: {POSTGRES_PASSWORD: {env: SCRATCH_PASSWORD}}\nready: [pg_isready]\n",
    "BackupFiles": 'path: /var/backups/postgres\nmatch: "*.dump.gz"\nmode: "0600"\nkeep: {for: 7d, count: 7}\ncopies: [{path: /mnt/second-site, within: 1d}]\n',
    "Maintenance": "command: [./cleanup.sh]\nevery: 7d\nover: notes\nolder: 30d\n",
    "Slo": """\
service: api
locustfile: loadtests/notes.py
rate: 100/s
ramp: 10s
warm_up: 20s
duration: 5m
latency: {p50: 30ms, p95: 200ms, p99.9: 2s}
errors: 0.1%
throughput: 99/s
endpoints:
  POST /notes: {latency: {p95: 300ms}, proposed: true}
classes:
  pi: {rate: 20/s, latency: {p95: 400ms}}
max_rate: 200/s
max_requests: 50000
window: {days: [sat, sun], opens: "22:00", closes: "05:00", zone: Europe/Berlin}
workers: 2
""",
    "HardwareClass": "arch: arm64\ncpus: 4\nmemory: 8GiB\nmodel: Cortex-A76\n",
    "Baseline": "rounds: 100\nslower: 25%\nendpoints: [api GET /notes]\n",
    "Waiver": """\
requirement: CTR-004
subject: minio
reason: needs CAP_CHOWN until the next image
owner: "@storage"
expires: 2027-01-31
""",
}
"""One for a node, in YAML; a test reads each of them."""

_HEAD = """\
# The profile

A profile is one YAML file that describes one deployment and its hardware: what is declared is what is tested.
This page is made from the grammar by `python -m seatrial.profile.schema`; do not edit it.

- The first line `# yaml-language-server: $schema=./profile.schema.json` gives completion and checks in an editor.
- Every number has a unit, unless it counts something: `15s`, `1h30m`, `8GiB`, `100/s`, `0.1%`.
- A *text* that some YAML reader takes for something else is written in quotes: `"no"`, `"0755"`, `"12:30"`.
- What must not be written down is a reference: `{env: NAME}` or `{file: PATH}`.
- Paths are relative to the file they are written in.
- No anchors, aliases, tags, merge keys or second documents. `extends:` is how profiles share.
- Where a deployment has no backups, alerts, objectives or maintenance, `{none: reason, owner: who}` says so.
"""


class _Generator(GenerateJsonSchema):
    """Defaults as they are written: `5s`, not the fields of a Python object."""

    def encode_default(self, dft: Any) -> Any:
        return dft if dft is None or isinstance(dft, bool | int | str | list | dict) else str(dft)


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a profile as an editor loads it: numbers and booleans are JSON's own."""
    made = model.Profile.model_json_schema(schema_generator=_Generator)
    definitions = made.pop("$defs")
    nodes = _nodes()
    for name, definition in {"Profile": made, **definitions}.items():
        for key, value in definition.get("properties", {}).items():
            value["description"] = meaning(nodes[name], key)
    made = _mended(made)
    # What a profile that extends another one lacks may be there.
    made["anyOf"] = [{"required": made.pop("required")}, {"required": ["extends"]}]
    definitions = {_name(name): _mended(definition) for name, definition in sorted(definitions.items())}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": ID, "title": "Seatrial profile"}
    return {**head, **made, "$defs": definitions}


def _nodes() -> dict[str, type[model.Node]]:
    found = {**vars(alerting), **vars(backing), **vars(objectives), **vars(model)}
    return {name: node for name, node in found.items() if isinstance(node, type) and issubclass(node, model.Node)}


def _name(node: str) -> str:
    return _ABSENT if node == "None_" else node


def _mended(node: Any, *, names: bool = False) -> Any:
    """Pydantic's schema as profiles are read: nothing is null, and no title repeats a key.

    Args:
        node: a schema, or with ``names`` a mapping whose keys are those of a profile.
    """
    if isinstance(node, list):
        return [_mended(item) for item in node]
    if not isinstance(node, dict):
        return node
    if names:
        return {key: _mended(value) for key, value in node.items()}
    node = {key: value for key, value in node.items() if key != "title" and not (key == "default" and value is None)}
    for union in ("oneOf", "anyOf"):
        branches = [branch for branch in node.pop(union, []) if branch != {"type": "null"}]
        if len(branches) == 1:
            node = {**branches[0], **node}
            return _mended(node)
        if branches:
            node["anyOf"] = branches
    if node.get("$ref", "").endswith("/None_"):
        node["$ref"] = f"#/$defs/{_ABSENT}"
    words = node.get("enum") or ([node["const"]] if "const" in node else [])
    # A plain `1.2` is a number to an editor, and the text "1.2" here.
    if numbers := [float(word) if "." in word else int(word) for word in words if word.replace(".", "").isdigit()]:
        node.pop("const", None)
        node.pop("type", None)
        node["enum"] = [*words, *numbers]
    if "patternProperties" in node:
        node["additionalProperties"] = False
    return {
        key: _mended(value, names=key in ("properties", "patternProperties"))
        if key not in ("default", "enum")
        else value
        for key, value in node.items()
    }


# --- docs/profile.md -------------------------------------------------------------------------------------------------


def document() -> str:
    """The reference of the grammar, in Markdown: a table for each node."""
    made = schema()
    nodes = _nodes()
    parts = [_HEAD]
    for name in _reached(made):
        node = nodes["None_" if name == _ABSENT else name]
        definition = made if name == "Profile" else made["$defs"][name]
        parts += [f"## {name}\n", f"{definition['description']}\n"]
        required = ("profile", "target") if name == "Profile" else definition.get("required", ())
        rows = [_row(key, value, key in required) for key, value in definition["properties"].items()]
        parts.append("\n".join(("| key | type | default | meaning |", "| --- | --- | --- | --- |", *rows)) + "\n")
        if example := EXAMPLES.get(node.__name__):
            parts.append(f"```yaml\n{example}```\n")
    parts += [_extending(), _checking()]
    return "\n".join(parts)


def _extending() -> str:
    return """\
## Extending

`extends: NAME`, `extends: ./base.yaml` or a list of them. Mappings are merged key by key; lists and values are replaced;
the later of a list wins over the earlier, and the file itself over all. `{none: …}` and references replace what they
meet. A message about a value names the file and line it was written in.
"""


def _checking() -> str:
    return f"""\
## What is checked beyond the tables

- `depends_on`, and `service` of backups and objectives, name services of the profile.
- A canary has exactly one of `get`, `post` and `put`.
- Files named by `json_schema_file`, `alerts.files` and `tls` exist; a JSON Schema is one, and a JMESPath expression too.
- A waiver expires at most {LONGEST_WAIVER.days} days ahead (UTC), and there are at most `max_waivers` of them. One that has expired does not apply.
- The file is UTF-8, at most 1 MB, nested at most 64 levels, and says no key twice.
"""


def _reached(made: dict[str, Any]) -> list[str]:
    """The nodes, in the order in which a reader meets them."""
    order = ["Profile"]
    for name in order:
        definition = made if name == "Profile" else made["$defs"][name]
        order += [found for found in dict.fromkeys(_references(definition["properties"])) if found not in order]
    return order


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rpartition("/")[2]
        for key, value in node.items():
            if key != "default":
                yield from _references(value)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)


def _row(key: str, value: dict[str, Any], required: bool) -> str:
    default = value.get("default")
    shown = (
        "**required**"
        if required
        else f"`{json.dumps(default).strip(chr(34))}`"
        if default not in (None, "", [], {})
        else ""
    )
    cells = (f"`{key}`", _type(value), shown, value["description"])
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _type(value: dict[str, Any]) -> str:
    if "$ref" in value:
        name = value["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in value:
        return " or ".join(_type(branch) for branch in value["anyOf"])
    if "enum" in value:
        return ", ".join(f"`{word}`" for word in value["enum"] if isinstance(word, str))
    if value.get("type") == "array":
        return f"list of {_type(value['items'])}"
    if value.get("type") == "object":
        inner = list(value.get("patternProperties", {}).values()) or [value.get("additionalProperties")]
        return f"mapping of names to {_type(inner[0])}" if isinstance(inner[0], dict) else "mapping"
    if examples := value.get("examples"):
        return f"with a unit: `{examples[0]}`"
    kinds = value.get("type")
    if kinds == ["string", "integer"]:
        return "port or address:port"
    if kinds == ["object", "boolean"]:
        return "JSON Schema"
    if value.get("format") == "date":
        return "date, `YYYY-MM-DD`"
    named = {"integer": "whole number", "number": "number", "boolean": "`true` or `false`", None: "any YAML"}
    return named.get(kinds if isinstance(kinds, str) else "text" if kinds else None, "text")


# --- writing ---------------------------------------------------------------------------------------------------------


def files(root: Path) -> dict[Path, str]:
    """What is generated below a checkout, and what must be in it."""
    return {
        root / "profiles" / "profile.schema.json": json.dumps(schema(), indent=2, ensure_ascii=False) + "\n",
        root / "docs" / "profile.md": document(),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Write both files, or with ``--check`` tell which are stale."""
    parser = argparse.ArgumentParser(prog="python -m seatrial.profile.schema", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    check: bool = parser.parse_args(arguments).check
    stale = 0
    for path, content in files(Path(seatrial.__file__).parent.parent).items():
        if path.is_file() and path.read_text(encoding="utf-8") == content:
            continue
        stale += 1
        if check:
            sys.stderr.write(f"{path} is stale: run python -m seatrial.profile.schema\n")
        else:
            path.write_text(content, encoding="utf-8")
            sys.stdout.write(f"wrote {path}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
