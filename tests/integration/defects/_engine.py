"""A second Docker engine of one's own, for what the machine's can't do.

Where the machine itself runs without CAP_SYS_RESOURCE, runc can't give a privileged container all that it asks for, and
refuses to start it. This engine's runtime leaves out just that capability; everything else of ``--privileged`` is real.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.lab import Engine, Lab, images

__all__ = ["second_lab"]

RUNTIME = f"""\
#!{sys.executable}
import json, os, sys

words = sys.argv[1:]
if "create" in words:
    path = os.path.join(words[words.index("--bundle") + 1], "config.json")
    with open(path) as file:
        spec = json.load(file)
    for names in spec["process"]["capabilities"].values():
        if "CAP_SYS_RESOURCE" in names:
            names.remove("CAP_SYS_RESOURCE")
    with open(path, "w") as file:
        json.dump(spec, file)
os.execvp("runc", ["runc", *words])
"""


@contextlib.contextmanager
def second_lab() -> Iterator[Lab]:
    """A lab on an engine without networks, which goes with it. It has the tiny image only."""
    # unshare executes dockerd in its own place, so that the pid is dockerd's.
    if not shutil.which("dockerd"):
        raise RuntimeError("dockerd is not on PATH, so that no second engine can be started")
    # A path of an exec-root that is too long for a socket is refused.
    with tempfile.TemporaryDirectory(prefix="engine-", dir="/var/tmp") as name:
        folder = Path(name)
        runtime = folder / "runtime"
        runtime.write_text(RUNTIME)
        runtime.chmod(0o755)
        socket = folder / "docker.sock"
        # In a network namespace of its own: an engine told to have no bridge deletes docker0, whoever's it is.
        command = [
            "unshare", "--net", "dockerd", f"--host=unix://{socket}", f"--data-root={folder}/data", f"--exec-root={folder}/exec",
            f"--pidfile={folder}/pid", "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-masq=false",
            "--ip-forward=false", f"--add-runtime=lab={runtime}", "--default-runtime=lab",
        ]  # fmt: skip
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            engine = Engine(str(socket))
            deadline = time.monotonic() + 30
            while not engine.answers():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"no second engine: {(folder / 'log').read_text()[-500:]}")
                time.sleep(0.1)
            with Lab(engine) as lab:
                images.load_tiny(engine, images.tag_of("tiny"))
                lab._images = {"tiny": images.reference(engine, "tiny")}
                yield lab
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
