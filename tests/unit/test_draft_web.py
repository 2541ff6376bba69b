"""What a draft takes from the answers of a web server, and what the command does with files."""

from __future__ import annotations

import json
import os
import stat
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from seatrial.draft import NothingFound, web
from seatrial.draft.cli import put, run
from seatrial.draft.project import session_of
from seatrial.profile.loading import load


@contextmanager
def server(pages, other=(404, "text/plain", "no")):
    """A web server with these pages; gives its address and the paths that were asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            answer = pages.get(self.path, other)
            status, kind, body = answer(len(asked)) if callable(answer) else answer
            body = json.dumps(body) if not isinstance(body, str) else body
            self.send_response(status)
            self.send_header("Content-Type", kind)
            if status in (301, 302):
                self.send_header("Location", "/login")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}", asked
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


def told(pages, own=(), **options):
    with (
        server(pages, **options) as (url, _),
        session_of("{driver: http}", f"services: {{a: {{url: '{url}'}}}}\n") as session,
    ):
        return web.ask(session, url, own=own)


JSON = "application/json"
TEXT = "# HELP x_total x\n# TYPE x_total counter\nx_total 1\n"


def test_the_usual_paths_and_what_their_documents_hold():
    found = told(
        {
            "/livez": (200, "text/plain", "ok"),
            "/health/ready": (
                503,
                JSON,
                {"state": "starting", "checks": [{"name": "db", "status": "down"}], "version": "x y"},
            ),
            "/health": (200, JSON, {"status": "ok", "build": {"version": "v1.2.3-rc.1"}, "components": {"db": "ok"}}),
            "/metrics": (200, "text/plain; version=0.0.4", TEXT),
        }
    )
    assert {kind: probe.path.value for kind, probe in found.probes.items()} == {
        "liveness": "/livez", "readiness": "/health/ready", "health": "/health",
    }  # fmt: skip
    assert all(probe.path.mark == "guess" for probe in found.probes.values())
    assert dict(found.probes["health"].fields) == {
        "status": "status",
        "components": "components",
        "version": "build.version",
    }
    assert dict(found.probes["readiness"].fields) == {"status": "state", "components": "checks"}
    assert found.probes["readiness"].content_type == "", "of a failure nothing is concluded"
    assert found.version.value == "v1.2.3-rc.1"
    assert found.metrics.path.value == "/metrics"


def test_the_deployments_own_check_goes_before_the_usual_paths():
    pages = {"/app/ready": (200, "text/plain", "y"), "/readyz": (200, "text/plain", "y")}
    found = told(pages, own=(("/app/ready", "HEALTHCHECK of a"),))
    assert found.probes["readiness"].path.value == "/app/ready"
    assert "HEALTHCHECK of a" in found.probes["readiness"].path.note


def test_a_page_for_everything_is_no_health_endpoint():
    found = told({}, other=(200, "text/html", "<html>app</html>"))
    assert found.probes == {}
    assert found.metrics is None
    assert "every path" in found.remark
    found = told({"/health": (200, JSON, {"status": "up"})}, other=(200, "text/html", "<html>app</html>"))
    assert list(found.probes) == ["health"]


@pytest.mark.parametrize(
    "answer",
    [
        (302, "text/html", ""), (401, "text/plain", "who"), (404, JSON, {"status": "ok"}), (500, "text/html", "oops"),
        (503, "text/plain", "busy"),
    ],
)  # fmt: skip
def test_what_is_no_health_endpoint(answer):
    assert told({"/health": answer, "/metrics": answer}).probes == {}


def test_a_page_that_is_no_exposition():
    assert told({"/metrics": (200, "text/html", f"<pre>{TEXT}</pre>")}).metrics is None
    assert told({"/metrics": (200, "text/plain", "hello 1")}).metrics is None


def test_counters_that_go_down_are_of_several_processes():
    found = told({"/metrics": lambda n: (200, "text/plain", TEXT.replace(" 1\n", f" {100 * (n % 2) + n}\n"))})
    assert found.metrics is None
    assert "several processes" in found.remark


def test_what_looks_like_a_secret_is_no_version():
    found = told({"/health": (200, JSON, {"status": "ok", "version": "ghp_0123456789abcdefghij0123456789abcdef"})})
    assert found.version is None
    assert "version" not in dict(found.probes["health"].fields)


def test_get_alone_and_nothing_twice():
    with server({}) as (url, asked), session_of("{driver: http}", f"services: {{a: {{url: '{url}'}}}}\n") as session:
        web.ask(session, url)
        assert set(session.calls) == {"http GET"}
    assert len(asked) == len(set(asked)) < 30


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/healthz", "health"), ("/live", "liveness"), ("/x/ready", "readiness"), ("/-/healthy", "liveness"),
        ("/ping", "health"), ("/deliver", "health"),
    ],
)  # fmt: skip
def test_which_probe_a_path_is(path, kind):
    assert web.kind_of(path) == kind


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    (tmp_path / "compose.yml").write_text("services: {web: {image: 'nginx:1', ports: ['127.0.0.1:8080:80']}}\n")
    return tmp_path


def test_to_standard_output_and_into_a_file(here, capsys):
    assert run(["compose.yml"]) == 0
    printed = capsys.readouterr().out
    assert run(["./compose.yml", "-o", "sea.yaml", "--name", "sea"]) == 0
    assert (here / "sea.yaml").read_text() == printed.replace(f"profile: {load_name(printed)}", "profile: sea")
    assert load(here / "sea.yaml").profile.profile == "sea"
    assert "seatrial audit ./sea.yaml" in capsys.readouterr().err
    assert sorted(os.listdir(here)) == ["compose.yml", "sea.yaml"], "nothing is left beside it"


def load_name(text):
    return next(line.split()[1] for line in text.splitlines() if line.startswith("profile:"))


def test_a_folder_stands_for_the_compose_file_in_it(here):
    assert run([".", "-o", "sea.yaml"]) == 0


def test_a_file_that_is_there_is_not_overwritten_unless_that_is_asked_for(here, capsys):
    file = here / "sea.yaml"
    file.write_text("mine")
    os.chmod(file, 0o640)
    assert run(["compose.yml", "-o", "sea.yaml"]) == 4
    assert file.read_text() == "mine"
    said = capsys.readouterr().err
    assert "--update" in said
    assert "--force" in said
    assert run(["compose.yml", "-o", "sea.yaml", "--force"]) == 0
    assert load(file).profile.services["web"].image == "nginx:1"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_file_that_came_into_being_meanwhile_is_not_overwritten(here):
    (here / "sea.yaml").write_text("mine")
    with pytest.raises(NothingFound, match="File exists"):
        put(here / "sea.yaml", "other", fresh=True)
    assert (here / "sea.yaml").read_text() == "mine"
    assert sorted(os.listdir(here)) == ["compose.yml", "sea.yaml"]


def test_a_link_is_written_through(here):
    (here / "real").mkdir()
    (here / "real/sea.yaml").write_text("old")
    (here / "sea.yaml").symlink_to("real/sea.yaml")
    assert run(["compose.yml", "-o", "sea.yaml", "--force"]) == 0
    assert (here / "sea.yaml").is_symlink()
    assert load(here / "real/sea.yaml").profile.services["web"].image == "nginx:1"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ([], 4, "name a source"),
        (["nonsense"], 4, "is no source: compose:PROJECT"),
        (["compose:"], 4, "is no source"),
        (["a.yml", "b.yml"], 4, "one source, or several container:NAME"),
        (["missing.yml"], 4, "missing.yml is not there"),
        (["compose.yml", "-o", "no/such/folder.yaml"], 4, "can't be written"),
        (["compose.yml", "--name", "not a name"], 4, "--name=not a name"),
        (["compose:x"], 3, "missing right"),
        (["container:x"], 3, "missing right"),
        (["http://127.0.0.1:1"], 3, "refused the connection"),
        (["http://me:secret@h/"], 4, "give it without"),
        (["http://h/?token=x"], 4, "give it without"),
        (["http://[x/"], 4, "no URL"),
        (["--update", "missing.yaml"], 4, "no such file"),
        (["--update", "compose.yml"], 4, "no sound profile"),
        (["--update", "x.yaml", "-o", "y.yaml"], 4, "-o and --name are for a new one"),
        (["--unknown"], 4, "usage"),
    ],
)  # fmt: skip
def test_what_can_not_be_drafted_is_told(here, capsys, words, code, told):
    try:
        ended = run(words)
    except SystemExit as end:
        ended = end.code
    said = capsys.readouterr()
    assert (ended, said.out) == (code, "")
    assert told in said.err
    assert "secret" not in said.err
    assert sorted(os.listdir(here)) == ["compose.yml"]


def test_a_profile_kept_up_to_date_with_a_compose_file(here, capsys):
    assert run(["compose.yml", "-o", "sea.yaml"]) == 0
    before = (here / "sea.yaml").read_text()
    assert run(["--update", "sea.yaml", "compose.yml"]) == 0
    assert (here / "sea.yaml").read_text() == before
    (here / "compose.yml").write_text(
        "services:\n  web: {image: 'nginx:2', ports: ['127.0.0.1:8080:80', '9:9']}\n  cache: {image: 'redis:7'}\n"
    )
    capsys.readouterr()
    assert run(["--update", "sea.yaml", "compose.yml"]) == 0
    said = capsys.readouterr().err
    after = (here / "sea.yaml").read_text()
    assert [line for line in before.splitlines() if line not in after.splitlines()] == []
    profile = load(here / "sea.yaml").profile
    assert profile.services["cache"].image == "redis:7"
    assert profile.services["web"].exposure.published == ["127.0.0.1:8080", "0.0.0.0:9"]
    assert profile.services["web"].image == "nginx:1"
    assert "web.image is nginx:2, declared is nginx:1" in said
    assert run(["--update", "sea.yaml", "compose.yml"]) == 0
    assert (here / "sea.yaml").read_text() == after


def test_lists_of_an_extended_profile_are_left_to_a_person(here, capsys):
    assert run(["compose.yml", "-o", "base.yaml"]) == 0
    (here / "sea.yaml").write_text("extends: ./base.yaml\nprofile: sea\nsummary: mine\n")
    (here / "compose.yml").write_text(
        "services: {web: {image: 'nginx:1', ports: ['127.0.0.1:8080:80', '9:9'], mem_limit: 1g}, b: {image: x}}\n"
    )
    assert run(["--update", "sea.yaml", "compose.yml"]) == 0
    said = capsys.readouterr().err
    assert "services.web.exposure.published: 0.0.0.0:9 is new; the list is in a file that this one extends" in said
    profile = load(here / "sea.yaml").profile
    assert profile.services["web"].exposure.published == ["127.0.0.1:8080"]
    assert str(profile.services["web"].resources.memory) == "1GiB"
    assert profile.services["b"].image == "x"


def test_references_and_declared_absences_are_kept(here):
    text = (
        "profile: sea\ntarget: {driver: docker, compose_project: here}\nhardware: {arch: arm64}\n"
        "services:\n  web:\n    url: {env: WEB}\n    exposure: {published: [{env: WEB_AT}]}\n    external: false\n"
        "backups: {none: stateless, owner: me}\n"
    )
    (here / "sea.yaml").write_text(text)
    assert run(["--update", "sea.yaml", "compose.yml"]) == 0
    after = (here / "sea.yaml").read_text()
    assert "published: [{env: WEB_AT}]" in after
    assert "url: {env: WEB}" in after
    assert "backups: {none: stateless, owner: me}" in after
