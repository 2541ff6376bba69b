"""How controls are made: which target is kept, what there was no time for, and what trouble costs; with a drill that is played."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from seatrial.drills import controls as module
from seatrial.drills import damaging
from seatrial.drills.controls import controls
from seatrial.drills.hostile import climbing
from seatrial.drills.stores import Content, Item
from seatrial.facts.backups.drill import Ran
from seatrial.profile.backing import Backup
from seatrial.words import CouldNotLook, Missing

GOOD = b"".join(b"note %d\n" % number for number in range(2000))


def content(data: bytes) -> Content:
    return Content(
        {str(at): Item(hashlib.sha256(line).hexdigest(), len(line)) for at, line in enumerate(data.splitlines())}
    )


class Played:
    """A drill whose target holds lines, restored by a function of a test's own."""

    def __init__(self, scratch, restore, **node):
        self.scratch, self.how = scratch, restore
        self.backup = Backup.model_validate(
            {"command": ["x"], "restore": ["x"], "store": {"files": {"path": "/x"}}, "drill": {"target": {}}, **node}
        )
        self.drill, self.name, self.known = self.backup.drill, "notes", ""
        self.steps, self.made, self.holds, self.works = [], 0, b"", True
        self.session = SimpleNamespace(base=scratch)

    @contextmanager
    def step(self, what):
        doing = SimpleNamespace(said="", ok=True)
        yield doing
        self.steps.append(SimpleNamespace(what=what, said=doing.said, ok=doing.ok))

    @contextmanager
    def target(self, role):
        self.made += 1
        self.holds, self.works = b"", True
        yield SimpleNamespace(resolve=lambda value: value, entries=lambda path: ()), self.store

    @property
    def store(self):
        def read():
            if not self.works:
                raise CouldNotLook("it does not answer")
            return content(self.holds)

        return SimpleNamespace(
            content=read, ready=lambda: None, usable=lambda: "" if self.works else "it does not answer"
        )

    def opened(self, place):
        return self.store

    def settled(self, place, since=None):
        return SimpleNamespace(store=self.store, seconds=0.0, why="")

    def restore(self, place, artifact, environment=None, within=None):
        status, said = self.how(self, artifact.read_bytes() if artifact.exists() else None, environment or {})
        return Ran("restore", status, 0.0, "", said)

    def verify(self, place, artifact):
        good = artifact.exists() and artifact.read_bytes() == GOOD
        return Ran("verify", 0 if good else 1, 0.0, "", "" if good else "it is broken")


def whole(played, data, _):
    """Takes what is whole, and nothing else."""
    if data != GOOD:
        return 1, "it is broken"
    played.holds = data
    return 0, ""


@pytest.fixture
def made(tmp_path, monkeypatch):
    """The controls of a procedure, and the drill they were made in."""
    monkeypatch.setattr(module, "LEAST_SETTLING", 0.0)

    def make(restore=whole, kinds=None, **node):
        artifact = tmp_path / "notes.txt"
        artifact.write_bytes(GOOD)
        played = Played(tmp_path, restore, **node)
        return controls(played, artifact, content(GOOD), kinds), played

    return make


def kinds_of(found):
    return {
        kind: sum(each.kind == kind and each.of == "restore" for each in found)
        for kind in dict.fromkeys(e.kind for e in found)
    }


def test_everything_that_can_be_tried_is_tried_in_one_target(made):
    found, played = made()
    assert kinds_of(found) == {"truncated": 4, "empty": 1, "missing": 1, "flipped": 20}
    assert {each.refused for each in found} == {True}
    assert {each.usable for each in found if each.kind != "flipped"} == {True}
    assert {each.changed for each in found} == {False}
    assert {each.said for each in found} == {"it is broken"}
    assert played.made == 3  # of the good one, of what comes before the bits, and of the bits


def test_a_target_that_was_changed_is_made_anew(made):
    def leaves(played, data, _):
        played.holds = data or b""
        return (0, "") if data == GOOD else (1, "no")

    found, played = made(leaves, kinds=("flipped",))
    assert [each.changed for each in found] == [True] * 20
    assert all(0 < each.restored < 2000 for each in found)
    assert played.made == 1 + 20


def test_the_same_bytes_all_the_same_are_fine(made):
    found, played = made(lambda played, data, _: (setattr(played, "holds", GOOD), (0, ""))[1], kinds=("flipped",))
    assert [(each.refused, each.restored, each.expected) for each in found] == [(False, 2000, 2000)] * 20
    assert played.steps[-1].said == "0 refused, 20 restored all the same, 0 restored something else"


def test_a_target_that_died_is_told_and_made_anew(made):
    def dies(played, data, _):
        played.holds, played.works = data or b"", data == GOOD
        return (0, "") if data == GOOD else (1, "no")

    found, played = made(dies, kinds=("empty", "missing"))
    assert [(each.refused, each.usable, each.changed) for each in found] == [(True, False, True)] * 2
    assert [each.restored for each in found] == [Missing("it does not answer")] * 2
    assert played.made == 3


def test_what_there_is_no_time_for_is_told(made, monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 0.0)
    found, played = made()
    late = [each for each in found if isinstance(each.refused, Missing)]
    assert {each.kind for each in late} == {"flipped"}
    assert {each.refused.reason for each in late} == {"it was not tried: 0 s were used up by others"}
    assert "20 not tried" in played.steps[-1].said
    monkeypatch.setattr(module, "MOST", 0.0)
    found, _ = made()
    assert all(isinstance(each.refused, Missing) for each in found if "over restored" not in each.detail)


def test_one_that_hangs_is_not_decided_and_costs_no_other(made):
    def hangs(played, data, environment):
        return whole(played, data, environment) if data else (Missing("it was not done within 30 s"), "")

    found, _ = made(hangs, kinds=("empty", "truncated"))
    (empty,) = [each for each in found if each.kind == "empty"]
    assert empty.refused == Missing("it was not done within 30 s")
    assert {each.refused for each in found if each.kind == "truncated"} == {True}


def test_trouble_with_one_control_costs_no_other(made):
    def trouble(played, data, environment):
        if data is None:
            raise CouldNotLook("the engine went away")
        return whole(played, data, environment)

    found, _ = made(trouble, kinds=("empty", "missing", "truncated", "flipped"))
    (missing,) = [each for each in found if each.kind == "missing"]
    assert missing.refused == Missing("the engine went away")
    assert len([each for each in found if each.refused is True]) == 1 + 4 + 20


def test_a_verification_is_run_on_what_is_empty_or_cut(made):
    found, _ = made(verify=["x"])
    assert [each.kind for each in found if each.of == "verify"] == ["empty", "truncated", "truncated", "truncated"]
    assert {each.refused for each in found if each.of == "verify"} == {True}


def test_a_wrong_key_is_given_with_the_good_backup(made):
    given = []

    def keyed(played, data, environment):
        given.append(environment)
        return whole(played, None if environment else data, environment)

    found, _ = made(keyed, kinds=("wrong key",), drill={"target": {}, "wrong_key": {"KEY": "wrong", "A": "b"}})
    assert [(each.kind, each.detail, each.refused) for each in found] == [("wrong key", "A, KEY", True)]
    assert given == [{}, {"KEY": "wrong", "A": "b"}]


@pytest.mark.parametrize(
    ("restore", "why"),
    [
        (
            lambda *_: (1, "disk full"),
            "the good backup is refused too, so that nothing shows what a bad one does: disk full",
        ),
        (lambda *_: (0, ""), "the good backup brings nothing back either"),
    ],
)
def test_without_a_good_restore_nothing_is_told_of_bad_ones(made, restore, why):
    with pytest.raises(CouldNotLook, match=why):
        made(restore)


def test_what_comes_back_otherwise_anyway_is_not_counted_against_a_bit(made):
    """A procedure that loses some of it loses it from the good backup too: that is another requirement's."""

    def lossy(played, data, environment):
        status = whole(played, data, environment)
        played.holds = b"\n".join(played.holds.splitlines()[:1500])
        return status

    found, _ = made(lossy, kinds=("empty",))
    assert {each.expected for each in found} == {1500}


def test_only_an_archive_is_given_names_that_climb(tmp_path):
    (tmp_path / "plain").write_bytes(GOOD)
    assert climbing(damaging.Working(tmp_path / "plain", tmp_path / "copy"), "4711") is None
    (tmp_path / "zeros").write_bytes(bytes(10240))
    assert climbing(damaging.Working(tmp_path / "zeros", tmp_path / "copy-2"), "4711") is None


def test_what_goes_by_itself_is_not_missed(tmp_path):
    held = content(b"one\ntwo").items
    held["session"] = Item("0" * 64, 5, "string", (("expires", "2026-11-21T22:00:00Z"),))
    held["kept"] = Item("1" * 64, 5, "string", (("expires", ""),))
    assert set(module._digests(Content(held))) == {"0", "1", "kept"}
