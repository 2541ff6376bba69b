"""The lab's own monitoring: it is there, it moves, and it is gone afterwards."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.conftest import Require
from tests.lab.watch import watch

pytestmark = pytest.mark.integration

NOBODY = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}


def test_it_scrapes_evaluates_and_tells(require: Require, tmp_path: Path) -> None:
    require("prometheus")
    with watch(tmp_path / "watch", alertmanager=NOBODY, history=3600) as up:
        assert {rule["health"] for rule in up.loaded()} == {"ok"}
        assert len(up.query("app_queue_jobs[1h]")[0]["values"]) > 200  # it remembers an hour, and goes on
        assert [each["url"] for each in up.api("alertmanagers")["activeAlertmanagers"]] == [
            f"{up.alertmanager}/api/v2/alerts"
        ]
        up.set("app_queue_jobs", {"queue": "mail"}, 9999)
        up.scraped()
        assert [each["value"][1] for each in up.query('app_queue_jobs{queue="mail"}')] == ["9999"]
        assert not up.reload({"broken.yaml": "groups: 3"})
        assert up.reload({"one.yaml": "groups: [{name: g, rules: [{alert: Up, expr: up == 1}]}]"})
        assert [rule["state"] for rule in up.loaded()] == ["firing"]
        assert up.child is not None
        assert up.manager is not None
        children = up.child.pid, up.manager.pid
    for pid in children:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
