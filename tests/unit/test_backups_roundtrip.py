"""What differs between what was saved and what came back, and what a backup is worth."""

from __future__ import annotations

import pytest

from seatrial.drills import artifacts, taking
from seatrial.drills.comparing import MOST, compared
from seatrial.drills.place import Entry
from seatrial.drills.stores import Content, Item
from seatrial.profile.backing import BackupFiles
from tests.specimens.backups_roundtrip import REMOVED, SEEDED, WAS, came, item

PLAIN = "seatrial-plain.txt"


def content(**changes):
    return Content({**WAS.items, **{name.replace("_", "-"): one for name, one in changes.items()}})


WAYS = {
    "added": Content({**WAS.items, "seatrial/new.txt": item("new")}),
    "removed": Content({name: one for name, one in WAS.items.items() if name != PLAIN}),
    "changed": Content({**WAS.items, PLAIN: item("TEXT of seatrial-plain.txt")}),
    "truncated": Content({**WAS.items, PLAIN: item("text of")}),
    "renamed": Content(
        {name: one for name, one in WAS.items.items() if name != PLAIN} | {"plain.txt": WAS.items[PLAIN]}
    ),
    "attribute": Content({**WAS.items, PLAIN: item(f"text of {PLAIN}", mode="0644")}),
}


class TestFingerprint:
    """Data that was added, removed, changed or truncated has another one."""

    @pytest.mark.parametrize("way", WAYS)
    def test_is_another_one(self, way):
        assert WAYS[way].fingerprint().digest != WAS.fingerprint().digest

    def test_does_not_depend_on_order(self):
        assert Content(dict(reversed(WAS.items.items()))).fingerprint() == WAS.fingerprint()

    def test_says_how_much_there_is(self):
        assert (WAS.fingerprint().objects, WAS.fingerprint().size) == (5, 116)


class TestCompared:
    """What differs, object by object."""

    @pytest.mark.parametrize(
        ("changes", "gone", "kinds"),
        [
            ({}, (), []),
            ({}, (PLAIN,), ["missing"]),
            ({PLAIN: item("TEXT of seatrial-plain.txt")}, (), ["changed"]),
            ({PLAIN: item("text of seatrial-plain.txt and more")}, (), ["changed"]),
            ({PLAIN: item("text of")}, (), ["shorter"]),
            ({PLAIN: item("")}, (), ["shorter"]),
            ({PLAIN: item(f"text of {PLAIN}", mode="0644")}, (), ["attribute"]),
            ({PLAIN: Item("", 0, "unreadable: it raised ValueError")}, (), ["unreadable"]),
            ({"other.txt": item("new")}, (), ["added"]),
            ({REMOVED[0]: item("removed")}, (), ["returned"]),
        ],
    )
    def test_kinds(self, changes, gone, kinds):
        assert [each.kind for each in came(changes, *gone)["differences"]] == kinds

    def test_names_of_users_are_not_told(self):
        found = came({"notes/secret-plan.txt": item("new")}, "notes/diary.txt")["differences"]
        assert [each.name.partition(" ")[0] for each in found] == ["object", "object"]
        assert not any("diary" in repr(each) or "secret" in repr(each) for each in found)

    def test_digests_of_users_contents_are_not_told(self):
        found = came({"notes/diary.txt": item("of the users!")})["differences"]
        assert found[0].seen == "13 bytes"

    def test_attributes_of_users_objects_are_told_where_they_can_be_no_secrets(self):
        was = Content({"a": item("a", acl="hunter2"), "b": item("b")})
        now = Content({"a": item("a", acl="hunter3"), "b": item("b", mode="0644")})
        found = compared(was, now, seeded={})
        assert [each.seen for each in found.differences] == ["acl another one", "mode 0644"]
        assert "hunter" not in repr(found)

    def test_what_the_backup_changed_at_the_source_is_not_told_twice(self):
        later = Content({**WAS.items, PLAIN: item("other"), "new.txt": item("new")})
        assert compared(WAS, later, seeded=SEEDED, later=later).counts == {}
        assert compared(WAS, later, seeded=SEEDED).counts == {"shorter": 1, "added": 1}

    def test_of_a_source_that_others_write_to_sentinels_alone_count(self):
        found = came({"other.txt": item("new")}, "notes/diary.txt", PLAIN, alone=False)["differences"]
        assert [(each.kind, each.name) for each in found] == [("missing", PLAIN)]

    def test_what_the_target_held_before_is_not_added(self):
        was = Content({"system.txt": item("of the image")})
        now = Content({**WAS.items, **was.items, "new.txt": item("new")})
        found = compared(WAS, now, seeded=SEEDED, before=was)
        assert found.counts == {"added": 1}

    def test_an_attribute_that_can_not_be_seen_there_does_not_differ(self):
        unseen = item(f"text of {PLAIN}", owner="")
        assert came({PLAIN: unseen})["differences"] == ()

    def test_many_are_counted_and_few_are_kept(self):
        many = Content({str(number): Item("0", 1) for number in range(5 * MOST)})
        found = compared(many, Content(), seeded={})
        assert (len(found.differences), found.counts) == (MOST, {"missing": 5 * MOST})


def entry(path, size=1, modified=1.0, kind="file", link=""):
    return Entry(path, kind, size, 0o600, 0, 0, modified, link)


def lying(*entries):
    return artifacts.Lying("/backup", (entry("/backup", kind="folder"), *entries))


class TestWhatIsNew:
    """Which of what lies there is the new backup."""

    OLD = entry("/backup/old.tar")

    @pytest.mark.parametrize(
        ("now", "new"),
        [
            ([OLD], []),
            ([OLD, entry("/backup/new.tar", modified=2.0)], ["new.tar"]),
            ([entry("/backup/old.tar", size=2)], ["old.tar"]),
            ([entry("/backup/old.tar", modified=2.0)], ["old.tar"]),
            ([OLD, entry("/backup/b", modified=3.0), entry("/backup/a", modified=4.0)], ["b", "a"]),
            ([OLD, entry("/backup/new", kind="folder"), entry("/backup/new/x", modified=2.0)], ["new"]),
            ([OLD, entry("/backup/latest", kind="link", link="old.tar")], ["latest"]),
        ],
    )
    def test_since_before(self, now, new):
        assert lying(*now).new_since(lying(self.OLD)) == new

    def test_the_path_itself_may_be_the_backup(self):
        was = artifacts.Lying("/backup/dump.rdb", ())
        now = artifacts.Lying("/backup/dump.rdb", (entry("/backup/dump.rdb"),))
        assert now.new_since(was) == [""]

    @pytest.mark.parametrize(
        ("names", "one"),
        [
            (["a.tar"], "a.tar"),
            (["a.tar", "a.tar.sha256"], "a.tar"),
            (["a.tar", "a.log"], "a.tar"),
            (["a.tar", "b.tar"], ""),
            (["a.log"], ""),
            ([], ""),
        ],
    )
    def test_one_is_told_from_what_belongs_to_it(self, names, one):
        files = BackupFiles(path="/backup", match="*.tar*", checksum="{name}.sha256")
        assert artifacts.newest(names, files) == one


class TestTaken:
    """What a backup is that was fetched."""

    def test_a_folder_is_its_files(self, tmp_path):
        (tmp_path / "deep").mkdir()
        (tmp_path / "a").write_bytes(b"12345")
        (tmp_path / "deep" / "b").write_bytes(b"1")
        (tmp_path / "a").chmod(0o644)
        (tmp_path / "link").symlink_to("/etc/passwd")
        found = taking.taken(tmp_path, "backup")
        assert (found.name, found.size, found.files, found.mode) == ("backup", 6, 2, 0o644)

    def test_its_digest_does_not_depend_on_its_own_name(self, tmp_path):
        for name in ("a", "b"):
            (tmp_path / name).write_bytes(b"same")
        assert taking.digest_of(tmp_path / "a") == taking.digest_of(tmp_path / "b")

    def test_its_digest_depends_on_names_in_it(self, tmp_path):
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            (tmp_path / name / f"{name}.txt").write_bytes(b"same")
        assert taking.digest_of(tmp_path / "a") != taking.digest_of(tmp_path / "b")

    def test_a_fifo_is_not_read(self, tmp_path):
        import os

        os.mkfifo(tmp_path / "fifo")
        assert taking.taken(tmp_path, "backup").files == 0
