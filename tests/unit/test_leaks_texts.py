"""What is looked for in files and streams, and what is kept of texts that may hold anything."""

from __future__ import annotations

import base64
import json
import re
import struct
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from seatrial.facts.leaks_of_files import is_env
from seatrial.looks._secrets import known_secrets, leaks, redacting
from seatrial.looks._secrets_containers import demultiplexed
from seatrial.looks._secrets_files import format_of, scanned
from seatrial.looks._secrets_pages import DEBUGGERS, TRACES, _faults
from seatrial.looks._secrets_processes import pairs
from seatrial.profile.model import Profile
from seatrial.profile.references import References
from seatrial.scan import Hit
from seatrial.words import Secret

VALUE = "Kq7-wv+9/zR&mT2xLpD4"
KNOWN = [("db", Secret(VALUE))]


def known_in(data: bytes) -> list[tuple[str, int]]:
    return [(hit.kind, hit.line) for hit in scanned(data, "", KNOWN, deep=False)]


@pytest.mark.parametrize("name", [".env", "/srv/.env", ".env.production", "api.env"])
def test_env_files(name: str) -> None:
    assert is_env(name)
    assert format_of(name) == "env"


@pytest.mark.parametrize("name", ["environment", "env.py", "compose.yaml", "/srv/.envrc"])
def test_no_env_files(name: str) -> None:
    assert not is_env(name)


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.yml", "yaml"),
        ("a.yaml.example", "yaml"),
        ("x.service", "unit"),
        ("redis.conf", "ini"),
        ("dump.rdb", ""),
        ("a", ""),
    ],
)
def test_formats(name: str, format: str) -> None:
    assert format_of(name) == format


@pytest.mark.parametrize(
    "line",
    [
        VALUE,
        quote(VALUE, safe=""),
        json.dumps({"p": VALUE}),
        base64.b64encode(VALUE.encode()).decode(),
        base64.b64encode(f"web:{VALUE}".encode()).decode(),
        base64.b64encode(f"admin:{VALUE}".encode()).decode(),
    ],
)
def test_a_known_value_is_seen_in_any_clothing(line: str) -> None:
    assert known_in(b"first\n" + line.encode() + b"\nlast\n") == [("known secret db", 2)]


def test_a_value_that_is_not_there_is_not_seen() -> None:
    assert known_in(b"password: " + VALUE[:-1].encode() + b"\npassword=other\n") == []


def test_a_known_value_is_seen_among_binary_data() -> None:
    assert known_in(b"\0\1\2" + VALUE.encode() + b"\0\xff") == [("known secret db", 1)]


@pytest.mark.parametrize("lead", ["", "  "])
def test_a_known_value_of_several_lines_is_seen(lead: str) -> None:
    lines = [
        "-----BEGIN PRIVATE KEY-----",
        *("MC4CAQAwBQYDK2VwBCIE" + letter * 40 for letter in "abc"),
        "-----END PRIVATE KEY-----",
    ]
    known = [("key", Secret("\n".join(lines)))]
    text = "\n".join(["tls: |", *(lead + line for line in lines), ""])
    for deep in (False, True):
        found = scanned(text.encode(), "yaml", known, deep=deep)
        assert [(hit.kind, hit.line) for hit in found if hit.kind.startswith("known")] == [("known secret key", 2)]


def test_a_unit_file() -> None:
    text = b'[Service]\nEnvironment="MODE=live" "API_TOKEN=' + b"x7Kq9vR2mT4zLpD8" + b'"\nExecStart=/bin/true\n'
    (hit,) = scanned(text, "unit", (), deep=True)
    assert (hit.line, hit.key) == (2, "API_TOKEN")


def test_a_property_list() -> None:
    text = (
        b"<dict><key>AKIDB_SECRET_KEY</key>\n<string>x7Kq9vR2mT4zLpD8</string><key>Label</key><string>a</string></dict>"
    )
    (hit,) = scanned(text, "plist", (), deep=True)
    assert hit.key == "AKIDB_SECRET_KEY"


def test_environment_entries() -> None:
    assert pairs(["A=b=c", "nginx: master process", "E="]) == [("A", "b=c"), ("", "nginx: master process"), ("E", "")]


def test_streams_of_the_engine_are_put_together() -> None:
    pieces = [(1, b"out "), (2, b"err\nlo"), (1, b"ng")]
    data = b"".join(struct.pack(">BxxxL", stream, len(text)) + text for stream, text in pieces)
    assert demultiplexed(data) == b"out err\nlong"
    assert demultiplexed(data[:-1]) == b"out err\nlon"
    assert demultiplexed(b"just lines\nof a log\n") == b"just lines\nof a log\n"
    assert demultiplexed(b"") == b""


def test_a_secret_on_many_lines_is_one_leak() -> None:
    hits = [Hit("token", line, "T", fingerprint="f") for line in (3, 7, 9)] + [Hit("token", 4, "U", fingerprint="f")]
    first, other = leaks(hits)
    assert (first.line, first.times, other.line, other.times) == (3, 3, 4, 1)
    assert "on 3 lines" in str(first)


def test_a_known_one_is_told_by_its_name() -> None:
    assert leaks([Hit("known secret db")])[0].known == "db"


# --- what is kept of a body


@pytest.mark.parametrize(
    "document",
    [
        {
            "status": "ok",
            "token": VALUE,
            "nested": [{"api_key": VALUE}, {"dsn": f"postgres://a:{quote(VALUE, safe='')}@h/b"}],
        },
        {"password": 7319846205138845, "status": "ok"},
        [{"client_secret": VALUE}],
        {"token": 'a"b\\c' + VALUE},
    ],
)
def test_json_stays_json_without_what_it_held(document: object) -> None:
    kept = redacting(())(json.dumps(document))
    json.loads(kept)
    assert not {VALUE, quote(VALUE, safe="")} & set(re.split(r"[\"@: ]", kept))
    assert "7319846205138845" not in kept


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"status": "ok", "version": "1.4.2", "components": {"store": {"status": "ok", "latency_ms": 2}}}),
        '{"commit": "9fceb02d0ae598e95dc970b74767f19372d61af8", "uptime": 12.5, "id": "5f0c954d-6d5d-4a58-8f7b-0d5c1f2d4a11"}',
        "OK",
        "ready\n",
        '# TYPE http_requests_total counter\nhttp_requests_total{code="200",path="/token"} 17\n',
        "",
    ],
)
def test_what_holds_no_secret_is_kept_as_it_is(text: str) -> None:
    assert redacting(())(text) == text


def test_known_values_are_taken_out_without_a_name_that_tells() -> None:
    assert VALUE not in redacting(KNOWN)(json.dumps({"note": f"it was {VALUE}"}))


# --- what the run knows


def profile(**secrets: object) -> Profile:
    head = {"profile": "p", "target": {"driver": "process"}}
    return Profile.model_validate({**head, "services": {}, "secrets": secrets})


def test_known_values_are_masked_everywhere(tmp_path: Path) -> None:
    references = References({"DB": VALUE, "WEAK": "postgres"}, tmp_path)
    declared = profile(
        known={"db": {"value": {"env": "DB"}}, "old": {"value": {"env": "WEAK"}}, "gone": {"value": {"env": "X"}}}
    )
    assert [name for name, _ in known_secrets(declared, references)] == ["db", "old"]
    assert VALUE not in references.mask(f"so {VALUE}")


def test_a_value_that_everyone_knows_is_not_cut_out_of_every_text(tmp_path: Path) -> None:
    references = References({"WEAK": "postgres"}, tmp_path)
    known_secrets(profile(known={"old": {"value": {"env": "WEAK"}}}), references)
    assert references.mask("service postgres") == "service postgres"


def test_passwords_that_are_taken_by_reference_elsewhere_are_known(tmp_path: Path) -> None:
    header = SimpleNamespace(env="HEADER")
    check = SimpleNamespace(
        headers={"X-Api-Key": header, "Accept": "text/plain", "X-Trace": SimpleNamespace(env="TRACE")}
    )
    reports = SimpleNamespace(password=SimpleNamespace(env="PASSWORD"), headers=None)
    service = SimpleNamespace(
        liveness=check, readiness=None, startup=None, health=None, metrics=None,
        configuration=SimpleNamespace(reports=reports),
        environment=SimpleNamespace(values={"APP_SECRET": SimpleNamespace(env="SECRET"), "MODE": "live"}),
    )  # fmt: skip
    given = {name: f"{name.lower()}-{VALUE}" for name in ("HEADER", "TRACE", "PASSWORD", "SECRET")}
    references = References(given, tmp_path)
    known_secrets(SimpleNamespace(secrets=None, services={"web": service}), references)  # type: ignore[arg-type]
    assert {secret.origin for secret in references.known} == {"env HEADER", "env PASSWORD", "env SECRET"}


# --- pages


FAULTY = {
    "Python": 'Traceback (most recent call last):\n  File "/srv/app.py", line 3',
    "Java": "java.lang.IllegalStateException\n\tat org.example.Web.get(Web.java:17)\n",
    "Node.js": "TypeError: x is not a function\n    at Layer.handle (/srv/node_modules/express/lib/router/layer.js:95:5)",
    "Go": "panic: oops\n\ngoroutine 17 [running]:\nmain.main()",
    "Ruby": "app/controllers/web.rb:17:in `show'",
    "PHP": "Fatal error: oops\nStack trace:\n#0 /srv/index.php(3): boom()",
    ".NET": "   at Web.Home.Index() in /srv/Home.cs:line 17",
    "Rust": "stack backtrace:\n   0: rust_begin_unwind",
}


@pytest.mark.parametrize("name", TRACES)
def test_stack_traces(name: str) -> None:
    assert [leak.key for leak in _faults(FAULTY[name])] == [name]
    assert name in [leak.key for leak in _faults(json.dumps({"trace": FAULTY[name]}))]


DEBUGGING = {
    "Django's debug page": "<p>Using the URLconf defined in <code>web.urls</code>",
    "Werkzeug's debugger": "<script>var CONSOLE_MODE = false, EVALEX = true,</script>",
    "the debug page of Rails": "<p><code>Rails.root: /srv/web</code></p>",
    "the debug page of Laravel": "<script>window.ignite(data)</script>",
    "Symfony's profiler": '<a href="/_profiler/3f9a">',
    "ASP.NET's developer page": "<title>Developer Exception Page</title>",
    "PHP's phpinfo()": "<title>PHP 8.2.7 - phpinfo()</title>",
}


@pytest.mark.parametrize("name", DEBUGGERS)
def test_debuggers(name: str) -> None:
    assert [leak.key for leak in _faults(DEBUGGING[name])] == [name]


@pytest.mark.parametrize(
    "text",
    [
        "404 page not found\n",
        '{"error": "not found at /a:1:2"}',
        "look\n  at /etc/passwd, at 10:15:20",
        "<h1>Not Found</h1><p>look at the manual",
        "at 10:15:20 (UTC)",
    ],
)
def test_plain_error_pages(text: str) -> None:
    assert _faults(text) == []
