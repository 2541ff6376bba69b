"""A mistake is told where it is made, with what to write instead."""

from __future__ import annotations

import pytest

from seatrial.profile.loading import ProfileError, load

HEAD = "profile: x\ntarget: {driver: docker}\n"
SERVICE = HEAD + "services:\n  api:\n"


def told(tmp_path, content):
    (tmp_path / "a.yaml").write_text(content)
    with pytest.raises(ProfileError) as error:
        load(tmp_path / "a.yaml")
    (problem,) = error.value.problems
    return problem


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (SERVICE + "    readiness: /health/ready\n", "write `{path: /health/ready}`"),
        (SERVICE + "    depends_on: [redis, store]\n", "write `{redis: {}, store: {}}`"),
        (SERVICE + "    exposure: {published: 8080}\n", "write `[8080]`"),
        (HEAD + "backups: none\n", "say why, and who decided so: `{none: reason, owner: who}`"),
        (HEAD + "waivers:\n  - CTR-001\n", ""),  # it needs more than that
        (SERVICE + f"    readiness: /{'x' * 50}\n", ""),
        (SERVICE + "    depends_on: []\n", ""),
        (SERVICE + "    restart: unless_stopped\n", "did you mean `unless-stopped`?"),
        (SERVICE + "    readyness: {path: /}\n", "did you mean `readiness`?"),
        (SERVICE + "    spec: x\n", "`spec` belongs at the outermost level;"),
    ],
)
def test_what_was_meant_is_written_out(content, hint, tmp_path):
    said = told(tmp_path, content).hint
    assert said == hint or (hint.endswith(";") and said.startswith(hint) and "known keys: url, " in said)


@pytest.mark.parametrize(
    "content", ["    readiness: {path: /health/ready}\n", "    depends_on: {api2: {}}\n  api2: {}\n"]
)
def test_what_is_proposed_loads(content, tmp_path):
    (tmp_path / "a.yaml").write_text(SERVICE + content)
    assert load(tmp_path / "a.yaml").profile.services["api"]


def test_a_key_without_a_colon_is_told_where_it_is(tmp_path):
    problem = told(tmp_path, HEAD + "services:\n  api: {}\n  redis   # the cache\nwaivers: []\n")
    assert (problem.line, problem.column, problem.width) == (5, 3, 5)
    assert (problem.message, problem.hint) == ("a key without `:`", "write `redis:`")


def test_a_secret_is_no_hint(tmp_path):
    """Its key says what it is, and so it is covered there too."""
    text = str(told(tmp_path, SERVICE + "    tls: {ca: [x]}\n    environment: {}\n"))
    assert "EnvReference" not in text
    literal = told(tmp_path, HEAD + "secrets: {known: {db: {value: {env: X}, held_by: hunter2}}}\n")
    assert literal.hint == "write `[hunter2]`"
    covered = told(tmp_path, SERVICE + "    configuration: {reports: {password: hunter2}}\n")
    assert "hunter2" not in str(covered)
    assert covered.message.endswith("must be {env: NAME} or {file: PATH}: a secret is not written into a profile")
