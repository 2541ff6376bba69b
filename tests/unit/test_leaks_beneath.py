"""Files below a root that may be a stranger's: nothing of it leads out, nothing of it holds us up."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from seatrial.looks import _secrets_archive as archive
from seatrial.looks import _secrets_beneath as beneath
from seatrial.words import CouldNotLook

SECRET = b"the host's own"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with a file or two, and beside it what it must not reach."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/shadow").write_bytes(SECRET)
    inside = tmp_path / "root"
    (inside / "data/deep/deeper").mkdir(parents=True)
    (inside / "data/a").write_bytes(b"a")
    (inside / "data/deep/deeper/b").write_bytes(b"b")
    for folder in (tmp_path, inside, inside / "data", inside / "data/deep", inside / "data/deep/deeper"):
        folder.chmod(0o755)
    return inside


def paths(root: Path, path: str = "/data") -> list[str]:
    return [file.path for file in beneath.walk(str(root), path, 100)]


def test_nearest_to_the_top_first(root: Path) -> None:
    (root / "data/z").write_bytes(b"z")
    assert paths(root) == ["/data/a", "/data/z", "/data/deep/deeper/b"]


def test_a_file_is_itself(root: Path) -> None:
    assert paths(root, "/data/a") == ["/data/a"]
    assert beneath.find(str(root), "/data/a", 100).data == b"a"  # type: ignore[union-attr]


@pytest.mark.parametrize("target", ["/outside", "../outside", "../../outside", "{tmp}/outside", "/../../outside"])
def test_no_link_leads_out(root: Path, target: str) -> None:
    os.symlink(target.format(tmp=root.parent), root / "data/link")
    assert paths(root) == ["/data/a", "/data/deep/deeper/b"]
    with pytest.raises(FileNotFoundError):
        paths(root, "/data/link/shadow")
    os.symlink(f"{target.format(tmp=root.parent)}/shadow", root / "data/file")
    with pytest.raises(FileNotFoundError):
        beneath.find(str(root), "/data/file", 100)


def test_links_inside_are_followed_to_where_they_lead_from_that_root(root: Path) -> None:
    os.symlink("/data/deep", root / "etc")
    os.symlink("../data", root / "data/deep/up")
    assert paths(root, "/etc") == ["/data/deep/deeper/b"]
    assert paths(root, "/etc/deeper/../../a") == ["/data/a"]


def test_a_link_that_leads_to_itself_ends(root: Path) -> None:
    os.symlink("loop", root / "data/loop")
    with pytest.raises(OSError, match="too many symbolic links"):
        paths(root, "/data/loop")


def test_nothing_is_waited_for(root: Path) -> None:
    os.mkfifo(root / "data/pipe")
    assert paths(root) == ["/data/a", "/data/deep/deeper/b"]
    assert beneath.find(str(root), "/data/pipe", 100) is None


def test_only_so_much_of_a_file_is_read(root: Path) -> None:
    (root / "data/a").write_bytes(b"x" * 1000)
    (found,) = beneath.walk(str(root), "/data/a", 10)
    assert (found.size, found.data) == (1000, b"x" * 10)


@pytest.mark.parametrize(("closed", "shut"), [("", False), ("data/deep", True), ("data", True)])
def test_a_closed_folder_shuts_what_is_below_it(root: Path, closed: str, shut: bool) -> None:
    if closed:
        (root / closed).chmod(0o700)
    assert [file.shut for file in beneath.walk(str(root), "/data/deep", 10)] == [shut]


def test_no_handle_is_left_open(root: Path) -> None:
    os.symlink("/data/deep", root / "etc")
    before = len(os.listdir("/proc/self/fd"))
    paths(root)
    paths(root, "/etc")
    next(beneath.walk(str(root), "/data", 10)).size  # noqa: B018 - and walk no further
    with pytest.raises(FileNotFoundError):
        paths(root, "/nowhere/at/all")
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_told(root: Path) -> None:
    (root / "data/deep").chmod(0)
    with pytest.raises(PermissionError):
        paths(root)


class Handing:
    """An engine that hands out what is in a folder, as `docker cp` gets it."""

    def __init__(self, folder: Path, largest: int = 1 << 30) -> None:
        out = folder.parent / "made.tar"
        with tarfile.open(out, "w") as made:
            made.add(folder, folder.name)
        self.data, self.largest = out.read_bytes(), largest

    def raw(self, path: str, most: int, /, **query: object) -> tuple[bytes, bool]:
        assert (path, query) == ("/containers/c1/archive", {"path": "/srv/data"})
        most = min(most, self.largest)
        return self.data[:most], len(self.data) > most


def test_an_archive_is_walked_alike(root: Path) -> None:
    (root / "data/deep").chmod(0o700)
    os.symlink("/outside/shadow", root / "data/link")
    found = list(archive.walk(Handing(root / "data"), "c1", "/srv/data", 10))  # type: ignore[arg-type]
    assert sorted((file.path, file.data, file.shut) for file in found) == [
        ("/srv/data/a", b"a", False),
        ("/srv/data/deep/deeper/b", b"b", True),
    ]


def test_an_archive_that_is_too_large_is_told_and_what_was_there_is_given(root: Path) -> None:
    (root / "data/zzz").write_bytes(os.urandom(100_000))
    found = []
    with pytest.raises(CouldNotLook, match="more than 64 MiB"):
        found += archive.walk(Handing(root / "data", 20_000), "c1", "/srv/data", 10)  # type: ignore[arg-type]
        # extend() consumes the generator, so that what it gave before is lost with it
    walker = archive.walk(Handing(root / "data", 20_000), "c1", "/srv/data", 10)  # type: ignore[arg-type]
    assert next(walker).path.startswith("/srv/data/")
