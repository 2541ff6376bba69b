"""What a service keeps, through its own calls: an export and import that is whole, and one of the first page alone."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from seatrial.words import CouldNotLook
from tests.integration.backups.roundtrip_lab import Trips, profile
from tests.integration.backups.store_tools import differing, place, store

SERVICE = Path(__file__).with_name("notes_service.py")
NODE = {
    "sentinel": "NOTE",
    "write": {"put": "/notes/NOTE", "body": {"text": "about the sea"}, "expect": {"status": [200, 201]}},
    "read": {"get": "/notes/NOTE", "expect": {"match": {"name": "NOTE"}}},
    "remove": {"delete": "/notes/NOTE"},
    "listing": {"get": "/notes"},
    "names": "notes[]",
}


@pytest.fixture
def service(tmp_path):
    """Starts one with a folder of its own, and gives where it is."""
    running = []

    def start(name: str) -> str:
        child = subprocess.Popen(
            [sys.executable, str(SERVICE), "0", str(tmp_path / name)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(child)
        return child.stdout.readline().strip().removeprefix("NOTES_URL=")

    yield start
    for child in running:
        child.stdin.close()
        child.wait(10)
        child.stdout.close()


def _carry(source: str, target: str, what: str = "/export") -> None:
    exported = urllib.request.urlopen(source + what).read()
    urllib.request.urlopen(urllib.request.Request(target + "/import", exported, method="POST")).read()


@pytest.mark.integration
def test_an_export_that_is_whole_and_one_that_is_not(service, tmp_path):
    here, there, half = service("source"), service("target"), service("half")
    where = place(tmp_path)
    source = store(where, http={"url": here, **NODE})
    assert source.names() == set()
    source.ready()
    seeded = source.seed(200_000)
    gone = source.removed()
    was = source.content()
    assert set(seeded) <= set(was.items)
    assert len(gone) == 2
    assert not set(gone) & set(was.items)
    assert was.fingerprint() == source.content().fingerprint()
    # What a service does not take is no sentinel of it, and bulk is of a size that it takes.
    assert not any("20,000" in what for what in seeded.values())
    assert was.fingerprint().size > 200_000

    target = store(where, http={"url": there, **NODE})
    assert target.identity() != source.identity()
    again = store(where, http={"url": here.replace("127.0.0.1", "localhost"), **NODE})
    assert again.identity() == source.identity()
    assert source.content() == was
    _carry(here, there)
    assert differing(was, target.content(), seeded=seeded, removed=gone) == {}
    _carry(here, half, "/export?page=1")
    hollow = store(where, http={"url": half, **NODE}).content()
    assert differing(was, hollow, seeded=seeded, removed=gone) == {"missing": len(was.items) - 10}

    assert target.usable() == ""
    for number in range(1, 7):
        source.step(number)
    assert source.steps() == (5, 6, 3, 4)
    assert target.steps() == (0, 0, 0, 0)
    _carry(here, there)
    assert target.steps() == (5, 6, 3, 4)
    source.unseed()
    source.unseed()
    assert source.content().items == {}


@pytest.mark.integration
def test_what_is_removed_comes_back_with_an_older_export(service, tmp_path):
    here, there = service("source"), service("target")
    where = place(tmp_path)
    source = store(where, http={"url": here, **NODE})
    seeded, gone = source.seed(1), source.removed()
    was = source.content()
    note = {"name": gone[0], "text": "it was removed"}
    _carry(here, there)
    target = store(where, http={"url": there, **NODE})
    target.write([type("One", (), {"name": note["name"], "content": b"again", "about": ()})()])
    assert differing(was, target.content(), seeded=seeded, removed=gone) == {"returned": 1}


@pytest.mark.integration
def test_a_service_that_can_only_be_written_and_read(service, tmp_path):
    here, there = service("source"), service("target")
    where = place(tmp_path)
    few = {key: NODE[key] for key in ("sentinel", "write", "read")}
    source, target = (store(where, http={"url": url, **few}) for url in (here, there))
    seeded = source.seed(1)
    assert source.removed() == ()
    was = source.content()
    assert set(seeded) <= set(was.items)
    assert target.content().items == {}
    assert target.identity() != source.identity()
    _carry(here, there)
    assert differing(was, target.content(), seeded=seeded) == {}
    source.step(1), source.step(2)
    assert source.steps() == (1, 2, 0, 0)


@pytest.mark.integration
def test_a_service_that_is_gone_or_hangs_is_told(service, tmp_path):
    where = place(tmp_path)
    absent = store(where, http={"url": "http://127.0.0.1:1", **NODE})
    for do in (absent.ready, absent.content, lambda: absent.seed(1), lambda: absent.step(1), absent.steps):
        with pytest.raises(CouldNotLook):
            do()
    assert "port 1" in absent.usable()
    with pytest.raises(CouldNotLook, match="no http or https"):
        store(where, http={"url": "ftp://127.0.0.1", **NODE})


@pytest.mark.integration
@pytest.mark.parametrize(
    ("what", "red"), [("/export", []), ("/export?page=1", ["BKP-036"])], ids=["whole", "first page"]
)
def test_an_export_is_judged_for_what_it_brings_back(what, red, tmp_path):
    stage = {
        "prepare": ["mkdir", "-p", "/var/backups/notes"],
        "start": {"command": ["python", str(SERVICE), "0", "/srv/notes"], "within": "30s"},
    }
    scripts = {
        "command": "set -eu\numask 077\n"
        f'curl -sSf "$NOTES_URL{what}" -o /var/backups/notes/.new\n'
        "mv /var/backups/notes/.new /var/backups/notes/notes-$(date +%s%N).json\n",
        "restore": 'set -eu\ncurl -sSf --data-binary @"$BACKUP_FILE" "$NOTES_URL/import" > /dev/null\n',
    }
    made = Trips.made(
        profile(
            tmp_path,
            scripts,
            files={"path": "/var/backups/notes", "match": "*.json"},
            store={"http": {"url": {"env": "NOTES_URL"}, **NODE}},
            drill_source=stage,
            drill_target=stage,
            drill_seed="1KiB",
        )
    )
    assert (made.red, made.of("error"), made.told) == (red, [], []), made.texts
