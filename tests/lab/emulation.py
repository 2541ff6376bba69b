"""Programs of arm64 on a machine of another kind: the kernel is told to run them in qemu, as binfmt_misc does it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from .images import LabError

__all__ = ["arm64", "registered"]

BINFMT = Path("/proc/sys/fs/binfmt_misc")
RULE = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")
"""Of Debian's qemu-user-static; its flag F lets containers run it that don't have it."""


def registered() -> bool:
    """Whether this kernel runs programs of arm64, by itself or in qemu."""
    if os.uname().machine == "aarch64":
        return True
    entry = BINFMT / "qemu-aarch64"
    return entry.exists() and entry.read_text(encoding="ascii").startswith("enabled")


def arm64() -> None:
    """Make this kernel run programs of arm64.

    Raises:
        LabError: that is not possible here.
    """
    if registered():
        return
    if not RULE.exists():
        raise LabError("qemu-user-static is missing: apt-get install qemu-user-static")
    try:
        if not (BINFMT / "register").exists():
            subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(BINFMT)], check=True, capture_output=True)
        if not registered():
            rule = [line for line in RULE.read_text(encoding="ascii").splitlines() if line.startswith(":")]
            (BINFMT / "register").write_text(rule[0], encoding="ascii")
    except (OSError, subprocess.CalledProcessError) as why:
        raise LabError(f"binfmt_misc takes no rule for arm64 here: {why}") from None
