"""What the shipped load tests are made of, and that what they read is written down; the files themselves load Locust."""

from __future__ import annotations

import ast
import base64
import json
import math
import random
import re
import struct
from collections import Counter
from pathlib import Path

import pytest
import yaml

from seatrial.load import data
from seatrial.load.answers import part, said
from seatrial.load.journeys import Answer, Request, Wrong
from seatrial.load.seeding import Door
from tests.systems.standins.apis import akidb, keeping

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "loadtests").glob("*.py"))


def variables(file):
    """What a file reads from its environment."""
    return set(re.findall(r'environ\.get\("(\w+)"', file.read_text()))


def test_there_is_one_for_each_system():
    assert [file.stem for file in FILES] == ["akidb", "open_webui", "openviking", "opossum", "victor"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_says_how_it_is_run_and_what_it_reads(file):
    told = ast.get_docstring(ast.parse(file.read_text()))
    assert f"locust -f loadtests/{file.name} --host http://" in told
    assert [name for name in variables(file) if name not in told] == []
    assert "SEATRIAL_THINKING" in told


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_journey_is_told_with_its_share(file):
    tree = ast.parse(file.read_text())
    told = ast.get_docstring(tree)
    journeys = [
        one.name for one in tree.body if isinstance(one, ast.FunctionDef) and ast.unparse(one.returns) == "Steps"
    ]
    assert [name for name in journeys if not re.search(rf"^\| {name} \| \d+ % \|", told, re.MULTILINE)] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_workers_by_compose_are_given_what_it_reads(file):
    told = yaml.safe_load((ROOT / "deploy/compose/locust-workers.yaml").read_text())
    assert variables(file) <= set(told["services"]["worker"]["environment"])


def test_the_same_chance_gives_the_same():
    def made():
        chance = random.Random(7)
        return data.title(chance), data.text(chance), data.think(chance).seconds, data.popular(chance, 50)

    assert made() == made()


def test_texts_are_short_mostly_and_long_now_and_then():
    chance = random.Random(1)
    lengths = sorted(len(data.text(chance, 600, 8000)) for _ in range(400))
    assert 450 < lengths[200] < 850
    assert lengths[0] >= 60
    assert lengths[-1] > 2500
    assert lengths[-1] < 8400


def test_a_few_things_are_asked_for_most_often():
    chance = random.Random(1)
    seen = Counter(data.popular(chance, 100) for _ in range(20_000))
    assert [number for number, _ in seen.most_common(3)] == [0, 1, 2]
    assert seen[0] / seen[9] == pytest.approx(10, rel=0.25)
    assert set(seen) <= set(range(100))


def test_think_times_are_bounded_and_can_be_shortened(monkeypatch):
    chance = random.Random(1)
    assert max(data.think(chance, 2).seconds for _ in range(2000)) <= 20
    monkeypatch.setenv(data.THINKING, "0.5")
    assert max(data.think(chance, 2).seconds for _ in range(2000)) <= 10


def test_vectors_are_of_length_one_and_turned_ones_are_others():
    vectors = data.Vectors(1, 30, 48)
    made = [json.loads(vectors.json(number)) for number in range(30)]
    turned = [json.loads(vectors.turned(number)) for number in range(30 * 47)]
    assert {len(one) for one in [*made, *turned]} == {48}
    assert all(math.isclose(math.hypot(*one), 1, abs_tol=1e-4) for one in [*made, *turned])
    assert len({tuple(one) for one in [*made, *turned]}) == 30 * 48


def test_a_picture_is_a_png_image_of_its_size():
    image = base64.b64decode(data.picture(31, 17, 5))
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", image[16:24]) == (31, 17)


def answer(body):
    """One that came whole."""
    return Answer(200, b"HTTP/1.1 200 OK\r\n\r\n", body if isinstance(body, bytes) else json.dumps(body).encode(), 0.0)


def test_parts_of_an_answer_are_there_and_of_their_kind():
    assert part(answer({"a": {"b": [1]}}), "a.b", list) == [1]
    assert part(answer([1]), "", list) == [1]
    assert part(answer(True), "", bool) is True
    assert said(answer(b"")) is None
    assert said(None) is None


@pytest.mark.parametrize(("body", "path", "kind", "why"), [
    (b"", "a", str, "the body is no JSON"),
    (b"{}", "a", str, "no a in the answer"),
    (b"[]", "a.b", str, "no a.b in the answer"),
    (b'{"a": 1}', "a", str, "a is something else than it must be"),
    (b'{"a": true}', "a", int, "a is something else than it must be"),
    (b"null", "", dict, "the answer is something else than it must be"),
])  # fmt: skip
def test_what_is_not_there_is_wrong(body, path, kind, why):
    with pytest.raises(Wrong, match=re.escape(why)):
        part(answer(body), path, kind)


@pytest.fixture
def served():
    """A stand-in, and its address."""
    import threading

    api = akidb.AkiDB(key="k")
    server = keeping.serve(api)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield api, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_what_was_seeded_is_taken_away_and_what_was_not_is_told(served):
    api, url = served
    door = Door(url, {"Authorization": "Bearer k"})
    made = door.ask(Request("POST", "/collections", json={"name": "a", "vector_dim": 3}))
    assert part(made, "vector_dim", int) == 3
    door.left |= {"/collections/a": None, "/collections/never-made": None, "/nothing/like/that": None}
    assert door.tried(Request("GET", "/collections/b")) is None
    api.key = "another"
    assert sorted(door.tidy()) == ["/collections/a", "/collections/never-made", "/nothing/like/that"]
    door.left["/collections/a"] = None
    api.key = "k"
    assert door.tidy() == []
    assert api.keeper.counts() == {}


def test_a_status_that_is_not_right_is_wrong_and_nobody_there_is_no_answer(served):
    _, url = served
    with pytest.raises(Wrong, match="HTTP 401"):
        Door(url).ask(Request("GET", "/collections"))
    with pytest.raises(OSError, match="refused"):
        Door("http://127.0.0.1:1").tried(Request("GET", "/"))
    with pytest.raises(ValueError, match="--host"):
        Door(None)
