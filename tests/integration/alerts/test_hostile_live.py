"""Servers and files that would hang, flood or blow up whoever reads them: every run ends in time and memory, and says why."""

from __future__ import annotations

import contextlib
import http.server
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.runs import Run

pytestmark = pytest.mark.integration

MEMORY = 2 * 1024**3
"""Bytes of address space that a run may take."""
SECONDS = 150.0
"""How long one may take, on a machine with two busy processors; most of it is pytest's own start."""
Handler = http.server.BaseHTTPRequestHandler


class Alerts(Run):
    """A run of the area, in little memory and time."""

    area = "alerts"
    within = SECONDS

    def __init__(self, profile: Path, folder: Path, *options: str) -> None:
        bounded = ("prlimit", f"--as={MEMORY}", "--") if shutil.which("prlimit") else ()
        began = time.monotonic()
        super().__init__(profile, folder, *options, before=bounded)
        self.seconds = time.monotonic() - began
        assert "Traceback" not in self.text
        assert "trouble of Seatrial's own" not in self.text

    def whys(self) -> str:
        """Every reason for which nothing could be said."""
        return "\n".join({str(one["reason"]) for one in self.results if one["outcome"] == "error"})


@contextlib.contextmanager
def served(answer: Callable[[Handler], None]) -> Iterator[str]:
    """A server that answers every request so."""

    class Answering(Handler):
        def do_GET(self) -> None:
            with contextlib.suppress(OSError):
                answer(self)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def head(handler: Handler, kind: str = "application/json", length: int | None = None) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", kind)
    if length is not None:
        handler.send_header("Content-Length", str(length))
    handler.end_headers()


def hangs(handler: Handler) -> None:
    time.sleep(100)


def floods(handler: Handler) -> None:
    head(handler)
    handler.wfile.write(b'{"status":"success","data":[')
    piece = b'"' + b"x" * 65_000 + b'",'
    for _ in range(200 * 1024**2 // len(piece)):
        handler.wfile.write(piece)


def nests(handler: Handler) -> None:
    body = b'{"status":"success","data":' + b"[" * 3_000_000 + b"]" * 3_000_000 + b"}"
    head(handler, length=len(body))
    handler.wfile.write(body)


def lies(handler: Handler) -> None:
    """JSON of the right outline, with other types in it than there should be."""
    body = json.dumps(
        {
            "status": "success",
            "data": {"groups": [{"rules": 3}, None], "activeTargets": {"a": 1}, "result": "x", "yaml": []},
        }
    ).encode()
    head(handler, length=len(body))
    handler.wfile.write(body)


def page_of_200_megabytes(handler: Handler) -> None:
    head(handler, "text/plain; version=0.0.4")
    handler.wfile.write(b"# HELP app_jobs Jobs.\n# TYPE app_jobs gauge\n")
    for n in range(200 * 1024**2 // 40_000):
        handler.wfile.write(b"".join(b'app_jobs{id="%08d-%04d"} 1\n' % (n, m) for m in range(1_250)))


def bomb_of_labels(handler: Handler) -> None:
    names = ",".join(f'l{n}="{"v" * 50}"' for n in range(3_000))
    body = "".join(f'app_jobs{{{names},n="{n}"}} 1\n' for n in range(60)).encode()
    head(handler, "text/plain; version=0.0.4", len(body))
    handler.wfile.write(body)


RULE = {"alert": "Long", "expr": "app_jobs > 1000", "for": "1m", "labels": {"severity": "page"}, "annotations": {
    "summary": "More than 1000 jobs wait.", "description": "Look at the workers.", "runbook_url": "https://runbooks.example/long",
}}  # fmt: skip


def rules(*changed: dict[str, Any]) -> str:
    """A rule file of these rules."""
    return json.dumps({"groups": [{"name": "g", "rules": [RULE | change for change in changed or ({},)]}]})


def profile(folder: Path, text: str = "", *, prometheus: str = "", service: str = "", **alerts: Any) -> Path:
    (folder / "rules.yaml").write_text(text or rules())
    declared: dict[str, Any] = {"files": ["rules.yaml"]} | alerts
    if prometheus:
        declared["prometheus"] = {"url": prometheus, "timeout": "1s"}
    api = {"url": service, "metrics": {}} if service else {"url": "http://127.0.0.1:9"}
    written = {
        "profile": "hostile",
        "environment": "test",
        "target": {"driver": "http"},
        "services": {"api": api},
        "alerts": declared,
    }
    (folder / "hostile.yaml").write_text(json.dumps(written))
    return folder / "hostile.yaml"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (hangs, "within 1s|did not answer|no answer|timed out"),
        (floods, "MiB|larger|more than"),
        (nests, "no JSON|nested|can't be read|not the API"),
        (lies, ""),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_prometheus_that_is_none(answer: Callable[[Handler], None], why: str, tmp_path: Path) -> None:
    with served(answer) as url:
        run = Alerts(profile(tmp_path, prometheus=url), tmp_path)
    assert run.code in (1, 3), run.text
    assert {"ALR-012", "ALR-015", "ALR-020"} <= set(run.ids("error")), run.text
    assert {one["outcome"] for one in run.results if one["id"] in ("ALR-001", "ALR-030")} == {"pass"}
    assert any(word in run.whys() for word in why.split("|")), run.whys()


@pytest.mark.parametrize("answer", [page_of_200_megabytes, bomb_of_labels], ids=lambda answer: answer.__name__)
def test_an_exposition_that_floods(answer: Callable[[Handler], None], tmp_path: Path) -> None:
    with served(answer) as url:
        run = Alerts(profile(tmp_path, service=url), tmp_path)
    assert run.code in (0, 1, 3), run.text
    assert {one["outcome"] for one in run.results if one["id"] in ("ALR-001", "ALR-030")} == {"pass"}


FILES = {
    "one-megabyte": rules({"expr": " + ".join(["app_jobs"] * 100_000) + " > 1"}),
    "deep-functions": rules({"expr": "abs(" * 5_000 + "app_jobs" + ")" * 5_000 + " > 1"}),
    "deep-yaml": "groups: " + "[" * 100_000 + "]" * 100_000,
    "laughs": "\n".join(["a: &a [x,x,x,x,x,x,x,x,x]", *(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]" for n in range(9)), "groups: *j"]),
    "deep-template": rules({"annotations": {"summary": "{{ if true }}" * 20_000}}),
    "nul": "groups:\n- name: \"a\\0b\"\n  rules: []\n",
    "binary": "\x00\x01\x02" * 1000,
}  # fmt: skip


TOLD = {
    "one-megabyte": ("ALR-030", "it has 1,100,001 characters, and more than 65,536 are not read"),
    "deep-functions": ("ALR-030", "it has more than 10,000 words"),
    "deep-yaml": ("ALR-001", "deep"),
    "laughs": ("ALR-001", ""),
    "deep-template": ("ALR-001", ""),
    "nul": ("ALR-002", ""),
    "binary": ("ALR-001", ""),
}


def test_rule_files_that_are_too_much(tmp_path: Path) -> None:
    """All at once. promtool alone is given up for one of them, after half a minute."""
    for name in TOLD:
        (tmp_path / f"{name}.yaml").write_text(FILES[name])
    run = Alerts(profile(tmp_path, files=[f"{name}.yaml" for name in TOLD]), tmp_path)
    assert run.code in (1, 3), run.text
    told = {
        (one["subject"], one["id"]): str(one["seen"] or one["reason"])
        for one in run.results
        if one["outcome"] in ("violation", "error")
    }
    for name, (id, text) in TOLD.items():
        assert text in told[f"{name}.yaml", id]


def test_a_dashboard_that_is_too_much(tmp_path: Path) -> None:
    many = [
        {
            "type": "stat",
            "title": f"p{n}",
            "targets": [{"expr": f"app_jobs_{n}", "datasource": {"type": "prometheus"}}] * 3,
        }
        for n in range(20_000)
    ]
    texts = {
        "nested": '{"title": "a", "panels": ' + "[" * 2_000_000,
        "panels": json.dumps({"title": "a", "panels": many}),
        "long": json.dumps({"title": "a", "panels": [{"type": "stat", "targets": [{"expr": "app_jobs + " * 90_000, "datasource": {"type": "prometheus"}}]}]}),
        "names": json.dumps({"title": "a", "panels": [{"type": "stat", "targets": [{"expr": "$" + "x" * 100_000 + "${y" * 10_000}]}]}),
        "huge": '{"title": "' + "a" * 20_000_000 + '"}',
        "other": json.dumps({"title": 3, "panels": [None, 3, {"type": [], "targets": {"a": 1}}], "templating": {"list": {}}, "annotations": [], "rows": "x", "uid": {}}),
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / f"{name}.json").write_text(text)
    run = Alerts(profile(tmp_path, dashboards=[f"{name}.json" for name in texts]), tmp_path)
    assert run.code in (1, 3), run.text
    told = {
        (one["subject"], one["id"]): str(one["seen"] or one["reason"])
        for one in run.results
        if one["outcome"] in ("violation", "error")
    }
    assert "nested too deeply" in told["nested.json", "ALR-070"]
    assert "more than 16 MiB" in told["huge.json", "ALR-070"]
    assert "characters, and more than" in told["long.json", "ALR-071"]
    assert "no title" in told["other.json", "ALR-070"]
    assert ("panels.json", "ALR-070") not in told
