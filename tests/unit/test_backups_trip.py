"""How a backup is carried from where it was made to where it is restored."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from seatrial.drills.place import Entry
from seatrial.drills.trip import Trip
from seatrial.facts.backups.drill import Ran
from seatrial.profile.backing import Backup
from seatrial.words import CouldNotLook


class Folder:
    """A place that is a folder of this machine; what procedures were told is kept."""

    def __init__(self, path: Path, *, scratch: bool = True) -> None:
        path.mkdir()
        self.path, self.scratch, self.name = path, scratch, f"folder {path.name}"
        self.session = SimpleNamespace(base=path, resolve=self.elsewhere, profile=SimpleNamespace(target=None))
        self.told: dict[str, str] = {}

    def elsewhere(self, value):
        if getattr(value, "env", "") == "BACKUPS":
            return "/var/backups/of-the-deployment"
        raise CouldNotLook("not set")

    def resolve(self, value):
        if isinstance(value, str):
            return value.replace("PLACE", str(self.path))
        return str(self.path) if value.env == "SCRATCH_DIR" else self.elsewhere(value)

    def procedure(self, node, *, what, environment=None, within=None):
        self.told = dict(environment or {})
        done = subprocess.run(
            node, env={**self.told, "PATH": "/usr/bin:/bin"}, cwd=self.path, capture_output=True, text=True
        )
        return Ran(what, done.returncode, 0.1, done.stdout, done.stderr)

    def entries(self, path, *, most=100_000):
        root = Path(path)
        found = [root, *root.rglob("*")] if root.exists() else []
        kinds = [(each, each.lstat()) for each in found]
        return tuple(
            sorted(
                (
                    Entry(str(each), "folder" if each.is_dir() else "file", at.st_size, at.st_mode & 0o7777, 0, 0, at.st_mtime)
                    for each, at in kinds
                ),
                key=lambda entry: entry.path,
            )
        )  # fmt: skip

    def fetch(self, path, to, *, most=0):
        (shutil.copytree if Path(path).is_dir() else shutil.copy2)(path, to)

    def put(self, source, path, *, mode=None):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.remove(path)
        self.fetch(source, path)

    def remove(self, path):
        shutil.rmtree(path) if Path(path).is_dir() else Path(path).unlink(missing_ok=True)


@pytest.fixture
def make(tmp_path):
    """A trip whose backup runs this line of a shell."""

    def made(line: str, *, scratch: bool = True, **files) -> Trip:
        given = {
            "command": ["sh", "-c", line],
            "restore": ["sh", "-c", "echo $BACKUP_DIR $BACKUP_FILE"],
            "drill": {"target": {}},
            **({"files": files} if files else {}),
        }
        backup = Backup.model_validate(given, context={})
        scratch_folder = tmp_path / "scratch"
        scratch_folder.mkdir()
        source = Folder(tmp_path / "source", scratch=scratch)
        return Trip(source.session, None, backup, "notes", source, None, scratch_folder)

    return made


@pytest.fixture
def target(tmp_path):
    return Folder(tmp_path / "target")


def there(path: Path) -> list[str]:
    return sorted(str(each.relative_to(path)) for each in path.rglob("*") if each.is_file())


class TestWhatIsCarried:
    def test_one_file(self, make, target):
        trip = make(
            "echo new > $BACKUP_DIR/notes.tar; echo sum > $BACKUP_DIR/notes.tar.sha256", path="x", match="*.tar"
        )
        ran, artifact = trip.back_up()
        assert (ran.ok, there(artifact), trip.known) == (True, ["notes.tar", "notes.tar.sha256"], "notes.tar")
        trip.restore(target, artifact)
        assert target.told == {
            "BACKUP_DIR": f"{target.path}/backup", "BACKUP_FILE": f"{target.path}/backup/notes.tar",
        }  # fmt: skip

    def test_several_are_given_as_their_folder(self, make, target):
        trip = make("echo a > $BACKUP_DIR/a; echo b > $BACKUP_DIR/b")
        _, artifact = trip.back_up()
        trip.restore(target, artifact)
        assert target.told["BACKUP_FILE"] == target.told["BACKUP_DIR"] == f"{target.path}/backup"
        assert there(target.path) == ["backup/a", "backup/b"]

    def test_what_lay_there_before_is_left(self, make):
        trip = make("echo new > $BACKUP_DIR/new.tar")
        (trip.source.path / "backup").mkdir()
        (trip.source.path / "backup" / "old.tar").write_text("old")
        assert there(trip.back_up()[1]) == ["new.tar"]

    def test_a_repository_is_carried_whole(self, make):
        trip = make("mkdir -p $BACKUP_DIR/data; echo $$ > $BACKUP_DIR/data/$$; echo 1 >> $BACKUP_DIR/index")
        first, second = trip.back_up()[1], trip.back_up()[1]
        assert (len(there(first)), len(there(second))) == (2, 3)

    def test_nothing_new_is_no_artifact(self, make):
        assert not make("true").back_up()[1].exists()

    def test_a_backup_may_replace_one_file(self, make, target, tmp_path):
        trip = make("echo new > dump.rdb", path="PLACE/dump.rdb")
        _, artifact = trip.back_up()
        assert artifact.read_text() == "new\n"
        trip.restore(target, artifact)
        assert target.told == {"BACKUP_DIR": str(target.path), "BACKUP_FILE": f"{target.path}/dump.rdb"}

    def test_a_backup_that_is_missing_is_still_asked_for_by_its_name(self, make, target):
        trip = make("echo new > $BACKUP_DIR/notes.tar")
        _, artifact = trip.back_up()
        (artifact / "notes.tar").unlink()
        trip.restore(target, artifact)
        assert target.told["BACKUP_FILE"] == f"{target.path}/backup/notes.tar"

    def test_the_one_before_is_taken_away(self, make, target):
        trip = make("echo $$ > $BACKUP_DIR/$$.tar")
        (_, first), (_, second) = trip.back_up(), trip.back_up()
        trip.restore(target, first)
        trip.restore(target, second)
        assert there(target.path / "backup") == there(second)

    def test_a_deployment_is_not_restored_into(self, make, tmp_path):
        trip = make("true", path="/var/backups/notes")
        with pytest.raises(CouldNotLook, match="nothing is restored into folder elsewhere"):
            trip.restore(Folder(tmp_path / "elsewhere", scratch=False), tmp_path)

    def test_a_scratch_place_that_announces_no_folder_keeps_off_that_of_the_deployment(self, make):
        trip = make("true", path={"env": "BACKUPS"})
        assert trip.folder(trip.source) == f"{trip.source.path}/backup"

    def test_a_bucket_is_nowhere_to_lay_one(self, make):
        trip = make("true", path="notes", bucket={"url": "http://127.0.0.1:9", "bucket": "b"})
        with pytest.raises(CouldNotLook, match="lies in a bucket"):
            trip.back_up()


class TestTakingAway:
    def test_of_a_scratch_place(self, make):
        trip = make("echo new > $BACKUP_DIR/new.tar")
        trip.back_up()
        trip.take_away()
        assert there(trip.source.path) == []

    @pytest.mark.parametrize(
        ("line", "left"),
        [
            ("echo new > backups/new.tar", ["old.tar"]),
            ("rm backups/old.tar; echo new > backups/new.tar", ["new.tar"]),
            ("echo newer > backups/old.tar", ["old.tar"]),
        ],
    )
    def test_of_the_deployment_only_where_the_others_are_as_they_were(self, make, line, left):
        trip = make(line, scratch=False, path="backups")
        (trip.source.path / "backups").mkdir()
        (trip.source.path / "backups" / "old.tar").write_text("old")
        trip.back_up()
        trip.take_away()
        assert there(trip.source.path / "backups") == left
        assert ("left" in trip.notes) is (left != ["old.tar"] or "newer" in line)


def test_a_step_is_noted_however_it_ends(make):
    trip = make("true")
    with pytest.raises(CouldNotLook), trip.step("seed"):
        raise CouldNotLook("no space left")
    with trip.step("backup") as doing:
        doing.said = "ended with 0"
    assert [(step.what, step.said, step.ok) for step in trip.steps] == [
        ("seed", "no space left", False), ("backup", "ended with 0", True),
    ]  # fmt: skip


def test_a_restore_that_is_not_declared_is_named(make, target, tmp_path):
    trip = make("true")
    trip.backup = trip.backup.model_copy(update={"restore": None})
    with pytest.raises(CouldNotLook, match=r"backups.notes.restore"):
        trip.restore(target, tmp_path)
