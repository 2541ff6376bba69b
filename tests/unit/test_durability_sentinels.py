"""Sentinels: each is told from every other, in paths and bodies, and a silent service is not asked for each of hundreds."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import unquote

import pytest

from seatrial.drivers import Session
from seatrial.experiments._client import rekeyed
from seatrial.experiments._sentinels import SILENT, Sentinel, Sentinels, kinds, telling
from seatrial.outcomes import Tier
from seatrial.profile.loading import load
from seatrial.profile.model import Canary
from seatrial.profile.nouns.durability import witness
from seatrial.profile.references import References
from seatrial.profile.subjects import subjects
from seatrial.words import CouldNotLook

CANARY = {
    "post": "/notes", "body": {"id": "sea", "text": "a note", "tags": ["sea", "x"]}, "expect": {"status": 201}, "sentinel": "sea",
    "read_back": {"get": "/notes/sea", "expect": {"match": {"id": "sea"}}}, "remove": {"delete": "/notes/sea"},
}  # fmt: skip


class Notes(BaseHTTPRequestHandler):
    kept: ClassVar[dict[str, dict]] = {}

    def reply(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.kept[body["id"]] = body
        self.reply(201)

    def do_GET(self):
        found = self.kept.get(unquote(self.path.removeprefix("/notes/")))
        self.reply(200 if found else 404, json.dumps(found).encode())

    def do_DELETE(self):
        self.kept.pop(unquote(self.path.removeprefix("/notes/")), None)
        self.reply(200)

    def log_message(self, *_):
        pass


@pytest.fixture
def notes(tmp_path):
    Notes.kept = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Notes)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield sentinels(tmp_path, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


def profile(tmp_path, services, driver="process"):
    path = tmp_path / "profile.yaml"
    path.write_text(
        json.dumps({"profile": "notes", "environment": "test", "target": {"driver": driver}, "services": services})
    )
    return load(str(path)).profile


def sentinels(tmp_path, url):
    declared = profile(tmp_path, {"api": {"url": url, "canary": CANARY}})
    session = Session(declared, tmp_path, References({}, tmp_path).resolve, granted=Tier.disrupt)
    return Sentinels(session, "api", declared.services["api"].canary)


def test_every_kind_is_written_found_and_removed(notes):
    made = [notes.write(*kind) for kind in kinds(notes.node)]
    assert [one.failure for one in made] == [""] * 6
    assert [one.kind for one in made] == [
        "plain", "long id", "id beyond ASCII", "blank text", "longer text", "large text",
    ]  # fmt: skip
    assert len(Notes.kept) == 6
    assert {body["text"] for body in Notes.kept.values()} >= {"a note", " "}
    assert all(body["tags"][0] == id for id, body in Notes.kept.items())
    assert notes.lost(made, 0.0) == [""] * 6
    Notes.kept.pop(next(id for id in Notes.kept if "漢字" in id))
    assert notes.lost(made, 0.0) == ["", "", "HTTP 404", "", "", ""]
    assert [notes.gone(one) for one in made] == [False, False, True, False, False, False]
    notes.tidy(made)
    assert Notes.kept == {}


def test_a_silent_service_is_neither_lost_data_nor_asked_for_each(tmp_path):
    ours = sentinels(tmp_path, "http://127.0.0.1:1")
    asked = []
    ours.found = lambda one: asked.append(one)
    one = Sentinel("plain", ours.made(), "")
    assert ours.lost([one] * 100, 0.0) == [None] * 100
    assert len(asked) == SILENT
    assert Sentinels.gone(ours, one) is None


def test_a_canary_that_can_not_tell_its_writes_says_what_it_lacks(tmp_path):
    declared = profile(tmp_path, {"api": {"url": "http://127.0.0.1:1", "canary": {"get": "/"}}, "redis": {}})
    with pytest.raises(CouldNotLook, match=r"services\.api\.canary\.sentinel and services\.api\.canary\.read_back"):
        telling(declared.services, "api")
    with pytest.raises(CouldNotLook, match=r"services\.redis\.canary"):
        telling(declared.services, "redis")


def test_a_store_is_seen_through_who_needs_it(tmp_path):
    keeps = {"persistence": {"survives": ["kill", "restart", "recreate"]}}
    declared = profile(
        tmp_path,
        {
            "postgres": keeps,
            "redis": keeps,
            "page": {"url": "http://127.0.0.1:1", "canary": {"get": "/"}, "depends_on": {"postgres": {}}},
            "api": {"url": "http://127.0.0.1:2", "canary": CANARY, "depends_on": {"postgres": {}}, **keeps},
        },
    )
    assert [witness(declared, name) for name in declared.services] == ["api", None, "page", "api"]
    assert [s.id for s in subjects(declared, "survival_of_removal")[0]] == [
        "postgres.survives.kill", "postgres.survives.restart", "api.survives.kill", "api.survives.restart",
    ]  # fmt: skip
    found, why = subjects(declared, "survival_of_recreation")
    assert found == []
    assert "driver docker" in why


def test_a_client_takes_the_other_key_where_it_has_that_key(tmp_path):
    old = Canary.model_validate({"get": "/admin", "headers": {"X-Key": {"file": "old"}, "Accept": "text/plain"}})
    new = Canary.model_validate({"get": "/admin", "headers": {"X-Key": {"file": "new"}}})
    node = Canary.model_validate(
        {
            **CANARY, "headers": {"X-Key": {"file": "old"}, "X-Who": "sea"},
            "read_back": {"get": "/notes/sea", "headers": {"X-Key": {"file": "old"}}},
        }
    )  # fmt: skip
    swapped = rekeyed(node, old, new)
    assert swapped.headers == {"X-Key": new.headers["X-Key"], "X-Who": "sea"}
    assert swapped.read_back.headers == new.headers
    assert rekeyed(swapped, new, old) == node
    plain = Canary.model_validate(CANARY)
    assert rekeyed(plain, old, new) == plain
