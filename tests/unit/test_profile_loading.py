"""A profile is loaded, or everything that is wrong with it is told at once, where it is."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import seatrial
from seatrial.profile import loading
from seatrial.profile.loading import ProfileError, References, load
from seatrial.profile.model import EnvReference, FileReference
from seatrial.words import CouldNotLook, Duration, Secret

BAD = Path(__file__).parent / "bad_profiles"
TODAY = dt.date(2026, 11, 21)
HEAD = "profile: x\ntarget: {driver: http}\n"


@pytest.fixture
def written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(**files: str):
        for name, content in files.items():
            Path(f"{name}.yaml").write_text(content)
        return load("./a.yaml", search=[tmp_path / "shipped"], today=TODAY)

    return write


def told(path) -> list[str]:
    with pytest.raises(ProfileError) as error:
        load(path, today=TODAY)
    return [f"{p.file.name}:{p.line}:{p.column}: {p.message}" for p in error.value.problems]


MAPPING = "must be a mapping (`key: value`)"
LIST = "must be a list (`[a, b]`, or one `- a` on each line)"
REFERENCE = "must be text, {env: NAME} or {file: PATH}"
DURATION = "a duration needs a number and a unit (d, h, m, s, ms, us), for example 15s"
ADDRESS = "must be address:port, with the numeric address of the interface, for example 127.0.0.1:8080 or [::]:53/udp"
SOCKET = "must be a port or address:port, for example 6379 or 127.0.0.1:6379"
EXPECTED = {
    "empty": ["1:1: the file is empty"],
    "comments_only": ["1:1: the file holds no profile"],
    "a_list": ["1:1: a profile is a mapping, `key: value`, at its outermost level"],
    "a_text": ["1:1: a profile is a mapping, `key: value`, at its outermost level"],
    "anchor": [
        "4:8: an anchor (`&api`): write the value out where it is used",
        "5:8: an alias (`*name`): write the value out, or use `extends:`",
    ],
    "tag": ["3:10: a tag (`!…`): the type of a value follows from its key"],
    "merge_key": ["5:5: a merge key (`<<`): use `extends:`, or write the keys out"],
    "two_documents": ["3:1: a second document: a profile is one document, without `---`"],
    "duplicate_key": ["4:1: duplicate key `summary`", "6:18: duplicate key `port` in services.api"],
    "tab": ["4:1: a tab in the indentation"],
    "not_closed": ["4:1: not YAML: did not find expected ',' or '}'"],
    "version": ["1:10: version 7 of the grammar of profiles is unknown"],
    "yaml_11": [
        '3:10: summary: no is not text to every YAML reader: write "no" in quotes',
        "6:11: services.api.port: 0755 is an octal number to some YAML readers: write 755",
        '7:14: services.api.version: 12:30 is a base-60 number to some YAML readers: write "12:30" in quotes',
        "8:15: services.api.one_shot: yes is not a boolean: write true",
        '9:14: services.api.restart: no is not text to every YAML reader: write "no" in quotes',
        '10:34: services.api.environment.values.MODE: 0755 is an octal number to some YAML readers: write "0755" in quotes',
        '10:47: services.api.environment.values.DEBUG: off is not text to every YAML reader: write "off" in quotes',
        '11:34: services.api.canary.body.at: 12:30 is a base-60 number to some YAML readers: write "12:30" in quotes',
        '11:47: services.api.canary.body.mode: 010 is an octal number to some YAML readers: write "010" in quotes',
    ],
    "no_unit": [
        "3:26: hardware.memory.min: a size needs a number and a unit (B, kB, KB, MB, GB, TB, PB, KiB, MiB, GiB, TiB, PiB, Ki, Mi, Gi, Ti, Pi), for example 8GiB",
        f"7:20: services.api.image_max_age: {DURATION}",
        f"8:40: services.api.readiness.timeout: {DURATION}",
        "10:43: slos.fast.rate: a rate needs a number and a unit of time (/s, /m, /h, /d), for example 100/s",
        "10:56: slos.fast.errors: a ratio is written in per cent, from 0% to 100%, for example 5%",
    ],
    "unknown_keys": [
        "3:1: unknown key `readiness`",
        "6:5: unknown key `readyness` in services.api",
        "7:5: unknown key `xyzzy` in services.api",
    ],
    "missing_keys": [
        "1:1: missing key `target`",
        "3:9: missing key `path` in services.api.readiness",
        "5:5: missing key `owner` in waivers[0]",
        "5:5: missing key `expires` in waivers[0]",
    ],
    "wrong_shapes": [
        f"4:8: services.api: {MAPPING}, not `a text`",
        f"5:20: services.db.containers: {LIST}, not `db`",
        f"5:36: services.db.depends_on: {MAPPING}, not a list",
        "5:53: services.db.one_shot: must be true or false, not a list",
        "6:3: services.web has no value",
        "7:19: services.job.replicas: write 3 without quotes",
        "7:34: services.job.liveness has no value",
        f"8:10: waivers: {LIST}, not a mapping",
    ],
    "unions": [
        f"5:10: services.api.url: {REFERENCE}",
        "6:20: services.api.process.pid: write a whole number",
        "7:43: services.api.readiness.expect.status: write a whole number",
        "8:46: services.api.health.expect.status[1]: must be an HTTP status from 100 to 599",
        "9:1: missing key `owner` in alerts",
        f"10:10: backups: {MAPPING}, not `nightly`",
        "11:1: missing key `owner` in slos",
        "11:21: unknown key `ownr` in slos",
        "12:19: missing key `path` in hardware.disk[0]",
    ],
    "references": [
        f"4:12: services.a.url: {REFERENCE}",
        "5:18: services.b.url.env: must be the name of an environment variable, without $, for example DB_PASSWORD",
        "6:21: unknown key `file` in services.c.url",
        "7:18: services.d.url.env: must be text, not a list",
        "8:21: unknown key `default` in services.e.url",
        "9:13: services.f.url.file has no value",
    ],
    "services": [
        "4:22: services.api.depends_on.redsi: this profile has no service `redsi`",
        "4:33: services.api.depends_on: `api` depends on itself",
        "7:22: backups.nightly.service: this profile has no service `rediss`",
        "9:19: slos.fast.service: this profile has no service `web`",
    ],
    "addresses": [
        f"6:19: services.api.exposure.published[0]: {ADDRESS}",
        f"6:35: services.api.exposure.published[1]: {ADDRESS}",
        f"6:50: services.api.exposure.published[2]: {ADDRESS}",
        f"6:68: services.api.exposure.published[3]: {ADDRESS}",
        f"7:19: services.api.exposure.listening[0]: {SOCKET}",
        f"7:32: services.api.exposure.listening[2]: {SOCKET}",
        "8:11: services.api.port: must be a port from 1 to 65535",
    ],
    "expressions": [
        "6:13: services.api.readiness.path: must be a path that starts with /, for example /health/ready",
        "7:16: services.api.readiness.version: is no JMESPath expression: Incomplete expression",
        "9:17: the key `a b` in services.api.readiness.expect.match: is no JMESPath expression: Unexpected token: b",
        "10:60: services.api.readiness.expect.json_schema.properties.a.type: is no JSON Schema: 'strng' is not valid under any of the given schemas",
    ],
    "files": [
        "3:18: the file `nowhere.yml` does not exist",
        "3:31: the file `.` is not a file",
        "6:15: the file `nowhere.pem` does not exist",
        "7:53: the file `nowhere.json` does not exist",
        "8:50: the file `files.yaml` is not JSON",
    ],
    "waivers": [
        "5:19: waivers[0].requirement: must be the id of a requirement, for example CTR-004",
        "6:5: 3 waivers, and this profile may have 1",
        "6:72: waivers[1].expires: 2027-02-20 is 91 days ahead: a waiver holds for 90 days at most",
        "7:72: waivers[2].expires: write a calendar date as YYYY-MM-DD",
    ],
    "canaries": [
        "4:15: services.a.canary has none of `get`, `post` and `put`",
        "5:15: services.b.canary has both `get` and `post`",
        "6:36: services.c.canary.read_back has none of `get`, `post` and `put`",
    ],
    "cycle": ["cycle_c.yaml:1:11: extends: a circle: cycle.yaml → cycle_b.yaml → cycle_c.yaml → cycle.yaml"],
    "cycle_b": ["cycle.yaml:1:10: extends: a circle: cycle_b.yaml → cycle_c.yaml → cycle.yaml → cycle_b.yaml"],
    "cycle_c": ["cycle_b.yaml:1:10: extends: a circle: cycle_c.yaml → cycle.yaml → cycle_b.yaml → cycle_c.yaml"],
    "extends_nothing": [
        "1:11: extends: no profile is called `demmo`",
        "1:18: extends: nowhere.yaml: no such file",
        "1:32: extends: no profile is called `.`",
        "5:1: unknown key `foo`",
    ],
    "extends_bad": [
        "2:14: environment: must be production, staging, development or test, not `stagging`",
        "unknown_keys.yaml:3:1: unknown key `readiness`",
        "unknown_keys.yaml:6:5: unknown key `readyness` in services.api",
        "unknown_keys.yaml:7:5: unknown key `xyzzy` in services.api",
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", sorted({file.stem for file in BAD.glob("*.yaml")} - {"many"}))
def test_everything_wrong_is_told_where_it_is(name, monkeypatch):
    monkeypatch.chdir(BAD)
    expected = [line if line.split(":")[0].endswith(".yaml") else f"{name}.yaml:{line}" for line in EXPECTED[name]]
    assert told(f"./{name}.yaml") == expected


def test_many_problems_read_like_a_compilers(monkeypatch):
    monkeypatch.chdir(BAD)
    with pytest.raises(ProfileError) as error:
        load("./many.yaml", today=TODAY)
    assert f"{error.value}\n" == (BAD / "many.txt").read_text()
    assert len(error.value.problems) >= 20


def test_no_wording_of_the_model_library_is_seen(monkeypatch):
    monkeypatch.chdir(BAD)
    for file in BAD.glob("*.yaml"):
        with pytest.raises(ProfileError) as error:
            load(f"./{file.name}", today=TODAY)
        assert "Input" not in str(error.value)
        assert "pydantic" not in str(error.value)
        assert "Value error" not in str(error.value)
        assert "|one" not in str(error.value)


# --- names and paths ---


def test_shipped_profiles_load_by_name():
    for file in seatrial.data("profiles").glob("*.yaml"):
        assert load(file.stem).file == file


def test_an_unknown_name_lists_those_there_are(tmp_path):
    for name in ("arm-single-node", "demo"):
        (tmp_path / f"{name}.yaml").write_text(HEAD)
    with pytest.raises(ProfileError) as error:
        load("arm-single-nod", search=[tmp_path])
    assert str(error.value) == (
        "no profile is called `arm-single-nod`\n"
        "        did you mean `arm-single-node`? the profiles are arm-single-node, demo; a file is given with its path"
    )


def test_a_file_without_suffix_is_found_by_its_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine").write_text(HEAD)
    assert load("./mine").profile.profile == "x"
    with pytest.raises(ProfileError, match=r"the file of that name in this directory is \./mine"):
        load("mine")


@pytest.mark.parametrize("name", ["", "a\0b", "a\0b.yaml", "..", "*", "x" * 5000, "/", "~"])
def test_no_name_is_a_surprise(name):
    with pytest.raises(ProfileError):
        load(name)


# --- positions ---


def test_a_profile_tells_where_its_parts_are(written):
    loaded = written(a=f"{HEAD}services:\n  api:\n    port: 80\n")
    assert loaded.where(("services", "api", "port")) == "a.yaml:5:5"
    assert loaded.where(("services", "api", "readiness", "path")) == "a.yaml:4:3"
    assert loaded.where(()) == "a.yaml:1:1"
    assert loaded.line(("services", "api", "port")) == "    port: 80"
    assert loaded.shown == "a.yaml"


def test_a_loaded_profile_cannot_be_changed(written):
    loaded = written(a=HEAD)
    with pytest.raises(dataclasses.FrozenInstanceError):
        loaded.sha256 = ""
    with pytest.raises(ValueError, match="frozen"):
        loaded.profile.summary = "x"


# --- extends ---


def test_mappings_are_merged_and_lists_replaced(written):
    base = f"{HEAD}services:\n  api:\n    port: 80\n    containers: [a, b]\n  db: {{}}\n"
    loaded = written(a="extends: b.yaml\nservices:\n  api:\n    containers: [c]\n", b=base)
    api = loaded.profile.services["api"]
    assert (api.port, api.containers, list(loaded.profile.services)) == (80, ["c"], ["db", "api"])
    assert loaded.where(("services", "api", "port")) == "b.yaml:5:5"
    assert loaded.where(("services", "api", "containers", 0)) == "a.yaml:4:18"
    assert [source.name for source in loaded.sources] == ["a.yaml", "b.yaml"]


def test_the_later_of_several_wins_and_the_file_over_all(written):
    loaded = written(
        a="extends: [b.yaml, c.yaml]\nsummary: a\n",
        b=f"{HEAD}summary: b\nspec: b\nhardening: baseline\n",
        c="summary: c\nspec: c\n",
    )
    assert (loaded.profile.summary, loaded.profile.spec, loaded.profile.hardening) == ("a", "c", "baseline")


def test_a_shipped_profile_is_extended_by_name(written, tmp_path):
    (tmp_path / "shipped").mkdir()
    (tmp_path / "shipped" / "a.yaml").write_text(HEAD)
    assert written(a="extends: a\nsummary: mine\n").profile.profile == "x"


def test_two_forms_of_a_key_are_not_mixed(written):
    base = f"{HEAD}backups: {{none: later, owner: me}}\nservices: {{api: {{url: {{env: URL}}}}}}\n"
    loaded = written(
        a="extends: b.yaml\nbackups: {nightly: {service: api, command: [x]}}\nservices: {api: {url: {file: url}}}\n",
        b=base,
    )
    assert isinstance(loaded.profile.backups, dict)
    assert isinstance(loaded.profile.services["api"].url, FileReference)


def test_paths_are_relative_to_the_file_they_are_written_in(written, tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "rules.yml").write_text("groups: []\n")
    (tmp_path / "base" / "b.yaml").write_text(
        f"{HEAD}alerts: {{files: [rules.yml]}}\nservices: {{api: {{url: {{file: url}}}}}}\n"
    )
    profile = written(a="extends: base/b.yaml\n").profile
    assert profile.alerts.files == ["base/rules.yml"]
    assert profile.services["api"].url.file == "base/url"


def test_the_digest_covers_every_source(written):
    digests = {
        written(a="extends: b.yaml\n", b=HEAD).sha256,
        written(a="extends: b.yaml\n", b=f"{HEAD}# more\n").sha256,
        written(a="extends: ./b.yaml\n", b=HEAD).sha256,
    }
    assert len(digests) == 3


def test_a_chain_of_files_is_bounded(written):
    files = {f"n{i}": f"extends: n{i + 1}.yaml\n" for i in range(20)}
    with pytest.raises(ProfileError, match="a chain of more than 8 files"):
        written(a="extends: n0.yaml\n", n20=HEAD, **files)


def test_a_diamond_is_read_once(written):
    wide = "[" + "c.yaml, " * 200 + "]"
    files = {"a": f"extends: {wide.replace('c', 'b')}\n", "b": f"extends: {wide}\n", "c": HEAD}
    assert [source.name for source in written(**files).sources] == ["a.yaml", "b.yaml", "c.yaml"]


def test_a_base_that_is_no_yaml_does_not_hide_the_rest(written):
    with pytest.raises(ProfileError) as error:
        written(a="extends: b.yaml\nfoo: 1\n", b="a: [\n")
    assert [problem.message for problem in error.value.problems] == [
        "unknown key `foo`",
        "not YAML: did not find expected node content",
    ]


# --- dates ---


@pytest.mark.parametrize(("expires", "accepted"), [("2026-11-01", True), ("2027-02-19", True), ("2027-02-20", False)])
def test_a_waiver_may_have_expired_and_holds_for_90_days_at_most(written, expires, accepted):
    text = f"{HEAD}waivers:\n  - {{requirement: CTR-001, subject: a, reason: b, owner: c, expires: {expires}}}\n"
    if accepted:
        assert written(a=text).profile.waivers[0].expires == dt.date.fromisoformat(expires)
    else:
        with pytest.raises(ProfileError, match="91 days ahead"):
            written(a=text)


# --- references ---


def test_references_are_not_resolved_when_a_profile_is_loaded(written):
    profile = written(
        a=f"{HEAD}services: {{api: {{url: {{env: NOWHERE}}, process: {{pid: {{file: /nonexistent}}}}}}}}\n"
    ).profile
    assert profile.services["api"].url == EnvReference(env="NOWHERE")


def test_references_resolve(tmp_path):
    (tmp_path / "token").write_text("s3cret\n")
    references = References({"URL": "http://x"}, tmp_path)
    assert references.resolve("text") == "text"
    assert references.resolve(80) == "80"
    assert references.resolve(None) == ""
    assert references.resolve(EnvReference(env="URL")) == "http://x"
    assert references.known == set()
    assert references.resolve(FileReference(file="token"), secret=True) == "s3cret"
    assert references.known == {Secret("s3cret")}
    assert references.mask("a s3cret b czNjcmV0") == "a <secret from file token> b <secret from file token>"
    assert "s3cret" not in repr(references.secret(FileReference(file="token")))


def test_what_a_started_stack_announces_is_resolved(tmp_path):
    references = References({}, tmp_path)
    references.env["PORT"] = "8080"
    assert references.resolve(EnvReference(env="PORT")) == "8080"


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (EnvReference(env="NOWHERE"), "environment variable NOWHERE is not set"),
        (FileReference(file="nowhere"), "nowhere cannot be read: No such file or directory"),
        (FileReference(file="."), "cannot be read: Is a directory"),
        (FileReference(file="pipe"), "pipe is not a file"),
        (FileReference(file="large"), "large is larger than 64 KiB"),
        (FileReference(file="latin1"), "latin1 is not UTF-8"),
        (FileReference(file="a\0b"), "cannot be read: not a path"),
    ],
)
def test_a_reference_that_cannot_be_had_is_no_violation(tmp_path, reference, reason):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * 100_000)
    (tmp_path / "latin1").write_bytes(b"\xff")
    with pytest.raises(CouldNotLook) as wrong:
        References({}, tmp_path).resolve(reference)
    assert reason in wrong.value.reason
    assert wrong.value.right


# --- the rest ---


def test_units_are_read(written):
    profile = written(
        a=f"{HEAD}hardware: {{memory: {{min: 8GiB}}}}\nservices: {{api: {{grace_period: 1h30m}}}}\n"
    ).profile
    assert profile.hardware.memory.min.bytes == 8 * 2**30
    assert profile.services["api"].grace_period == Duration(5400)


@pytest.mark.parametrize("number", ["9" * 400, "9" * 400 + "GiB", "1e999", "²", "-0755", "+", "0x10"])
def test_odd_numbers_are_told(written, number):
    with pytest.raises(ProfileError):
        written(a=f"{HEAD}hardware: {{memory: {{min: {number}}}, cpus: {{min: {number}}}}}\n")


def test_nothing_is_contacted(monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a profile was loaded with a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    for file in seatrial.data("profiles").glob("*.yaml"):
        load(file)


def test_heavy_libraries_are_imported_only_when_needed(tmp_path):
    (tmp_path / "a.yaml").write_text(f"{HEAD}services: {{api: {{readiness: {{path: /}}}}}}\n")
    code = (
        "import sys; from seatrial.profile.loading import load; load('./a.yaml');"
        "print(sorted({'jsonschema', 'jmespath', 'pytest', 'difflib', 'ast'} & set(sys.modules)))"
    )
    environ = os.environ | {"PYTHONPATH": str(Path(seatrial.__file__).parent.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
    )
    assert "jsonschema" not in done.stdout
    assert "jmespath" not in done.stdout
    assert "pytest" not in done.stdout


FUZZ = settings(
    max_examples=200, deadline=2000, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
WORDS = st.sampled_from(
    ["services", "api", "url", "env", "file", "none", "owner", "waivers", "expires", "extends", "readiness", "expect",
     "status", "match", "json_schema", "backups", "service", "depends_on", "5s", "no", "0755", "12:30", "", "~", "true",
     "1", "-1", "2099-01-01", "exposure", "published", "127.0.0.1:80", "alerts", "files", "canary", "read_back", "get",
     "version", "max_waivers", "[key]", "|one", "|none", "target", "driver", "json_schema_file", "hardware", "disk"]
)  # fmt: skip


@FUZZ
@given(
    st.dictionaries(
        WORDS,
        st.recursive(
            WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=12
        ),
        max_size=6,
    )
)
def test_random_profiles_load_or_are_refused(tmp_path, data):
    import json

    _load_or_refuse(
        tmp_path, json.dumps({"profile": "x", "target": {"driver": "http"}, **data}).replace('"', "").encode()
    )
    _load_or_refuse(tmp_path, json.dumps({"profile": "x", "target": {"driver": "http"}, **data}).encode())


DEMO = (seatrial.data("profiles") / "demo.yaml").read_bytes()


@FUZZ
@given(
    st.integers(0, len(DEMO)),
    st.integers(0, 40),
    st.binary(max_size=6) | st.sampled_from([b"{", b"]", b"\n  ", b": ", b"&a "]),
)
def test_a_damaged_profile_loads_or_is_refused(tmp_path, start, length, put):
    folder = tmp_path / "demo"
    if not folder.exists() and (seatrial.data("profiles") / "demo").is_dir():
        shutil.copytree(seatrial.data("profiles") / "demo", folder)
    _load_or_refuse(tmp_path, DEMO[:start] + put + DEMO[start + length :])


def _load_or_refuse(tmp_path, content):
    file = tmp_path / "f.yaml"
    file.write_bytes(content)
    text, places = "", []
    try:
        load(file, today=TODAY)
    except ProfileError as wrong:
        text, places = str(wrong), [(problem.line, problem.column) for problem in wrong.problems]
    assert all(line >= 1 and column >= 1 for line, column in places)
    assert "Input should" not in text
    assert "something else here" not in text


@pytest.mark.parametrize(
    "content",
    [
        f"{HEAD}services: {{" + ", ".join(f"s{i}: {{readyness: 1}}" for i in range(8000)) + "}\n",
        f"{HEAD}services: {{" + ", ".join(f"s{i}: {{depends_on: {{t{i}: {{}}}}}}" for i in range(4000)) + "}\n",
        f"{HEAD}waivers: [" + ", ".join("{}" for _ in range(8000)) + "]\n",
        HEAD + "".join(f"k{i}: 1\n" for i in range(20000)),
        f"{HEAD}services: {{a: {{canary: {{post: /, body: [" + "no, " * 40000 + "]}}}\n",
    ],
    ids=["unknown keys", "unknown services", "missing keys", "keys", "traps"],
)
def test_thousands_of_problems_are_told_in_seconds(tmp_path, content):
    (tmp_path / "f.yaml").write_text(content)
    begun = time.process_time()
    with pytest.raises(ProfileError) as wrong:
        load(tmp_path / "f.yaml")
    assert len(str(wrong.value)) < 200_000
    assert time.process_time() - begun < 10


def test_the_version_constant_matches_the_grammar():
    assert loading.VERSIONS == ("1",)
