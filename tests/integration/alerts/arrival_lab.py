"""A real Alertmanager of a test's own, whose configuration is changed at will, and the verdicts of one look at it."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import suites
from seatrial.catalogue import catalogue
from seatrial.drivers import Session
from seatrial.experiments import perform
from seatrial.facts.alerts.delivery_judged import Delivering, Delivery
from seatrial.facts.runtime import Observations
from seatrial.observe import facts_text, observe, read_facts
from seatrial.outcomes import Tier
from seatrial.profile.loading import load
from seatrial.profile.references import References
from seatrial.profile.subjects import NOUNS
from seatrial.words import CouldNotLook, Missing, seen
from tests.conftest import RECORDED
from tests.lab.ports import free_port
from tests.lab.watch import process

__all__ = ["IDS", "RULES", "Post", "Verdicts", "adapter", "post"]

REQUIREMENTS = {
    requirement.id: (requirement, function)
    for requirement, function in catalogue(suites)
    if requirement.noun in ("delivery", "routing", "alertmanager")
}
IDS = sorted(REQUIREMENTS)
RULES = """\
groups:
- name: app
  rules:
  - {alert: AppDown, expr: 'up == 0', for: 1m, labels: {severity: page}}
  - {alert: AppSlow, expr: 'app_slow > 1', for: 5m, labels: {severity: ticket}}
"""


class Post:
    """A running Alertmanager."""

    def __init__(self, folder: Path, port: int, listen: int) -> None:
        self.folder, self.url, self.listen = folder, f"http://127.0.0.1:{port}", listen
        self.config: dict[str, Any] = {}
        self.child: subprocess.Popen[bytes] | None = None
        self.reset()
        (folder / "rules.yaml").write_text(RULES)

    def reset(self) -> None:
        """The configuration that conforms."""
        self.config = {
            "route": {
                "receiver": "team",
                "group_by": ["alertname"],
                "routes": [
                    {
                        "matchers": ['seatrial="test"'],
                        "receiver": "seatrial",
                        "group_by": ["..."],
                        "group_wait": "0s",
                        "group_interval": "1s",
                    },
                    {"match": {"severity": "page"}, "receiver": "pager"},
                ],
            },
            "inhibit_rules": [
                {"source_match": {"severity": "page"}, "target_match": {"severity": "ticket"}, "equal": ["instance"]}
            ],
            "receivers": [
                # Nobody listens there.
                {"name": "team", "webhook_configs": [{"url": "http://127.0.0.1:1/team"}]},
                {"name": "pager", "webhook_configs": [{"url": "http://user:hunter2@127.0.0.1:1/pager?token=4f1c2d9b"}]},
                {"name": "seatrial", "webhook_configs": [{"url": f"http://127.0.0.1:{self.listen}/in"}]},
            ],
        }
        (self.folder / "alertmanager.yml").write_text(json.dumps(self.config))

    @property
    def test_route(self) -> dict[str, Any]:
        """The route of the test alert."""
        return dict.__getitem__(self.config["route"], "routes")[0]

    @property
    def test_webhook(self) -> dict[str, Any]:
        """The webhook of the test receiver."""
        return self.config["receivers"][2]["webhook_configs"][0]

    def reload(self, text: str = "") -> bool:
        """Have it load its configuration, or this text instead; whether it did."""
        (self.folder / "alertmanager.yml").write_text(text or json.dumps(self.config))
        return self.ask("/-/reload", b"") is not None

    def ask(self, path: str, body: Any = None) -> Any:
        """The answer to a GET, or to a POST of JSON; None where it was refused."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                text = answer.read()
        except urllib.error.HTTPError:
            return None
        return json.loads(text) if text.strip()[:1] in (b"{", b"[") else text.decode()

    def ours(self) -> list[dict[str, Any]]:
        """The test alerts that go on."""
        return [each for each in self.ask("/api/v2/alerts") if "seatrial_id" in each["labels"]]

    def silence(self, days: float, **labels: str) -> str:
        """Silence alerts with these labels; gives its id."""
        moment = "%Y-%m-%dT%H:%M:%SZ"
        now = time.time()
        told = self.ask(
            "/api/v2/silences",
            {
                "matchers": [{"name": n, "value": v, "isRegex": False, "isEqual": True} for n, v in labels.items()],
                "startsAt": time.strftime(moment, time.gmtime(now - 1)),
                "endsAt": time.strftime(moment, time.gmtime(now + days * 86400)),
                "createdBy": "jo@example.org", "comment": "correct-horse-battery",
            },
        )  # fmt: skip
        return str(told["silenceID"])

    def expire(self, id: str) -> None:
        """End a silence."""
        urllib.request.urlopen(
            urllib.request.Request(f"{self.url}/api/v2/silence/{id}", method="DELETE"), timeout=10
        ).close()

    def profile(self, **changes: Any) -> Path:
        """Write a profile of it."""
        test = {
            "receiver": "seatrial", "listen": f"127.0.0.1:{self.listen}", "path": "/in", "labels": {"seatrial": "test"},
            "within": "2s",
        }  # fmt: skip
        alerts = {
            "files": ["rules.yaml"],
            "promtool": {"none": "no rule is evaluated here", "owner": "@tests"},
            "severities": ["page", "ticket"],
            "alertmanager": {"url": self.url, "timeout": "3s"},
            "test_receiver": test,
        }
        declared = {key: value for key, value in (alerts | changes).items() if value is not None}
        told = {
            "profile": "post", "environment": "test", "target": {"driver": "http"},
            "services": {"alertmanager": {"url": self.url}}, "alerts": declared,
        }  # fmt: skip
        (self.folder / "post.yaml").write_text(json.dumps(told, indent=1))
        return self.folder / "post.yaml"


@contextlib.contextmanager
def post(folder: Path, *options: str) -> Iterator[Post]:
    """An Alertmanager that runs, alone unless options say otherwise."""
    port = free_port()
    made = Post(folder, port, free_port())
    alone = () if options else ("--cluster.listen-address=",)
    with process(
        folder / "alertmanager.log", "prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}", *alone, *options, port=port,
    ) as made.child:  # fmt: skip
        yield made


@contextlib.contextmanager
def adapter(host: str, port: int, to: int, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Iterator[None]:
    """What stands between an Alertmanager and a receiver: it passes notifications on, changed, or drops them."""

    class Pass(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = change(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if told is not None:
                with urllib.request.urlopen(f"http://127.0.0.1:{to}{self.path}", json.dumps(told).encode(), 5):
                    pass
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer((host, port), Pass)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Verdicts:
    """What every requirement of the area came to on one look."""

    observed: Observations
    outcomes: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def of(self, *outcomes: str) -> list[str]:
        """Requirements with one of these."""
        return sorted(id for id, outcome in self.outcomes.items() if outcome in outcomes)

    @classmethod
    def look(cls, file: Path, *, tier: Tier = Tier.write) -> Verdicts:
        """Observe, experiment and judge as a run does, in this process."""
        loaded = load(file)
        references = References(os.environ, file.parent)
        session = Session(loaded.profile, file.parent, references.resolve, tier, references.mask, key=f"test {file}")
        subjects = [
            each for noun in ("delivery", "routing", "alertmanager") for each in NOUNS[noun].find(loaded.profile)
        ]
        told: list[str] = []
        observed = observe(session, subjects)
        perform(session, observed.runtime, subjects, lambda _: None, {"experiments": observed.experiments}, told)
        made = cls.judged(file, observed)
        made.told = told
        return made

    def again(self, folder: Path, file: Path) -> Verdicts:
        """The verdicts of a replay."""
        about = {"profile": {"sha256": "", "file": str(file)}}
        (folder / "facts.json").write_text(facts_text(self.observed, about))
        return self.judged(file, read_facts(str(folder / "facts.json"))[0])

    @classmethod
    def judged(cls, file: Path, observed: Observations) -> Verdicts:
        """Verdicts from facts alone."""
        profile = load(file).profile
        made = cls(observed)
        rules = {each.id: observed.rules.get(each.id, Missing("unread")) for each in NOUNS["rules"].find(profile)}
        for id, (requirement, function) in REQUIREMENTS.items():
            RECORDED.clear()
            try:
                (subject,) = NOUNS[requirement.noun].find(profile)
                found = seen(observed.alertmanagers[subject.id])
                noun: Any
                if requirement.noun == "alertmanager":
                    noun = Delivering(subject.id, subject.node, found, rules)
                else:
                    timeline = observed.experiments.get(subject.id, Missing("no test alert was sent in this run"))
                    noun = Delivery(subject.id, subject.node.test_receiver, found, timeline)
                function(noun)
            except AssertionError:
                made.outcomes[id] = "violation" if requirement.level.binding else "advisory"
                made.texts[id] = "\n".join(RECORDED[-1].seen)
            except CouldNotLook as why:
                made.outcomes[id], made.texts[id] = "error", f"{why}"
            else:
                made.outcomes[id] = "pass"
        return made
