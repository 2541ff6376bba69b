"""Which paths of the host a container has no business with."""

from __future__ import annotations

from pathlib import PurePosixPath

__all__ = ["exposes_engine", "sensitive"]

ENGINE_SOCKETS = frozenset(
    {
        "docker.sock",
        "containerd.sock",
        "crio.sock",
        "podman.sock",
        "dockershim.sock",
        "cri-dockerd.sock",
        "buildkitd.sock",
    }
)
ENGINE_FOLDERS = frozenset(
    f"{run}{folder}"
    for run in ("/run", "/var/run")
    for folder in ("", "/docker", "/containerd", "/crio", "/podman", "/buildkit")
)
"""A folder that holds the engine's socket is as good as the socket."""

# Only as a whole: what lies below them is a matter of which part. Their ancestors are in the list, too.
WHOLE = frozenset(
    {
        "/",
        "/bin",
        "/etc",
        "/home",
        "/lib",
        "/lib32",
        "/lib64",
        "/opt",
        "/root",
        "/sbin",
        "/srv",
        "/usr",
        "/var",
        "/var/lib",
        "/var/log",
    }
)
# With everything below.
TREES = (
    "/boot", "/dev", "/proc", "/sys", "/lib/modules", "/usr/lib/modules", "/usr/src",
    "/var/lib/containerd", "/var/lib/containers", "/var/lib/docker", "/var/lib/kubelet", "/var/lib/rancher",
    "/etc/cron.d", "/etc/docker", "/etc/kubernetes", "/etc/pam.d", "/etc/ssh", "/etc/sudoers.d", "/etc/systemd",
    "/etc/group", "/etc/gshadow", "/etc/ld.so.preload", "/etc/passwd", "/etc/shadow", "/etc/sudoers", "/root/.ssh",
    "/var/spool/cron",
)  # fmt: skip
# What runs or configures the host: a file to read (a time zone, certificates) is ordinary, one to write is a way in.
WRITTEN = (
    "/bin",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/root",
    "/sbin",
    "/usr/bin",
    "/usr/lib",
    "/usr/local/bin",
    "/usr/sbin",
)
# The parts of anybody's home that log in elsewhere.
CREDENTIALS = frozenset({".aws", ".config", ".docker", ".gnupg", ".kube", ".netrc", ".ssh"})


def exposes_engine(source: str) -> bool:
    """Whether a path of the host is the control socket of a container engine, or a folder made to hold it."""
    path = PurePosixPath(source)
    return path.name in ENGINE_SOCKETS or str(path) in ENGINE_FOLDERS


def sensitive(source: str, *, writable: bool) -> bool:
    """Whether mounting a path of the host, to read or to write, lets a container at the host itself."""
    if exposes_engine(source):
        return False  # a requirement of its own
    path = PurePosixPath(source)
    if str(path) in WHOLE or _is_home(path):
        return True
    return any(path.is_relative_to(tree) for tree in TREES + (WRITTEN if writable else ()))


def _is_home(path: PurePosixPath) -> bool:
    """A user's home as a whole, or the part of one that holds credentials."""
    in_home = len(path.parts) > 2 and path.parts[1] == "home"
    return in_home and (len(path.parts) == 3 or path.parts[3] in CREDENTIALS)
