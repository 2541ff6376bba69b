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
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seatrial.drills.places._jail_files import TASKS
    from seatrial.drills.places._jail_layers import called, enter, libc
else:  # as a program of its own it has nothing but what lies beside it
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    from _jail_files import TASKS
    from _jail_layers import called, enter, libc

    sys.path.pop(0)

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = (
    0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000,
)  # fmt: skip
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER = 1, 24, 36
# chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, sys_chroot, audit_write, setfcap
KEPT_CAPABILITIES = (0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 29, 31)


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
