"""A folder: procedures that save it whole, and such as forget what no list of good intentions has; each told by its own rule."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from seatrial.drills.places.container import ContainerPlace
from seatrial.drivers import Session, _docker_endpoint
from seatrial.outcomes import Tier
from seatrial.words import CouldNotLook
from tests.integration.backups.roundtrip_lab import Trips, profile
from tests.integration.backups.store_tools import differing, place, store
from tests.lab import Engine, images

pytestmark = pytest.mark.integration

TAR = "set -eu\ncd /srv/notes\numask 077\ntar czf /var/backups/notes/.new {what}\n"
MOVE = "mv /var/backups/notes/.new /var/backups/notes/notes-$(date +%s%N).tar.gz\n"
BACK = 'set -eu\ntar xpzf "$BACKUP_FILE" -C /srv/notes\n'


def whole(folder: Path):
    """The store of a folder of this machine, with everything in it that a run writes."""
    folder.mkdir()
    one = store(place(folder.parent), files={"path": str(folder)})
    seeded, gone = one.seed(400_000), one.removed()
    return one, seeded, gone


def test_what_is_written_differs_in_all_that_a_backup_could_select_by(tmp_path):
    folder, seeded, gone = whole(tmp_path / "notes")
    was = folder.content()
    assert set(seeded) <= set(was.items)
    assert not set(gone) & set(was.items)
    assert was.fingerprint().size >= 400_000
    told = "\n".join(seeded.values())
    for what in (
        "an empty file", "an empty folder", "begins with a dot", "with a space", "with a newline", "begins with a dash",
        "in Chinese", "in Arabic", "differs from another in case alone", "a link to a file that is not there", "20 folders",
        "more than twenty years ago", "only its owner may read", "with a hole", "ends with .log", "not UTF-8",
    ):  # fmt: skip
        assert what in told or what == "20 folders", what
    found = {path: os.lstat(tmp_path / "notes" / path) for path in seeded}
    assert {oct(seen.st_mode & 0o7777) for seen in found.values()} >= {"0o600", "0o400", "0o640", "0o755", "0o644"}
    assert min(seen.st_mtime for seen in found.values()) < 1.2e9
    assert max(path.count("/") for path in seeded) > 20
    assert (tmp_path / "notes" / "seatrial-sentinels" / "sparse.bin").stat().st_blocks * 512 < 1024**2
    if os.getuid() == 0:
        assert {"a program with the setuid bit", "a file of another owner", "a folder with the sticky bit"} <= set(
            seeded.values()
        )
        assert (tmp_path / "notes/seatrial-sentinels/setuid.bin").stat().st_mode & 0o7777 == 0o4755
        assert (tmp_path / "notes/seatrial-sentinels/owned.txt").stat().st_uid == 12345
    assert folder.content() == was, "it is read alike twice"
    # An older backup, of another run, is not taken for this one's.
    again = folder.seed(400_000)
    assert again == seeded
    assert differing(was, folder.content(), seeded=seeded)["changed"] > 40
    aged = folder.aged(86400 * 30)
    items = folder.content().items
    assert all(int(dict(items[name].attributes)["changed"]) < int(was_now() - 86400 * 29) for name in aged)
    for number in range(1, 8):
        folder.step(number)
    assert folder.steps() == (5, 6, 7, 4)
    assert folder.usable() == ""
    folder.unseed()
    folder.unseed()
    assert list((tmp_path / "notes").iterdir()) == []


def was_now() -> float:
    """Now."""
    import time

    return time.time()


def test_folders_are_told_apart_and_what_is_none_is_said(tmp_path):
    where = place(tmp_path)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "same").symlink_to("one")
    (tmp_path / "file").write_text("")
    one, two, same = (store(where, files={"path": str(tmp_path / name)}) for name in ("one", "two", "same"))
    assert one.identity() == same.identity() != two.identity()
    same.seed(1)
    assert same.content() == one.content()
    assert two.content().items == {}
    absent = store(where, files={"path": str(tmp_path / "absent")})
    assert absent.identity() not in (one.identity(), two.identity())
    with pytest.raises(CouldNotLook, match="has no"):
        absent.ready()
    assert "has no" in absent.usable()
    file = store(where, files={"path": str(tmp_path / "file")})
    for do in (file.ready, file.content):
        with pytest.raises(CouldNotLook, match="is a file and no folder"):
            do()
    scratch = place(tmp_path, SCRATCH_DIR=str(tmp_path))
    assert store(scratch, files={"path": "one"}).identity() == one.identity()
    scratch.scratch = False
    assert store(scratch, files={"path": "./one"}).identity() == one.identity(), "beside the profile"
    with pytest.raises(CouldNotLook, match="below /"):
        store(where, files={"path": "/"})


def test_names_that_are_no_text_sockets_and_fifos_do_no_harm(tmp_path):
    import socket

    (tmp_path / "notes").mkdir()
    with open(os.fsencode(str(tmp_path / "notes")) + b"/caf\xe9", "wb") as file:
        file.write(b"latin")
    os.mkfifo(tmp_path / "notes" / "pipe")
    (tmp_path / "notes" / "lost+found").mkdir()
    folder = store(place(tmp_path), files={"path": str(tmp_path / "notes")})
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "notes" / "s"))
        found = folder.content()
    assert {name: item.what for name, item in found.items.items()} == {"caf\\xe9": "file", "pipe": "fifo"}
    found.fingerprint()


def test_second_names_are_made_where_there_are_such_files(tmp_path):
    folder, seeded, _ = whole(tmp_path / "notes")
    assert "the second name of a file" not in seeded.values()
    (tmp_path / "notes/a").write_text("one")
    os.link(tmp_path / "notes/a", tmp_path / "notes/b")
    assert "the second name of a file" in folder.seed(1).values()
    was = folder.content()
    assert dict(was.items["b"].attributes)["same file as"] == "a"
    (tmp_path / "notes/b").unlink()
    (tmp_path / "notes/b").write_text("one")
    assert differing(was, folder.content())["attribute"] >= 2


GOOD = {"command": TAR.format(what=".") + MOVE, "restore": BACK}


@pytest.mark.parametrize(
    ("scripts", "red", "told"),
    [
        pytest.param({}, [], "", id="tar"),
        pytest.param({"command": TAR.format(what="*") + MOVE}, ["BKP-036"], "begins with a dot", id="star"),
        pytest.param(
            {
                "command": "set -eu\numask 077\nall=$(mktemp -d)\ncp -r /srv/notes/. $all\ntar czf /var/backups/notes/.new -C $all .\n"
                "rm -rf $all\n" + MOVE
            },
            ["BKP-040", "BKP-046"],
            "mode",
            id="cp -r",
        ),
        pytest.param(
            {
                "command": "set -eu\ncd /srv/notes\numask 077\nfind . -mtime -30 -print0 | tar czf /var/backups/notes/.new --no-recursion "
                "--null -T -\n" + MOVE
            },
            ["BKP-036"],
            "changed more than a year ago",
            id="recent",
        ),
    ],
)
def test_each_way_to_save_a_folder_is_judged_for_what_it_is(scripts, red, told, tmp_path):
    made = Trips.made(profile(tmp_path, {**GOOD, **scripts}))
    assert made.told == []
    assert (made.red, made.of("error")) == (red, [])
    assert told in "\n".join(made.texts.get(id, "") for id in red)


# --- volumes ----------------------------------------------------------------------------------------------------------

IMAGE = "seatrial-lab/redis:1"


def docker(*words: str) -> str:
    """The engine's own command."""
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def volumes(require):
    """Makes containers with a volume; they and their volumes are gone at the end."""
    require("docker")
    images.ensure(Engine(), ("redis",), digests=False)
    if not shutil.which("docker"):
        pytest.skip("no docker command, which is what is documented")
    token, containers, named = secrets.token_hex(4), [], set()

    def make(volume: str, user: str = "0") -> ContainerPlace:
        name = f"seatrial-volume-{token}-{volume}"
        named.add(name)
        id = docker("run", "-d", "-u", user, "-v", f"{name}:/data", "--entrypoint", "sleep", IMAGE, "600")
        containers.append(id)
        profile = SimpleNamespace(
            target=SimpleNamespace(driver="docker", tls=None, host=None, context=None), services={}
        )
        session = Session(profile, Path.cwd(), str, Tier.write)  # type: ignore[arg-type]
        return ContainerPlace(
            session, _docker_endpoint.find(session), id, f"container of {volume}", scratch=False, folder="", own="/.own"
        )

    make.token = token
    yield make
    subprocess.run(["docker", "rm", "-f", *containers], capture_output=True, check=False)
    subprocess.run(
        ["docker", "volume", "rm", *sorted(named), f"seatrial-volume-{token}-kept"], capture_output=True, check=False
    )


def test_a_volume_is_saved_by_a_tar_of_another_container(volumes):
    data = {"files": {"path": "/data"}}
    source, beside, target = (store(volumes(name), **data) for name in ("one", "one", "two"))
    assert source.identity() == beside.identity() != target.identity()
    seeded, gone = source.seed(1024**2), source.removed()
    was = source.content()
    assert set(seeded) <= set(was.items)
    assert "a program with the setuid bit" in seeded.values()
    assert beside.content() == was
    name = f"seatrial-volume-{volumes.token}"

    def carry(what: str) -> dict[str, int]:
        kept = ("--rm", "-u", "0", "-v", f"{name}-kept:/backup", "--entrypoint", "sh")
        docker("run", *kept, "-v", f"{name}-one:/from:ro", IMAGE, "-c", f"cd /from && tar czf /backup/it.tar.gz {what}")
        docker("run", *kept, "-v", f"{name}-two:/to", IMAGE, "-c", "tar xpzf /backup/it.tar.gz -C /to")
        return differing(was, target.content(), seeded=seeded, removed=gone)

    assert set(carry("*")) == {"missing"}
    assert carry(".") == {}
    assert target.usable() == ""
    for one in (source, target):
        one.unseed()
        assert one.content().items == {}


class Bare:
    """A place where some programs are not, or where root is root of little."""

    def __init__(self, inner, *, lacks: tuple[str, ...] = (), within: tuple[str, ...] = ()):
        self.inner, self.lacks, self.around = inner, lacks, within

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def run(self, command, **given):
        if os.path.basename(command[0]) in self.lacks:
            raise CouldNotLook(f"there is no {command[0]}")
        return self.inner.run([*self.around, *command], **given)


@pytest.mark.parametrize(
    ("bare", "links"),
    [
        ({"lacks": ("sh", "id", "stat", "readlink", "cat")}, False),
        ({"within": ("unshare", "-Ur")}, True),
        ({"within": ("env", "PATH=/nowhere")}, False),
    ],
    ids=["nothing", "namespace", "no tar"],
)
def test_a_place_that_has_little_is_written_as_far_as_it_can_be(bare, links, tmp_path):
    (tmp_path / "notes").mkdir()
    little = Bare(place(tmp_path), **bare)
    if "within" in bare and subprocess.run([*bare["within"], "/bin/true"], check=False).returncode:
        pytest.skip("this machine lets nobody make such a place")
    folder = store(little, files={"path": str(tmp_path / "notes")})
    folder.ready()
    seeded, gone = folder.seed(1_300_000), folder.removed()
    was = folder.content()
    assert set(seeded) <= set(was.items)
    assert len(seeded) > 60
    assert any("pieces" in name for name in seeded)
    assert not set(gone) & set(was.items)
    assert ("a link to a file" in seeded.values()) is links
    assert "a file of another owner" not in seeded.values()
    assert was.fingerprint().size >= 1_300_000
    assert folder.usable() == ""
    assert folder.content() == was
    folder.unseed()
    assert list((tmp_path / "notes").iterdir()) == []
