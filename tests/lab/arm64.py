"""Harbor's service for another processor: the same contract as one static program, in an image of arm64."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from . import emulation
from .engine import LABEL, Engine
from .images import SOURCE, LabError, _docker, _hash, _say

__all__ = ["service"]

PROGRAM = Path(__file__).with_name("arm64service")
TAG = "seatrial-lab/service-arm64:1"
# The probe is emulated too, on half a core: on a busy machine it takes its time.
DOCKERFILE = """\
FROM scratch
COPY service /service
USER 10014:10014
HEALTHCHECK --interval=4s --timeout=20s --retries=3 CMD ["/service", "healthcheck"]
ENTRYPOINT ["/service"]
"""


def service(engine: Engine) -> str:
    """The id of the image, made when it is missing or stale; this kernel can run it when this returns.

    Raises:
        LabError: there is no Go here, or no way to run programs of arm64.
    """
    emulation.arm64()
    source = _hash(DOCKERFILE.encode(), *(path.read_bytes() for path in sorted(PROGRAM.iterdir())))
    found = engine.image(TAG)
    if found and (found["Config"].get("Labels") or {}).get(SOURCE) == source:
        return str(found["Id"])
    if not shutil.which("go"):
        raise LabError("no go on PATH, with which the service is built for arm64")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="arm64-") as folder:
        build = ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", f"{folder}/service", "."]
        environment = {**os.environ, "CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": "arm64", "GOWORK": "off"}
        done = subprocess.run(build, cwd=PROGRAM, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError("the service did not build for arm64:\n" + done.stderr[-1500:])
        (Path(folder) / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
        labels = ["--label", f"{SOURCE}={source}", "--label", f"{LABEL}=1"]
        _docker(
            "build", "--quiet", "--platform", "linux/arm64", *labels, "--tag", TAG, folder, buildkit=False
        )  # fmt: skip
    if found:  # what still runs of it keeps it (409)
        engine.call("DELETE", f"/images/{found['Id']}", accept=(404, 409))
    _say(f"image service-arm64: built in {time.monotonic() - began:.1f} s")
    made = engine.image(TAG)
    if made is None:
        raise LabError(f"the engine did not take the image {TAG}")
    return str(made["Id"])
