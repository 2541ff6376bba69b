"""What a library keeps, in another interpreter: one that flushes, one that does not, and modules that do their worst."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time

import pytest

from seatrial.drills.stores import python
from seatrial.words import CouldNotLook
from tests.integration.backups.roundtrip_lab import Trips, profile
from tests.integration.backups.store_tools import differing, place, store

pytestmark = pytest.mark.integration

NOTES = """
import dbm.dumb, os
notes = dbm.dumb.open(os.environ["NOTES"] + "/notes", "c")
print("this library says much" * 1000)
def write(name, text):
    if len(name) > 200:
        raise ValueError("a long name")
    notes[name.encode()] = text.encode()
def read(name):
    return notes.get(name.encode())
def names():
    return [key.decode() for key in notes.keys()]
def remove(name):
    notes.pop(name.encode(), None)
def close():
    notes.close()
"""


SHARDS = """
import json, os, zlib
def _shard(name):
    return os.environ["NOTES"] + f"/{zlib.crc32(name.encode()) % 2}.json"
def _load(path):
    return json.load(open(path)) if os.path.exists(path) else {}
def _save(path, notes):
    with open(path, "w") as file:
        json.dump(notes, file)
def write(name, text):
    _save(_shard(name), {**_load(_shard(name)), name: text})
def read(name):
    return _load(_shard(name)).get(name)
def names():
    return [name for at in "01" for name in _load(os.environ["NOTES"] + f"/{at}.json")]
def remove(name):
    _save(_shard(name), {key: text for key, text in _load(_shard(name)).items() if key != name})
"""


@pytest.fixture
def library(tmp_path):
    """Gives the store of a module in an interpreter of its own, which has nothing of ours."""
    interpreter = shutil.which("python3", path="/usr/bin") or sys.executable

    def make(source: str, folder: str = "source"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / "notes.py").write_text(source)
        where = place(tmp_path, NOTES=str(tmp_path / folder))
        shared = make.__dict__.setdefault("session", where.session)
        where.session = shared
        return store(where, python={"interpreter": interpreter, "module": "notes.py"})

    return make


def test_a_copy_that_is_whole_and_one_that_is_not(library, tmp_path):
    source, target = library(NOTES), library(NOTES, "target")
    source.ready()
    seeded, gone = source.seed(200_000), source.removed()
    was = source.content()
    assert set(seeded) <= set(was.items)
    assert was.fingerprint().size >= 200_000
    assert was.fingerprint() == source.content().fingerprint()
    assert target.identity() != source.identity()
    assert library(NOTES).identity() == source.identity()
    assert target.content().items == {}
    subprocess.run(["cp", "-a", f"{tmp_path}/source/.", f"{tmp_path}/target"], check=True)
    assert differing(was, target.content(), seeded=seeded, removed=gone) == {}
    # The index alone, and not what it points into.
    (tmp_path / "target" / "notes.dat").write_bytes(b"")
    hollow = differing(was, target.content(), seeded=seeded, removed=gone)
    assert set(hollow) <= {"shorter", "changed", "missing"}
    assert sum(hollow.values()) >= len(was.items) - 2
    for number in range(1, 7):
        source.step(number)
    assert source.steps() == (5, 6, 3, 4)
    assert source.usable() == ""
    source.unseed()
    source.unseed()
    assert source.content().items == {}


def test_asynchronous_functions_are_awaited(library):
    asynchronous = NOTES.replace("def write", "async def write").replace("def names", "async def names")
    source = library(asynchronous)
    assert set(source.seed(1)) <= set(source.content().items)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import no_such_library", "does not run: ModuleNotFoundError: No module named 'no_such_library'"),
        ("def write(:", "does not run: SyntaxError"),
        ("import sys; sys.exit(7)", "does not run: SystemExit: 7"),
        ("import os; os._exit(7)", r"ended with 7 in names\(\)"),
        ("import os; os.kill(os.getpid(), 9)", r"was ended by signal 9 in names\(\)"),
        ("while True: pass", "not done within 2 s"),
        ("import time\ndef names(): time.sleep(3600)", "not done within 2 s"),
        ("import os\nif not os.fork(): os.execlp('sleep', 'sleep', '30')\ndef names(): os._exit(3)", "ended with 3"),
        ("x = bytearray(8 << 30)", "does not run: MemoryError"),
        ("def names(): return 5", "does not list: TypeError"),
        ("def names(): return map(str, range(100001))", "lists more than 100,000"),
        ("def write(name, text): raise ValueError('no')\ndef names(): return []", ""),
        ("", "does not list: AttributeError"),
    ],
)
def test_modules_that_do_their_worst_are_contained(library, source, told, monkeypatch):
    monkeypatch.setattr(python, "LONGEST", 2)
    began = time.monotonic()
    one = library(source)
    if told:
        with pytest.raises(CouldNotLook, match=told):
            one.content()
    else:
        assert one.content().items == {}
        with pytest.raises(CouldNotLook, match=r"takes none of .* objects: ValueError: no"):
            one.seed(1)
        assert one.usable() == "notes.py in a folder of the test refuses a write: ValueError: no"
    assert time.monotonic() - began < 10


def test_a_gigabyte_on_its_output_is_nobodys(library):
    loud = (
        NOTES + "\nimport sys, os\nfor _ in range(1024): os.write(1, b'x' * (1 << 20)), os.write(2, b'x' * (1 << 20))\n"
    )
    assert library(loud).content().items == {}


def test_what_dies_at_its_end_is_not_said_to_keep_anything(library):
    with pytest.raises(CouldNotLook, match="ended with 5 after its last call"):
        library(NOTES + "\nimport atexit, os\natexit.register(os._exit, 5)\n").content()


@pytest.mark.parametrize(("what", "red"), [(".", []), ("0.json", ["BKP-036"])], ids=["whole", "half"])
def test_a_copy_of_a_library_is_judged_for_what_it_brings_back(what, red, tmp_path):
    (tmp_path / "notes.py").write_text(SHARDS)
    stage = {"prepare": ["mkdir", "-p", "/srv/notes", "/var/backups/notes"], "environment": {"NOTES": "/srv/notes"}}
    scripts = {
        "command": f"set -eu\numask 077\ntar czf /var/backups/notes/.new -C /srv/notes {what}\n"
        "mv /var/backups/notes/.new /var/backups/notes/notes-$(date +%s%N).tar.gz\n",
        "restore": 'set -eu\ntar xpzf "$BACKUP_FILE" -C /srv/notes\n',
    }
    python_ = shutil.which("python3", path="/usr/bin") or sys.executable
    made = Trips.made(
        profile(
            tmp_path,
            scripts,
            store={"python": {"interpreter": python_, "module": "notes.py"}},
            drill_source=stage,
            drill_target=stage,
            drill_seed="1KiB",
        )
    )
    assert (made.red, made.of("error"), made.told) == (red, [], []), made.texts
