"""What goes into scratch places and comes out of them is believed nothing, and is bounded."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
import tempfile
from pathlib import Path

import pytest

from seatrial.drills.places import local, tars
from seatrial.drills.places._common import Common, Kept, until
from seatrial.profile.nodes import EnvReference
from seatrial.words import CouldNotLook


def _tar(*members: tuple[tarfile.TarInfo, bytes]) -> io.BytesIO:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member, data in members:
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    made.seek(0)
    return made


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode, member.mtime = kind, link, mode, 1_000_000_000
    return member


def test_a_folder_comes_out_with_modes_times_and_links(tmp_path):
    stream = _tar(
        (_member("it", tarfile.DIRTYPE, mode=0o750), b""),
        (_member("it/a", mode=0o600), b"text"),
        (_member("it/b", tarfile.LNKTYPE, "it/a"), b""),
        (_member("it/c", tarfile.SYMTYPE, "/etc/passwd"), b""),
        (_member("it/pipe", tarfile.FIFOTYPE), b""),
        (_member("it/disk", tarfile.BLKTYPE), b""),
    )
    tars.unpack(stream, tmp_path / "to", most=1000)
    assert sorted(os.listdir(tmp_path / "to")) == ["a", "b", "c"]
    assert (tmp_path / "to").stat().st_mode & 0o777 == 0o750
    assert ((tmp_path / "to/a").stat().st_mode & 0o777, (tmp_path / "to/a").stat().st_mtime) == (0o600, 1_000_000_000)
    assert (tmp_path / "to/b").read_bytes() == b"text"
    assert os.readlink(tmp_path / "to/c") == "/etc/passwd"


@pytest.mark.parametrize("name", ["it/../../out", "it/x/../../../out", "../out"])
def test_a_name_that_climbs_is_refused(name, tmp_path):
    with pytest.raises(CouldNotLook, match="climbs"):
        tars.unpack(_tar((_member("it", tarfile.DIRTYPE), b""), (_member(name), b"x")), tmp_path / "to", most=1000)
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_through_a_link_of_the_tar_itself(tmp_path):
    (tmp_path / "out").mkdir()
    stream = _tar(
        (_member("it", tarfile.DIRTYPE, mode=0o755), b""),
        (_member("it/way", tarfile.SYMTYPE, str(tmp_path / "out")), b""),
        (_member("it/way/file"), b"x"),
    )
    with pytest.raises((CouldNotLook, OSError)):
        tars.unpack(stream, tmp_path / "to", most=1000)
    assert list((tmp_path / "out").iterdir()) == []


def test_an_absolute_name_lands_below(tmp_path):
    tars.unpack(_tar((_member("/it"), b"x")), tmp_path / "to", most=10)
    assert (tmp_path / "to").read_bytes() == b"x"


def test_more_than_is_wanted_and_less_than_a_tar_are_refused(tmp_path):
    with pytest.raises(CouldNotLook, match="larger than 4B"):
        tars.unpack(_tar((_member("it"), b"12345")), tmp_path / "a", most=4)
    with pytest.raises(CouldNotLook, match="no whole tar"):
        tars.unpack(io.BytesIO(b"not a tar at all" * 100), tmp_path / "b", most=4)
    cut = _tar((_member("it"), b"12345" * 1000)).getvalue()[:2000]
    with pytest.raises(CouldNotLook, match="no whole tar"):
        tars.unpack(io.BytesIO(cut), tmp_path / "c", most=10_000)


def test_what_is_packed_comes_out_equal(tmp_path):
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "in/deep/x").write_bytes(b"1" * 100_000)
    os.mkfifo(tmp_path / "in/fifo")
    stream = io.BytesIO()
    tars.pack(tmp_path / "in", "it", stream, mode=0o600)
    stream.seek(0)
    found = tars.entries(stream, "/srv", most=10)
    assert [(entry.path, entry.kind, entry.size) for entry in found] == [
        ("/srv/it", "folder", 0),
        ("/srv/it/deep", "folder", 0),
        ("/srv/it/deep/x", "file", 100_000),
    ]
    stream.seek(0)
    tars.unpack(stream, tmp_path / "out", most=200_000)
    assert (tmp_path / "out/deep/x").read_bytes() == b"1" * 100_000
    assert (tmp_path / "out/deep/x").stat().st_mode & 0o777 == 0o600
    stream.seek(0)
    with pytest.raises(CouldNotLook, match="more than 2 files"):
        tars.entries(stream, "/srv", most=2)


def test_of_endless_output_the_beginning_or_the_end_is_kept():
    first, last = Kept(10), Kept(10, end_only=True)
    for number in range(100):
        for kept in (first, last):
            kept.add(b"%03d" % number)
    assert (first.bytes(), first.over) == (b"0000010020", True)
    assert (last.bytes(), last.over, len(last.data) <= 20) == (b"6097098099", False, True)


class _Hands:
    """Makes the folder, and removes it, as hands do."""

    def acts(self, *_: object, token: str, local: Path, **__: object) -> tuple[tuple[Path, str], ...]:
        return ((local, token),)

    @contextlib.contextmanager
    def disturbed(self, act: tuple[Path, str]):
        act[0].mkdir()
        yield
        local.remove(*act)


def test_the_folder_of_a_drill_holds_what_is_made_of_temporary_files_and_goes_with_them(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    hands = _Hands()
    first, second = (local.local_folder(hands, hands) for _ in range(2))  # type: ignore[arg-type]
    one = first.__enter__()
    assert Path(tempfile.mkdtemp()).parent == one
    (one / "closed/deep").mkdir(parents=True)
    (one / "closed").chmod(0)
    two = second.__enter__()  # in another thread of this process, say
    assert (one.parent, two.parent) == (tmp_path, tmp_path)
    first.__exit__(None, None, None)
    assert Path(tempfile.mkdtemp()).parent == two
    second.__exit__(None, None, None)
    assert (list(tmp_path.iterdir()), tempfile.gettempdir()) == ([], str(tmp_path))


def test_only_a_folder_of_a_drill_is_removed(tmp_path):
    other = tmp_path / "seatrial-drill-x"
    other.mkdir()
    local.remove(other, "y")
    (tmp_path / "seatrial-drill-z").symlink_to(other)
    local.remove(tmp_path / "seatrial-drill-z", "z")
    assert other.is_dir()


class _Session:
    base = "/"

    @staticmethod
    def resolve(value: object) -> str:
        name = getattr(value, "env", None)
        if name is None:
            return str(value)
        if name != "OURS":
            raise CouldNotLook(f"environment variable {name} is not set")
        return "of the run"


def test_what_a_place_announced_goes_before_what_the_run_has():
    place = Common(_Session(), "/")  # type: ignore[arg-type]
    place.announced = {"SCRATCH_DIR": "/s"}
    place.declared = {
        "DIR": EnvReference(env="SCRATCH_DIR"),
        "AT": EnvReference(env="PORT"),
        "OURS": EnvReference(env="OURS"),
    }
    assert place.variables(whole=False) == {"SCRATCH_DIR": "/s", "DIR": "/s", "OURS": "of the run"}
    with pytest.raises(CouldNotLook, match="PORT is not set"):
        place.variables()
    place.announced["PORT"] = "7"
    assert place.variables({"BACKUP_DIR": "/b"})["AT"] == "7"
    assert place.resolve(EnvReference(env="AT")) == "7"
    assert place.resolve("text") == "text"


def test_something_is_waited_for_until_nothing_is_wrong():
    answers = iter(["not yet", "not yet", ""])
    assert until(lambda: next(answers), 5, every=0) == ""
    assert until(lambda: "never", 0.01, every=0) == "never"
