"""The worker files of `deploy/`: by compose for real, the Kubernetes one by what can be read of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import yaml

from tests.lab import LABEL, compose, images

ROOT = Path(__file__).parents[3]
FILE = ROOT / "deploy/compose/locust-workers.yaml"
MANIFEST = ROOT / "deploy/kubernetes/locust-workers.yaml"
WORKERS = 2

pytestmark = pytest.mark.integration


@pytest.fixture
def project(require, tmp_path):
    """Runs compose on the shipped file, in the lab's image, with this interpreter's packages and a target of ours."""
    require("docker")
    command = compose.find("compose1") or compose.find("compose2")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if command is None or version != "3.11":
        pytest.skip("no compose here, or no Python of the lab's base image, whose packages are lent to it")
    image = images.ensure(names=("service",), digests=False)["service"]
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    lent = {
        "image": image,
        "entrypoint": ["/usr/bin/python3", "-m", "locust"],
        "labels": {LABEL: "1"},
        "volumes": [f"{packages}:/packages:ro", f"{ROOT}:/checkout:ro", f"{ROOT}/loadtests:/load:ro"],
        "environment": ["PYTHONPATH=/checkout:/packages", "PYTHONDONTWRITEBYTECODE=1"],
    }
    served = [
        "/usr/bin/python3",
        "-m",
        "tests.systems.standins.apis",
        "akidb",
        "--port",
        "8080",
        "--address",
        "0.0.0.0",
    ]
    target = lent | {"entrypoint": served, "stdin_open": True, "working_dir": "/checkout"}
    more = tmp_path / "lent.yaml"
    network = {"default": {"labels": {LABEL: "1"}}}
    more.write_text(json.dumps({"services": {"master": lent, "worker": lent, "target": target}, "networks": network}))
    name = f"load{uuid.uuid4().hex[:8]}"
    variables = {
        "TARGET": "http://target:8080", "RATE": "20", "RUN_TIME": "4s", "WORKERS": str(WORKERS),
        "AKIDB_DIMENSION": "16", "AKIDB_VECTORS": "30", "SEATRIAL_THINKING": "0.02",
    }  # fmt: skip

    def run(*words):
        return subprocess.run(
            [*command, "-p", name, "-f", str(FILE), "-f", str(more), *words],
            env=os.environ | variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=100, check=False,
        )  # fmt: skip

    try:
        yield run
    finally:
        run("down", "--volumes", "--remove-orphans", "--timeout", "1")


def test_a_master_and_two_workers_by_compose(project):
    up = project("up", "-d", "--scale", f"worker={WORKERS}", "target", "worker")
    assert up.returncode == 0, up.stdout[-3000:]
    ran = project("run", "--rm", "--use-aliases", "-T", "master")
    asked = re.search(r"Aggregated +(\d+) +0\(0.00%\)", ran.stdout)
    assert ran.returncode == 0, ran.stdout[-3000:]
    assert ran.stdout.count("reported as ready") == WORKERS
    assert asked, ran.stdout[-3000:]
    assert int(asked[1]) > 20
    assert "/collections/{name}/search" in ran.stdout


def pods():
    """Each Job's pod, by the Job's name."""
    found = [one for one in yaml.safe_load_all(MANIFEST.read_text()) if one["kind"] == "Job"]
    return {one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in found}


def test_the_kubernetes_file_is_of_known_kinds_and_fits_together():
    told = list(yaml.safe_load_all(MANIFEST.read_text()))
    kinds = {one["kind"]: one for one in told}
    jobs = {one["metadata"]["name"]: one["spec"] for one in told if one["kind"] == "Job"}
    assert sorted(kinds) == ["ConfigMap", "Job", "NetworkPolicy", "Service"]
    assert (
        jobs["load-workers"]["parallelism"]
        == jobs["load-workers"]["completions"]
        == int(kinds["ConfigMap"]["data"]["WORKERS"])
    )
    chosen = kinds["Service"]["spec"]["selector"].items()
    assert chosen <= jobs["load-master"]["template"]["metadata"]["labels"].items()
    assert f"--master-host={kinds['Service']['metadata']['name']}" in pods()["load-workers"]["containers"][0]["args"]


@pytest.mark.parametrize("job", ["load-master", "load-workers"])
def test_its_pods_are_as_the_restricted_standard_wants_them(job):
    pod = pods()[job]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert set(container["resources"]) == {"requests", "limits"}
    assert not container["image"].endswith(":latest")
