"""Files, folders and links that differ in all that a backup could select by, and how they are put into a folder."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FOLDER", "ONES", "PUT", "TAKE", "TOP", "TRY", "WRITER", "Made", "lay", "ones", "packed", "pieces"]

FOLDER = "seatrial-sentinels"
"""Most lie in here: a name that begins with a dash would be taken for an option where a documented command says ``*``."""
WRITER = "seatrial-writer"
TOP = ("seatrial-plain.txt", ".seatrial-hidden", ".seatrial-hidden-folder")
"""Those that lie beside a service's own files: a procedure that says ``*`` forgets two of them."""
ONES = (*TOP, FOLDER, WRITER, "seatrial-removed.txt", "seatrial-removed", "seatrial-aged", "seatrial-usable.txt")
"""All that is ever made in a folder that is saved. The names are always the same, so that any later process can take them away."""
DAY = 86400.0
PIECE = 64 * 1024
PIECES = 400
"""Files that a large amount is spread over at most."""
_TEXT = b"A sea trial is the last test of a ship before it is accepted.\n"

PUT = r"""
mkdir -p "$1" && cd "$1" || exit 3
shift
while [ "$1" != // ]; do
  rm -rf "./$1" || exit 3
  shift
done
shift
tar xpf - || exit 3
while [ $# -ge 2 ]; do
  rm -f "./$2" && truncate -s "$1" "./$2" && printf end >> "./$2"
  shift 2
done 2> /dev/null
exit 0
"""
"""Written in the place itself, by whoever works there, whose files they are then."""
TAKE = r"""
cd "$1" 2> /dev/null || exit 0
shift
for name; do
  rm -rf "./$name" || exit 3
done
"""
TRY = r"""
cd "$1" && printf usable > ./"$2" && cat ./"$2" && rm -f ./"$2"
"""


@dataclass(frozen=True, slots=True)
class Made:
    """One of them, as it is to be."""

    name: str
    what: str
    content: bytes = b""
    kind: str = "file"
    mode: int = 0o644
    age: float = 0.0
    """Seconds before now that it was changed last."""
    to: str = ""
    """Where a link leads; the first name of a file that has two."""
    owner: str = ""
    """Numbers, where the place may give files away."""
    hole: int = 0
    """Bytes of it that were never written."""


def ones(*, second_names: bool) -> list[Made]:
    """All of them, but for those that make up an amount."""
    made = [*_top(), *_kinds(), *_names(), *_deep()]
    return made if second_names else [one for one in made if one.kind != "hard"]


def _text(about: str) -> bytes:
    """A content that no other sentinel has, nor one of another run: an older backup is not taken for this one."""
    return b"%s\n%s\n%s" % (about.encode("utf-8", "surrogateescape"), os.urandom(12).hex().encode(), _TEXT)


def _top() -> Iterator[Made]:
    plain, hidden, folder = TOP
    yield Made(plain, "a text file", _text(plain))
    yield Made(hidden, "a file whose name begins with a dot", _text(hidden))
    yield Made(folder, "a folder whose name begins with a dot", kind="folder", mode=0o755)
    yield Made(f"{folder}/inside.txt", "a file in a folder whose name begins with a dot", _text(folder))


def _kinds() -> Iterator[Made]:
    at = FOLDER
    yield Made(at, "a folder", kind="folder", mode=0o755)
    yield Made(f"{at}/empty.txt", "an empty file")
    yield Made(f"{at}/empty-folder", "an empty folder", kind="folder", mode=0o755)
    yield Made(f"{at}/empty-hidden/.keep", "an empty file whose name begins with a dot, alone in its folder")
    for size in (1, 511, 512, 513, 10240):
        yield Made(f"{at}/{size}-bytes.bin", f"a file of {size} bytes", os.urandom(size))
    yield Made(f"{at}/zeros.bin", "a file of zeros", bytes(20000))
    yield Made(f"{at}/sparse.bin", "a file with a hole of 1 MiB", _text("sparse"), hole=1024**2)
    yield Made(f"{at}/no-newline.txt", "a text without a newline at its end", _text("no newline").rstrip())
    yield Made(f"{at}/dos.txt", "a text with DOS line ends", _text("dos").replace(b"\n", b"\r\n"))
    yield Made(f"{at}/latin-1.txt", "a text that is not UTF-8", _text("latin").replace(b"sea", b"se\xe4"))
    for ending in ("log", "tmp", "bak", "cache", "swp", "json", "old~"):
        name = f"{at}/seatrial.{ending}"
        yield Made(name, f"a file whose name ends with .{ending}", _text(name))
    yield Made(f"{at}/cache/data.txt", "a file in a folder called cache", _text("cache"))
    yield Made(f"{at}/backup/data.txt", "a file in a folder called backup", _text("backup"))
    for days, what in (
        (2, "two days"),
        (40, "forty days"),
        (400, "more than a year"),
        (9000, "more than twenty years"),
    ):
        yield Made(f"{at}/{days}-days-old.txt", f"a file changed {what} ago", _text(what), age=days * DAY)
    for mode, what in (
        (0o600, "a file that only its owner may read"),
        (0o400, "a file that nobody may write"),
        (0o640, "a file that its group may read"),
        (0o755, "a file that can be executed"),
    ):
        yield Made(f"{at}/mode-{mode:04o}.txt", what, _text(what), mode=mode)
    yield Made(f"{at}/private", "a folder that only its owner may enter", kind="folder", mode=0o700)
    yield Made(f"{at}/private/inside.txt", "a file in a folder that only its owner may enter", _text("private"))
    yield Made(f"{at}/link", "a link to a file", kind="link", to="empty.txt")
    yield Made(f"{at}/link-to-folder", "a link to a folder", kind="link", to="empty-hidden")
    yield Made(f"{at}/link-to-nothing", "a link to a file that is not there", kind="link", to="is-not-there.txt")
    yield Made(f"{at}/twice-1.txt", "a text", _text("twice"))
    yield Made(f"{at}/twice-2.txt", "the second name of a file", kind="hard", to=f"{at}/twice-1.txt")
    # Only where the place runs as root.
    yield Made(f"{at}/owned.txt", "a file of another owner", _text("owned"), owner="12345:23456")
    yield Made(f"{at}/owned", "a folder of another owner", kind="folder", mode=0o750, owner="12345:23456")
    yield Made(f"{at}/setuid.bin", "a program with the setuid bit", _text("setuid"), mode=0o4755, owner="12345:23456")
    yield Made(f"{at}/setgid", "a folder with the setgid bit", kind="folder", mode=0o2775, owner="0:23456")
    yield Made(f"{at}/sticky", "a folder with the sticky bit", kind="folder", mode=0o1777, owner="0:0")


def _names() -> Iterator[Made]:
    for name, what in (
        ("two words.txt", "with a space"),
        (" leading and trailing ", "with spaces around"),
        ("new\nline.txt", "with a newline"),
        ("tab\t.txt", "with a tab"),
        ("-dash.txt", "that begins with a dash"),
        ("--help", "that looks like an option"),
        ("..dots", "that begins with two dots"),
        ("quote'\"`.txt", "with quotes"),
        ("$HOME %d \\n.txt", "with a dollar, a percent sign and a backslash"),
        ("star*?[a].txt", "with wildcards"),
        ("semi;colon&|#.txt", "with characters of the shell"),
        ("co:lon,equals=.txt", "with a colon"),
        ("UPPER", "in upper case"),
        ("upper", "that differs from another in case alone"),
        ("Größe übung.txt", "with umlauts"),
        ("cafe\u0301.txt", "with a combining accent"),
        ("caf\u00e9.txt", "with the same accent in one character"),
        ("Ελληνικά.txt", "in Greek"),
        ("русский.txt", "in Cyrillic"),
        ("עברית.txt", "in Hebrew"),
        ("العربية.txt", "in Arabic"),
        ("हिन्दी.txt", "in Devanagari"),
        ("ไทย.txt", "in Thai"),
        ("汉字.txt", "in Chinese"),
        ("日本語.txt", "in Japanese"),
        ("한국어.txt", "in Korean"),
        ("🚢⚓.txt", "of emoji"),
        ("l" + "o" * 130 + "ng.txt", "of 137 characters"),
        ("長" * 45 + ".txt", "of 45 characters in 139 bytes"),
    ):
        yield Made(f"{FOLDER}/names/{name}", f"a file with a name {what}", _text(name))


def _deep() -> Iterator[Made]:
    at = f"{FOLDER}/deep"
    for number in range(1, 21):
        at += f"/a-folder-at-depth-{number:02}"
        if number in (8, 20):
            yield Made(f"{at}/seatrial.txt", f"a file {number + 2} folders deep", _text(at))


def pieces(left: int) -> Iterator[Made]:
    """Half of them can be compressed, half can't."""
    each = max(PIECE, -(-left // PIECES))
    number = 0
    while left > 0:
        number += 1
        noise = random.Random(os.urandom(8))
        content = noise.randbytes(each) if number % 2 else (_text(str(number)) * (each // len(_TEXT) + 1))[:each]
        yield Made(f"{FOLDER}/pieces/{number:04}.bin", f"a file of {each} bytes", content)
        left -= each


def lay(made: list[Made], root: Path) -> None:
    """Files and folders in a local folder, for a copy. Nothing in it is closed to us, whoever we are."""
    now = time.time()
    for one in made:
        path = root / one.name
        if one.kind == "folder":
            path.mkdir(parents=True, exist_ok=True)
        elif one.kind == "file":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(one.content)
            path.chmod(one.mode & 0o777)
            os.utime(path, (now, now - one.age))


def packed(made: Iterable[Made], *, rooted: bool) -> bytes:
    """The same as a tar, with links and owners, in the form that every tar reads."""
    import io
    import tarfile

    now = int(time.time())
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for one in made:
            member = tarfile.TarInfo(one.name)
            member.mode, member.mtime = one.mode, now - int(one.age)
            if one.owner and rooted:
                member.uid, member.gid = map(int, one.owner.split(":"))
            elif one.owner:
                member.mode &= 0o777
            if one.kind == "file":
                member.size = len(one.content)
                tar.addfile(member, io.BytesIO(one.content))
                continue
            member.type = {"folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE}[one.kind]
            member.linkname = one.to
            tar.addfile(member)
    return out.getvalue()
