"""The plugin as its users meet it: pytest in a process of its own, on a real HTTP server of ours."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

SUITE = '''
import pytest
from seatrial.words import CouldNotLook

@pytest.mark.requirement("TST-001", refs=["here"])
def test_endpoint_answers(endpoint):
    """An endpoint MUST answer 200.

    See: curl -si URL

    Fix: make it answer.
    """
    assert [answer.status for answer in endpoint.answers.answers] == [200, 200, 200]

@pytest.mark.requirement("TST-002", refs=["here"])
def test_endpoint_is_json(endpoint):
    """An endpoint SHOULD answer JSON.

    Fix: set the content type.
    """
    assert endpoint.answers.answers[0].content_type == "application/json"

@pytest.mark.requirement("TST-003", refs=["here"], needs="latency")
def test_endpoint_is_quick(endpoint):
    """An endpoint MUST be quick.

    Fix: be quick.
    """
    assert 0 <= 1

@pytest.mark.requirement("TST-004", refs=["here"], tier="disrupt")
def test_endpoint_survives(endpoint):
    """An endpoint MUST survive.

    Fix: survive.
    """
    assert 0 <= 1

@pytest.mark.requirement("TST-005", refs=["here"])
def test_endpoint_can_be_seen(endpoint):
    """An endpoint MUST be seen.

    Fix: let it be seen.
    """
    if "unseen" in endpoint.answers.url:
        raise CouldNotLook("it is dark", right="a lamp")
    assert 0 <= 1

@pytest.mark.requirement("TST-006", refs=["here"])
def test_depends(dependency):
    """A dependency MUST be reached.

    Fix: connect it.
    """
    assert 0 <= 1
'''


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        status = 500 if "broken" in self.path else 200 if "health" in self.path else 404
        body = b'{"status": "ok", "token": "hunter2hunter2"}'
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if "text" in self.path else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def url():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def project(tmp_path, url):
    """A folder with a suite and a way to run it: ``run("--mode=gate", path="/health/broken")``."""
    (tmp_path / "conftest.py").write_text("from seatrial.fixtures import *\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    suite = tmp_path / "test_suite.py"
    suite.write_text(SUITE)

    class Run:
        folder = tmp_path

        def profile(self, *, path="/health", extra="", name="p.yaml"):
            file = tmp_path / name
            file.write_text(
                f"profile: p\nenvironment: test\ntarget: {{driver: http}}\nservices:\n  api:\n    url: {url}\n"
                f"    liveness: {{path: {path}}}\n{extra}"
            )
            return file

        def __call__(self, *args, path="/health", extra="", env=None, python=(), profile=True, before=(), rewrite=True):
            if rewrite:
                self.profile(path=path, extra=extra)
            # Only the plugins that a case is about: each case starts a process. The doors are tested with all of them.
            plugins = ["-p", "seatrial.plugin", "-p", "no:cacheprovider"]
            command = [*before, sys.executable, *python, "-m", "pytest", *args, *plugins]
            if profile and not any("--profile" in a or "--facts" in a for a in args):
                command.append("--profile=p.yaml")
            ours = ("PYTEST", "PYTHONDONTWRITEBYTECODE", "SEATRIAL")
            environ = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
            environ |= {"NO_COLOR": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | (env or {})
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, env=environ)
            done.text = done.stdout + done.stderr
            return done

        def report(self):
            (run,) = (tmp_path / "reports").glob("*/conformance.json")
            return json.loads(run.read_text())

    return Run()


def outcomes(report):
    return {(r["id"], r["subject"]): r["outcome"] for r in report["results"]}


def test_a_run_that_conforms(project):
    done = project()
    assert done.returncode == 0, done.text
    assert outcomes(project.report()) == {
        ("TST-001", "api.liveness"): "pass",
        ("TST-002", "api.liveness"): "pass",
        ("TST-003", ""): "not applicable",
        ("TST-004", "api.liveness"): "withheld",
        ("TST-005", "api.liveness"): "pass",
        ("TST-006", ""): "not applicable",
    }
    assert "no endpoint declares latency" in done.text
    assert "declares a depends_on" in done.text


@pytest.mark.parametrize(
    ("args", "path", "code"),
    [
        ((), "/health", 0),
        ((), "/health/broken", 1),
        ((), "/health/text", 0),
        (("--enforce-should",), "/health/text", 1),
        ((), "/health/unseen", 3),
        (("--mode=gate",), "/health", 3),
        (("--mode=drill",), "/health", 0),
        (("-k", "depends"), "/health", 5),
        (("-k", "nothing_of_that_name"), "/health", 5),
        (("-k", "survives"), "/health", 5),
    ],
)
def test_exit_codes(project, args, path, code):
    done = project(*args, path=path)
    assert done.returncode == code, done.text


def test_a_violation_tells_what_an_operator_needs(project):
    done = project(path="/health/broken")
    for part in (
        "TST-001",
        "An endpoint MUST answer 200.",
        "500",
        "p.yaml:7:",
        "curl -si http://127.0.0.1",
        "make it answer",
    ):
        assert part in done.text
    assert "Traceback" not in done.text
    assert "test_suite.py:" not in done.text


def test_an_error_names_the_missing_right(project):
    done = project(path="/health/unseen")
    assert "it is dark" in done.text
    assert "a lamp" in done.text


def test_counts_agree_everywhere(project):
    done = project(
        "--junitxml=own.xml", "-vv", "-l", path="/health/unseen/text", extra="    readiness: {path: /health/broken}\n"
    )
    report = project.report()
    counted = {}
    for outcome in outcomes(report).values():
        counted[outcome] = counted.get(outcome, 0) + 1
    assert set(counted) == {"pass", "violation", "advisory", "error", "withheld", "not applicable"}
    (ours,) = (project.folder / "reports").glob("*/junit.xml")
    for file in (ours, project.folder / "own.xml"):
        suites = ET.parse(file).getroot()
        cases = list(suites.iter("testcase"))
        assert len(cases) == len(report["results"])
        assert sum(case.find("failure") is not None for case in cases) == counted["violation"]
        assert sum(case.find("error") is not None for case in cases) == counted["error"]
        assert sum(case.find("skipped") is not None for case in cases) == (
            counted["advisory"] + counted["withheld"] + counted["not applicable"]
        )
    assert done.returncode == 1
    last = done.stdout.strip().splitlines()[-1]
    for outcome, word in (
        ("violation", "failed"),
        ("error", "error"),
        ("advisory", "advisory"),
        ("withheld", "withheld"),
    ):
        assert re.search(rf"\b{counted[outcome]} {word}", last), last


def test_waivers(project):
    waiver = "waivers:\n  - {requirement: TST-001, subject: api.liveness, reason: later, owner: '@me', expires: %s}\n"
    soon = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 86400))
    past = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))
    done = project(path="/health/broken", extra=waiver % soon)
    assert done.returncode == 0, done.text
    assert "@me" in done.text
    assert outcomes(project.report())["TST-001", "api.liveness"] == "waived"
    done = project(path="/health/broken", extra=waiver % past)
    assert done.returncode == 1, done.text
    assert "expired" in done.text
    done = project(path="/health", extra=waiver % soon)
    assert "not needed" in done.text


def test_an_assertion_in_a_fixture_is_no_violation(project):
    (project.folder / "conftest.py").write_text(
        "from seatrial.fixtures import *\nimport pytest\n\n@pytest.fixture(autouse=True)\ndef trouble():\n    assert 1 == 2\n"
    )
    done = project()
    assert done.returncode == 3, done.text
    assert "violation" not in set(outcomes(project.report()).values())


@pytest.mark.parametrize("option", [(), ("--continue-on-collection-errors",)], ids=["", "continued"])
def test_a_suite_that_does_not_import_is_undecided(project, option):
    (project.folder / "test_worse.py").write_text("import nothing_of_that_name\n")
    done = project(*option)
    assert done.returncode == 3, done.text
    assert "test_worse.py" in " ".join(project.report()["notes"])


def test_foreign_tests_in_the_same_session_keep_their_say(project):
    (project.folder / "test_own.py").write_text("def test_own():\n    assert 1 == 2\n")
    assert project().returncode == 1
    (project.folder / "test_own.py").write_text("def test_own():\n    assert 1 == 1  # mended\n")
    assert project().returncode == 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--assert=plain",), "--assert=plain"),
        (("--profile", "p.yaml"), "equals sign"),
        (("--profile=missing.yaml",), "missing.yaml"),
        (("--profile=.",), "directory"),
        (("--profile=p.yaml", "--tier=load", "--mode=audit"), "more than"),
        (("--profile=p.yaml", "--deadline=5"), "unit"),
        (("--facts=nowhere",), "no facts"),
        (("-p", "pytest_timeout", "--mode=drill", "--timeout-method=thread"), "thread"),
        (("--profile=",), "--profile= is empty"),
        (("--facts=",), "--facts= is empty"),
        (("--report-dir=",), "--report-dir= is empty"),
        (("--report-dir=p.yaml",), "not a directory"),
        (("--report-dir=/dev/null/deep/down",), "not a directory"),
        (("--deadline=0s",), "no time"),
    ],
    ids=lambda value: "_".join(value) if isinstance(value, tuple) else "",
)
def test_refusals(project, args, said):
    done = project(*args)
    assert done.returncode == 4, done.text
    assert said in done.text
    assert "Traceback" not in done.text
    assert not (project.folder / "reports").exists()


@pytest.mark.parametrize("how", ["-O", "-OO", "PYTHONOPTIMIZE"])
def test_vanished_asserts_are_refused(project, how):
    done = project(python=[how] if how.startswith("-") else [], env={} if how.startswith("-") else {how: "1"})
    assert done.returncode == 4, done.text
    assert "assert" in done.text


OTHERS = "def pytest_addoption(parser):\n    parser.addoption('--profile', action={action!r})\n"


@pytest.mark.parametrize("first", [True, False], ids=["before_us", "after_us"])
@pytest.mark.parametrize("action", ["store", "store_true"])
def test_another_plugin_that_owns_profile_is_named(project, action, first):
    (project.folder / "profiler.py").write_text(OTHERS.format(action=action))
    # What -p names comes before what the environment names.
    late = {} if first else {"PYTEST_PLUGINS": "profiler"}
    args = ("-p", "profiler") if first else ()
    done = project(*args, "--profile=p.yaml", env={"PYTHONPATH": str(project.folder), **late})
    assert done.returncode == 4, done.text
    assert "plugin profiler also has the option --profile" in done.text
    assert "Traceback" not in done.text


def test_a_conftest_that_owns_profile_is_named_when_a_test_is_ours(project):
    conftest = project.folder / "conftest.py"
    conftest.write_text(conftest.read_text() + OTHERS.format(action="store"))
    done = project()
    assert done.returncode == 4, done.text
    assert "conftest.py also has the option --profile" in done.text
    assert not (project.folder / "reports").exists()


@pytest.mark.parametrize("option", ["--profile", "--mode", "--plan", "--deadline"])
def test_a_project_keeps_its_own_options_of_our_names(project, option):
    (project.folder / "conftest.py").write_text(OTHERS.format(action="store").replace("--profile", option))
    (project.folder / "test_suite.py").write_text(
        f"def test_own(request):\n    assert request.config.getoption('{option}') == 'mine'\n"
    )
    done = project(f"{option}=mine", profile=False)
    assert done.returncode == 0, done.text


def test_workers_of_xdist_are_refused_also_without_a_profile(project):
    pytest.importorskip("xdist")
    for args in ((), ("--profile=p.yaml",)):
        done = project("-p", "xdist", "-n2", *args, profile=False)
        assert done.returncode == 4, done.text
        assert "run without it (-n 0)" in done.text
        assert "Traceback" not in done.text
    (project.folder / "test_suite.py").write_text("def test_own():\n    assert 1 == 1\n")
    assert project("-p", "xdist", "-n2", profile=False).returncode == 0


def test_production_needs_confirmation(project):
    project.profile()
    text = (project.folder / "p.yaml").read_text().replace("environment: test", "environment: production")
    (project.folder / "q.yaml").write_text(text)
    done = project("--profile=q.yaml", "--mode=drill")
    assert done.returncode == 4, done.text
    assert "--confirm-target" in done.text


def test_plan_and_collect_only_contact_nothing(project):
    project.profile(name="dead.yaml")
    text = (project.folder / "dead.yaml").read_text()
    (project.folder / "dead.yaml").write_text(re.sub(r"127.0.0.1:\d+", "127.0.0.1:1", text))
    for option in ("--plan", "--collect-only"):
        done = project("--profile=dead.yaml", option)
        assert done.returncode == 0, done.text
        assert not (project.folder / "reports").exists()
    assert "[withheld]" in project("--profile=dead.yaml", "--plan").text


def test_facts_are_judged_again_without_the_target(project):
    first = project(path="/health/broken")
    assert first.returncode == 1
    before = outcomes(project.report())
    (run,) = (project.folder / "reports").iterdir()
    again = project(f"--facts={run}", "--report-dir=again", path="/health/broken")
    assert again.returncode == 1, again.text
    (report,) = (project.folder / "again").glob("*/conformance.json")
    assert outcomes(json.loads(report.read_text())) == before
    facts = json.loads((run / "facts.json").read_text())
    for answer in facts["observations"]["answers"]["api.liveness"]["answers"]:
        answer["status"] = 200
    (run / "facts.json").write_text(json.dumps(facts))
    assert project(f"--facts={run}", "--report-dir=edited", path="/health/broken").returncode == 0


def test_facts_find_their_profile_from_any_folder(project):
    assert project(path="/health/broken").returncode == 1
    (run,) = (project.folder / "reports").iterdir()
    elsewhere = project.folder / "elsewhere"
    elsewhere.mkdir()
    again = project(f"--facts={run}", "--report-dir=again", "--rootdir=.", path="/health/broken")
    assert again.returncode == 1, again.text
    assert "seatrial audit ./p.yaml" in again.text
    (project.folder / "p.yaml").rename(elsewhere / "p.yaml")
    gone = project(f"--facts={run}", rewrite=False)
    assert gone.returncode == 4, gone.text
    assert "say where with --profile=PATH" in gone.text
    told = project(f"--facts={run}", f"--profile={elsewhere}/p.yaml", "--report-dir=told", rewrite=False)
    assert told.returncode == 1, told.text


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "[" * 200_000,
        "\x00\xff",
        '{"facts": 1, "observations": {}}',
        '{"facts": 1, "observations": {}, "profile": "p.yaml"}',
        '{"facts": 1, "observations": {}, "profile": {"file": 1, "sha256": "x"}}',
        '{"facts": 1, "observations": {}, "profile": {"file": "p.yaml", "sha256": "x"}}',
        '{"facts": 1, "observations": null, "profile": {"file": "p.yaml", "sha256": "x"}}',
        '{"facts": 9, "observations": {}, "profile": {"file": "p.yaml", "sha256": "x"}}',
    ],
    ids=lambda content: content[:60] if len(content) < 1000 else "deep",
)
def test_facts_that_are_none_are_refused(tmp_path, content):
    from seatrial.observe import read_facts
    from seatrial.words import CouldNotLook

    (tmp_path / "facts.json").write_text(content, encoding="latin-1")
    with pytest.raises(CouldNotLook, match=r"facts\.json"):
        read_facts(str(tmp_path))


def test_facts_are_read_from_files_alone(tmp_path):
    from seatrial.observe import read_facts
    from seatrial.words import CouldNotLook

    os.mkfifo(tmp_path / "facts.json")
    for path in (tmp_path, "/dev/zero"):
        with pytest.raises(CouldNotLook, match="not a file"):
            read_facts(str(path))


def test_a_deadline_ends_the_run_with_a_report(project):
    (project.folder / "conftest.py").write_text(
        "from seatrial.fixtures import *\nimport seatrial.drivers.http as http, time\n"
        "ask = http.poll\n"
        "def slow(*a, **k):\n    time.sleep(3)\n    return ask(*a, **k)\n"
        "http.poll = slow\n"
    )
    started = time.monotonic()
    done = project("--deadline=500ms")
    assert done.returncode == 3, done.text
    assert "deadline" in done.text
    assert project.report()["exit_code"] == 3
    assert time.monotonic() - started < 20


def test_a_target_that_does_not_start_is_the_one_cause_of_all(project):
    file = project.profile()
    start = "{driver: process, start: {command: [python, -c, 'raise SystemExit(7)']}}"
    file.write_text(file.read_text().replace("{driver: http}", start))
    done = project(rewrite=False)
    assert done.returncode == 3, done.text
    assert {r["reason"] for r in project.report()["results"] if r["outcome"] == "error"} == {
        "python ended with status 7 before it was up"
    }
    assert "nothing was observed" not in done.text


def test_a_deadline_that_has_passed_before_the_first_look_is_an_error_too(project):
    done = project("--deadline=1us")
    assert done.returncode == 3, done.text
    assert project.report()["exit_code"] == 3
    assert "INTERNALERROR" not in done.text


def test_a_report_that_can_not_be_written_whole_is_no_success(project):
    """As on a full disk: no file may be larger than a block."""
    done = project(before=["prlimit", "--fsize=1024"])
    assert done.returncode == 3, done.text
    assert "could not be written" in done.text
    assert "UNDECIDED" in done.text


def test_trouble_of_the_report_is_no_verdict(project):
    conftest = project.folder / "conftest.py"
    conftest.write_text(conftest.read_text() + "import seatrial.closing as c\nc.build = lambda *a, **k: 1 / 0\n")
    done = project(path="/health/broken")
    assert done.returncode == 3, done.text
    assert "ZeroDivisionError" in done.text


def test_a_uid_without_a_name(project):
    conftest = project.folder / "conftest.py"
    conftest.write_text(
        conftest.read_text() + "import pwd\n\ndef nobody(uid):\n    raise KeyError(uid)\n\npwd.getpwuid = nobody\n"
    )
    unknown = dict.fromkeys(("LOGNAME", "USER", "LNAME", "USERNAME"), "")
    assert project(env=unknown).returncode == 0
    assert project.report()["run"]["user"] == f"uid {os.geteuid()}"


@pytest.mark.parametrize("sink", ["| head -1", ">/dev/full", "| true"])
@pytest.mark.parametrize(("path", "code"), [("/health", 0), ("/health/broken", 1)])
def test_a_reader_that_leaves_changes_no_verdict(project, sink, path, code):
    shell = ["bash", "-o", "pipefail", "-c", f'"$@" {sink}', "-"]
    done = project(path=path, before=shell)
    assert done.returncode == code, done.text
    assert project.report()["exit_code"] == code
    assert "Traceback" not in done.text


SLOW = {
    # Where the run stands when the signal comes: code that says so, and waits.
    "collecting": "def pytest_collection_modifyitems():\n    wait()\n",
    "looking": "import seatrial.drivers.http as http\nhttp.poll = lambda *a, **k: wait()\n",
    "running": "def pytest_runtest_call():\n    wait()\n",
    "writing": "import seatrial.closing as closing\nbuild = closing.build\n"
    "def late(*a, **k):\n    wait(1)\n    return build(*a, **k)\nclosing.build = late\n",
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda s: s.name)
@pytest.mark.parametrize("moment", SLOW)
def test_a_signal_ends_the_run_with_a_report(project, moment, number):
    here = project.folder / "here"
    wait = f"import pathlib, time\ndef wait(s=4):\n    pathlib.Path({str(here)!r}).touch()\n    time.sleep(s)\n"
    (project.folder / "conftest.py").write_text(f"from seatrial.fixtures import *\n{wait}{SLOW[moment]}")
    done = []
    run = threading.Thread(target=lambda: done.append(project("-k", "answers", before=["bash", "-c", PID, "-"])))
    run.start()
    while run.is_alive() and not here.exists():
        time.sleep(0.05)
    os.kill(int((project.folder / "pid").read_text()), number)
    run.join()
    report = project.report()
    if moment == "writing":  # too late: all has been looked at
        assert (done[0].returncode, report["complete"]) == (0, True), done[0].text
    else:
        assert (done[0].returncode, report["complete"]) == (2, False), done[0].text
        assert number is signal.SIGINT or number.name in done[0].text
    assert "Traceback" not in done[0].text


PID = 'echo $$ > pid; exec "$@"'


def test_a_project_that_merely_has_us_installed_sees_nothing(tmp_path):
    (tmp_path / "test_own.py").write_text(
        "import sys\n\ndef test_own():\n    ours = [m for m in sys.modules if m.startswith('seatrial.')]\n"
        "    assert ours == ['seatrial.plugin']\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:benchmark"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout
    assert "seatrial" not in done.stdout
    assert sorted(p.name for p in tmp_path.iterdir() if p.name != "__pycache__") == ["test_own.py"]


def test_a_session_without_pytests_terminal_still_reports(project):
    assert project("-p", "no:terminal").returncode == 0
    assert project.report()["result"] == "partial"


def test_help_groups_our_options(project):
    done = project("--help")
    start = done.stdout.index("seatrial:")
    for option in ("--profile", "--mode", "--tier", "--confirm-target", "--enforce-should", "--plan", "--facts", "--report-dir",
                   "--wait-ready", "--deadline"):  # fmt: skip
        assert option in done.stdout[start:]


def test_choices_of_the_hook_module_are_those_of_the_engine():
    from seatrial import plugin
    from seatrial.outcomes import Mode, Tier

    assert plugin._OPTIONS["--mode"]["choices"] == [mode.value for mode in Mode]
    assert plugin._OPTIONS["--tier"]["choices"] == list(Tier.__members__)
