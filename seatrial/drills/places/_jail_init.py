"""The first process of a scratch folder: run as a program of its own, with nothing but the standard library.

It makes namespaces of its own (mount, process, network, IPC; user where it is not root), in which all of the machine's
files are to be seen and can be written, and nothing of that reaches them: what is written goes to memory, and only so much
of it. Then it does what the run asks for over a socket: start a program, connect to one, read or write files. When that
socket closes, as it does when the run is killed, it ends, and the kernel ends all that was started in it and takes back
all that was written.
"""

from __future__ import annotations

import array
import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import socket
import stat
import struct
import sys
import time
from typing import Any

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = (
    0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000,
)  # fmt: skip
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1, 2, 4, 8, 32, 4096, 16384, 1 << 18,
)  # fmt: skip
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER = 1, 24, 36
# chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, sys_chroot, audit_write, setfcap
KEPT_CAPABILITIES = (0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 29, 31)
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


# --- the file system ---------------------------------------------------------------------------------------------------


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
                    removed(os.path.join(path, name), {}, [])
            else:
                removed(path, {}, [])


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


def loopback() -> None:
    """Turn on the one interface a new network has."""
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        request = struct.pack("16sH14x", b"lo", 0x1 | 0x40)
        fcntl.ioctl(door, 0x8914, request)  # SIOCSIFFLAGS: up and running


def humble() -> None:
    """Give up what a root of its own needs to get out of here."""
    for number in range(64):
        if number not in KEPT_CAPABILITIES:
            libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    kept = sum(1 << number for number in KEPT_CAPABILITIES) if os.getuid() == 0 else 0
    low, high = kept & 0xFFFFFFFF, kept >> 32
    header = struct.pack("=Ii", 0x20080522, 0)
    called(libc.capset(header, struct.pack("=6I", low, low, 0, high, high, 0)), "giving up rights")


def separate() -> None:
    """Namespaces of one's own; the next child is the first process of its own."""
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC
    if uid != 0:
        called(libc.unshare(CLONE_NEWUSER), "a user namespace")
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    called(libc.unshare(flags), "namespaces")


# --- what it does for the run ------------------------------------------------------------------------------------------


def told(door: socket.socket, **what: object) -> None:
    """Tell the run, which may be gone."""
    with contextlib.suppress(OSError):
        door.sendall(json.dumps(what).encode() + b"\n")


def spawn(asked: dict[str, Any], fds: list[int]) -> None:
    """Start a program, tell how it ended, and end it with all it started when the run does not want to hear that any more."""
    *streams, door_number = fds
    door = socket.socket(fileno=door_number)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    hear, tell = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            for number in (signal.SIGPIPE, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            try:
                os.chdir(asked["cwd"])
            except OSError as why:
                os.write(tell, f"{why.errno} cwd".encode())
                os._exit(127)
            os.umask(0o022)
            os.execvpe(asked["argv"][0], asked["argv"], asked["env"])
        except OSError as why:
            os.write(tell, str(why.errno or 0).encode())
        finally:
            os._exit(127)
    os.close(tell)
    for stream in streams:
        os.close(stream)
    failed = os.read(hear, 16).split()
    told(door, errno=int(failed[0]), cwd=len(failed) > 1) if failed else told(door, pid=pid)
    watch = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(watch, select.POLLIN)
    poll.register(door, select.POLLIN | select.POLLHUP)
    while True:
        ready = {number for number, _ in poll.poll()}
        if watch in ready:
            _, status = os.waitpid(pid, 0)
            told(door, status=os.waitstatus_to_exitcode(status))
            return
        if door.fileno() in ready:
            end_all(os.getpid())
            return


def parents() -> dict[int, int]:
    """By process, its parent."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                found[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
    return found


def end_all(top: int) -> None:
    """End every descendant of a process."""
    for _ in range(100):
        table, below = parents(), {top}
        while more := {pid for pid, parent in table.items() if parent in below and pid not in below}:
            below |= more
        if below == {top}:
            return
        for pid in below - {top}:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.01)


def connect(asked: dict[str, Any], fds: list[int]) -> None:
    """A connection to a server in here, handed over."""
    door = socket.socket(fileno=fds[0])
    code = 0
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family, socket.SOCK_STREAM) as made:
            made.settimeout(asked["timeout"])
            try:
                made.connect((host, asked["port"]))
            except OSError as why:
                code = code or why.errno or 110
                continue
            door.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [made.fileno()]))])
            return
    told(door, errno=code)


def files(asked: dict[str, Any], fds: list[int]) -> None:
    """List, send, take or remove files."""
    door = socket.socket(fileno=fds[-1])
    path = asked["path"]
    try:
        told(door, **TASKS[asked["do"]](path, asked, fds))
    except OSError as why:
        told(door, errno=why.errno or 5, at=os.fsdecode(why.filename or path))


def listed(path: str, asked: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    """Everything at and below a path, one JSON line each."""
    count, waiting = 0, [path]
    with os.fdopen(fds[0], "w", encoding="ascii", errors="strict") as out:
        while waiting:
            here = waiting.pop()
            try:
                seen = os.lstat(here)
            except FileNotFoundError:
                continue
            count += 1
            if count > asked["most"]:
                return {"more": True}
            link = ""
            if stat.S_ISLNK(seen.st_mode):
                with contextlib.suppress(OSError):
                    link = os.readlink(here)
            row = [here, seen.st_mode, seen.st_size, seen.st_uid, seen.st_gid, seen.st_mtime, link]
            out.write(json.dumps(row) + "\n")
            if stat.S_ISDIR(seen.st_mode):
                with contextlib.suppress(FileNotFoundError):
                    waiting += [os.path.join(here, name) for name in os.listdir(here)]
    return {"done": True}


def read(path: str, asked: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    """The content of a regular file, and a byte more than is wanted of one that is larger."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as source:
        if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
            raise OSError(22, "no regular file", path)
        left = asked["most"] + 1
        with os.fdopen(fds[0], "wb") as out:
            while left and (block := source.read(min(left, 1024 * 1024))):
                out.write(block)
                left -= len(block)
    return {"done": True}


def sent(path: str, _asked: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    """A file or folder, as a tar."""
    import tarfile

    os.lstat(path)
    with os.fdopen(fds[0], "wb") as out, tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        tar.add(path, arcname="it")
    return {"done": True}


def taken(path: str, _asked: dict[str, Any], fds: list[int]) -> dict[str, Any]:
    """A file or folder from a tar, in place of what is there."""
    import tarfile

    folder, name = os.path.split(os.path.normpath(path))
    os.makedirs(folder, exist_ok=True)
    removed(path, {}, [])
    with os.fdopen(fds[0], "rb") as source, tarfile.open(fileobj=source, mode="r|") as tar:
        for member in tar:
            member.name = name + member.name[2:]
            tar.extract(member, folder, numeric_owner=True, **EXTRACTION)
        while source.read(65536):  # whoever sends it fills up its last block
            pass
    return {"done": True}


def removed(path: str, _asked: dict[str, Any], _fds: list[int]) -> dict[str, Any]:
    """Take something away."""
    import shutil

    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    return {"done": True}


TASKS = {"entries": listed, "read": read, "fetch": sent, "put": taken, "remove": removed}
EXTRACTION: dict[str, Any] = {"filter": "fully_trusted"} if sys.version_info >= (3, 12) else {}
DOES = {"spawn": spawn, "connect": connect, "files": files}


def received(door: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """What the run asks for, with the descriptors it gives; None when it is gone. The request is in the first of them."""
    data, extra, _, _ = door.recvmsg(1, socket.CMSG_LEN(8 * 4))
    if not data:
        return None
    fds: list[int] = []
    for _, _, part in extra:
        fds += array.array("i", part[: len(part) - len(part) % 4])
    with os.fdopen(fds[0], "rb") as request:
        request.seek(0)
        return json.load(request), fds[1:]


def usage() -> tuple[int, int]:
    """How many processes there are in here, and how many bytes of memory they hold."""
    count = pages = 0
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with contextlib.suppress(OSError), open(f"/proc/{name}/statm", "rb") as file:
                words = file.read().split()
                pages += int(words[1]) - int(words[2])
                count += 1
    return count, pages * os.sysconf("SC_PAGE_SIZE")


def serve(door: socket.socket, most: int, memory: int) -> None:
    """Do what is asked for, each in a process of its own, until the run is gone."""
    poll = select.poll()
    poll.register(door, select.POLLIN | select.POLLHUP)
    while True:
        ready = poll.poll(250)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        count, held = usage()
        if count > most or held > memory:
            with contextlib.suppress(OSError):
                os.kill(-1, signal.SIGKILL)  # everything in here but this
            why = f"more than {most} processes" if count > most else f"more than {memory // 1024**2} MiB of memory"
            told(door, ended=why)
        if not ready:
            continue
        request = received(door)
        if request is None:
            return
        asked, fds = request
        if os.fork() == 0:
            try:
                door.close()
                DOES[asked["ask"]](asked, fds)
            finally:
                os._exit(0)
        for number in fds:
            os.close(number)


def main() -> None:
    """Separate, become the first process, and serve."""
    given = json.loads(sys.argv[1])
    door = socket.socket(fileno=given["door"])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        separate()
        outer = os.getpid()
        child = os.fork()
        if child:
            door.close()
            os.waitpid(child, 0)
            os._exit(0)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        enter(given["size"], given["folders"], given["hidden"])
        loopback()
        humble()
    except OSError as why:
        told(door, errno=why.errno, why=str(why.strerror or why))
        os._exit(1)
    told(door, ready=True, outer=outer)
    with contextlib.suppress(OSError):
        serve(door, given["processes"], given["memory"])
    os._exit(0)


if __name__ == "__main__":
    main()
