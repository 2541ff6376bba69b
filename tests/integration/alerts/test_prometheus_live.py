"""A real Prometheus, green where all is right, and red with just the requirement that is broken; and what stands in its place."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import signal
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from seatrial.catalogue import catalogue
from seatrial.drivers import Session
from seatrial.facts.alerts.catalog import Catalog
from seatrial.fixtures import alert_servers
from seatrial.looks import _catalog_scraped
from seatrial.looks._secrets import known_secrets, redacting
from seatrial.looks.catalogs import catalog
from seatrial.observe import facts_text, observe, read_facts
from seatrial.profile.loading import load
from seatrial.profile.references import References
from seatrial.profile.subjects import subjects
from seatrial.words import CouldNotLook
from suites import alerts
from tests.integration.conftest import Require
from tests.integration.runs import Run
from tests.lab.ports import free_port
from tests.lab.watch import METRICS, RULES, Watch, process, watch

pytestmark = pytest.mark.integration

NOUNS = ("prometheus", "scraped_service")
REQUIREMENTS = {
    requirement.id: function for requirement, function in catalogue(alerts) if "ALR-010" <= requirement.id <= "ALR-019"
}
SILENT = {
    "route": {"receiver": "all"},
    "receivers": [{"name": "all", "webhook_configs": [{"url": "http://127.0.0.1:9"}]}],
}
"""An Alertmanager that would tell somebody; nothing fires here."""
HASH = "$2b$04$/nF52kqZx2yB.L4ZJBOs2OwTxyEbsjPf.YS8ytK6IG6ok8hi9UZOW"
"""bcrypt of ``aye-aye``."""


class Alerts(Run):
    """A run of the area's file on the server."""

    area = "alerts/test_prometheus.py"


class All(Run):
    """A run of the whole area."""

    area = "alerts"


def session_of(profile: Path, **environment: str) -> Session:
    """What a run of a profile would let its drivers do."""
    loaded = load(str(profile))
    references = References(environment, profile.parent)
    known = known_secrets(loaded.profile, references)
    return Session(
        loaded.profile,
        profile.parent,
        references.resolve,
        mask=references.mask,
        known=known,
        redact=redacting(known),
    )


class Verdicts:
    """What every requirement comes to, from facts that went through a file, as a replay has them."""

    def __init__(self, profile: Path, **environment: str) -> None:
        self.session = session_of(profile, **environment)
        about = [subject for noun in NOUNS for subject in subjects(self.session.profile, noun)[0]]
        clock = time.monotonic()
        observed = observe(self.session, about)
        self.seconds = time.monotonic() - clock
        self.text = facts_text(observed, {"profile": {"sha256": "", "file": "./watch.yaml"}})
        (profile.parent / "facts.json").write_text(self.text)
        self.facts = read_facts(str(profile.parent / "facts.json"))[0]
        self.told: dict[str, str] = {}
        self.outcomes: dict[str, str] = {}
        for id, function in REQUIREMENTS.items():
            for subject in about:
                if subject.noun == function.__code__.co_varnames[0]:
                    self._judge(id, function, subject, self.session.profile)

    def _judge(self, id: str, function: Callable[[Any], None], subject: Any, profile: Any) -> None:
        trial = SimpleNamespace(profile=profile, observed=lambda _: self.facts)
        request = SimpleNamespace(config=SimpleNamespace(stash=_Always(trial)), param=subject)
        requirement = next(r for r, f in catalogue(alerts) if f is function)
        if requirement.needs and not getattr(subject.node, requirement.needs):
            return
        try:
            noun = getattr(alert_servers, subject.noun).__wrapped__(request)
            function(noun)
            self.outcomes.setdefault(id, "pass")
        except AssertionError as why:
            self.outcomes[id], self.told[id] = "red", str(why)
        except CouldNotLook as why:
            self.outcomes[id], self.told[id] = "error", str(why)

    def ids(self, outcome: str) -> list[str]:
        return sorted(id for id, one in self.outcomes.items() if one == outcome)


class _Always:
    def __init__(self, value: Any) -> None:
        self.value = value

    def __getitem__(self, _: Any) -> Any:
        return self.value


@pytest.fixture(scope="module")
def up(require: Require, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    require("prometheus")
    with watch(tmp_path_factory.mktemp("watch") / "w", alertmanager=SILENT) as made:
        yield made
    for server in OPEN:
        server.shutdown()
        server.server_close()


EVERY = {"scrape_interval": "1s"}


def put(up: Watch, rules: dict[str, str] | None = None, config: dict[str, Any] | None = None) -> dict[str, Any]:
    """Have it load these, where it has not; what a profile declares of it then."""
    rules, config = rules or {"rules.yaml": RULES}, config or {}
    if (rules, config) != (getattr(up, "put", None), up.config):
        assert up.reload(rules, config)
    up.put = rules  # type: ignore[attr-defined]
    for name, text in rules.items():
        (up.folder / name).write_text(text)
    return dict(EVERY)


def test_what_conforms_is_green_and_its_facts_give_the_same_verdicts(up: Watch, tmp_path: Path) -> None:
    run = Alerts(up.profile(**put(up)), tmp_path)
    assert run.ids("violation", "advisory", "error") == [], run.text
    assert run.ids("pass") == sorted(REQUIREMENTS)
    up.write({"rules.yaml": RULES.replace("0.5", "0.7")})
    replayed = Alerts(up.folder / "watch.yaml", tmp_path, f"--facts={run.folder}")
    assert replayed.told() == run.told(), replayed.text


# --- broken, one by one -----------------------------------------------------------------------------------------------

SLOW_GROUP = """\
groups:
  - name: slow
    interval: 1s
    rules:
      - {record: job:slow:sum, expr: "sum(sum_over_time((vector(1) + vector(time()))[12d:1s]))"}
"""
FAILING = """\
groups:
  - name: failing
    rules:
      - alert: Failing
        expr: app_component_up * on (job) app_queue_jobs > 0
        labels: {severity: page}
        annotations: {summary: It fails., description: It fails., runbook_url: "https://runbooks.example/failing"}
"""
OF_APP = {"relabel_configs": [{"target_label": "job", "replacement": "app"}]}
"""The rules look at this job, and at no other."""


def edited(up: Watch) -> dict[str, Any]:
    """The file was changed, and the server was not told."""
    put(up)
    (up.folder / "rules.yaml").write_text(RULES.replace("> 0.5\n", "> 0.75\n").replace("for: 10m", "for: 600s"))
    return dict(EVERY)


def deleted(up: Watch) -> dict[str, Any]:
    """A rule was taken out of the file, and the server goes on with it."""
    put(up)
    (up.folder / "rules.yaml").write_text(RULES.partition("      - alert: AppComponentLost")[0])
    return dict(EVERY)


def left_over(up: Watch) -> dict[str, Any]:
    """The server has a file that nobody declares."""
    put(up, {"rules.yaml": RULES, "old.yaml": RULES.replace("- name: app", "- name: old")})
    return EVERY | {"files": ["rules.yaml"]}


def failing(up: Watch) -> dict[str, Any]:
    """One of its rules loads, and fails on the series that there are."""
    return put(up, {"rules.yaml": RULES, "failing.yaml": FAILING})


def too_slow(up: Watch) -> dict[str, Any]:
    """A group takes longer than its interval."""
    return put(up, {"rules.yaml": RULES, "slow.yaml": SLOW_GROUP})


def refused(up: Watch) -> dict[str, Any]:
    """Its configuration was changed to what it does not take."""
    put(up)
    assert not up.reload({"rules.yaml": RULES}, {"scrape_config": []})
    return dict(EVERY)


def jobs(up: Watch, *more: dict[str, Any]) -> dict[str, Any]:
    app = {"job_name": "app", "static_configs": [{"targets": [f"127.0.0.1:{up.exporter.port}"]}]}
    return {"scrape_configs": [app, *more]}


def down(up: Watch) -> dict[str, Any]:
    """One more target, at which nothing listens."""
    where = [{"targets": [f"127.0.0.1:{free_port()}"]}]
    put(up, config=jobs(up, {"job_name": "gone", "static_configs": where, **OF_APP}))
    up.until(lambda: "down" in [t["health"] for t in up.api("targets")["activeTargets"]], what="the target")
    return dict(EVERY)


OPEN: list[http.server.ThreadingHTTPServer] = []


def lazy(up: Watch) -> dict[str, Any]:
    """One more target, which takes nearly as long as it may."""

    class Lazy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(2.55)
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(b"lazy 1\n")

        def log_message(self, *_: Any) -> None:
            """Quietly."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lazy)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    OPEN.append(server)
    where = [{"targets": [f"127.0.0.1:{server.server_port}"]}]
    job = {"job_name": "lazy", "scrape_interval": "3s", "scrape_timeout": "3s", "static_configs": where, **OF_APP}
    put(up, config=jobs(up, job))
    up.until(lambda: any(t["lastScrapeDuration"] > 2 for t in up.api("targets")["activeTargets"]), what="the target")
    return dict(EVERY)


def not_scraped(up: Watch) -> dict[str, Any]:
    """It scrapes itself, and not the service."""
    itself = [{"targets": [up.prometheus.removeprefix("http://")]}]
    put(up, config={"scrape_configs": [{"job_name": "self", "static_configs": itself, **OF_APP}]})
    return dict(EVERY)


def told_to_others(up: Watch) -> dict[str, Any]:
    """It sends its alerts to another port."""
    other = [{"static_configs": [{"targets": [f"127.0.0.1:{free_port()}"]}]}]
    put(up, config={"alerting": {"alertmanagers": other}})
    return dict(EVERY)


def told_to_nobody(up: Watch) -> dict[str, Any]:
    """It has no Alertmanager any more."""
    put(up, config={"alerting": {}})
    return dict(EVERY)


def other_interval(up: Watch) -> dict[str, Any]:
    """The rules were written for another interval."""
    put(up)
    return {"scrape_interval": "15s"}


BROKEN: list[tuple[Callable[[Watch], dict[str, Any]], str, str]] = [
    (edited, "ALR-010", "rules.yaml:31:13 app/AppSlow: is loaded with `> 0.5` where the file has `> 0.75`"),
    (deleted, "ALR-010", "app/AppComponentLost: is loaded from"),
    (left_over, "ALR-011", "old.yaml old: 6 rules that no declared file has"),
    (failing, "ALR-012", "failing.yaml:4 failing/Failing: found duplicate series for the match group"),
    (too_slow, "ALR-013", "slow.yaml:5 slow/job:slow:sum: evaluating its group takes"),
    (refused, "ALR-014", "its last reload failed; it has run on the configuration before it for"),
    (down, "ALR-015", "connection refused"),
    (lazy, "ALR-016", "of the 3s that it may"),
    (not_scraped, "ALR-017", "which scrapes 1"),
    (told_to_others, "ALR-018", "sends alerts to http://127.0.0.1:"),
    (told_to_nobody, "ALR-018", "sends alerts to nobody"),
    (other_interval, "ALR-019", "job app: scrape_interval 1s (expected 15s)"),
]


def test_every_requirement_is_shown_red() -> None:
    assert {id for _, id, _ in BROKEN} == set(REQUIREMENTS)


@pytest.mark.parametrize(("make", "id", "text"), BROKEN, ids=[make.__name__ for make, _, _ in BROKEN])
def test_exactly_its_requirement_turns_red(
    make: Callable[[Watch], dict[str, Any]], id: str, text: str, up: Watch, operands: Any
) -> None:
    found = Verdicts(up.profile(**make(up)))
    assert found.ids("red") == [id], found.told
    assert found.ids("error") == []
    assert text in "\n".join(operands[-1].seen)


def test_nothing_else_of_the_area_turns_red(up: Watch, tmp_path: Path) -> None:
    run = All(up.profile(**down(up)), tmp_path)
    assert run.ids("violation", "advisory") == ["ALR-015"], run.text


def test_where_no_file_is_declared_the_rules_that_it_has_are_judged(up: Watch) -> None:
    put(up, {"rules.yaml": RULES, "failing.yaml": FAILING})
    found = Verdicts(up.profile(files=None))
    assert found.ids("red") == ["ALR-012"], found.told
    assert found.ids("error") == []
    assert set(REQUIREMENTS) - set(found.outcomes) == {"ALR-010", "ALR-011", "ALR-019"}


# --- the metrics there are --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("series", "one"), [(20_000, 5_000), (0, 5_000), (0, 1)], ids=["few", "many", "very-many"])
def test_the_catalog_knows_what_rules_name_however_many_series_there_are(
    series: int, one: int, up: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(up)
    monkeypatch.setattr(_catalog_scraped, "FEW_SERIES", series)
    monkeypatch.setattr(_catalog_scraped, "FEW_OF_ONE", one)
    found = catalog(session_of(up.profile()))
    assert isinstance(found, Catalog)
    assert (found.scraped, found.unseen, found.canary) == (True, (), "")
    assert found.target_labels == ("job", "instance")
    errors = found.of("app_http_requests_total")
    assert errors is not None
    assert (errors.type, errors.series, errors.source) == ("counter", 3, "app")
    assert [(label.name, label.count, label.series) for label in errors.labels] == [
        ("instance", 1, 3), ("job", 1, 3), ("method", 2, 3), ("route", 1, 3), ("status", 3, 3)
    ]  # fmt: skip
    status = errors.label("status")
    assert status is not None
    assert status.values == (("200", "201", "500") if one > 1 else ())
    histogram = found.of("app_http_request_duration_seconds_bucket")
    assert histogram is not None
    assert (histogram.type, histogram.series) == ("histogram", 6)
    assert histogram.bounds == ((0.05, 0.25, 1.0) if one > 1 else ())
    assert found.of("app_disk_free_bytes") is not None
    assert found.of("app_nothing") is None


def test_what_a_target_no_longer_exposes_is_not_announced_and_what_it_will_expose_is(up: Watch) -> None:
    put(up)
    up.exporter.expose(METRICS.replace("app_queue_jobs{", "app_jobs{") + "# TYPE app_later_total counter\n")
    up.scraped()
    up.until(lambda: "app_later_total" in up.api("metadata"), what="the metadata")
    found = catalog(session_of(up.profile()))
    up.exporter.expose(METRICS)
    assert isinstance(found, Catalog)
    later = found.of("app_later_total")
    assert later is not None
    assert (later.type, later.series) == ("counter", 0)


def test_a_catalog_waits_for_the_scrape_after_the_canary(up: Watch) -> None:
    put(up)
    text = RULES.replace("app_queue_jobs{", "app_made_by_canary{")
    (up.folder / "rules.yaml").write_text(text)

    class Counted(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            up.exporter.set("app_made_by_canary", {"queue": "mail"}, 1)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quietly."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counted)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    api = {
        "url": f"http://127.0.0.1:{server.server_port}",
        "canary": {"get": "/make"},
        "metrics": {"port": up.exporter.port},
    }
    found = catalog(session_of(up.profile(top={"services": {"api": api}})))
    server.shutdown()
    server.server_close()
    up.exporter.expose(METRICS)
    assert isinstance(found, Catalog)
    assert found.canary == "api: HTTP 200"
    assert found.of("app_made_by_canary") is not None


# --- how it is reached ------------------------------------------------------------------------------------------------


class Guarded(NamedTuple):
    """A running Prometheus with a guard before it."""

    folder: Path
    url: str
    header: str
    pid: int


@pytest.fixture(scope="module")
def guarded(require: Require, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """One behind a path prefix that asks for a password."""
    require("prometheus")
    folder, port = tmp_path_factory.mktemp("guarded"), free_port()
    url = f"http://127.0.0.1:{port}/monitoring"
    (folder / "web.yml").write_text(json.dumps({"basic_auth_users": {"crew": HASH}}))
    (folder / "rules.yaml").write_text(RULES)
    where = {
        "metrics_path": "/monitoring/metrics",
        "basic_auth": {"username": "crew", "password": "aye-aye"},
        "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
        "job_name": "self",
    }
    config = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": ["rules.yaml"]}
    (folder / "prometheus.yml").write_text(json.dumps(config | {"scrape_configs": [where]}))
    with process(
        folder / "log", "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}", f"--web.config.file={folder}/web.yml", f"--web.external-url={url}",
        "--scrape.discovery-reload-interval=100ms", port=port,
    ) as child:  # fmt: skip
        yield Guarded(folder, url, f"Basic {b64encode(b'crew:aye-aye').decode()}", child.pid)


def guarded_profile(folder: Path, url: Any, **monitor: Any) -> Path:
    profile = {
        "profile": "guarded",
        "environment": "test",
        "target": {"driver": "http"},
        "services": {"prometheus": {"url": {"env": "PROM_URL"}, "metrics": {}}},
        "alerts": {"files": ["rules.yaml"], "prometheus": {"url": url, **monitor}},
    }
    (folder / "guarded.yaml").write_text(json.dumps(profile))
    return folder / "guarded.yaml"


def test_behind_a_prefix_and_a_password_it_is_asked_all_the_same(guarded: Guarded) -> None:
    folder, url, header, _ = guarded
    profile = guarded_profile(folder, {"env": "PROM_URL"}, headers={"Authorization": {"env": "PROM_AUTH"}})
    found = Verdicts(profile, PROM_URL=url, PROM_AUTH=header)
    assert found.ids("error") == [], found.told
    assert found.ids("red") == ["ALR-018"]
    assert header.split()[1] not in found.text
    assert "aye-aye" not in found.text


def test_without_the_password_nothing_is_decided_and_what_is_missing_is_told(guarded: Guarded) -> None:
    folder, url, *_ = guarded
    found = Verdicts(guarded_profile(folder, url), PROM_URL=url)
    assert found.ids("error") == sorted(found.outcomes)
    assert "GET /api/v1/status/buildinfo answered HTTP 401 (missing right: credentials under alerts.prometheus.headers)" in found.told["ALR-014"]  # fmt: skip


def test_a_password_in_the_url_is_sent_and_kept_nowhere(guarded: Guarded) -> None:
    folder, url, *_ = guarded
    found = Verdicts(guarded_profile(folder, url.replace("//", "//crew:aye-aye@")), PROM_URL=url)
    assert found.ids("error") == [], found.told
    assert "aye-aye" not in found.text


def test_without_the_prefix_the_page_of_another_is_not_taken_for_it(guarded: Guarded) -> None:
    folder, url, header, _ = guarded
    profile = guarded_profile(folder, url.removesuffix("/monitoring"), headers={"Authorization": header})
    found = Verdicts(profile, PROM_URL=url)
    assert found.ids("error") == sorted(found.outcomes)
    assert "url with the path prefix that the server has" in found.told["ALR-014"]


def test_one_that_hangs_holds_nobody(guarded: Guarded) -> None:
    folder, url, header, pid = guarded
    profile = guarded_profile(folder, url, headers={"Authorization": header}, timeout="1s")
    os.kill(pid, signal.SIGSTOP)
    try:
        found = Verdicts(profile, PROM_URL=url)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert found.ids("error") == sorted(found.outcomes)
    assert "GET /api/v1/status/buildinfo did not answer within 1s" in found.told["ALR-010"]
    assert found.seconds < 10
