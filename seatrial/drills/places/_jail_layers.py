"""The file system of a scratch folder: the machine's files under layers that take what is written, which is memory.

A part of `_jail_init`, which is a program of its own: nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import stat

__all__ = ["called", "enter", "libc"]

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1, 2, 4, 8, 32, 4096, 16384, 1 << 18,
)  # fmt: skip
MNT_DETACH = 2
OWN = frozenset({"proc", "sys", "dev", "run"})
"""What of / is made anew: processes, devices, and the sockets of the machine's servers."""
UNSEEN = ("/var/lib/docker", "/var/lib/containerd", "/var/lib/containers")
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
PIVOT_ROOT = 155 if os.uname().machine == "x86_64" else 41  # 41 wherever the generic table is used: aarch64, riscv64
libc = ctypes.CDLL(None, use_errno=True)


def called(result: int, what: str) -> None:
    """Raise what the kernel said."""
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def mount(source: str, target: str, kind: str, flags: int = 0, data: str = "") -> None:
    """Mount something."""
    called(
        libc.mount(os.fsencode(source), os.fsencode(target), kind.encode(), flags, os.fsencode(data)),
        f"mounting {target}",
    )


def mounted() -> set[str]:
    """Where anything is mounted."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        found = [line.split()[4] for line in lines]
    return {
        path.encode("latin-1", "surrogateescape").decode("unicode_escape") if "\\" in path else path for path in found
    }


def shown(source: str, target: str) -> None:
    """Show something of the machine, which can't be written; not at all where that can't be had."""
    mount(source, target, "", MS_BIND)
    try:
        kept = os.statvfs(target).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC)
        mount("", target, "", MS_REMOUNT | MS_BIND | MS_RDONLY | kept)
    except OSError:
        libc.umount2(os.fsencode(target), MNT_DETACH)
        raise


class Layers:
    """The machine's files, each folder of them under a layer that takes what is written."""

    def __init__(self, base: str, root: str, points: set[str], hidden: list[str]) -> None:
        self.base, self.root, self.hidden = base, root, hidden
        self.points = points - {"/"}
        self.count = 0

    def over(self, path: str) -> None:
        """One layer over a folder that has no mount below it, or whose mounts may be left out."""
        self.count += 1
        upper, work = f"{self.base}/upper/{self.count}", f"{self.base}/work/{self.count}"
        seen = os.stat(path or "/")
        for folder in (upper, work):
            os.makedirs(folder)
        with contextlib.suppress(OSError):
            os.chown(upper, seen.st_uid, seen.st_gid)
        os.chmod(upper, stat.S_IMODE(seen.st_mode))
        if any(mark in path for mark in ":\\,"):
            raise OSError(22, f"{path} can't be a layer")
        for hidden in self.hidden:
            if hidden.startswith(path + "/"):
                with contextlib.suppress(OSError):
                    self.cover(path, hidden[len(path) + 1 :].split("/"), upper)
        options = f"lowerdir={path or '/'},upperdir={upper},workdir={work},userxattr"
        mount("overlay", self.root + path, "overlay", MS_NODEV, options)

    @staticmethod
    def cover(path: str, parts: list[str], upper: str) -> None:
        """Put an empty folder before one that is not to be seen, as if it had been made anew."""
        for part in parts:
            path, upper = f"{path}/{part}", f"{upper}/{part}"
            seen = os.lstat(path)
            if not stat.S_ISDIR(seen.st_mode):
                return
            if not os.path.isdir(upper):
                os.mkdir(upper)
                with contextlib.suppress(OSError):
                    os.chown(upper, seen.st_uid, seen.st_gid)
                os.chmod(upper, stat.S_IMODE(seen.st_mode))
        os.setxattr(upper, "user.overlay.opaque", b"y")

    def whole(self) -> None:
        """Root: one layer over /, and one over each further file system that is mounted."""
        self.over("")
        for path in sorted(self.points):
            if path.split("/")[1] in OWN or path.startswith(UNSEEN):
                continue
            with contextlib.suppress(OSError):
                if os.path.isdir(path):
                    self.over(path)
                else:
                    shown(path, self.root + path)
        for path in UNSEEN:
            if os.path.isdir(path):
                mount("tmpfs", self.root + path, "tmpfs", MS_RDONLY | MS_NODEV, "mode=755,size=4k")

    def parts(self, path: str = "") -> None:
        """An ordinary user: the kernel takes no layer over a folder with mounts below it, so each folder beside them has one."""
        try:
            names = sorted(os.listdir(path or "/"))
        except OSError:
            return
        for name in names:
            inner = f"{path}/{name}"
            if (not path and name in OWN) or inner.startswith(UNSEEN):
                continue
            with contextlib.suppress(OSError):
                self.part(inner)

    def part(self, inner: str) -> None:
        """One thing of a folder."""
        seen, target = os.lstat(inner), self.root + inner
        if stat.S_ISLNK(seen.st_mode):
            os.symlink(os.readlink(inner), target)
        elif stat.S_ISDIR(seen.st_mode):
            os.mkdir(target)
            if not any(point == inner or point.startswith(inner + "/") for point in self.points):
                self.over(inner)
            else:
                self.parts(inner)
        elif stat.S_ISREG(seen.st_mode):
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
            shown(inner, target)


def skeleton(source: str, target: str) -> None:
    """The folders that servers are given there to put their sockets into; empty, of the same owners and modes."""
    with contextlib.suppress(OSError):
        for name in os.listdir(source):
            with contextlib.suppress(OSError):
                seen = os.lstat(f"{source}/{name}")
                if stat.S_ISDIR(seen.st_mode):
                    os.mkdir(f"{target}/{name}")
                    os.chmod(f"{target}/{name}", stat.S_IMODE(seen.st_mode))
                    os.chown(f"{target}/{name}", seen.st_uid, seen.st_gid)
                    os.chmod(f"{target}/{name}", stat.S_IMODE(seen.st_mode))


def furnish(root: str, small: int) -> None:
    """Processes, devices and /run of its own."""
    for name in ("proc", "dev", "run", "sys"):
        os.makedirs(f"{root}/{name}", exist_ok=True)
    for name in ("dev", "run"):
        mount(
            "tmpfs", f"{root}/{name}", "tmpfs", MS_NOSUID | (MS_NODEV if name == "run" else 0), f"mode=755,size={small}"
        )
    for name in DEVICES:
        os.close(os.open(f"{root}/dev/{name}", os.O_CREAT | os.O_WRONLY, 0o666))
        mount(f"/dev/{name}", f"{root}/dev/{name}", "", MS_BIND)
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(target, f"{root}/dev/{name}")
    os.mkdir(f"{root}/dev/shm")
    skeleton("/run", f"{root}/run")
    mount("tmpfs", f"{root}/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, f"mode=1777,size={small}")
    os.makedirs(f"{root}/run/lock", exist_ok=True)
    os.chmod(f"{root}/run/lock", 0o1777)
    os.makedirs(f"{root}/dev/pts")
    with contextlib.suppress(OSError):
        mount("devpts", f"{root}/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620")
        os.symlink("pts/ptmx", f"{root}/dev/ptmx")
    mount("proc", f"{root}/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    for name in ("sys", "sysrq-trigger"):  # what the machine can be changed by
        if os.path.exists(f"{root}/proc/{name}"):
            shown(f"{root}/proc/{name}", f"{root}/proc/{name}")


def hide(paths: list[str]) -> None:
    """Take away what is not to be seen, as far as no layer does so: files, and folders where the kernel can't cover them."""
    for path in paths:
        with contextlib.suppress(OSError):
            if os.path.isdir(path):
                for name in os.listdir(path):
                    inner = os.path.join(path, name)
                    shutil.rmtree(inner) if os.path.isdir(inner) and not os.path.islink(inner) else os.unlink(inner)
            else:
                os.unlink(path)


def enter(size: int, folders: list[str], hidden: list[str]) -> None:
    """Have a file system of one's own as /; what is written to it takes so many bytes of memory at most."""
    called(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "mounting")
    base = "/sys"  # of it nothing is shown, so that it may be covered
    points = mounted()
    mount("tmpfs", base, "tmpfs", MS_NOSUID | MS_NODEV, f"mode=755,size={size},nr_inodes=1000000")
    root = f"{base}/root"
    os.mkdir(root)
    layers = Layers(base, root, points, hidden)
    if os.getuid() == 0:
        layers.whole()
    else:
        mount(root, root, "", MS_BIND)
        layers.parts()
    furnish(root, min(size, 64 * 1024 * 1024))
    os.chdir(root)
    called(libc.syscall(PIVOT_ROOT, b".", b"."), "making it the root")
    called(libc.umount2(b".", MNT_DETACH), "letting go of the machine's files")
    os.chdir("/")
    hide(hidden)
    for folder in folders:
        os.makedirs(folder, mode=0o755, exist_ok=True)
