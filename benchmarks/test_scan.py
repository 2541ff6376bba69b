"""Megabytes of log searched for secrets, in seconds of one core, beside other scanners on the same file."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys

import pytest

PLANTED = "password=" + "hunter" + "22x"


def _processor():
    """Seconds of processor time that finished children took."""
    times = os.times()
    return times.children_user + times.children_system


def _lines(source):
    """Lines as services, proxies and databases write them, and here and there one that gives a password away."""

    def digits(length):
        return f"{source.getrandbits(4 * length):0{length}x}"

    shapes = [
        lambda: f'10.0.{source.randrange(256)}.7 - - "GET /v1/items/{source.randrange(10**6)}?page=2 HTTP/1.1" 200 {source.randrange(99999)} "https://app.internal/items" "Mozilla/5.0"',
        lambda: f'level=info msg="request done" request_id={digits(32)} status=200 duration={source.randrange(999)}ms',
        lambda: f'{{"level":"info","msg":"completion","prompt_tokens":{source.randrange(4096)},"trace_id":"{digits(32)}"}}',
        lambda: f"INFO [worker-{source.randrange(9)}] cache miss key=user:{source.randrange(99999)}:profile ttl=300",
        lambda: f"DEBUG SELECT id, name FROM items WHERE owner = {source.randrange(999)} ORDER BY created_at",
        lambda: f"WARN auth: token for u{source.randrange(999)} expires in {source.randrange(60)}s, refreshing",
        lambda: f"connected to postgres://app:***@db:5432/app pool={source.randrange(20)}",
        lambda: f"pulled image registry.internal/api@sha256:{digits(64)} in {source.randrange(60)}s",
    ]  # fmt: skip
    while True:
        yield f"2026-03-{source.randrange(1, 29):02d}T10:00:00.{source.randrange(1000):03d}Z {source.choice(shapes)()}\n"
        if source.random() < 0.0005:
            yield f"2026-03-01T10:00:00.000Z DEBUG dial {PLANTED} host=db\n"


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A log of so many megabytes."""
    folder = tmp_path_factory.mktemp("log")

    def write(megabytes):
        file = folder / f"{megabytes}.log"
        written = 0
        with file.open("w") as out:
            for line in _lines(random.Random(7)):
                out.write(line)
                written += len(line)
                if written > megabytes * 1_000_000:
                    break
        return file

    return write


def _once(benchmark, command, cwd, rounds):
    """Run a whole process. Processor time is what counts: it is that of one core, also on a machine that is busy."""

    def run():
        return subprocess.run(
            list(map(str, command)), cwd=cwd, capture_output=True, text=True, timeout=900, check=False
        )

    done = benchmark.pedantic(run, rounds=rounds)
    assert done.returncode in (0, 1), done.stderr[-2000:]
    return done


def _ours(benchmark, file, rounds):
    code = "import sys; from seatrial.scan import scan; print(len(scan(open(sys.argv[1]).read(), format='log')))"
    done = _once(benchmark, [sys.executable, "-c", code, file], file.parent, rounds)
    assert int(done.stdout) == file.read_text().count(PLANTED)


@pytest.mark.benchmark(group="20 MB of log searched for secrets, processor time", timer=_processor)
def test_seatrial_20_megabytes(benchmark, log):
    _ours(benchmark, log(20), 3)
    assert benchmark.stats.stats.median < 10


@pytest.mark.benchmark(group="20 MB of log searched for secrets, processor time", timer=_processor)
def test_gitleaks_20_megabytes(benchmark, log):
    if not shutil.which("gitleaks"):
        pytest.skip("no gitleaks on PATH (go install github.com/zricethezav/gitleaks/v8@latest)")
    file = log(20)
    _once(benchmark, ["gitleaks", "dir", "--no-banner", file], file.parent, 1)


@pytest.mark.benchmark(group="2 MB of log searched for secrets, processor time", timer=_processor)
def test_seatrial_2_megabytes(benchmark, log):
    _ours(benchmark, log(2), 3)


@pytest.mark.benchmark(group="2 MB of log searched for secrets, processor time", timer=_processor)
def test_detect_secrets_2_megabytes(benchmark, log):
    pytest.importorskip("detect_secrets")
    file = log(2)
    done = _once(benchmark, [sys.executable, "-m", "detect_secrets", "scan", "-n", file.name], file.parent, 1)
    assert '"results"' in done.stdout
