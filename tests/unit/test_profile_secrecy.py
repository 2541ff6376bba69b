"""A message about a profile shows the line it is about, and never the secret that somebody wrote there."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seatrial.profile.loading import ProfileError, load
from seatrial.profile.secrecy import continued, cover

HEAD = "profile: x\ntarget: {driver: docker}\nservices:\n  api:\n"
LITERAL = "hunter2hunter2"

COVERED = {
    "DB_PASSWORD: hunter2": "DB_PASSWORD: ***",
    "password: 'it''s'  # why": "password: ***  # why",
    'values: {API_TOKEN: "a, b", LEVEL: info}': "values: {API_TOKEN: ***, LEVEL: info}",
    "values: {SECRET_KEY: a1, b: 2}": "values: {SECRET_KEY: ***, b: 2}",
    "headers: {Authorization: Bearer abc, X-Api-Key: 0755}": "headers: {Authorization: ***, X-Api-Key: ***}",
    "tokens: [abc, 'd e']": "tokens: [***, ***]",
    "API_TOKEN: {valu: abc}": "API_TOKEN: {valu: ***}",
    "clientSecret: abc": "clientSecret: ***",
    "signing-key: abc": "signing-key: ***",
    "key: abc": "key: ***",
    "- DB_PASSWORD=hunter2": "- DB_PASSWORD=***",
    "command: [dump, --password=hunter2, -a]": "command: [dump, --password=***, -a]",
    "command: [dump, --password, hunter2, -a]": "command: [dump, --password, ***, -a]",
    "url: postgres://app:hunter2@db/x": "url: postgres://app:***@db/x",
    "passwrd: hunter2": "passwrd: ***",
    'password: "not closed': "password: ***",
    "  - DB_PASSWORD hunter2": "  - DB_PASSWORD ***",
}
SHOWN = [
    "DB_PASSWORD: {env: DB_PASSWORD}", "DB_PASSWORD: {file: /run/secrets/db}", "secrets: {files: [a.env], log_lines: 5}",
    "required: [DATABASE_URL, DB_PASSWORD]", "tls: {ca: ca.pem, key: ./server.pem}", "monkey: banana",
    "  - {requirement: CTR-001, subject: token, reason: x}", "password: |", "url: http://127.0.0.1:8080/x@y",
]  # fmt: skip


@pytest.mark.parametrize("line", COVERED)
def test_what_is_covered(line):
    assert cover(line).text == COVERED[line]


@pytest.mark.parametrize("line", SHOWN)
def test_what_is_shown(line):
    assert cover(line).text == line


def refused(tmp_path, content):
    (tmp_path / "a.yaml").write_text(content)
    with pytest.raises(ProfileError) as error:
        load(tmp_path / "a.yaml")
    return error.value


# What is wrong is at the value, before it, behind it, or in the YAML itself.
WRITTEN = {
    "a list": "    environment: {values: {DB_PASSWORD: [LITERAL]}}",
    "an unknown key before": "    enviroment: {DB_PASSWORD: LITERAL}",
    "an unknown key behind": "    environment: {values: {DB_PASSWORD: LITERAL}, nope: 1}",
    "where only a reference may stand": "    configuration: {reports: {password: LITERAL}}",
    "a misspelt reference": "    environment: {values: {DB_PASSWORD: {valu: LITERAL}}}",
    "misspelt itself": "    pasword: LITERAL",
    "an anchor": "    environment: {values: {DB_PASSWORD: &x LITERAL}}",
    "a tag": "    environment: {values: {DB_PASSWORD: !secret LITERAL}}",
    "a duplicate": "    password: LITERAL\n    password: LITERAL",
    "a quote that is not closed": '    environment: {values: {DB_PASSWORD: "LITERAL}}',
    "a bracket that is not closed": "    environment: {values: {DB_PASSWORD: LITERAL",
    "a line of its own": "    environment:\n      values:\n        DB_PASSWORD:\n          - LITERAL",
    "a mapping of its own": "    environment:\n      values:\n        DB_PASSWORD:\n          valu: LITERAL",
    "a block": "    environment:\n      values:\n        DB_PASSWORD: |\n          LITERAL\n         x",
    "a quote over lines": '    environment: {values: {DB_PASSWORD: "\n      LITERAL\\q\n  "}}',
    "in a URL": "    url: http://app:LITERAL@127.0.0.1/\n    urls: http://app:LITERAL@127.0.0.1/",
    "in a command": "    process: {command: [psql, --password=LITERAL]}",
    "a colon behind": "    password: LITERAL: x",
    "a colon that was forgotten": "    port: 1\n    password LITERAL\n    replicas: 1",
    "a tab": "    password: LITERAL\t: [",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_literal_is_in_no_message(name, tmp_path):
    error = refused(tmp_path, HEAD + WRITTEN[name].replace("LITERAL", LITERAL) + "\n")
    for text in (str(error), repr(error), repr(error.problems), error.told(colour=True)):
        assert LITERAL not in text
    assert "***" in str(error) or not error.problems[0].source_line


def test_a_trap_of_yaml_is_told_without_its_value(tmp_path):
    error = refused(tmp_path, HEAD + "    environment: {values: {DB_PASSWORD: 0755, PORT: 0644}}\n")
    assert "0755" not in str(error)
    assert "*** is an octal number" in str(error)
    assert '0644 is an octal number to some YAML readers: write "0644"' in str(error)


def test_the_caret_stays_under_what_is_meant(tmp_path):
    error = refused(tmp_path, HEAD + f"    environment: {{values: {{DB_PASSWORD: {LITERAL}}}, nope: 1}}\n")
    head, line, mark = str(error).splitlines()[:3]
    assert line[mark.index("^") :].startswith("nope")
    assert mark.count("^") == 4
    # The place is that of the file.
    assert ":5:58: unknown key `nope`" in head
    error = refused(tmp_path, HEAD + f"    environment: {{values: {{DB_PASSWORD: [{LITERAL}]}}}}\n")
    assert str(error).splitlines()[2].strip() == "^"


def test_lines_that_go_on_with_a_secret_are_known():
    lines = ["password:", "  a", "token: |", "  b", "", "  c", "x: 1", "  y", "DB_KEY:", "  env: X", "z: 1"]
    assert continued(lines) == {1, 3, 5}
    assert continued(['{s: {secret: "a', " b", 'c", d: 1}', "e: 1"]) == {1, 2}


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.sampled_from(["password", "DB_PASSWORD", "apiKey", "X-Auth-Token", "client_secret", "SECRET_KEY"]),
    value=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 _.:;#@%&*=+-]{6,30}[A-Za-z0-9]", fullmatch=True),
    quote=st.sampled_from(["", '"', "'"]),
    around=st.sampled_from(
        ["    nope: {%s}", "    nope: {a: 1, %s, b: 2}", "    %s", "    nope:\n      %s", "    nope: [{%s}]"]
    ),
)
def test_no_value_is_ever_shown(key, value, quote, around, tmp_path):
    error = refused(tmp_path, HEAD + around % f"{key}: {quote}{value}{quote}" + "\n")
    # Past a comment's sign, a plain value is none; what YAML takes for the value is what counts.
    secret = value if quote else value.split(" #")[0].split(": ")[0]
    assert secret not in str(error).replace(key, "")


def test_a_line_of_a_megabyte_takes_no_time():
    started = time.monotonic()
    for line in (
        "a/" * 400_000,
        "key" * 300_000,
        "password: " * 90_000,
        "token: [" * 90_000,
        '"' * 900_000,
        "=," * 400_000,
    ):
        cover(line)
        continued([line])
    continued(["password: x", *["  y"] * 200_000])
    assert time.monotonic() - started < 20


def on_a_terminal(folder, **environ):
    reader, terminal = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "seatrial", "audit", "./a.yaml"], cwd=folder, stdout=terminal, stderr=terminal,
        env={key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "PY_COLORS", "FORCE_COLOR")}
        | {"TERM": "xterm"} | environ,
    )  # fmt: skip
    os.close(terminal)
    text = b""
    try:
        while part := os.read(reader, 65536):
            text += part
    except OSError:  # the other end is closed
        pass
    os.close(reader)
    assert done.wait(60) == 4
    return text.decode().replace("\r", "")


def test_colours_only_where_they_are_wanted(tmp_path):
    (tmp_path / "a.yaml").write_text(HEAD + "    readyness: {path: /}\n")
    text = on_a_terminal(tmp_path)
    assert "\x1b[1;31m^^^^^^^^^\x1b[0m \x1b[36mdid you mean `readiness`?\x1b[0m" in text
    plain = "ERROR: a.yaml:5:5: unknown key `readyness` in services.api\n    5 |     readyness: {path: /}\n"
    assert plain in re.sub("\x1b\\[[0-9;]*m", "", text)
    assert "\x1b" not in on_a_terminal(tmp_path, NO_COLOR="1")
    assert "\x1b" not in on_a_terminal(tmp_path, TERM="dumb")


def test_a_long_hint_is_folded_below(tmp_path):
    lines = str(refused(tmp_path, HEAD + "    xyzzy: 1\n")).splitlines()
    assert lines[2].strip() == "^^^^^"
    assert lines[3].startswith("        known keys: url, ")
    assert all(len(line) <= 120 for line in lines)
    assert "grace_period" in " ".join(lines[3:])
