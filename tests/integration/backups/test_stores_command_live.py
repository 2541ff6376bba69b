"""What is kept, through commands: a folder of notes that is saved whole, and one whose newest are forgotten."""

from __future__ import annotations

import shutil

import pytest

from seatrial.drills.stores import command
from seatrial.words import CouldNotLook
from tests.integration.backups.roundtrip_lab import Trips, profile
from tests.integration.backups.store_tools import differing, place, store

pytestmark = pytest.mark.integration


def node(folder, **more):
    """Notes in a folder, by programs that anybody has."""
    folder.mkdir(exist_ok=True)
    return {
        "write": ["sh", "-c", f'cat > "{folder}/$NAME"'],
        "read": ["sh", "-c", f'cat "{folder}/$NAME"'],
        "names": ["sh", "-c", f'ls -A "{folder}"'],
        "remove": ["sh", "-c", f'rm "{folder}/$NAME"'],
        **more,
    }


def test_a_copy_that_is_whole_and_one_that_is_not(tmp_path):
    where = place(tmp_path)
    source = store(where, command=node(tmp_path / "source"))
    source.ready()
    seeded, gone = source.seed(200_000), source.removed()
    was = source.content()
    assert set(seeded) <= set(was.items)
    assert was.fingerprint().size >= 200_000
    assert not any("slashes" in what for what in seeded.values()), "a file's name has none"
    assert was.fingerprint() == source.content().fingerprint()
    target = store(where, command=node(tmp_path / "target"))
    assert target.identity() != source.identity()
    assert store(where, command=node(tmp_path / "source")).identity() == source.identity()
    shutil.copytree(tmp_path / "source", tmp_path / "target", dirs_exist_ok=True)
    assert differing(was, target.content(), seeded=seeded, removed=gone) == {}

    broken = tmp_path / "target" / next(name for name in seeded if name.endswith("scripts"))
    broken.write_bytes(broken.read_bytes()[:-3])
    (tmp_path / "target" / gone[0]).write_text("again")
    (tmp_path / "target" / "nobody's").write_text("")
    (tmp_path / "target" / next(name for name in seeded if name.endswith("upper"))).unlink()
    assert differing(was, target.content(), seeded=seeded, removed=gone) == {
        "shorter": 1,
        "returned": 1,
        "added": 1,
        "missing": 1,
    }
    assert target.usable() == ""
    for number in range(1, 7):
        source.step(number)
    assert source.steps() == (5, 6, 3, 4)
    source.unseed()
    source.unseed()
    assert list((tmp_path / "source").iterdir()) == []


def test_commands_that_can_only_write_and_read(tmp_path):
    where = place(tmp_path)
    source = store(where, command=node(tmp_path / "source", names=None, remove=None))
    target = store(where, command=node(tmp_path / "target", names=None, remove=None))
    seeded = source.seed(1)
    was = source.content()
    assert set(was.items) == set(seeded)
    assert source.removed() == ()
    assert target.content().items == {}
    assert target.identity() != source.identity()
    assert differing(was, source.content(), seeded=seeded) == {}


def test_commands_that_are_not_there_fail_or_hang_are_told(tmp_path, monkeypatch):
    where = place(tmp_path)
    absent = store(where, command={"write": ["no-such-program"], "read": ["sh", "-c", "no-such-program"]})
    for do in (absent.ready, absent.content, lambda: absent.seed(1), lambda: absent.step(1)):
        with pytest.raises(CouldNotLook, match=r"no-such-program|can't be run"):
            do()
    refuses = store(where, command={"write": ["sh", "-c", "echo it is full >&2; exit 1"], "read": ["false"]})
    with pytest.raises(CouldNotLook, match=r"takes none of .* objects: it is full"):
        refuses.seed(1)
    assert refuses.usable() == "sh in a folder of the test refuses a write: it is full"
    monkeypatch.setattr(command, "EACH", 0.3)
    hangs = store(where, command={"write": ["sleep", "60"], "read": ["sleep", "60"]})
    with pytest.raises(CouldNotLook, match="not done within"):
        hangs.seed(1)
    monkeypatch.setattr(command, "EACH", 10)
    endless = store(where, command=node(tmp_path / "x", names=["sh", "-c", "yes | head -n 200000"]))
    with pytest.raises(CouldNotLook, match="more than 100,000"):
        endless.content()


@pytest.mark.parametrize(("more", "red"), [("", []), ("--exclude='*.tmp'", ["BKP-036"])], ids=["whole", "excluding"])
def test_a_copy_of_what_commands_keep_is_judged_for_what_it_brings_back(more, red, tmp_path):
    stage = {"prepare": ["mkdir", "-p", "/srv/notes", "/var/backups/notes"]}
    scripts = {
        "command": f"set -eu\numask 077\ntar czf /var/backups/notes/.new {more} -C /srv/notes .\n"
        "mv /var/backups/notes/.new /var/backups/notes/notes-$(date +%s%N).tar.gz\n",
        "restore": 'set -eu\ntar xpzf "$BACKUP_FILE" -C /srv/notes\n',
    }
    commands = {
        "write": ["sh", "-c", 'cat > "/srv/notes/$NAME"'],
        "read": ["sh", "-c", 'cat "/srv/notes/$NAME"'],
        "names": ["ls", "-A", "/srv/notes"],
        "remove": ["sh", "-c", 'rm "/srv/notes/$NAME"'],
    }
    made = Trips.made(
        profile(
            tmp_path, scripts, store={"command": commands}, drill_source=stage, drill_target=stage, drill_seed="1KiB"
        )
    )
    assert (made.red, made.of("error"), made.told) == (red, [], []), made.texts
